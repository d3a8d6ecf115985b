"""What the service is doing when it dies, and what must be true in the end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from shared.core.states import IntegrationState, MappingState, RunState
from shared.store.rows import Table
from tests.support.world import World

ATTENDEE = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}
Findings = list[str]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """``arrange`` sets the scene and makes the change; ``asking`` is a user's request of the service, if it begins so.

    ``ended`` says in words what is wrong in the end; while connected, beyond what holds for all.
    """

    name: str
    title: str
    arrange: Callable[[World], Awaitable[object]]
    ended: Callable[[World], Awaitable[Findings]]
    asking: str = ""
    connected: bool = True

    async def faults(self, world: World) -> Findings:
        """Return all that is wrong."""
        return [*(await common_faults(world) if self.connected else []), *await self.ended(world)]

    async def request(self, world: World) -> tuple[str, Any] | None:
        """Return the user's request."""
        if self.asking != "resolve":
            return (self.asking, None) if self.asking else None
        conflicts = await world.open_conflicts()
        event_id = next(each["id"] for each in await world.wedsync.events())
        return ("resolve", (event_id, "title", "outlook")) if conflicts else None


async def common_faults(world: World) -> Findings:
    """Return what must never be, whatever the scenario: differences, duplicates, mail, and anything left undone."""
    found = await world.differences()
    found += [f"mailed: {mail['subject']}" for mail in await world.outlook.sent()]
    found += [f"failed: {error}" for error in world.errors]
    found += [f"poisoned: {text[:80]}" for text in world.poisoned]
    found += [f"still queued: {message.text[:80]}" for message in world.queue.kept]
    found += ["an undelivered letter" for _ in world.post]
    return found + _of_mappings(await world.mappings())


def _of_mappings(mappings: list[Any]) -> Findings:
    found = [f"intent left: {each.mapping_id}" for each in mappings if each.state is MappingState.INTENT]
    found += [f"quarantined: {each.quarantine}" for each in mappings if each.quarantine]
    for side in ("wedsync_id", "outlook_id"):
        ids = [getattr(each, side) for each in mappings if getattr(each, side)]
        found += [f"{len(ids) - len(set(ids))} mappings share their {side}"] if len(ids) != len(set(ids)) else []
    return found


async def _counts(world: World, events: int, items: int, mappings: int, conflicts: int = 0) -> Findings:
    wanted = (events, items, mappings, conflicts)
    there = (
        len(await world.wedsync.events()),
        len(await world.outlook.events()),
        len(await world.mappings()),
        len(await world.open_conflicts()),
    )
    return [] if there == wanted else [f"events, items, mappings, conflicts are {there}, should be {wanted}"]


async def _titles(world: World) -> list[str]:
    return sorted(event["title"] for event in await world.wedsync.events())


# --- create ---------------------------------------------------------------------------------------------------------


async def _new_in_wedsync(world: World) -> None:
    await world.connect()
    await world.wedsync.add("Tasting", description="Bring the samples", location={"name": "Mill", "address": ""})


async def _new_in_outlook(world: World) -> None:
    await world.connect()
    await world.outlook.add("Dentist", body={"contentType": "text", "content": "Upper left"})


async def _one_pair(world: World) -> Findings:
    return await _counts(world, 1, 1, 1)


# --- update, delete -------------------------------------------------------------------------------------------------


async def _connected_pair(world: World) -> tuple[str, str]:
    """Six events on both sides, so that one deletion is far from half of them; return the ids of one."""
    event = await world.wedsync.add("Tasting", description="Samples")
    for number in range(5):
        await world.wedsync.add(f"Other {number}")
    await world.connect()
    return event["id"], str((await world.mapping_of(event["id"])).outlook_id)


async def _edited_in_wedsync(world: World) -> None:
    event_id, _ = await _connected_pair(world)
    await world.wedsync.change(event_id, title="Edited", location={"name": "Barn", "address": ""})


async def _edited_in_outlook(world: World) -> None:
    _, item_id = await _connected_pair(world)
    await world.outlook.change(item_id, subject="WedSync: Edited", location={"displayName": "Barn"})


async def _edited_on_both(world: World) -> None:
    event_id, item_id = await _connected_pair(world)
    await world.wedsync.change(event_id, location={"name": "Barn", "address": ""})
    await world.outlook.change(item_id, subject="WedSync: Edited")


async def _edit_kept(world: World) -> Findings:
    found = await _counts(world, 6, 6, 6)
    event = next((each for each in await world.wedsync.events() if each["title"] == "Edited"), None)
    if event is None or event["location"]["name"] != "Barn":
        found.append(f"the edit is lost: {await _titles(world)}")
    return found


async def _deleted_in_wedsync(world: World) -> None:
    event_id, _ = await _connected_pair(world)
    await world.wedsync.remove(event_id)


async def _deleted_in_outlook(world: World) -> None:
    for number in range(6):
        await world.outlook.add(f"Dentist {number}")
    await world.connect()
    await world.outlook.remove((await world.outlook.events())[0]["id"])


async def _one_less(world: World) -> Findings:
    return await _counts(world, 5, 5, 5)


# --- conflict -------------------------------------------------------------------------------------------------------


async def _two_titles(world: World) -> None:
    event_id, item_id = await _connected_pair(world)
    await world.wedsync.change(event_id, title="Tasting (WedSync)", location={"name": "Barn", "address": ""})
    await world.outlook.change(item_id, subject="WedSync: Tasting (Outlook)")


