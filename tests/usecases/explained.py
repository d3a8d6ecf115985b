"""Scenes after which ``explain`` names a certain rule, for every rule that it can name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from shared.core.actions import Rule
from shared.core.confirmation import waiting
from shared.core.integration import Direction, ImportOutlookEvents, OnOutlookDelete, Preferences
from shared.core.jobs import RunKind
from shared.core.mapping import EventMapping, Role
from shared.core.meeting import Guest
from shared.core.states import IntegrationState
from shared.ports import Stored
from shared.usecases.change_meeting import MeetingChange
from shared.usecases.choices import Choice
from shared.usecases.explain_event import Explanation
from tests.support.calendars import at
from tests.support.settings import change
from tests.support.world import World
from tests.usecases.season import CHOIR, ZONE

GUEST = {"emailAddress": {"address": "guest@example.test", "name": "Guest"}, "type": "required"}

Scene = Callable[[World], Awaitable[str]]
"""Arranges both calendars and returns the id to ask about."""

SCENES: dict[Rule, Scene] = {}

UNNAMED: Mapping[Rule, str] = {
    Rule.REPLAY: "what is read just now is never older than what is known",
    Rule.NOTHING_SEEN: "both sides are read",
    Rule.UNKNOWN_SIDE: "both sides are read",
    Rule.UNPROVED_ABSENCE: "an absence is proved in the same breath",
    Rule.RUN_DIRECTION: "no run narrows the question",
    Rule.ENDED: "no row is kept of a pair that has ended",
    Rule.ALREADY_GONE: "WedSync does not know a deleted event by its id any more, and no mapping does",
    Rule.CALENDAR_LEFT: "the mapping ends with it; the event is one of an earlier calendar then",
    Rule.ORPHAN: "only a reconciliation that has searched both sides knows",
}


BESIDE = frozenset(
    {
        Rule.AGREED,
        Rule.NO_COMMON_BASE,
        Rule.RESOLVED,
        Rule.RESOLUTION_RULE,
        Rule.FORCED,
        Rule.MEETING,
        Rule.DELETION_REJECTED,
        Rule.TRAVEL_NEW,
        Rule.UNDONE,
        Rule.RESTORED,
        Rule.REBUILT,
        Rule.CALENDAR_MOVED,
    }
)
"""What is told of a field, of a conflict or of what was done, while another rule decides now."""


def scene(rule: Rule) -> Callable[[Scene], Scene]:
    """Enter the scene that has this rule named."""

    def enter(made: Scene) -> Scene:
        assert rule not in SCENES, rule
        SCENES[rule] = made
        return made

    return enter


def named(found: Explanation) -> set[str]:
    """Every rule that an explanation names: the deciding one, those of its fields, and those of what was done."""
    rules = {str(found.rule)} | {str(each.rule) for each in found.fields}
    return rules | {conflict.rule for conflict in found.conflicts} | {change.rule for change in found.changes}


@dataclass(kw_only=True)
class Both:
    """One event on both sides."""

    world: World
    here: str
    there: str

    async def edit(self, title: str) -> None:
        await self.world.wedsync.change(self.here, title=title)

    async def edit_there(self, title: str) -> None:
        await self.world.outlook.change(self.there, subject=f"WedSync: {title}")

    async def invite(self) -> None:
        await self.world.outlook.change(self.there, attendees=[GUEST])

    async def clash(self) -> None:
        await self.edit("Cake tasting")
        await self.edit_there("Wine tasting")
        await self.world.settle()

    async def stored(self) -> Stored[EventMapping]:
        found = await self.world.ports.mappings.by_outlook(self.world.integration_id, self.there)
        assert found is not None
        return found


async def ours(world: World, **members: object) -> Both:
    """Born in WedSync."""
    event = await world.wedsync.add("Tasting", **members)
    await world.connect()
    return Both(world=world, here=event["id"], there=str((await world.mapping_of(event["id"])).outlook_id))


async def theirs(world: World) -> Both:
    """Born in Outlook."""
    item = await world.outlook.add("Dentist")
    await world.connect()
    return Both(world=world, here=(await world.wedsync.events())[0]["id"], there=item["id"])


async def prefer(world: World, **members: object) -> None:
    kept = (await world.integration()).preferences
    await world.change_integration(preferences=replace(kept, **members))  # type: ignore[arg-type]


async def block_of(world: World) -> str:
    """The id of the one travel block's mapping, of an event half an hour away."""
    await ours(world, travelMinutes=30)
    await prefer(world, sync_travel_time=True)
    await world.sync()
    return next(each.mapping_id for each in await world.mappings() if each.role is Role.TRAVEL)


