"""How an Outlook series repeats, in words: ``every 2 weeks on Mon and Thu, until 7 Jun 2027``.

The members are those of Graph's ``patternedRecurrence``:
https://learn.microsoft.com/graph/api/resources/patternedrecurrence
"""

from calendar import month_name
from datetime import date
from typing import Any

_UNITS = {"daily": "day", "weekly": "week", "Monthly": "month", "Yearly": "year"}


def in_words(recurrence: dict[str, Any]) -> str:
    """Return pattern and end; a pattern that nobody knows is just said to repeat."""
    pattern, until = recurrence.get("pattern") or {}, _end(recurrence.get("range") or {})
    unit = next((unit for ending, unit in _UNITS.items() if str(pattern.get("type", "")).endswith(ending)), "")
    if not unit:
        return f"repeats{until}"
    interval = int(pattern.get("interval") or 1)
    every = f"every {unit}" if interval == 1 else f"every {interval} {unit}s"
    return every + _on(pattern) + until


def _on(pattern: dict[str, Any]) -> str:
    kind = str(pattern.get("type"))
    days = " and ".join(str(day)[:3].capitalize() for day in pattern.get("daysOfWeek") or [])
    if kind == "weekly":
        return f" on {days}" if days else ""
    month = f" of {month_name[int(pattern['month'])]}" if kind.endswith("Yearly") and pattern.get("month") else ""
    if kind.startswith("relative"):
        return f" on the {pattern.get('index', 'first')} {days}{month}"
    if kind.startswith("absolute"):
        return f" on day {pattern.get('dayOfMonth', 1)}{month}"
    return ""


def _end(span: dict[str, Any]) -> str:
    if span.get("type") == "numbered":
        return f", {span.get('numberOfOccurrences')} times"
    if span.get("type") == "endDate":
        last = date.fromisoformat(str(span["endDate"]))
        return f", until {last.day} {last:%b %Y}"
    return ""
