"""Sync another calendar from now on: our copies move there, and only then subscription and delta link change.

The move follows from what the connection says is wanted, not from a message: any sync begins with it while it is not
done, so that one that was lost, cancelled or killed is taken up by the next run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from shared.core.actions import Rule
from shared.core.calendar_move import ends, is_open_elsewhere, moves
from shared.core.conflicts import superseded
from shared.core.event import OutlookState, Side
from shared.core.history import ChangeKind, Tally
from shared.core.integration import CalendarInfo, Integration
from shared.core.mapping import EventMapping
from shared.core.pair import stays_put
from shared.errors import CalendarGone, Rejected, RowChanged, StateConflict, SyncFault, Unavailable
from shared.log import log_action
from shared.ports import Changes, Clock, Conflicts, Integrations, Mappings, Outlook, RunItems, Stored
from shared.usecases.journal import Journal, Trace
from shared.usecases.move_copies import BATCH, Journey, MoveCopies
from shared.usecases.refusals import STOPS
from shared.usecases.run_record import Done, RunRecord, RunWork
from shared.usecases.separate_calendar import WantedCalendar
from shared.usecases.settle_intent import SettleIntent
from shared.usecases.subscribe import Subscribe

_ROUNDS = 6
STRAYS_FOR = timedelta(hours=1)
"""How long after a move it is looked for copies that jobs under way then have still put into the earlier calendar."""

EARLIER_FOR = timedelta(days=1)
"""How long late notices of the earlier calendar are told from those of the present one."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The connection after the move, or as far as it came when the time was up (``unfinished``)."""

    integration: Integration
    tally: Tally = field(default_factory=Tally)
    left: int = 0
    unfinished: bool = False
    outcome: str = ""


class _TimeIsUp(Exception):
    """The time budget of this message has ended."""