async def _one_conflict(world: World) -> Findings:
    found = await _counts(world, 6, 6, 6, conflicts=1)
    subjects = sorted(item["subject"] for item in await world.outlook.events())
    if "Tasting (WedSync)" not in await _titles(world) or "WedSync: Tasting (Outlook)" not in subjects:
        found.append("a title was overwritten")
    if "Barn" not in [item["location"].get("displayName") for item in await world.outlook.events()]:
        found.append("the place did not sync beside the conflict")
    return found


async def _open_conflict(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    item_id = str((await world.mapping_of(event["id"])).outlook_id)
    await world.wedsync.change(event["id"], title="Tasting (WedSync)")
    await world.outlook.change(item_id, subject="WedSync: Tasting (Outlook)")
    await world.settle()


async def _resolved(world: World) -> Findings:
    found = await _counts(world, 1, 1, 1)
    if await _titles(world) != ["Tasting (Outlook)"]:
        found.append(f"not what was chosen: {await _titles(world)}")
    return found


# --- a run of 50 ----------------------------------------------------------------------------------------------------


async def _fifty_changes(world: World) -> None:
    """21 new on either side, three edited on either side, one deleted on either: all unheard of until the run."""
    events = [await world.wedsync.add(f"Mapped {number}") for number in range(12)]
    items = [await world.outlook.add(f"Dentist {number}") for number in range(12)]
    await world.connect()
    for number in range(21):
        await world.wedsync.add(f"New {number}", description=f"Notes {number}")
        await world.outlook.add(f"Appointment {number}", location={"displayName": f"Room {number}"})
    for number in range(3):
        await world.wedsync.change(events[number]["id"], title=f"Edited {number}")
        await world.outlook.change(items[number]["id"], subject=f"Moved {number}")
    await world.wedsync.remove(events[11]["id"])
    await world.outlook.remove(items[11]["id"])
    await world.quiet()
    world.post.clear()


async def _all_fifty(world: World) -> Findings:
    found = await _counts(world, 64, 64, 64)
    titles = set(await _titles(world))
    wanted = {f"{name} {number}" for name, most in (("Edited", 3), ("Moved", 3)) for number in range(most)}
    if wanted - titles:
        found.append(f"edits are lost: {sorted(wanted - titles)}")
    return found + [f"a run is {run.state.value}" for run in await world.runs() if run.state in _UNFINISHED]


_UNFINISHED = (RunState.QUEUED, RunState.IN_PROGRESS)


# --- disconnect -----------------------------------------------------------------------------------------------------


async def _to_be_disconnected(world: World) -> None:
    for number in range(5):
        await world.wedsync.add(f"Tasting {number}")
    await world.outlook.add("Dentist")
    await world.outlook.add("Lunch with friends", attendees=[ATTENDEE])
    world.graph.outbox.mails.clear()  # what the owner did by hand has mailed their guest
    await world.connect()


async def gone(world: World) -> Findings:
    """Say what is left of a connection that should be gone, and what is gone that should be left."""
    found = []
    subjects = sorted(item["subject"] for item in await world.outlook.events())
    if subjects != ["Dentist", "Lunch with friends"]:
        found.append(f"in Outlook: {subjects}")
    if len(await world.wedsync.events()) != 7:
        found.append("WedSync's events were touched")
    state = (await world.integration()).state
    if state is not IntegrationState.DISCONNECTED:
        found.append(f"the connection is {state.value}")
    found += [f"mailed: {mail['subject']}" for mail in await world.outlook.sent()]
    found += ["a subscription is left" for _ in await world.outlook.subscriptions()]
    found += [f"a secret is left: {name}" for name in world.secrets.values if name.startswith("outlook-token")]
    found += [f"failed: {error}" for error in world.errors]
    keys = [row.key for row in world.tables.contents().get(Table.MAPPINGS, [])]
    found += [] if keys == ["epoch"] else [f"{len(keys) - 1} rows of mappings are left"]
    return found + [f"still queued: {message.text[:80]}" for message in world.queue.kept]


SCENARIOS = (
    Scenario(name="create in WedSync", title="an event is new in WedSync", arrange=_new_in_wedsync, ended=_one_pair),
    Scenario(name="create in Outlook", title="an event is new in Outlook", arrange=_new_in_outlook, ended=_one_pair),
    Scenario(
        name="update in WedSync",
        title="title and place are edited in WedSync",
        arrange=_edited_in_wedsync,
        ended=_edit_kept,
    ),
    Scenario(
        name="update in Outlook",
        title="title and place are edited in Outlook",
        arrange=_edited_in_outlook,
        ended=_edit_kept,
    ),
    Scenario(
        name="update on both",
        title="the place is edited in WedSync and the title in Outlook",
        arrange=_edited_on_both,
        ended=_edit_kept,
    ),
    Scenario(
        name="delete in WedSync",
        title="an event of WedSync is deleted there",
        arrange=_deleted_in_wedsync,
        ended=_one_less,
    ),
    Scenario(
        name="delete in Outlook",
        title="an event of Outlook is deleted there",
        arrange=_deleted_in_outlook,
        ended=_one_less,
    ),
    Scenario(name="conflict", title="the title is edited on both sides", arrange=_two_titles, ended=_one_conflict),
    Scenario(
        name="resolve",
        title="the user chooses Outlook's title",
        arrange=_open_conflict,
        ended=_resolved,
        asking="resolve",
    ),
    Scenario(
        name="run of 50",
        title="a full run over 42 new, six edited and two deleted events that nobody told of",
        arrange=_fifty_changes,
        ended=_all_fifty,
        asking="sync",
    ),
    Scenario(
        name="disconnect",
        title="the user disconnects, with five copies in Outlook and two events of others",
        arrange=_to_be_disconnected,
        ended=gone,
        asking="disconnect",
        connected=False,
    ),
)