# --- Both are there -------------------------------------------------------------------------------------------------


@scene(Rule.ECHO)
async def unchanged(world: World) -> str:
    return (await ours(world)).here


@scene(Rule.AGREED)
async def the_same_on_both(world: World) -> str:
    both = await ours(world)
    await both.edit("Cake tasting")
    await both.edit_there("Cake tasting")
    return both.here


@scene(Rule.CARRY)
async def edited(world: World) -> str:
    both = await ours(world)
    await both.edit("Cake tasting")
    return both.here


@scene(Rule.CLASH)
async def edited_on_both(world: World) -> str:
    both = await ours(world)
    await both.edit("Cake tasting")
    await both.edit_there("Wine tasting")
    return both.here


@scene(Rule.HELD)
async def asked(world: World) -> str:
    both = await ours(world)
    await both.clash()
    return both.here


@scene(Rule.SUPERSEDED)
async def both_went_back(world: World) -> str:
    both = await ours(world)
    await both.clash()
    await both.edit("Tasting")
    await both.edit_there("Tasting")
    return both.here


@scene(Rule.NO_COMMON_BASE)
async def joined_while_they_differed(world: World) -> str:
    both = await theirs(world)
    await world.app.disconnect.by_user(world.planner.user_id)
    await world.settle()
    await both.edit("Doctor")
    await world.connect()
    return both.here


@scene(Rule.GUESTS)
async def edited_with_guests(world: World) -> str:
    both = await ours(world)
    await both.invite()
    await world.settle()
    await both.edit("Cake tasting")
    return both.here


@scene(Rule.ATTENDEES)
async def invited(world: World) -> str:
    both = await ours(world)
    await both.invite()
    return both.here