@dataclass(frozen=True, kw_only=True)
class MoveCalendar:
    """Moves the copies, ends the mappings of the earlier calendar's own events, and switches over."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    changes: Changes
    outlook: Outlook
    wanted: WantedCalendar
    copies: MoveCopies
    intents: SettleIntent
    subscribe: Subscribe
    journal: Journal
    clock: Clock

    async def run(self, integration: Integration, record: RunRecord, trace: Trace) -> Moved:
        """Do it; nothing is left to do when it is called again."""
        target = await self.wanted.run(integration)
        if target is None:
            return await self._given_up(integration, trace)
        integration = await self._set_out(integration, target)
        journey = self._journey(integration, target.calendar_id, trace)
        journey.tally = record.before
        try:
            await self._move_all(journey, record)
        except _TimeIsUp:
            return Moved(integration=integration, tally=journey.tally, unfinished=True)
        await self._end_foreign(journey)
        arrived = await self._switched(integration, target)
        await self._subscribed(arrived)
        left = sum(reason != "gone" for reason in journey.left.values())
        log_action("calendar_moved", integration=integration.integration_id, copies=journey.tally.created, left=left)
        return Moved(integration=arrived, tally=journey.tally, left=left, outcome=f"copies_left={left}" if left else "")

    async def sweep(self, integration: Integration, record: RunRecord, trace: Trace) -> Moved:
        """Fetch what jobs have still put into the earlier calendar; after a while, forget that there was one."""
        age = self.clock.now() - integration.moved_at if integration.moved_at else EARLIER_FOR
        journey = self._journey(integration, integration.calendar_id, trace)
        journey.tally = record.before
        if age < STRAYS_FOR:
            known = [stored async for stored in self.mappings.all(integration.integration_id)]
            journey.left |= {each.value.mapping_id: "stays" for each in known if stays_put(each.value)}
            try:
                await self._move_all(journey, record)
            except _TimeIsUp:
                return Moved(integration=integration, tally=journey.tally, unfinished=True)
            await self._end_foreign(journey)
            await self._subscribed(integration)
        elif age >= EARLIER_FOR:
            integration = await self._changed(integration, earlier_calendar_id="", moved_at=None)
        return Moved(integration=integration, tally=journey.tally)

    def _journey(self, integration: Integration, target: str, trace: Trace) -> Journey:
        source = integration.earlier_calendar_id if target == integration.calendar_id else integration.calendar_id
        return Journey(integration=integration, source=source, target=target, trace=trace)

    # --- the connection ----------------------------------------------------------------------------------------

    async def _given_up(self, integration: Integration, trace: Trace) -> Moved:
        """The calendar that was chosen is gone: stay with the present one, and with the copies that are there."""
        log_action("calendar_not_found", integration=integration.integration_id)
        journey = Journey(
            integration=integration, source=integration.calendar_id, target=integration.calendar_id, trace=trace
        )
        async for stored in self.mappings.all(integration.integration_id):
            if stored.value.moved_from:
                await self.copies.stay(journey, stored, "stays")
        stayed = await self._changed(integration, chosen_calendar_id="", moving_to="")
        return Moved(integration=stayed, tally=journey.tally, outcome="calendar_not_found")

    async def _set_out(self, integration: Integration, target: CalendarInfo) -> Integration:
        """Note where copies are going before the first is made: whoever clears up has to look there too."""
        members = {"moving_to": target.calendar_id}
        if integration.preferences.create_separate_calendar:
            members["separate_calendar_id"] = target.calendar_id
        if all(getattr(integration, name) == value for name, value in members.items()):
            return integration
        return await self._changed(integration, **members)

    async def _switched(self, integration: Integration, target: CalendarInfo) -> Integration:
        """From now on the other calendar is the one that is synced, and it has not been read yet."""
        earlier = integration.calendar_id if integration.calendar_id != target.calendar_id else ""
        return await self._changed(
            integration,
            calendar_id=target.calendar_id,
            calendar_name=target.name,
            delta_link="",
            moving_to="",
            earlier_calendar_id=earlier or integration.earlier_calendar_id,
            moved_at=self.clock.now(),
        )

    async def _changed(self, integration: Integration, **members: object) -> Integration:
        """Change members of the row as it is now, unless a disconnect has begun."""
        for _ in range(8):
            stored = await self.integrations.get(integration.integration_id)
            if stored is None or stored.value.epoch != integration.epoch:
                raise StateConflict("disconnecting", "The connection is being removed.")
            value = replace(stored.value, **members)  # type: ignore[arg-type]
            try:
                return (await self.integrations.save(Stored(value=value, tag=stored.tag))).value
            except RowChanged:
                continue
        raise Unavailable("storage", code="busy")

    async def _subscribed(self, integration: Integration) -> None:
        """Replace the subscription before the new calendar is read, so that nothing falls in between."""
        try:
            await self.subscribe.ensure(integration)
        except STOPS:
            raise
        except SyncFault:
            await self.subscribe.enqueue(integration.integration_id)

    # --- the copies --------------------------------------------------------------------------------------------

    async def _move_all(self, journey: Journey, record: RunRecord) -> None:
        """Round by round, because jobs go on meanwhile; what a round found moved is no more work for the next."""
        for _ in range(_ROUNDS):
            known = [stored async for stored in self.mappings.all(journey.integration.integration_id)]
            under_way = [stored for stored in known if stored.value.moved_from]
            unsure = [stored for stored in known if self._is_unsure(journey, stored.value)]
            waiting = [stored for stored in known if self._waits(journey, stored.value)]
            if not under_way and not unsure and not waiting:
                return
            for stored in under_way:
                await self.copies.finish(journey, stored)
                await self._shown(journey, record)
            for stored in unsure:
                await self._settle(journey, stored)
            seen = await self._listed({stored.value.calendar_id for stored in waiting}, journey)
            for group in _groups(waiting):
                await self.copies.run(journey, group, seen)
                await self._shown(journey, record)

    @staticmethod
    def _is_unsure(journey: Journey, mapping: EventMapping) -> bool:
        stays = mapping.mapping_id in journey.left or mapping.moved_from
        return not stays and is_open_elsewhere(mapping, journey.target)

    @staticmethod
    def _waits(journey: Journey, mapping: EventMapping) -> bool:
        return mapping.mapping_id not in journey.left and not mapping.moved_from and moves(mapping, journey.target)

    async def _shown(self, journey: Journey, record: RunRecord) -> None:
        await record.progress(journey.tally)
        if record.spent:
            raise _TimeIsUp

    async def _settle(self, journey: Journey, stored: Stored[EventMapping]) -> None:
        """Find out first whether a create in the earlier calendar took place."""
        try:
            await self.intents.run(journey.integration, stored, journey.trace)
        except Rejected:
            journey.left[stored.value.mapping_id] = "gone"  # nothing was made; composed anew it goes to the other
        except CalendarGone:  # with whatever was made in it
            await self.journal.save_all([(stored, replace(stored.value, calendar_id=journey.target))])
        except RowChanged:
            return  # somebody has just done it

    async def _listed(self, calendars: set[str], journey: Journey) -> dict[str, OutlookState]:
        """Return our copies in the earlier calendars by id, with one reading for all."""
        seen: dict[str, OutlookState] = {}
        for calendar_id in sorted(calendars):
            try:
                async for state in self.outlook.all_marked(journey.integration.integration_id, calendar_id):
                    seen[state.event_id] = state
            except CalendarGone:  # with all that was in it; each copy is read by its id and found missing
                continue
        return seen

    async def _end_foreign(self, journey: Journey) -> None:
        """End the mappings of the earlier calendar's own events; WedSync's events stay, and are asked nothing."""
        async for stored in self.mappings.all(journey.integration.integration_id):
            mapping = stored.value
            if not ends(mapping, journey.target):
                continue
            for conflict in await self.conflicts.open_of(mapping.integration_id, mapping.mapping_id):
                await self.conflicts.move(superseded(conflict, at=self.clock.now()))
            row = self.journal.change(
                mapping,
                side=Side.OUTLOOK,
                kind=ChangeKind.UNLINKED,
                trace=journey.trace,
                before=mapping.base_o,
                rule=Rule.CALENDAR_LEFT,
            )
            await self.changes.append([row])
            try:
                await self.mappings.remove(stored)
            except RowChanged:
                continue  # somebody is at it; the sweep comes by again
            journey.count(noted=1)


@dataclass(frozen=True, kw_only=True)
class MoveThenSync:
    """The ``RunWork`` of every sync: where another calendar is wanted, the copies move first."""

    move: MoveCalendar
    sync: RunWork
    items: RunItems

    async def run(self, integration: Integration, record: RunRecord, *, trace: Trace, last_try: bool) -> Done:
        """Move, if that is due, and sync the calendar that there is then."""
        if integration.moves:
            moved = await self.move.run(integration, record, trace)
            await self.items.forget(integration.integration_id, record.run.run_id)  # read of another calendar
        elif integration.earlier_calendar_id:
            moved = await self.move.sweep(integration, record, trace)
        else:
            return await self.sync.run(integration, record, trace=trace, last_try=last_try)
        if moved.unfinished:
            await record.carry_over(moved.tally, ())
            return Done(tally=moved.tally, continued=True)
        record.before = moved.tally  # the sync counts on from there
        done = await self.sync.run(moved.integration, record, trace=trace, last_try=last_try)
        outcome = "; ".join(part for part in (moved.outcome, done.outcome) if part)
        return replace(done, outcome=outcome, integration=done.integration or moved.integration)


def _groups(waiting: Sequence[Stored[EventMapping]]) -> Iterator[Sequence[Stored[EventMapping]]]:
    for start in range(0, len(waiting), BATCH):
        yield waiting[start : start + BATCH]
