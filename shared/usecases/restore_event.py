"""A person brings an event back that was taken out of the sync, or is hidden. Recorded as a run of its own."""

from dataclasses import dataclass, replace

from shared.core.actions import TOWARD, Rule
from shared.core.event import Side
from shared.core.history import ChangeKind, Tally
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.pair import NOTE_TYPE_OFF
from shared.core.states import MAPPING_MOVES, MappingState, move
from shared.core.undo import NOTE_UNDONE
from shared.core.views import Gone, Present, Views
from shared.errors import EventGone, NotFound, RowChanged, RowExists, StateConflict, VersionMismatch
from shared.ports import Changes, Conflicts, Integrations, Mappings, Ports, Stored
from shared.usecases.connect_state import connection_of
from shared.usecases.explain_event import find_mapping
from shared.usecases.look import Look
from shared.usecases.make_again import MakeAgain
from shared.usecases.record_jobs import Recording, RecordJobs
from shared.usecases.settle_pair import SettlePair, policy_of
from shared.usecases.undo_event import both_sides

_TRIES = 3
_MISSING = {MappingState.UNLINKED: Side.OUTLOOK, MappingState.HIDDEN: Side.WEDSYNC}
"""On which side a pair that is out of the sync lacks its event, as a rule."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """The event, the run that it was brought back by, and whether there was anything to do."""

    event_id: str
    run_id: str
    restored: bool


@dataclass(frozen=True, kw_only=True)
class RestoreEvent:
    """Makes what is missing again, or joins what is there on both sides."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    changes: Changes
    look: Look
    again: MakeAgain
    pair: SettlePair
    record: RecordJobs

    async def run(self, user_id: str, event_id: str) -> Restored:
        """Bring it back; one that is synced is left as it is. ``NotFound``; ``StateConflict`` with the reason."""
        integration = (await connection_of(self.integrations, user_id)).value
        if not integration.syncing:
            raise StateConflict(integration.state.value, integration.reason or "The connection is not syncing.")
        recording = self.record.of_user(integration)
        for _ in range(_TRIES):
            stored = await find_mapping(self.mappings, integration, event_id)
            if stored is None:
                raise NotFound("event_not_found", "No synced event has this id.")
            try:
                return await self._once(integration, stored, recording)
            except (RowChanged, RowExists, VersionMismatch, EventGone):
                continue
        raise StateConflict("event_busy", "The event keeps changing; try again.")

    async def _once(self, integration: Integration, stored: Stored[EventMapping], recording: Recording) -> Restored:
        mapping = stored.value
        if mapping.state is MappingState.LINKED:
            await self._assert_there(mapping)
            return self._answer(mapping, recording, tally=Tally())
        trace = replace(recording.trace, rule=Rule.RESTORED)
        if mapping.state is MappingState.INTENT:  # a create is under way, maybe that of an earlier attempt
            made = await self.again.settle(integration, stored, trace=trace)
            return await self._recorded(made.value, recording, Tally(handled=1, created=1))
        _assert_wanted(integration, mapping)
        views = await both_sides(self.look, integration, mapping)
        source = views.of(_MISSING[mapping.state].other)
        missing = views.of(_MISSING[mapping.state])
        if not isinstance(source, Present):
            raise StateConflict("event_gone", "There is no event left to be brought back.")
        if isinstance(missing, Present):
            return await self._join(integration, stored, views, recording)
        if isinstance(missing, Gone) and missing.left_calendar and mapping.born is Side.OUTLOOK:
            raise StateConflict("left_calendar", "It is in another calendar of Outlook; move it back there first.")
        made = await self.again.run(integration, stored, mapping, source.state, trace=trace)
        return await self._recorded(made.value, recording, Tally(handled=1, created=1))

    async def _assert_there(self, mapping: EventMapping) -> None:
        """An event that is synced needs nothing; one that is asked about is brought back by the answer."""
        for conflict in await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id):
            if conflict.field is None:
                raise StateConflict("conflicts_open", "One calendar lacks the event; choose what to do about that.")

    async def _join(
        self, integration: Integration, stored: Stored[EventMapping], views: Views, recording: Recording
    ) -> Restored:
        """Both are there: from now on they are synced again, and what differs is asked about."""
        mapping = stored.value
        notes = tuple(note for note in mapping.notes if note != NOTE_UNDONE)
        state = move(MAPPING_MOVES, mapping.state, MappingState.LINKED)
        linked = replace(mapping, state=state, notes=notes, base_w=None, base_o=None)
        journal = self.again.journal
        kept = await journal.save(stored, linked)
        trace = recording.trace
        row = journal.change(
            mapping, side=_MISSING[mapping.state], kind=ChangeKind.LINKED, trace=trace, rule=Rule.RESTORED
        )
        await self.changes.append([replace(row, pair=mapping)])
        done = await self.pair.run(integration, kept, views, policy=policy_of(integration), trace=trace)
        return await self._recorded(linked, recording, replace(done, noted=done.noted + 1))

    async def _recorded(self, mapping: EventMapping, recording: Recording, tally: Tally) -> Restored:
        await self.record.end(recording, tally)
        return self._answer(mapping, recording, tally=tally)

    @staticmethod
    def _answer(mapping: EventMapping, recording: Recording, *, tally: Tally) -> Restored:
        restored = tally.changed
        return Restored(
            event_id=mapping.wedsync_id or mapping.mapping_id,
            run_id=recording.run_id if restored else "",
            restored=restored,
        )


def _assert_wanted(integration: Integration, mapping: EventMapping) -> None:
    """Raise where the preferences say otherwise: the next sync would take away again what was brought back."""
    if mapping.state not in _MISSING:
        raise NotFound("event_not_found", "No synced event has this id.")
    off = NOTE_TYPE_OFF in mapping.notes
    if mapping.born is Side.WEDSYNC and (off or not integration.preferences.includes(mapping.event_type)):
        raise StateConflict("type_off", "Events of this type are not synced; switch the type on.")
    if mapping.role is Role.TRAVEL and not integration.preferences.sync_travel_time:
        raise StateConflict("type_off", "Travel times are not synced; switch them on.")
    if _MISSING[mapping.state] not in TOWARD[integration.direction]:
        raise StateConflict("direction", "The sync goes the other way only; sync both ways, or force it.")


def restoring(ports: Ports, *, pair: SettlePair) -> RestoreEvent:
    """Return the use case, put together on the ports and what events and runs have in common."""
    return RestoreEvent(
        integrations=ports.integrations,
        mappings=ports.mappings,
        conflicts=ports.conflicts,
        changes=ports.changes,
        look=pair.look,
        again=MakeAgain(create=pair.create, intents=pair.intents, journal=pair.journal),
        pair=pair,
        record=RecordJobs(runs=ports.runs, ids=ports.ids, clock=ports.clock),
    )
