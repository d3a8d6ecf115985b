"""Behaviours on which evidence is thin or conflicting, as switches with a documented default.

``POST /_control/knobs`` takes their camelCase names: ``accessTokenSeconds`` (3600), ``codeSeconds`` (600, S4),
``refreshTokenDays`` (90), ``scopeForm`` (``short`` or ``qualified``, S7), ``echoOfflineAccess`` (false),
``errorNames`` (AADSTS number to OAuth error), ``adminApproval`` (names of people who may not consent themselves;
Ivy), ``adminApprovalError`` (``consent_required`` or ``access_denied``: what "Return to the application without
granting consent" brings back with AADSTS90094; assumed).
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from local.simkit.people import IVY


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """One setting of all switches."""

    access_token_seconds: int = 3600
    code_seconds: int = 600
    refresh_token_days: int = 90
    scope_form: str = "short"
    echo_offline_access: bool = False
    error_names: dict[str, str] = field(default_factory=dict)
    admin_approval: tuple[str, ...] = (IVY.upn,)
    admin_approval_error: str = "consent_required"

    def turned(self, wanted: dict[str, Any]) -> "Knobs":
        """Return the knobs with those of ``wanted`` (camelCase) changed; ValueError for an unknown or bad one."""
        names = {_camel(item.name): item.name for item in fields(self)}
        changes: dict[str, Any] = {}
        for key, value in wanted.items():
            if key not in names:
                raise ValueError(f"unknown knob {key!r}; one of {', '.join(names)}")
            current = getattr(self, names[key])
            changes[names[key]] = tuple(value) if isinstance(current, tuple) else value
            if not isinstance(changes[names[key]], type(current)):
                raise ValueError(f"knob {key!r} takes {type(current).__name__}")
        return replace(self, **changes)

    @property
    def shown(self) -> dict[str, Any]:
        """The knobs as JSON."""
        return {_camel(item.name): getattr(self, item.name) for item in fields(self)}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)
