"""Behaviours on which evidence is thin or conflicting, as switches with a documented default.

``POST /_control/knobs`` takes their camelCase names: ``accessTokenSeconds`` (3600), ``codeSeconds`` (600, S4),
``refreshTokenDays`` (90), ``scopeForm`` (``short`` or ``qualified``, S7), ``echoOfflineAccess`` (false),
``errorNames`` (AADSTS number to OAuth error), ``adminApproval`` (names of people who may not consent themselves;
Ivy), ``adminApprovalError`` (``consent_required`` or ``access_denied``: what "Return to the application without
granting consent" brings back with AADSTS90094; assumed), ``withheldScopes`` (names that a redeemed code does not
grant although they were consented to; none. RFC 6749 section 5.1 lets a server grant less than was asked for and say
so in ``scope``; without ``offline_access`` no refresh token comes), ``spaRefreshTokenHours`` (24),
``silentConsentError`` (``interaction_required``, as ``v2-oauth2-auth-code-flow.md`` says of ``prompt=none`` where
consent is missing, or ``consent_required``, as seen in practice), ``descriptionBreaks`` (true: line breaks before
"Trace ID", "Correlation ID" and "Timestamp", as in the documented samples; false: spaces).
"""

from dataclasses import dataclass, field

from local.simkit.knobs import KnobBoard
from local.simkit.people import IVY


@dataclass(frozen=True, kw_only=True)
class Knobs(KnobBoard):
    """One setting of all switches."""

    access_token_seconds: int = 3600
    code_seconds: int = 600
    refresh_token_days: int = 90
    spa_refresh_token_hours: int = 24
    scope_form: str = "short"
    echo_offline_access: bool = False
    error_names: dict[str, str] = field(default_factory=dict)
    admin_approval: tuple[str, ...] = (IVY.upn,)
    admin_approval_error: str = "consent_required"
    withheld_scopes: tuple[str, ...] = ()
    silent_consent_error: str = "interaction_required"
    description_breaks: bool = True
