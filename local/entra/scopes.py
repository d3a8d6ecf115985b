"""Scopes: which exist, what they mean to a person, which do not work for personal accounts (S12)."""

from collections.abc import Iterable

from local.entra.errors import EntraError

GRAPH = "https://graph.microsoft.com"
OPENID = ("openid", "profile", "email", "offline_access")

MEANINGS = {
    "openid": "Sign you in",
    "profile": "View your basic profile",
    "email": "View your email address",
    "offline_access": "Maintain access to data you have given it access to",
    "User.Read": "Sign you in and read your profile",
    "Calendars.Read": "Read your calendars",
    "Calendars.ReadWrite": "Have full access to your calendars",
    "Calendars.Read.Shared": "Read calendars you can access",
    "Calendars.ReadWrite.Shared": "Read and write to your and shared calendars",
    "MailboxSettings.Read": "Read your mailbox settings",
    "MailboxSettings.ReadWrite": "Read and write your mailbox settings",
    "OnlineMeetings.Read": "Read your online meetings",
    "OnlineMeetings.ReadWrite": "Read and create your online meetings",
}
"""Each scope known here, with the line that the consent page shows for it."""

NOT_FOR_PERSONAL = frozenset(
    {"Calendars.Read.Shared", "Calendars.ReadWrite.Shared", "OnlineMeetings.Read", "OnlineMeetings.ReadWrite"}
)
"""docs21 ``permissions-reference.md``. Asking for them looks fine at consent; the token then lacks them (S12)."""

_CANONICAL = {name.lower(): name for name in MEANINGS}


def parse(text: str, registered: Iterable[str]) -> tuple[str, ...]:
    """Return the canonical short names in ``text``, in its order, once each.

    An unqualified scope means Graph; ``/.default`` stands for the registered permissions. EntraError 70011 for an
    unknown scope, 650057 for another resource.
    """
    names: dict[str, None] = {}
    for item in text.split():
        for name in _canonical(item, registered):
            names[name] = None
    if not names:
        raise EntraError(70011, {"scope": text})
    return tuple(names)


def _canonical(item: str, registered: Iterable[str]) -> Iterable[str]:
    resource, _, name = item.rpartition("/")
    if resource and resource.rstrip("/").lower() != GRAPH:
        raise EntraError(650057, {"resource": resource})
    if name.lower() == ".default":
        return registered
    known = _CANONICAL.get(name.lower())
    if known is None:
        raise EntraError(70011, {"scope": item})
    return (known,)


def working(names: Iterable[str], *, personal: bool) -> tuple[str, ...]:
    """Return the scopes that a token can carry for this kind of account."""
    return tuple(name for name in names if not (personal and name in NOT_FOR_PERSONAL))


def answered(names: Iterable[str], *, qualified: bool, echo_offline: bool) -> str:
    """Return the ``scope`` of a token response: ``offline_access`` is normally not echoed (assumed)."""
    shown = [name for name in names if echo_offline or name != "offline_access"]
    return " ".join(f"{GRAPH}/{name}" if qualified and name not in OPENID else name for name in shown)
