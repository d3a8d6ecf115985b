"""A person has one event carried over as it is on one side, whatever the rules say. Guests are never mailed by that.

What cannot be carried is refused before anything is written. A process that dies in between leaves a write that the
next look finds on both sides, or an intent that it settles.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Create, Rule
from shared.core.canon import with_prefix
from shared.core.conflicts import resolved
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.force import forced, forced_fields, linked_again, standing, unbound
from shared.core.history import Conflict, Tally
from shared.core.integration import Direction, Integration
from shared.core.jobs import EventJob, Glance
from shared.core.mapping import EventMapping, Role
from shared.core.pair import NOTE_PREFIX_REMOVED, Pair
from shared.core.states import ConflictState, MappingState
from shared.core.views import Gone, Present, Views, settle_view
from shared.errors import (
    EventGone,
    NotFound,
    Rejected,
    RowChanged,
    RowExists,
    StateConflict,
    Unprocessable,
    VersionMismatch,
)
from shared.ports import Conflicts, Integrations, JobQueue, Mappings, Stored
from shared.usecases.choices import GuestsStay
from shared.usecases.connect_state import connection_of
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Trace
from shared.usecases.look import Look
from shared.usecases.recompose import import_anew
from shared.usecases.record_jobs import Recording, RecordJobs
from shared.usecases.settle_pair import SettlePair, policy_of

_ROUNDS = 4
_TOWARD = {Direction.TO_OUTLOOK: Side.OUTLOOK, Direction.FROM_OUTLOOK: Side.WEDSYNC}


class ConflictsOpen(StateConflict):
    """Fields wait for a choice; ``conflicts`` are what force-sync would overwrite."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        super().__init__("conflicts_open", "Fields of this event wait for your choice; overwriteConflicts answers it.")
        self.conflicts = tuple(conflicts)


@dataclass(frozen=True, kw_only=True)
class Forced:
    """What was done: ``created``, ``updated`` (with the fields) or ``unchanged``. ``run_id`` is empty for the last."""

    action: str
    fields: tuple[str, ...] = ()
    run_id: str = ""


