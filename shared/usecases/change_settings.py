"""Change the settings of a connection, and start what follows from that: one run, ten seconds after the last change."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.history import SyncRun
from shared.core.integration import Integration
from shared.core.jobs import RunJob, RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping
from shared.core.rules import ResolutionRule
from shared.core.settings_change import (
    Consequences,
    CopiesAffected,
    SettingsChange,
    consequences,
    copies_affected,
)
from shared.core.states import RunState
from shared.errors import RowChanged, RowExists, StateConflict, StoreFault, Unprocessable
from shared.log import log_action
from shared.ports import Clock, Due, DueList, Ids, Integrations, JobQueue, Mappings, Outlook, Runs, Stored
from shared.usecases.connect_state import connection_of
from shared.usecases.due_kinds import RENEWAL, SAFETY
from shared.usecases.resolution_rules import KeepRules
from shared.usecases.subscribe import Subscribe

QUIET = timedelta(seconds=10)
_LOOK_AFTER = timedelta(minutes=10)
_TRIES = 8
_RECENT = 10


@dataclass(frozen=True, kw_only=True)
class SettingsChanged:
    """What a change has come to. ``sync_id`` is the run that will carry it out, empty where there is nothing to do.

    ``unrepresentable`` are the reminders that Outlook has no place for; ``rules`` are those that are left.
    """

    integration: Integration
    subscription_updated: bool
    schedule_changed: bool
    full_resync: bool
    copies: CopiesAffected
    unrepresentable: tuple[int, ...] = ()
    sync_id: str = ""
    rules: tuple[ResolutionRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChangeSettings:
    """Changes that come at the same time are all carried out: each is made to the row that the one before has left."""

    integrations: Integrations
    mappings: Mappings
    runs: Runs
    outlook: Outlook
    rules: KeepRules
    subscribe: Subscribe
    due: DueList
    jobs: JobQueue
    ids: Ids
    clock: Clock

    async def run(self, user_id: str, change: SettingsChange) -> SettingsChanged:
        """Carry the change out. ``NotFound``, ``StateConflict``, ``Unprocessable``."""
        seen: set[str] = set()
        for _ in range(_TRIES):
            stored = await connection_of(self.integrations, user_id)
            wanted = consequences(stored.value, change)
            await self._assert_calendar(wanted, seen)
            if change.remove_rules:
                await self.rules.assert_known(stored.value.integration_id, change.remove_rules)
            try:
                changed = await self._changed(stored, wanted, change)
            except RowChanged:
                continue
            home = stored.value.integration_id
            await self.rules.remove(home, change.remove_rules)
            return replace(changed, rules=await self.rules.list(home))
        raise StateConflict("busy", "The connection is being changed; try again.")

    async def _assert_calendar(self, wanted: Consequences, seen: set[str]) -> None:
        """Ask Outlook whether the calendar is there and can be written to. The separate one is made if it is not."""
        target = wanted.integration.wanted_calendar_id
        if not wanted.moves or wanted.integration.preferences.create_separate_calendar or target in seen:
            return
        listed = await self.outlook.calendars(wanted.integration.integration_id)
        found = next((calendar for calendar in listed if calendar.calendar_id == target), None)
        if found is None:
            raise Unprocessable("calendar_not_found", "There is no such calendar in this mailbox.")
        if not found.can_edit:
            raise Unprocessable("calendar_read_only", "This calendar can only be read.")
        seen.add(target)

    async def _changed(
        self, stored: Stored[Integration], wanted: Consequences, change: SettingsChange
    ) -> SettingsChanged:
        """What finds a lost message later is entered before the row says that there is something to find."""
        before, after = stored.value, wanted.integration
        copies = CopiesAffected()
        if wanted.full:
            copies = copies_affected(wanted, before, [item async for item in self._mappings(after)])
        if wanted.run:
            run_id = await self._waiting_run(before) or self.ids.new_id()
            after = replace(after, settings_run=run_id, quiet_until=self.clock.now() + QUIET)
        if wanted.run or wanted.subscription:
            await self._enter_due(after)
        await self.integrations.save(Stored(value=after, tag=stored.tag))
        log_action("settings_changed", integration=after.integration_id, full=wanted.full, paused=wanted.paused)
        if wanted.paused:
            await self._stop_runs(after)
        if wanted.resumed or (wanted.subscription and not wanted.moves):
            await self.subscribe.enqueue(after.integration_id)
        sync_id = await self._start(after, wanted) if wanted.run else ""
        return self._answer(replace(wanted, integration=after), copies, change, sync_id)

    async def _stop_runs(self, integration: Integration) -> None:
        """What is under way stops where it is; its cursors stay, so that the run after the pause does the rest."""
        for stored in await self.runs.recent(integration.integration_id, _RECENT):
            if stored.value.state is not RunState.IN_PROGRESS:
                continue
            with suppress(StoreFault):  # it has just ended, or beats: then it is done before long
                await self.runs.save(Stored(value=replace(stored.value, cancel_requested=True), tag=stored.tag))

    async def _mappings(self, integration: Integration) -> AsyncIterator[EventMapping]:
        async for stored in self.mappings.all(integration.integration_id):
            yield stored.value

    async def _enter_due(self, integration: Integration) -> None:
        at = self.clock.now() + _LOOK_AFTER
        for kind in (SAFETY, RENEWAL):
            await self.due.put(Due(kind=kind, integration_id=integration.integration_id, at=at))

    async def _waiting_run(self, integration: Integration) -> str:
        """Return the run of an earlier change that has not begun yet, or that was named and is not entered yet."""
        if not integration.settings_run:
            return ""
        known = await self.runs.get(integration.integration_id, integration.settings_run)
        return "" if known is not None and known.value.state is not RunState.QUEUED else integration.settings_run

    async def _start(self, integration: Integration, wanted: Consequences) -> str:
        """Enter the run that the row names and send its message; another one if it has begun meanwhile."""
        run = SyncRun(
            run_id=integration.settings_run,
            integration_id=integration.integration_id,
            request=RunRequest(
                kind=RunKind.FULL if wanted.full else RunKind.INCREMENTAL,
                triggered_by=TriggeredBy.MANUAL,
                direction=integration.direction,
                purpose=RunPurpose.MOVE_CALENDAR if integration.moves else RunPurpose.SYNC,
            ),
            state=RunState.QUEUED,
            queued_at=self.clock.now(),
        )
        if not await self._entered(run):
            run = replace(run, run_id=self.ids.new_id())
            await self.runs.insert(run)
        await self.jobs.put(
            RunJob(integration_id=integration.integration_id, run_id=run.run_id), delay_seconds=QUIET.total_seconds()
        )
        return run.run_id

    async def _entered(self, run: SyncRun) -> bool:
        """Whether the run waits, and does all that it is to do by now."""
        try:
            await self.runs.insert(run)
            return True
        except RowExists:
            known = await self.runs.get(run.integration_id, run.run_id)
        if known is None or known.value.state is not RunState.QUEUED:
            return False
        full = RunKind.FULL in (run.request.kind, known.value.request.kind)
        request = replace(run.request, kind=RunKind.FULL if full else RunKind.INCREMENTAL)
        try:
            await self.runs.save(Stored(value=replace(known.value, request=request), tag=known.tag))
        except StoreFault:
            return False
        return True

    @staticmethod
    def _answer(
        wanted: Consequences, copies: CopiesAffected, change: SettingsChange, sync_id: str = ""
    ) -> SettingsChanged:
        return SettingsChanged(
            integration=wanted.integration,
            subscription_updated=wanted.subscription,
            schedule_changed=wanted.resumed or wanted.paused,
            full_resync=wanted.full,
            copies=copies,
            unrepresentable=tuple(change.preferences.get("notification_minutes", ()))[1:],
            sync_id=sync_id,
        )
