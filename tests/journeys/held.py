"""A flood of deletions in Outlook, large enough that the service asks before it follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.journeys.planner import Planner, eventually


async def many_in_outlook(planner: Planner, word: str) -> dict[str, str]:
    """Add more events in Outlook than may be deleted at once; return the ids of their WedSync events by theirs."""
    count = max(20, (await planner.status())["syncStats"]["totalEvents"] // 8)
    day = datetime.now(UTC).date() + timedelta(days=21)
    items = [
        await planner.add_in_outlook(
            subject=f"{word} {number}",
            start={"dateTime": f"{day}T{number % 24:02d}:00:00", "timeZone": "GMT Standard Time"},
            end={"dateTime": f"{day}T{number % 24:02d}:30:00", "timeZone": "GMT Standard Time"},
        )
        for number in range(count)
    ]

    async def imported() -> dict[str, str]:
        events = [event for event in await planner.wedsync_events() if event["externalId"]]
        found = {item["id"]: e["id"] for item in items for e in events if e["externalId"].endswith(f":{item['id']}")}
        assert len(found) == count, f"{len(found)} of {count} are in WedSync"
        return found

    found: dict[str, str] = await eventually(imported, "all are in WedSync")
    return found


async def delete_all(planner: Planner, items: dict[str, str]) -> dict[str, Any]:
    """Delete them in Outlook; return the question when all are either gone or held."""
    for item_id in items:
        await planner.delete_in_outlook(item_id)

    async def held() -> dict[str, Any]:
        question: dict[str, Any] = (await planner.status()).get("confirmation", {})
        there = {event["id"] for event in await planner.wedsync_events()} & set(items.values())
        named = {event["eventId"] for event in question.get("events", [])} & set(items.values())
        assert there == named, f"{len(there)} are there, {len(named)} are held"
        assert named
        return question

    question: dict[str, Any] = await eventually(held, "what is not deleted is held")
    return question
