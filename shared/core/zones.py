"""Time zone names: IANA's, Windows', and the odd ones that Exchange hands out. No zone file is read here.

Graph takes and returns both kinds of name, and "tzone://Microsoft/Utc" and the like besides (facts C29, S20, S21).
Which names mean the same is CLDR's windowsZones table, which ``tzlocal`` ships as two dicts.
"""

from collections.abc import Mapping

from tzlocal.windows_tz import tz_win, win_tz

_ALIASES = {  # IANA names that the table lacks, all of them links to names that it has (tzdata)
    "CST6CDT": "Central Standard Time",
    "EST5EDT": "Eastern Standard Time",
    "Europe/Uzhgorod": "FLE Standard Time",
    "Europe/Zaporozhye": "FLE Standard Time",
    "GMT": "UTC",
    "MST7MDT": "Mountain Standard Time",
    "PST8PDT": "Pacific Standard Time",
    "US/East-Indiana": "US Eastern Standard Time",
}
_WITHOUT_WINDOWS_ZONE = ("Antarctica/Troll",)
_EXCHANGE = {"tzone://microsoft/utc": "UTC", "z": "UTC"}

_WINDOWS_BY_IANA = {name: windows for name, windows in tz_win.items() if name} | _ALIASES  # one key is empty there
_IANA: Mapping[str, str] = (
    {name.casefold(): name for name in (*_WINDOWS_BY_IANA, *_WITHOUT_WINDOWS_ZONE)}
    | {name.casefold(): "UTC" for name, windows in _WINDOWS_BY_IANA.items() if windows == "UTC"}
    | _EXCHANGE
)
_WINDOWS: Mapping[str, str] = {name.casefold(): name for name in win_tz}


def iana_of(name: str) -> str | None:
    """Return the IANA name of a zone, in its usual spelling, or None for a zone that nobody knows.

    An IANA name stays what it is (links are not followed, but every spelling of UTC is ``UTC``); a Windows name
    becomes CLDR's default city for it.
    """
    folded = name.strip().casefold()
    if folded in _IANA:
        return _IANA[folded]
    windows = _WINDOWS.get(folded)
    return _IANA[win_tz[windows].casefold()] if windows else None


def windows_of(name: str) -> str | None:
    """Return the Windows name of an IANA or Windows zone, or None where CLDR has none."""
    windows = _WINDOWS.get(name.strip().casefold())
    return windows or _WINDOWS_BY_IANA.get(iana_of(name) or "")


def same_zone(a: str, b: str) -> bool:
    """Whether two names mean one zone to Outlook: equal, or of the same Windows zone by CLDR."""
    windows = windows_of(a)
    if windows is not None:
        return windows == windows_of(b)
    return (iana_of(a) or a.strip().casefold()) == (iana_of(b) or b.strip().casefold())
