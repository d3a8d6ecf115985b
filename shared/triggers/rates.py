"""How often each endpoint may be called by one user: the figures, and why some have none.

A person with a page before them never meets a limit, nor does a page that carries out a long list of their choices one
after the other; a program in a loop does. Endpoints that cost the same thing share a limit. ``docs/security.md`` states
the figures; ``docs/decisions/029`` says how they are counted.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.core.rate_limit import RateLimit

CONNECTING = RateLimit(name="connecting", burst=100, every=timedelta(seconds=15))
"""Each makes a row, or asks Microsoft to redeem a code."""
RUNS = RateLimit(name="runs", burst=30, every=timedelta(seconds=10))
"""Each may read and write both calendars."""
PREVIEWS = RateLimit(name="previews", burst=20, every=timedelta(seconds=15))
"""Each reads both calendars to the end before it answers."""
LOOKS = RateLimit(name="looks", burst=120, every=timedelta(seconds=1))
"""Each asks Graph a question or a few."""
CHOICES = RateLimit(name="choices", burst=200, every=timedelta(seconds=1))
"""Each reads an event on both sides and writes to one; a list of conflicts may be answered at one go."""
MEETINGS = RateLimit(name="meetings", burst=60, every=timedelta(seconds=30))
"""Each may mail a hundred people."""
SETTINGS = RateLimit(name="settings", burst=60, every=timedelta(seconds=10))
"""Each may lead to a run over everything, or move a whole calendar."""
LISTS = RateLimit(name="lists", burst=600, every=timedelta(milliseconds=500))
"""Each reads all rows of the user's events; pages ask again every few seconds."""
LEAVING = RateLimit(name="leaving", burst=100, every=timedelta(seconds=2))
"""Each works on the removal for up to twenty seconds; pages ask again until it is done."""
LIMITS = (CONNECTING, RUNS, PREVIEWS, LOOKS, CHOICES, MEETINGS, SETTINGS, LISTS, LEAVING)


@dataclass(frozen=True, kw_only=True)
class Unlimited:
    """No limit of a user's, because ..."""

    because: str


ONE_RUN = Unlimited(because="It reads the row of one run, and writes it once at the most: counting would cost as much.")
CHECKED_FIRST = Unlimited(because="Without a valid signature, secret, ticket or cookie it only looks that up.")
SHARED = Unlimited(because="What it costs is paid once for all who ask, and kept for seconds or for good.")
NOTHING = Unlimited(because="It costs nothing but the answer.")