@scene(Rule.DRIFT)
async def edited_against_the_direction(world: World) -> str:
    both = await ours(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await both.edit_there("Wine tasting")
    await world.settle()
    return both.here


@scene(Rule.DRIFT_WIDENED)
async def drifted_before_it_became_two_way(world: World) -> str:
    event_id = await edited_against_the_direction(world)
    await world.change_integration(direction=Direction.BIDIRECTIONAL)
    return event_id


@scene(Rule.PREFIX_CHANGED)
async def another_prefix(world: World) -> str:
    both = await ours(world)
    await prefer(world, event_prefix="Rose: ")
    return both.here


@scene(Rule.RESOLVED)
async def chosen(world: World) -> str:
    event_id = await asked(world)
    choice = Choice(field="title", use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, event_id, [choice], set_as_default=False)
    return event_id


@scene(Rule.RESOLUTION_RULE)
async def chosen_for_good(world: World) -> str:
    both = await ours(world)
    await both.clash()
    choice = Choice(field="title", use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, both.here, [choice], set_as_default=True)
    await world.settle()
    await both.edit("Cheese tasting")
    await both.edit_there("Tea tasting")
    await world.settle()
    return both.here


@scene(Rule.FORCED)
async def forced(world: World) -> str:
    both = await ours(world)
    await world.change_integration(direction=Direction.FROM_OUTLOOK)
    await both.edit("Cake tasting")
    user_id, toward = world.planner.user_id, Direction.TO_OUTLOOK
    await world.app.force_sync.run(user_id, both.here, toward, overwrite_conflicts=False)
    return both.here


@scene(Rule.MEETING)
async def a_meeting(world: World) -> str:
    both = await ours(world)
    wanted = MeetingChange(guests=(Guest(email="guest@example.test"),))
    await world.app.change_meeting.run(world.planner.user_id, both.here, wanted, mail_guests=True)
    return both.here


# --- Gone ---------------------------------------------------------------------------------------------------------


@scene(Rule.BOTH_GONE)
async def gone_on_both(world: World) -> str:
    both = await ours(world)
    await world.wedsync.remove(both.here)
    await world.outlook.remove(both.there)
    return both.here


@scene(Rule.EDITED_AND_DELETED)
async def edited_and_deleted(world: World) -> str:
    both = await ours(world)
    await both.edit("Cake tasting")
    await world.outlook.remove(both.there)
    return both.here


async def copy_removed(world: World, wish: OnOutlookDelete) -> str:
    both = await ours(world)
    await prefer(world, on_outlook_delete=wish)
    await world.outlook.remove(both.there)
    return both.here


@scene(Rule.OUTLOOK_DELETE_ASK)
async def copy_removed_ask(world: World) -> str:
    return await copy_removed(world, OnOutlookDelete.ASK)


@scene(Rule.OUTLOOK_DELETE_UNLINK)
async def copy_removed_unlink(world: World) -> str:
    return await copy_removed(world, OnOutlookDelete.UNLINK)


@scene(Rule.OUTLOOK_DELETE_DELETE)
async def copy_removed_delete(world: World) -> str:
    return await copy_removed(world, OnOutlookDelete.DELETE)


@scene(Rule.OUTLOOK_BORN_GONE)
async def deleted_at_home(world: World) -> str:
    both = await theirs(world)
    await world.outlook.remove(both.there)
    return both.here


@scene(Rule.LEFT_CALENDAR)
async def moved_away(world: World) -> str:
    both = await theirs(world)
    await world.outlook.move(both.there)
    return both.here


@scene(Rule.LEFT_AND_DELETED)
async def moved_away_and_deleted(world: World) -> str:
    both = await theirs(world)
    await world.outlook.move(both.there)
    await world.wedsync.remove(both.here)
    return both.here


@scene(Rule.WEDSYNC_DELETED)
async def deleted_in_wedsync(world: World) -> str:
    both = await ours(world)
    await world.wedsync.remove(both.here)
    return both.here


@scene(Rule.GUESTS_DELETE)
async def deleted_with_guests(world: World) -> str:
    both = await ours(world)
    await both.invite()
    await world.settle()
    await world.wedsync.remove(both.here)
    return both.here


@scene(Rule.HIDDEN)
async def hidden(world: World) -> str:
    both = await theirs(world)
    await world.wedsync.remove(both.here)
    return both.here


@scene(Rule.DRIFT_DELETED)
async def deleted_against_the_direction(world: World) -> str:
    both = await ours(world)
    await world.change_integration(direction=Direction.FROM_OUTLOOK)
    await world.wedsync.remove(both.here)
    return both.here


async def flood(world: World) -> list[str]:
    """More deletions than the guard lets through; return the ids in WedSync of those that are held."""
    items = [(await world.outlook.add(f"Call {number}"))["id"] for number in range(12)]
    await world.connect()
    for item_id in items:
        await world.outlook.remove(item_id)
        await world.settle()
    return [event["id"] for event in await world.wedsync.events()]


@scene(Rule.DELETION_HELD)
async def held_back(world: World) -> str:
    return (await flood(world))[0]


@scene(Rule.DELETION_REJECTED)
async def held_back_and_rejected(world: World) -> str:
    event_id = (await flood(world))[0]
    ledger = await world.ports.confirmations.ledger(world.integration_id)
    question = waiting(ledger.value, now=world.clock.now())
    assert question is not None
    await world.app.confirm_deletions.run(world.planner.user_id, question.confirmation_id, accept=False)
    await world.settle()
    return event_id


# --- Travel -------------------------------------------------------------------------------------------------------


@scene(Rule.TRAVEL_NEW)
async def a_block(world: World) -> str:
    return await block_of(world)


@scene(Rule.TRAVEL_OFF)
async def blocks_off(world: World) -> str:
    mapping_id = await block_of(world)
    await prefer(world, sync_travel_time=False)
    return mapping_id


async def _block_item(world: World, mapping_id: str) -> str:
    stored = await world.ports.mappings.get(world.integration_id, mapping_id)
    assert stored is not None
    return str(stored.value.outlook_id)


@scene(Rule.TRAVEL_REMOVED)
async def block_removed(world: World) -> str:
    mapping_id = await block_of(world)
    await world.outlook.remove(await _block_item(world, mapping_id))
    return mapping_id


@scene(Rule.TRAVEL_GUESTS)
async def block_with_guests(world: World) -> str:
    mapping_id = await block_of(world)
    await world.outlook.change(await _block_item(world, mapping_id), attendees=[GUEST])
    await world.settle()
    await prefer(world, sync_travel_time=False)
    return mapping_id


# --- By a person's word, states, preferences ------------------------------------------------------------------------


@scene(Rule.UNDONE)
async def undone(world: World) -> str:
    both = await ours(world)
    await both.edit("Cake tasting")
    await world.quiet()
    world.post.clear()
    run = await world.sync(RunKind.INCREMENTAL)
    await world.app.undo_sync.run(world.planner.user_id, run.run_id, carry_on=world.app.sync_run.run)
    return both.here


@scene(Rule.RESTORED)
async def restored(world: World) -> str:
    event_id = await copy_removed_unlink(world)
    await world.settle()
    await world.app.restore_event.run(world.planner.user_id, event_id)
    return event_id


@scene(Rule.QUARANTINED)
async def refused(world: World) -> str:
    both = await ours(world)
    await world.outlook.fault(
        action="status", status=400, code="ErrorInvalidRequest", method="PATCH", path="/events/", count=20
    )
    await both.edit("Cake tasting")
    await world.settle()
    return both.here


@scene(Rule.PAUSED)
async def paused(world: World) -> str:
    both = await ours(world)
    await world.change_integration(state=IntegrationState.PAUSED)
    return both.here


@scene(Rule.OPEN_INTENT)
async def under_way(world: World) -> str:
    await world.connect()
    event = await world.wedsync.add("Tasting")
    state = await world.ports.wedsync.event(world.planner.user_id, event["id"])
    await world.ports.mappings.insert([world.intent_of(await world.integration(), state)])
    return str(event["id"])


@scene(Rule.OPTED_OUT)
async def opted_out(world: World) -> str:
    event_id = await copy_removed_unlink(world)
    await world.settle()
    return event_id


@scene(Rule.TYPE_OFF)
async def type_off(world: World) -> str:
    both = await ours(world)
    await prefer(world, sync_client_meetings=False)
    return both.here


@scene(Rule.TYPE_OFF_GUESTS)
async def type_off_with_guests(world: World) -> str:
    both = await ours(world)
    await world.change_integration(direction=Direction.TO_OUTLOOK)
    await both.invite()
    await world.settle()
    await prefer(world, sync_client_meetings=False)
    return both.here


@scene(Rule.TYPE_OFF_HELD)
async def type_off_while_asked(world: World) -> str:
    event_id = await asked(world)
    await prefer(world, sync_client_meetings=False)
    return event_id


@scene(Rule.TYPE_ON)
async def type_on_again(world: World) -> str:
    event_id = await type_off(world)
    await world.sync()
    await prefer(world, sync_client_meetings=True)
    return event_id


# --- Not mapped -----------------------------------------------------------------------------------------------------


@scene(Rule.WEDSYNC_NEW)
async def new_in_wedsync(world: World) -> str:
    await world.connect()
    return str((await world.wedsync.add())["id"])


@scene(Rule.OUTLOOK_NEW)
async def new_in_outlook(world: World) -> str:
    await world.connect()
    return str((await world.outlook.add())["id"])


@scene(Rule.OUTLOOK_COPY)
async def copied(world: World) -> str:
    both = await ours(world)
    return str((await world.outlook.copy(both.there))["id"])


@scene(Rule.EARLIER_COPY)
async def moved_away_replaced_and_moved_back(world: World) -> str:
    both = await ours(world)
    await world.outlook.move(both.there)
    await world.settle()
    choice = Choice(field="event", use="wedsync")
    await world.app.resolve_conflict.run(world.planner.user_id, both.here, [choice])
    await world.outlook.move(both.there, "Calendar")
    return both.there


@scene(Rule.OUTLOOK_BORN_LEFT)
async def of_an_earlier_connection(world: World) -> str:
    await world.connect()
    made = await world.wedsync.add("Dentist", source="outlook", externalId="outlook:tenant:account:event")
    return str(made["id"])


@scene(Rule.DIRECTION)
async def new_against_the_direction(world: World) -> str:
    event_id = await new_in_wedsync(world)
    await world.change_integration(direction=Direction.FROM_OUTLOOK)
    return event_id


@scene(Rule.OUTSIDE_WINDOW)
async def far_away(world: World) -> str:
    await world.connect()
    return str((await world.wedsync.add(start="2040-08-05T16:00:00", end="2040-08-05T17:00:00"))["id"])


@scene(Rule.OTHER_CALENDAR)
async def elsewhere(world: World) -> str:
    await world.connect()
    item = await world.outlook.add()
    await world.outlook.move(item["id"])
    return str(item["id"])


@scene(Rule.SERIES_MASTER)
async def series(world: World) -> str:
    await world.connect()
    times = {"start": at("2026-08-04T19:00:00", ZONE), "end": at("2026-08-04T21:00:00", ZONE)}
    return str((await world.outlook.add("Choir", recurrence=CHOIR, **times))["id"])


@scene(Rule.CANCELLED)
async def cancelled(world: World) -> str:
    await world.connect()
    return str((await world.outlook.add("Cancelled", isCancelled=True))["id"])


@scene(Rule.IMPORT_NONE)
async def nothing_imported(world: World) -> str:
    await world.connect()
    await world.change_integration(preferences=Preferences(import_outlook_events=ImportOutlookEvents.NONE))
    return str((await world.outlook.add())["id"])


@scene(Rule.TRANSACTION_MATCH)
async def made_and_not_noted(world: World) -> str:
    await world.connect()
    await world.wedsync.add("Tasting")
    await world.kill_after("graph POST /v1.0/me/calendars")
    (item,) = await world.outlook.events()
    return str(item["id"])


@scene(Rule.MARKER_MATCH)
async def marked_and_not_known(world: World) -> str:
    both = await ours(world)
    stored = await both.stored()
    await world.ports.mappings.save([replace(stored, value=replace(stored.value, outlook_id=None))])
    return both.there


@scene(Rule.EXTERNAL_ID)
async def known_to_wedsync(world: World) -> str:
    both = await theirs(world)
    await world.ports.mappings.remove(await both.stored())
    return both.there


@scene(Rule.UNKNOWN_MARKER)
async def marked_by_a_lost_mapping(world: World) -> str:
    both = await ours(world)
    await world.ports.mappings.remove(await both.stored())
    return both.there


# --- Another calendar, lost mappings ----------------------------------------------------------------------------------


async def choose_calendar(world: World, name: str) -> None:
    calendar = next(each["id"] for each in await world.outlook.calendars() if each["name"] == name)
    await change(world, calendar_id=calendar)
    await world.settle()


@scene(Rule.CALENDAR_MOVED)
async def moved_along(world: World) -> str:
    both = await ours(world)
    await choose_calendar(world, "Private")
    return both.here


@scene(Rule.REBUILT)
async def found_again(world: World) -> str:
    both = await ours(world)
    await world.ports.mappings.remove(await both.stored())
    await world.app.request_sync.reconcile(await world.integration())
    await world.settle()
    return both.here