@dataclass(frozen=True, kw_only=True)
class ForceSync:
    """Reads both sides, then writes once."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    look: Look
    pair: SettlePair
    create: CreateEvent
    record: RecordJobs
    jobs: JobQueue

    async def run(self, user_id: str, event_id: str, direction: Direction, *, overwrite_conflicts: bool) -> Forced:
        """Carry it over. ``NotFound``, ``ConflictsOpen``, and ``StateConflict`` for what cannot be carried."""
        integration = (await connection_of(self.integrations, user_id)).value
        if not integration.syncing:
            raise StateConflict(integration.state.value, integration.reason or "The connection is not syncing.")
        toward = _TOWARD[direction]
        recording = self.record.of_user(integration)
        recording = replace(recording, request=replace(recording.request, direction=direction))
        for _ in range(_ROUNDS):
            try:
                return await self._once(integration, event_id, toward, recording, overwrite=overwrite_conflicts)
            except (VersionMismatch, EventGone, RowChanged, RowExists):
                continue  # somebody is at it: look anew at what is there now
            except Rejected as fault:
                raise Unprocessable("event_refused", "The other calendar does not take this event.") from fault
        raise StateConflict("event_busy", "The event keeps changing; try again.")

    async def _once(
        self, integration: Integration, event_id: str, toward: Side, recording: Recording, *, overwrite: bool
    ) -> Forced:
        stored = await self._mapping(integration, event_id, recording.trace)
        if stored is None:
            return await self._create_new(integration, event_id, toward, recording)
        mapping = stored.value
        if mapping.role is Role.TRAVEL:  # what it leads to is another pair's event, which it must not be made equal to
            raise StateConflict("travel_block", "A travel block follows its event; force that one.")
        conflicts = await self.conflicts.open_of(integration.integration_id, mapping.mapping_id)
        blocking = [conflict for conflict in conflicts if standing(conflict)]
        if blocking and not overwrite:
            raise ConflictsOpen(blocking)
        views = Views(
            wedsync=settle_view(mapping, await self.look.at(integration, mapping, Side.WEDSYNC)),
            outlook=settle_view(mapping, await self.look.at(integration, mapping, Side.OUTLOOK, moved=True)),
        )
        if isinstance(views.of(toward.other), Gone) or not _has(mapping, toward.other):
            raise StateConflict("event_gone", "There is nothing to carry over: this side has no such event any more.")
        if isinstance(views.of(toward), Gone) or not _has(mapping, toward):
            return await self._create_again(integration, stored, toward, views, recording)
        return await self._update(integration, stored, toward, views, conflicts, recording)

    async def _mapping(self, integration: Integration, event_id: str, trace: Trace) -> Stored[EventMapping] | None:
        """Return the mapping, with a create that was under way settled; a create that came to nothing is no mapping."""
        stored = await self.mappings.by_wedsync(integration.integration_id, event_id)
        stored = stored or await self.mappings.get(integration.integration_id, event_id)
        if stored is None or stored.value.state is not MappingState.INTENT:
            return stored
        return await self.pair.settle_intent(integration, stored, trace)

    # --- both are there -------------------------------------------------------------------------------------------

    async def _update(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        toward: Side,
        views: Views,
        conflicts: Sequence[Conflict],
        recording: Recording,
    ) -> Forced:
        apart = stored.value.state is not MappingState.LINKED
        mapping = linked_again(stored.value, integration.preferences)
        chosen = [_answered(conflict, toward.other) for conflict in conflicts]
        pair = Pair.of(
            mapping, wedsync=views.wedsync, outlook=views.outlook, policy=policy_of(integration), conflicts=chosen
        )
        fields = forced_fields(pair, toward)
        _assert_may_write(pair, toward, bool(fields))
        tally = await self.pair.carry_out(
            integration, stored, forced(pair, toward), views=views, trace=recording.trace, conflicts=chosen
        )
        await self._look_later(mapping)
        if not await self.record.end(recording, replace(tally, noted=tally.noted + apart)):
            return Forced(action="unchanged")
        action = "updated" if fields else "unchanged"
        return Forced(action=action, fields=tuple(sorted(fields)), run_id=recording.run_id)

    async def _look_later(self, mapping: EventMapping) -> None:
        """What does not go along (privacy toward WedSync, people) is judged by the rules again."""
        if mapping.wedsync_id:
            glance = Glance(event_id=mapping.wedsync_id)
            await self.jobs.put(EventJob(integration_id=mapping.integration_id, side=Side.WEDSYNC, events=(glance,)))

    # --- one is missing -------------------------------------------------------------------------------------------

    async def _create_new(self, integration: Integration, event_id: str, toward: Side, recording: Recording) -> Forced:
        """A WedSync event that no mapping names: its type, or the direction, kept it back."""
        state = await self.look.wedsync_named(integration, event_id)
        if state is None or state.deleted or toward is Side.WEDSYNC:
            raise NotFound("event_not_found", "No synced event has this id.")
        if state.external_id or state.source is Side.OUTLOOK:
            raise StateConflict("event_elsewhere", "The event came from Outlook and is not made there again.")
        intent = self.create.intend_outlook(integration, state, _copy_of(state, integration))
        stored = await self.create.store(unbound(intent, integration.preferences))
        return await self._made(integration, stored, recording)

    async def _create_again(
        self, integration: Integration, stored: Stored[EventMapping], toward: Side, views: Views, recording: Recording
    ) -> Forced:
        mapping, source = stored.value, views.of(toward.other)
        state = source.state if isinstance(source, Present) else None
        if toward is Side.OUTLOOK and isinstance(state, WedSyncState):
            ours = mapping.born is Side.WEDSYNC
            if not ours and isinstance(views.outlook, Gone) and views.outlook.left_calendar:
                raise StateConflict("event_elsewhere", "The event is in another calendar of this mailbox.")
            bare = replace(unbound(mapping, integration.preferences), event_type=state.event_type)
            action = _copy_of(state, integration, ours=ours and NOTE_PREFIX_REMOVED not in bare.notes)
            intent = self.create.intend_outlook(integration, state, action, again=bare)
        elif isinstance(state, OutlookState):
            intent = import_anew(self.create, integration, mapping, state)
        else:
            raise VersionMismatch("wedsync", code="unseen")
        intent = replace(intent, held=frozenset(), drifted=frozenset())
        return await self._made(integration, await self.pair.journal.save(stored, intent), recording)

    async def _made(self, integration: Integration, stored: Stored[EventMapping], recording: Recording) -> Forced:
        made = await self.pair.settle_intent(integration, stored, recording.trace)
        if made is None:
            raise EventGone("wedsync")
        await self.record.end(recording, Tally(handled=1, created=1))
        return Forced(action="created", run_id=recording.run_id)


def _has(mapping: EventMapping, side: Side) -> bool:
    return (mapping.wedsync_id if side is Side.WEDSYNC else mapping.outlook_id) is not None


def _answered(conflict: Conflict, source: Side) -> Conflict:
    """Return the conflict as one in which the side that is carried over was chosen."""
    if conflict.field is not None and not standing(conflict) and conflict.state is ConflictState.OPEN:
        return conflict  # people stay as they are
    return resolved(replace(conflict, state=ConflictState.OPEN), choice=source.value)


def _copy_of(state: WedSyncState, integration: Integration, *, ours: bool = True) -> Create:
    prefix = integration.preferences.event_prefix if ours else ""
    return Create(
        side=Side.OUTLOOK,
        rule=Rule.FORCED,
        content=state.content,
        title=with_prefix(state.content.title, prefix),
        event_type=state.event_type,
        prefix=prefix,
    )


def _assert_may_write(pair: Pair, toward: Side, writes: bool) -> None:
    if toward is not Side.OUTLOOK or not writes:
        return
    if not pair.mapping.is_organizer:
        raise StateConflict("not_organizer", "Somebody else invited to this event; only they can change it.")
    content = pair.content(Side.OUTLOOK)
    if content is not None and content.attendees:
        raise GuestsStay(len(content.attendees))
