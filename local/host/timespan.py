"""The ``TimeSpan`` text form of .NET, in which host.json and constant schedules are written."""

import re
from datetime import timedelta

_DAYS = re.compile(r"\d{1,8}")
_CLOCK = re.compile(
    r"(?P<minus>-)?(?:(?P<days>\d{1,8})\.)?(?P<numbers>\d{1,8}(?::\d{1,2}){1,3})(?P<fraction>\.\d{1,7})?"
)


def parse_timespan(text: str) -> timedelta:
    """Read ``[-][d.]hh:mm[:ss[.fffffff]]``, ``d:hh:mm:ss`` or a bare number of days; ValueError otherwise.

    Three numbers of which the first is no hour are days, hours and minutes: ``24:00:00`` is 24 days.
    """
    text = text.strip()
    if _DAYS.fullmatch(text):
        return timedelta(days=int(text))
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a TimeSpan such as 00:00:10")
    numbers = [int(number) for number in match["numbers"].split(":")]
    days = int(match["days"] or 0)
    counts_days = len(numbers) == 4 or (len(numbers) == 3 and numbers[0] > 23 and match["fraction"] is None)
    if counts_days and match["days"] is None:
        days = numbers.pop(0)
    hours, minutes, seconds = [*numbers, 0][:3]
    if len(numbers) == 4 or hours > 23 or minutes > 59 or seconds > 59 or (match["fraction"] and len(numbers) < 3):
        raise ValueError(f"'{text}' is not a TimeSpan: an hour, minute or second is out of range")
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + float(match["fraction"] or 0))
    return -span if match["minus"] else span


def format_timespan(seconds: float) -> str:
    """Return a span of less than a day as .NET writes it: ``hh:mm:ss``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"
