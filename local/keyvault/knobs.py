"""Switches of the vault, set by ``POST /_control/knobs`` with their camelCase names.

``purgeProtection`` (false), ``retentionDays`` (90), ``settleSeconds`` (0: how long a deletion or recovery takes to
come through), ``deniedOperations`` ([]: of get, list, set, delete, recover, purge; answered 403 ForbiddenByPolicy),
``requestsPerTenSeconds`` (4000), ``refuseOutsideWindow`` (false: whether get refuses an expired or not yet valid
secret; the documentation says that it works).
"""

from dataclasses import dataclass

from local.simkit.knobs import KnobBoard

OPERATIONS = ("get", "list", "set", "delete", "recover", "purge")


@dataclass(frozen=True, kw_only=True)
class Knobs(KnobBoard):
    """One setting of all switches."""

    purge_protection: bool = False
    retention_days: int = 90
    settle_seconds: float = 0.0
    denied_operations: tuple[str, ...] = ()
    requests_per_ten_seconds: int = 4000
    refuse_outside_window: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.denied_operations) - set(OPERATIONS)
        if unknown:
            raise ValueError(f"deniedOperations knows {', '.join(OPERATIONS)}, not {', '.join(sorted(unknown))}")
