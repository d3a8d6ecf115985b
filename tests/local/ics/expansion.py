"""What a mailbox shows of converted events, worked out from Graph's documentation alone: no code of the converter."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, YEARLY, rrule
from tzlocal.windows_tz import win_tz

Shown = tuple[str, str]
_DAYS = {"monday": MO, "tuesday": TU, "wednesday": WE, "thursday": TH, "friday": FR, "saturday": SA, "sunday": SU}
_FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {
    "daily": DAILY, "weekly": WEEKLY, "Monthly": MONTHLY, "Yearly": YEARLY,
}  # fmt: skip
_INDEX = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


def shown(events: list[dict[str, Any]], first: datetime, last: datetime) -> list[Shown]:
    """Return start and end of all occurrences that start in the window: instants, or dates when all-day."""
    found = [moment for event in events for moment in _occurrences(event, last)]
    return sorted(_wire(event) for event in found if first <= _instant(event["start"]) < last)


def _occurrences(event: dict[str, Any], last: datetime) -> list[dict[str, Any]]:
    if "recurrence" not in event:
        return [event]
    edited = {edit["originalDate"]: event | edit for edit in event["_exceptions"]}
    start, end = (datetime.fromisoformat(event[name]["dateTime"]) for name in ("start", "end"))
    occurrences = []
    for moment in _starts(event["recurrence"], start, last):
        day = moment.date().isoformat()
        if day in edited:
            occurrences.append(edited.pop(day))
        elif day not in event["_cancelled"]:
            moved = {
                "start": event["start"] | {"dateTime": moment.isoformat()},
                "end": event["end"] | {"dateTime": (end + (moment - start)).isoformat()},
            }
            occurrences.append(event | moved)
    assert not edited, f"edits of days that the series does not have: {list(edited)}"
    return occurrences


def _starts(recurrence: dict[str, Any], start: datetime, last: datetime) -> list[datetime]:
    pattern, limits = recurrence["pattern"], recurrence["range"]
    options: dict[str, Any] = {}
    if pattern["type"].startswith("relative"):
        options["bysetpos"] = _INDEX[pattern["index"]]
    if "daysOfWeek" in pattern:
        options["byweekday"] = [_DAYS[day] for day in pattern["daysOfWeek"]]
    if "dayOfMonth" in pattern:
        day = pattern["dayOfMonth"]
        options |= {"bymonthday": list(range(min(day, 28), day + 1)), "bysetpos": -1}
    if "month" in pattern:
        options["bymonth"] = pattern["month"]
    rule = rrule(
        _FREQUENCIES[pattern["type"].removeprefix("absolute").removeprefix("relative")],
        dtstart=start,
        interval=pattern["interval"],
        wkst=_DAYS[pattern.get("firstDayOfWeek", "monday")],
        count=limits.get("numberOfOccurrences"),
        until=datetime.fromisoformat(limits["endDate"]) + timedelta(days=1) if "endDate" in limits else None,
        **options,
    )
    found = rule.between(start, max(start, last.replace(tzinfo=None) + timedelta(days=40)), inc=True)
    assert limits["startDate"] == start.date().isoformat()
    assert found[0] == start, "a series starts with its first occurrence"
    return [moment for moment in found if "endDate" not in limits or moment.date().isoformat() <= limits["endDate"]]


def _instant(moment: dict[str, str]) -> datetime:
    zone = moment["timeZone"]
    return datetime.fromisoformat(moment["dateTime"]).replace(tzinfo=ZoneInfo(win_tz.get(zone, zone))).astimezone(UTC)


def _wire(event: dict[str, Any]) -> Shown:
    if event["isAllDay"]:
        return event["start"]["dateTime"][:10], event["end"]["dateTime"][:10]
    return _instant(event["start"]).isoformat(), _instant(event["end"]).isoformat()
