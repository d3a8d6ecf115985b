"""The ``TimeSpan`` text form of .NET, in which host.json and constant schedules are written."""

import re
from datetime import timedelta

_CLOCK = re.compile(
    r"(?P<minus>-)?(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2})(?P<fraction>\.\d{1,7})?)?"
)
_DAYS = re.compile(r"\d{1,8}")


def parse_timespan(text: str) -> timedelta:
    """Read ``[-][d.]hh:mm[:ss[.fffffff]]`` or a bare number, which .NET takes as days; ValueError otherwise."""
    text = text.strip()
    if _DAYS.fullmatch(text):
        return timedelta(days=int(text))
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a TimeSpan such as 00:00:10")
    hours, minutes, seconds = (int(match[name] or 0) for name in ("hours", "minutes", "seconds"))
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"'{text}' is not a TimeSpan: an hour, minute or second is out of range")
    span = timedelta(
        days=int(match["days"] or 0), hours=hours, minutes=minutes, seconds=seconds + float(match["fraction"] or 0)
    )
    return -span if match["minus"] else span


def format_timespan(seconds: float) -> str:
    """Return a span of less than a day as .NET writes it: ``hh:mm:ss``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
