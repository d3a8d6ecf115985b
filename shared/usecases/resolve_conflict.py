"""A person chooses in conflicts, field by field, and the choice is carried out at once.

What was chosen is stored before anything is written, and a look at the pair follows in any case: a process that dies in
between leaves a choice that the next look carries out. The user is never asked twice, and nothing is applied that the
user did not see.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from shared.core.conflicts import CUSTOM, applied, asked_again, resolved
from shared.core.event import Field, Side
from shared.core.history import Conflict
from shared.core.integration import Integration
from shared.core.jobs import EventJob, Glance
from shared.core.mapping import EventMapping
from shared.core.states import ConflictState, MappingState
from shared.core.views import Views
from shared.errors import (
    EventGone,
    NotFound,
    OutcomeUnknown,
    Rejected,
    RowChanged,
    StateConflict,
    StoreFault,
    SyncFault,
    Throttled,
    Unavailable,
    Unprocessable,
    VersionMismatch,
)
from shared.ports import Clock, Conflicts, Ids, Integrations, JobQueue, Mappings, Stored
from shared.usecases.choices import (
    EVENT,
    Choice,
    ConflictSuperseded,
    Matched,
    check,
    consent,
    custom_content,
    match,
    name_of,
)
from shared.usecases.connect_state import connection_of
from shared.usecases.journal import Trace
from shared.usecases.look import Look
from shared.usecases.record_jobs import Recording, RecordJobs
from shared.usecases.resolution_rules import KeepRules
from shared.usecases.resolve_deletion import ResolveDeletion
from shared.usecases.settle_pair import SettlePair, policy_of

__all__ = ["EVENT", "Choice", "ResolveConflict"]

APPLIED, QUEUED = "applied", "queued"
_LOOK_AFTER = 30.0
_LATER = (Throttled, Unavailable, OutcomeUnknown, VersionMismatch, RowChanged)


@dataclass(frozen=True, kw_only=True)
class ResolveConflict:
    """Checks all choices before it carries any of them out."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    rules: KeepRules
    look: Look
    pair: SettlePair
    deletion: ResolveDeletion
    record: RecordJobs
    jobs: JobQueue
    ids: Ids
    clock: Clock

    async def run(
        self,
        user_id: str,
        event_id: str,
        choices: Sequence[Choice],
        *,
        set_as_default: bool = False,
        mail_guests: bool = False,
    ) -> Mapping[str, str]:
        """Return for each field whether it is ``applied``, or ``queued`` where a far end has to be waited for.

        ``NotFound``, ``ConflictSuperseded`` with the new conflict, ``GuestsWouldBeMailed``, or ``Unprocessable``.
        """
        integration = (await connection_of(self.integrations, user_id)).value
        if not integration.syncing:
            raise StateConflict(integration.state.value, integration.reason or "The connection is not syncing.")
        stored = await self._mapping(integration, event_id)
        mapping = stored.value
        matched = match(choices, await self._open(mapping))
        check(matched, mapping, set_as_default=set_as_default)
        guests = consent(matched, mapping, integration.preferences, mail_guests=mail_guests)
        recording = self.record.of_user(integration)
        results = {}
        for each in matched:
            if each.conflict.field is None:
                results[each.choice.field] = await self._deletion(integration, stored, each, recording)
            elif each.conflict.field is Field.ATTENDEES:
                results[each.choice.field] = await self._attendees(stored, each)
        fields = [each for each in matched if each.conflict.field not in (None, Field.ATTENDEES)]
        if fields:
            results |= await self._fields(integration, mapping.mapping_id, fields, guests, recording)
        if set_as_default:
            await self._keep(matched, mapping)
        return results

    async def _mapping(self, integration: Integration, event_id: str) -> Stored[EventMapping]:
        stored = await self.mappings.by_wedsync(integration.integration_id, event_id)
        stored = stored or await self.mappings.get(integration.integration_id, event_id)
        if stored is None:
            raise NotFound("event_not_found", "No synced event has this id.")
        return stored

    async def _open(self, mapping: EventMapping) -> list[Conflict]:
        """Return what waits for a choice; a choice that is not carried out yet may be made again."""
        return list(await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id))

    async def _keep(self, matched: Sequence[Matched], mapping: EventMapping) -> None:
        for each in matched:
            if each.conflict.field is not None:
                await self.rules.add(
                    mapping.integration_id,
                    which=each.conflict.field,
                    event_type=mapping.event_type,
                    use=Side(each.choice.use),
                )

    # --- fields ---------------------------------------------------------------------------------------------------

    async def _fields(
        self,
        integration: Integration,
        mapping_id: str,
        matched: Sequence[Matched],
        guests: tuple[str, ...],
        recording: Recording,
    ) -> dict[str, str]:
        """Store the choices, then look at the pair: the rules carry them out like any other change."""
        stored = await self.mappings.get(integration.integration_id, mapping_id)
        if stored is None:
            raise NotFound("event_not_found", "No synced event has this id.")
        mapping = stored.value
        open_now = {conflict.conflict_id: conflict for conflict in await self._open(mapping)}
        if any(each.conflict.conflict_id not in open_now for each in matched):
            raise ConflictSuperseded(await self._successor(mapping, matched))
        await self._look_later(mapping)
        chosen = [self._chosen(each, mapping, guests) for each in matched]
        for row in chosen:
            if not await self.conflicts.move(row):  # somebody else has closed it
                raise ConflictSuperseded(await self._successor(mapping, matched))
        try:
            views = await self._before_both(integration, mapping, matched)
            done = await self.pair.run(integration, stored, views, policy=policy_of(integration), trace=recording.trace)
            await self.record.end(recording, done)
        except _LATER:
            pass  # the choice stands, and the look to come carries it out
        except (Rejected, StoreFault) as fault:
            await self._ask_again(chosen)
            raise Unprocessable("value_refused", "The other calendar does not take this value.") from fault
        return await self._became(mapping, matched)

    async def _before_both(self, integration: Integration, mapping: EventMapping, matched: Sequence[Matched]) -> Views:
        """Read both sides before both are written to: the first write must not find out for the second.

        Where one side is written, the condition of that write is enough, and nothing is read.
        """
        if all(each.choice.use != CUSTOM for each in matched) or mapping.state is not MappingState.LINKED:
            return Views()
        return Views(
            wedsync=await self.look.at(integration, mapping, Side.WEDSYNC),
            outlook=await self.look.at(integration, mapping, Side.OUTLOOK),
        )

    @staticmethod
    def _chosen(each: Matched, mapping: EventMapping, guests: tuple[str, ...]) -> Conflict:
        open_again = replace(each.conflict, state=ConflictState.OPEN)
        custom = custom_content(each, mapping)
        return resolved(open_again, choice=each.choice.use, custom=custom, guests=guests)

    async def _look_later(self, mapping: EventMapping) -> None:
        if mapping.wedsync_id:
            glance = Glance(event_id=mapping.wedsync_id)
            job = EventJob(integration_id=mapping.integration_id, side=Side.WEDSYNC, events=(glance,))
            await self.jobs.put(job, delay_seconds=_LOOK_AFTER)

    async def _ask_again(self, chosen: Sequence[Conflict]) -> None:
        """A value that a far end refuses for good cannot stay chosen: the question is open again, as a new one."""
        for row in chosen:
            now = await self.conflicts.get(row.integration_id, row.conflict_id)
            if now is not None and now.state is ConflictState.RESOLVED:
                await self.conflicts.ask(asked_again(row, conflict_id=self.ids.new_id()))
                await self.conflicts.move(replace(row, state=ConflictState.SUPERSEDED, closed_at=self.clock.now()))

    async def _became(self, mapping: EventMapping, matched: Sequence[Matched]) -> dict[str, str]:
        results = {}
        for each in matched:
            row = await self.conflicts.get(mapping.integration_id, each.conflict.conflict_id)
            if row is None or row.state in (ConflictState.SUPERSEDED, ConflictState.OPEN):
                raise ConflictSuperseded(await self._successor(mapping, [each]))
            results[each.choice.field] = APPLIED if row.state is ConflictState.APPLIED else QUEUED
        return results

    async def _successor(self, mapping: EventMapping, matched: Sequence[Matched]) -> Conflict | None:
        """Return the open conflict that took the place of one of these; one about the event as such comes first."""
        rows = [row for row in await self._open(mapping) if row.state is ConflictState.OPEN]
        names = {EVENT, *(each.choice.field for each in matched)}
        asked = sorted((row for row in rows if name_of(row) in names), key=lambda row: row.field is not None)
        return asked[0] if asked else None

    # --- what is not carried like a field ---------------------------------------------------------------------------

    async def _attendees(self, stored: Stored[EventMapping], each: Matched) -> str:
        """Invitations stay as they are in Outlook: nothing is written, the question is over."""
        mapping = stored.value
        with suppress(RowChanged):  # whoever has worked on the pair sees that the conflict is closed
            await self.pair.journal.save(stored, replace(mapping, held=mapping.held - {Field.ATTENDEES}))
        await self.conflicts.move(applied(each.conflict, at=self.clock.now(), choice=each.choice.use))
        return APPLIED

    async def _deletion(
        self, integration: Integration, stored: Stored[EventMapping], each: Matched, recording: Recording
    ) -> str:
        mapping, chosen = stored.value, Side(each.choice.use)
        try:
            done = await self.deletion.run(
                integration, mapping.mapping_id, chosen, each.conflict, trace=recording.trace
            )
            await self.record.end(recording, done)
        except (VersionMismatch, EventGone, StoreFault, ConflictSuperseded):
            await self._look_now(integration, mapping)
            raise ConflictSuperseded(await self._successor(mapping, [each])) from None
        return APPLIED

    async def _look_now(self, integration: Integration, mapping: EventMapping) -> None:
        """See what has become of the pair, so that the user can be shown what there is to choose from now."""
        await self._look_later(mapping)
        stored = await self.mappings.get(mapping.integration_id, mapping.mapping_id)
        if stored is None:
            return
        with suppress(SyncFault):  # the look to come is enough
            views = Views(
                wedsync=await self.look.at(integration, stored.value, Side.WEDSYNC),
                outlook=await self.look.at(integration, stored.value, Side.OUTLOOK, moved=True),
            )
            await self.pair.run(integration, stored, views, policy=policy_of(integration), trace=Trace())
