"""Series that several conformance tests write, and how their instances are read."""

from typing import Any

from tests.local.graph.conftest import Far, at, series

YEAR = "startDateTime=2026-01-01T00:00:00Z&endDateTime=2027-06-01T00:00:00Z"
BERLIN = "Europe/Berlin"
MONDAYS = {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"], "firstDayOfWeek": "monday"}


def weekly(count: int = 4, first: str = "2026-10-12", zone: str = BERLIN, **members: Any) -> dict[str, Any]:
    """Mondays at 09:00; by default in Berlin from 12 October 2026, two before the end of summer time, two after."""
    span = {"type": "numbered", "startDate": first, "numberOfOccurrences": count}
    start, end = at(f"{first}T09:00:00", zone), at(f"{first}T10:00:00", zone)
    return series(MONDAYS, span, **{"start": start, "end": end, **members})


async def made(graph: Far, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (await graph.call("POST", "/me/events", body, status=201)).json()
    return answer


async def instances(graph: Far, master: str, query: str = f"{YEAR}&$top=100", **options: Any) -> list[dict[str, Any]]:
    answer = await graph.call("GET", f"/me/events/{master}/instances?{query}", status=200, **options)
    found: list[dict[str, Any]] = answer.json()["value"]
    return found


def days(found: list[dict[str, Any]]) -> list[str]:
    return [item["start"]["dateTime"][:10] for item in found]


def clocks(found: list[dict[str, Any]]) -> list[str]:
    return [item["start"]["dateTime"][:16] for item in found]
