"""How often a hold on something is renewed: sooner and sooner while it does not succeed.

Read in the WebJobs SDK's LinearSpeedupStrategy.cs, which messages (half of 10 minutes, at least one) and leases (half
of the period, at least one second) share.
"""


def next_renewal(previous: float, *, normal: float, least: float, succeeded: bool) -> float:
    """Return the seconds until the next renewal: as normal after a success, after a failure half of the last pause."""
    return normal if succeeded else max(previous / 2, min(least, normal))
