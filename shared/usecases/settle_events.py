"""An ``EventJob``: look at the events that a notice named, and bring each pair into step."""

from dataclasses import dataclass, replace

from shared.core.actions import Policy
from shared.core.event import OutlookKind, OutlookState, Side, WedSyncState
from shared.core.integration import Integration, SyncWindow
from shared.core.jobs import EventJob, Glance
from shared.core.mapping import EventMapping
from shared.core.states import MappingState
from shared.core.views import Gone, Present, Views
from shared.errors import (
    CalendarGone,
    DuplicateTransaction,
    OperatorFault,
    OutcomeUnknown,
    ReconnectNeeded,
    Rejected,
    RowChanged,
    RowExists,
    StoreFault,
    Throttled,
    Unavailable,
    VersionMismatch,
)
from shared.log import log_action
from shared.ports import Clock, Mappings
from shared.usecases.job_frame import JobFrame
from shared.usecases.journal import Journal, Trace
from shared.usecases.look import Look
from shared.usecases.refusals import reason_of
from shared.usecases.request_sync import RequestSync
from shared.usecases.settle_new import SettleNew
from shared.usecases.settle_pair import SettlePair, policy_of

_SOON = (Throttled, Unavailable, OutcomeUnknown, VersionMismatch, RowChanged, RowExists)
_STOPS = (ReconnectNeeded, CalendarGone, OperatorFault)
_TRIES = 4
"""Attempts at an event that will not hold still, before it is quarantined: 2, 10, 60 s apart."""


@dataclass(frozen=True, kw_only=True)
class SettleEvents:
    """Looks at each event by itself: what fails for one holds up no other."""

    frame: JobFrame
    mappings: Mappings
    look: Look
    pair: SettlePair
    new: SettleNew
    journal: Journal
    request_sync: RequestSync
    clock: Clock
    past_days: int
    future_days: int

    async def run(self, job: EventJob) -> None:
        """Settle every event of the job; those that have to wait are handed back together."""

        async def work(integration: Integration) -> None:
            if integration.syncing:
                await self._all(integration, job)

        await self.frame.run(job, work)

    async def _all(self, integration: Integration, job: EventJob) -> None:
        policy = policy_of(integration, window=self._window())
        trace = Trace(correlation=job.correlation)
        waiting: list[Glance] = []
        fault: Exception | None = None
        for glance in job.events:
            try:
                await self._one(integration, job.side, glance, policy=policy, trace=trace)
            except _STOPS:
                raise
            except _SOON as soon:
                if job.attempt + 1 >= _TRIES and isinstance(soon, VersionMismatch | RowChanged | RowExists):
                    await self._quarantine(integration, job.side, glance, "It keeps changing while it is synced.")
                    continue
                waiting.append(glance)
                fault = soon
            except (Rejected, DuplicateTransaction, StoreFault) as refusal:
                await self._quarantine(integration, job.side, glance, reason_of(refusal))
        if fault is not None:
            await self.frame.hand_back(replace(job, events=tuple(waiting)), fault)

    def _window(self) -> SyncWindow:
        return SyncWindow.around(self.clock.now(), past_days=self.past_days, future_days=self.future_days)

    async def _one(self, integration: Integration, side: Side, glance: Glance, *, policy: Policy, trace: Trace) -> None:
        if side is Side.WEDSYNC:
            await self._wedsync(integration, glance, policy=policy, trace=trace)
        else:
            await self._outlook(integration, glance, policy=policy, trace=trace)

    async def _wedsync(self, integration: Integration, glance: Glance, *, policy: Policy, trace: Trace) -> None:
        stored = await self.mappings.by_wedsync(integration.integration_id, glance.event_id)
        if stored and _known_version(stored.value, glance):
            return
        view = await self.look.wedsync_event(integration, glance.event_id)
        if stored:
            await self.pair.run(integration, stored, Views(wedsync=view), policy=policy, trace=trace)
        elif isinstance(view, Present) and isinstance(view.state, WedSyncState):
            await self.new.wedsync_event(integration, view.state, policy=policy, trace=trace)

    async def _outlook(self, integration: Integration, glance: Glance, *, policy: Policy, trace: Trace) -> None:
        stored = await self.mappings.by_outlook(integration.integration_id, glance.event_id)
        if stored and _known_etag(stored.value, glance):
            return
        if stored is None and glance.removed:
            await self._removed(integration, glance)
            return
        view = await self.look.outlook_event(integration, glance.event_id, moved=glance.removed)
        if isinstance(view, Present) and isinstance(view.state, OutlookState) and _in_series(view.state):
            await self.request_sync.look_again(integration)
            return
        if stored:
            await self.pair.run(integration, stored, Views(outlook=view), policy=policy, trace=trace)
        elif isinstance(view, Present) and isinstance(view.state, OutlookState):
            await self.new.outlook_event(integration, view.state, policy=policy, trace=trace)
        elif isinstance(view, Gone):
            log_action("event_gone_unmapped", integration=integration.integration_id)

    async def _removed(self, integration: Integration, glance: Glance) -> None:
        """What left without being mapped matters only as the master of a series whose occurrences are."""
        async for stored in self.mappings.all(integration.integration_id):
            if stored.value.series_id == glance.event_id:
                await self.request_sync.look_again(integration)
                return

    async def _quarantine(self, integration: Integration, side: Side, glance: Glance, reason: str) -> None:
        """Set an event aside with its reason: visible, retryable, blocking nothing."""
        find = self.mappings.by_wedsync if side is Side.WEDSYNC else self.mappings.by_outlook
        stored = await find(integration.integration_id, glance.event_id)
        log_action("event_quarantined", integration=integration.integration_id, side=side.value, mapped=bool(stored))
        if stored is None:
            return
        try:
            await self.journal.save(stored, replace(stored.value, quarantine=reason))
        except StoreFault:
            return  # somebody has just worked on it


def _known_version(mapping: EventMapping, glance: Glance) -> bool:
    """Whether the notice is about a version that is accounted for: an echo, or a repeat."""
    linked = mapping.state is not MappingState.INTENT
    return linked and glance.hint.isdigit() and int(glance.hint) <= mapping.w_version


def _known_etag(mapping: EventMapping, glance: Glance) -> bool:
    """The same for Outlook. An open intent accounts for nothing: whether its event was made has to be found out."""
    linked = mapping.state is not MappingState.INTENT
    return linked and not glance.removed and glance.hint != "" and glance.hint == mapping.o_etag


def _in_series(state: OutlookState) -> bool:
    return state.kind is not OutlookKind.SINGLE
