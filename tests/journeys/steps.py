"""What journeys have in common: the things a planner does, and what must hold afterwards."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from local.stand import Stand
from tests.journeys.compare import PREFIX, differences, is_ours, of_outlook, squeezed, window
from tests.journeys.planner import Planner, eventually


class Arrives(Protocol):
    """How to wait for something to be seen: with patience alone, or with what mends a loss."""

    async def __call__(self, look: Callable[[], Awaitable[Any]], what: str, /) -> Any: ...


async def both_equal(planner: Planner, *, but: frozenset[str] = frozenset(), read_at: datetime | None = None) -> bool:
    """Assert that both calendars are equal, as the simulators tell, and as large as the season.

    ``read_at`` is when both sides were last read completely: so far the window has slid since the planner connected.
    """
    now = datetime.now(UTC)
    (start, _), (_, end) = window(now), window(read_at or now)
    wedsync = await planner.wedsync_events()
    items = await planner.outlook_items()
    view = await planner.outlook_view(start.isoformat(), end.isoformat())
    found = differences(wedsync, items, view, but=but)
    assert not found, "\n".join(found[:10])
    assert len([event for event in wedsync if not event["externalId"]]) >= 120
    assert len([item for item in items if not is_ours(item)]) >= 300
    return True


async def copy_of(planner: Planner, title: str) -> dict[str, Any]:
    """Return our copy in Outlook of the WedSync event with this title."""
    found = [
        item for item in await planner.outlook_items() if is_ours(item) and squeezed(item["subject"]) == PREFIX + title
    ]
    assert len(found) == 1, f"{len(found)} copies"
    return found[0]


async def wedsync_event(planner: Planner, event_id: str) -> dict[str, Any]:
    return next(event for event in await planner.wedsync_events() if event["id"] == event_id)


async def choose_event(planner: Planner) -> dict[str, Any]:
    """Make an event with a title that nothing else has."""
    day = datetime.now(UTC).date() + timedelta(days=30)
    return await planner.add_in_wedsync(
        type="client_meeting",
        title="Cake tasting with the Okafors",
        description="Bring the list.",
        start=f"{day}T14:00:00",
        end=f"{day}T15:00:00",
        timeZone="Europe/London",
        allDay=False,
        location={"name": "Sugar & Crumb", "address": "12 High Street, Bath"},
        private=False,
    )


async def edit_both_ways(planner: Planner, arrives: Arrives = eventually) -> str:
    """Make an event; retitle and move it in Outlook, change it in WedSync, change it on both sides at once."""
    event = await choose_event(planner)
    copy = await arrives(lambda: copy_of(planner, event["title"]), "the new event is in Outlook")

    day = datetime.now(UTC).date() + timedelta(days=31)
    await planner.change_in_outlook(
        copy["id"],
        subject=f"{PREFIX}Cake tasting, second try",
        start={"dateTime": f"{day}T10:00:00", "timeZone": "Europe/London"},
        end={"dateTime": f"{day}T11:30:00", "timeZone": "Europe/London"},
        isAllDay=False,
    )

    async def moved() -> bool:
        now = await wedsync_event(planner, event["id"])
        assert (now["title"], now["start"][:16]) == ("Cake tasting, second try", f"{day}T10:00")
        return True

    await arrives(moved, "the Outlook edit is in WedSync")
    await planner.change_in_wedsync(event["id"], title="Cake tasting, third try")
    await arrives(lambda: copy_of(planner, "Cake tasting, third try"), "the WedSync edit is in Outlook")
    await planner.deliveries_done()

    await planner.change_in_wedsync(event["id"], location={"name": "Crumb & Co", "address": ""})
    await planner.change_in_outlook(copy["id"], body={"contentType": "text", "content": "Bring two lists."})

    async def both() -> bool:
        left, right = await wedsync_event(planner, event["id"]), await copy_of(planner, "Cake tasting, third try")
        assert squeezed(left["description"]) == "Bring two lists."
        assert left["location"]["name"] == "Crumb & Co"
        assert of_outlook(right).text == "Bring two lists."
        assert of_outlook(right).place == "Crumb & Co"
        return True

    await arrives(both, "both sides have both edits")
    return str(event["id"])


async def open_a_conflict(planner: Planner, stand: Stand, event_id: str, arrives: Arrives = eventually) -> None:
    """Change the title on both sides while nobody is listening, so that both are seen at once."""
    await planner.deliveries_done()
    await stand.stop_host()
    copy = await copy_of(planner, "Cake tasting, third try")
    await planner.change_in_wedsync(event_id, title="Tasting (WedSync)")
    await planner.change_in_outlook(copy["id"], subject=f"{PREFIX}Tasting (Outlook)")
    await stand.start_host()

    async def listed() -> bool:
        conflicts = await planner.conflicts()
        assert [item["wedSyncEventId"] for item in conflicts] == [event_id]
        conflict = conflicts[0]["syncConflicts"][0]
        assert conflict["conflictType"] == "title"
        assert (conflict["wedSyncValue"], conflict["outlookValue"]) == ("Tasting (WedSync)", "Tasting (Outlook)")
        return True

    await arrives(listed, "the conflict is listed")
    assert (await wedsync_event(planner, event_id))["title"] == "Tasting (WedSync)"
    assert await copy_of(planner, "Tasting (Outlook)")


async def only_foreign_left(planner: Planner, foreign: dict[str, dict[str, Any]]) -> bool:
    """Assert that Outlook is as it was before: byte for byte."""
    left = {item["id"]: item for item in await planner.outlook_items()}
    assert left.keys() == foreign.keys()
    assert left == foreign
    return True
