"""Many events at once, put there before anybody listens, and what both sides hold in the end."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from local.stand import Stand
from tests.journeys.compare import PREFIX, differences, window
from tests.journeys.evidence import messages_of, queued
from tests.journeys.planner import Planner, eventually

_EDITED = 40
_BEGINS = 20
"""Days from today on which the first event is; the others follow, five a day."""


def wedsync_events(count: int, name: str) -> list[dict[str, Any]]:
    """Return events as WedSync keeps them, an hour each."""
    return [
        {
            "type": ("client_meeting", "venue_visit", "deadline", "rehearsal")[number % 4],
            "title": f"{name} {number}",
            "description": f"Notes on {name} {number}",
            "start": f"{_day(number)}T{9 + number % 5:02}:00:00",
            "end": f"{_day(number)}T{10 + number % 5:02}:00:00",
            "timeZone": "Europe/London",
            "allDay": False,
            "location": {"name": f"Room {number % 7}", "address": ""},
            "private": False,
        }
        for number in range(count)
    ]


def outlook_events(count: int, name: str) -> list[dict[str, Any]]:
    """Return events as Outlook keeps them, an hour each."""
    return [
        {
            "subject": f"{name} {number}",
            "body": {"contentType": "text", "content": f"Notes on {name} {number}"},
            "start": {"dateTime": f"{_day(number)}T{14 + number % 5:02}:00:00", "timeZone": "GMT Standard Time"},
            "end": {"dateTime": f"{_day(number)}T{15 + number % 5:02}:00:00", "timeZone": "GMT Standard Time"},
            "location": {"displayName": f"Room {number % 7}"},
        }
        for number in range(count)
    ]


def _day(number: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=_BEGINS + number // 5)


async def load(planner: Planner, *, wedsync: list[dict[str, Any]], outlook: list[dict[str, Any]]) -> None:
    """Add events on both sides; WedSync tells nobody, Graph only who has subscribed."""
    user = f"{planner.urls.wedsync}/_control/users/{planner.person.user_id}/events"
    box = f"{planner.urls.graph}/_control/mailboxes/{planner.person.account.upn}/events"
    for client_call in (
        planner.http.put(user, params={"keep": "1"}, json={"events": wedsync}),
        planner.http.post(f"{box}/import", json={"events": outlook}),
    ):
        answer = (await client_call).raise_for_status().json()
        assert answer["refused"] == [], answer["refused"][:3]


async def equal(planner: Planner, *, but: frozenset[str] = frozenset()) -> bool:
    """Assert that both calendars are equal, as the simulators tell, and hold anything at all."""
    start, end = window(datetime.now(UTC))
    wedsync, items = await planner.wedsync_events(), await planner.outlook_items()
    view = await planner.outlook_view(start.isoformat(), end.isoformat())
    found = differences(wedsync, items, view, but=but)
    assert not found, "\n".join(found[:10])
    assert wedsync
    assert items
    return True


async def nothing_waits(stand: Stand) -> bool:
    """Assert that the queues are empty, those of poison included."""
    assert await queued(stand) == 0
    assert {name: found for name, found in (await messages_of(stand)).items() if found} == {}
    return True


async def nothing_due(stand: Stand) -> bool:
    """Assert that no job is due, and none poisoned; one that looks after a run in half a minute may wait."""
    assert {name: found for name, found in (await messages_of(stand)).items() if found} == {}
    return True


async def at_rest(stand: Stand, planner: Planner) -> None:
    """Wait until all is delivered and worked off, then until both sides are equal: a thousand are long to read."""
    await planner.deliveries_done()
    await eventually(lambda: nothing_due(stand), "nothing is due, and nothing is poisoned")
    await eventually(lambda: equal(planner), "both sides are equal")


@dataclass(frozen=True, kw_only=True)
class Edits:
    """What was written on one side, to be found on the other."""

    places: frozenset[str]
    notes: frozenset[str]


async def edit_many(planner: Planner) -> Edits:
    """Edit 40 events on WedSync's side and 80 on Outlook's, half of them copies: one PATCH each, all at once."""
    own = [event for event in await planner.wedsync_events() if event["title"].startswith("Booking")][:_EDITED]
    kept = await planner.outlook_items()
    items = [item for item in kept if item["subject"].startswith("Appointment")][:_EDITED]
    copies = [item for item in kept if item["subject"].startswith(f"{PREFIX}Booking 4")][:_EDITED]
    notes = {event["id"]: f"Edited {event['title']}" for event in own}
    places = {item["id"]: f"Moved {number}" for number, item in enumerate([*items, *copies])}
    await asyncio.gather(
        *(planner.change_in_wedsync(event_id, description=text) for event_id, text in notes.items()),
        *(planner.change_in_outlook(item_id, location={"displayName": place}) for item_id, place in places.items()),
    )
    return Edits(places=frozenset(places.values()), notes=frozenset(notes.values()))


async def arrived(planner: Planner, edits: Edits) -> None:
    """Assert that WedSync has them all."""
    found = await planner.wedsync_events()
    assert {event["location"]["name"] for event in found} >= edits.places
    assert {event["description"] for event in found} >= edits.notes
