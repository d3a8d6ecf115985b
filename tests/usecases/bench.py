"""The use cases on stores in memory, with far ends whose answers a test decides."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from shared.bootstrap import RandomIds
from shared.core.event import CalendarEvent, EventType, Field, OutlookState, Side, WedSyncState
from shared.core.integration import Integration, SyncWindow
from shared.core.jobs import RunJob
from shared.errors import EventGone, VersionMismatch
from shared.graph.meter import GraphMeter
from shared.ports import DeltaPage, OutlookPatch, Ports, Stored, WedSyncDraft, WedSyncPage
from shared.service import App, build
from shared.settings import Settings
from shared.store.auth_states import TableAuthStates
from shared.store.confirmations import TableConfirmations
from shared.store.conflicts import TableConflicts
from shared.store.due import TableDueList
from shared.store.history import TableChanges, TableRuns
from shared.store.integrations import TableIntegrations
from shared.store.leases import TableLeases
from shared.store.mappings import TableMappings
from shared.store.meetings import TableMeetingRequests
from shared.store.memory import MemoryJobQueue, MemorySecrets, MemoryTables
from shared.store.rate_limits import TableRateLimits
from shared.store.rules import TableResolutionRules
from shared.store.run_items import TableRunItems
from shared.store.subscriptions import TableSubscriptionRows
from tests.support.values import NOON, StandingClock, content, integration

SAMPLE = Path(__file__).parents[2] / "local.settings.sample.json"


def no_fault(what: str) -> None:
    """Let everything pass."""


@dataclass(kw_only=True)
class FarOutlook:
    """A mailbox with one calendar. ``before`` is called with the name of each request and may raise."""

    events: dict[str, OutlookState] = field(default_factory=dict)
    before: Callable[[str], None] = no_fault
    requests: list[str] = field(default_factory=list)

    def put(self, event_id: str, event: CalendarEvent) -> OutlookState:
        version = len(self.requests) + int(self.events[event_id].etag) + 1 if event_id in self.events else 1
        self.events[event_id] = OutlookState(event_id=event_id, etag=str(version), changed_at=NOON, content=event)
        return self.events[event_id]

    async def delta(self, integration_id: str, *, calendar_id: str, window: SyncWindow, link: str = "") -> DeltaPage:
        self._note("delta from here" if link else "delta of everything")
        return DeltaPage(events=tuple(self.events.values()), delta_link="https://graph/next")

    async def event(self, integration_id: str, event_id: str) -> OutlookState:
        self._note("event")
        if event_id not in self.events:
            raise EventGone("graph", status=404)
        return self.events[event_id]

    async def update(self, integration_id: str, *, event_id: str, etag: str, patch: OutlookPatch) -> OutlookState:
        self._note("update")
        if self.events[event_id].etag != etag:
            raise VersionMismatch("graph", status=412)
        return self.put(event_id, replace(patch.content, title=patch.title))

    def _note(self, what: str) -> None:
        self.requests.append(what)
        self.before(what)


@dataclass(kw_only=True)
class FarWedSync:
    """The events of one user. ``before`` is called with the name of each request and may raise."""

    events: dict[str, WedSyncState] = field(default_factory=dict)
    before: Callable[[str], None] = no_fault

    def put(self, event_id: str, event: CalendarEvent, *, external_id: str | None = None) -> WedSyncState:
        version = self.events[event_id].version + 1 if event_id in self.events else 1
        self.events[event_id] = WedSyncState(
            event_id=event_id,
            version=version,
            updated_at=NOON,
            content=event,
            event_type=EventType.CLIENT_MEETING,
            source=Side.OUTLOOK if external_id else Side.WEDSYNC,
            external_id=external_id,
        )
        return self.events[event_id]

    async def changes(self, user_id: str, *, cursor: str = "", window: SyncWindow | None = None) -> WedSyncPage:
        self.before("changes")
        return WedSyncPage(events=tuple(self.events.values()), cursor="next", more=False)

    async def event(self, user_id: str, event_id: str) -> WedSyncState:
        self.before("event")
        return self.events[event_id]

    def compose(self, draft: WedSyncDraft) -> str:
        self._drafts[draft.external_id] = draft
        return draft.external_id

    async def create(self, user_id: str, payload: str, *, idempotency_key: str) -> WedSyncState:
        self.before("create")
        draft = self._drafts[payload]
        return self.put(f"w-{payload}", draft.content, external_id=payload)

    async def update(
        self, user_id: str, *, event_id: str, version: int, fields: frozenset[Field], content: CalendarEvent
    ) -> WedSyncState:
        self.before("update")
        if self.events[event_id].version != version:
            raise VersionMismatch("wedsync", status=412)
        return self.put(event_id, content, external_id=self.events[event_id].external_id)

    _drafts: dict[str, WedSyncDraft] = field(default_factory=dict)


@dataclass(kw_only=True)
class Bench:
    """The app with everything around it."""

    clock: StandingClock
    outlook: FarOutlook
    wedsync: FarWedSync
    jobs: MemoryJobQueue
    ports: Ports
    app: App
    connection: Integration

    async def connected(self) -> Integration:
        stored = await self.ports.integrations.get(self.connection.integration_id)
        assert stored
        return stored.value

    async def change(self, **members: Any) -> None:
        stored = await self.ports.integrations.get(self.connection.integration_id)
        assert stored
        await self.ports.integrations.save(Stored(value=replace(stored.value, **members), tag=stored.tag))

    def run_jobs(self) -> list[RunJob]:
        """Take what waits to be run."""
        return [job for job in self.jobs.take() if isinstance(job, RunJob)]


async def new_bench() -> Bench:
    """Return a bench with one connection that syncs, and two empty calendars."""
    clock, tables, jobs = StandingClock(), MemoryTables(), MemoryJobQueue()
    outlook, wedsync = FarOutlook(), FarWedSync()
    nobody = cast(Any, None)
    ports = Ports(
        clock=clock,
        ids=RandomIds(),
        secrets=MemorySecrets(),
        outlook=cast(Any, outlook),
        schedules=nobody,
        meetings=nobody,
        meter=GraphMeter(),
        subscriptions=nobody,
        consent=nobody,
        wedsync=cast(Any, wedsync),
        user_tokens=nobody,
        integrations=TableIntegrations(tables),
        mappings=TableMappings(tables),
        conflicts=TableConflicts(tables),
        confirmations=TableConfirmations(tables),
        runs=TableRuns(tables),
        run_items=TableRunItems(tables),
        changes=TableChanges(tables),
        rows=TableSubscriptionRows(tables),
        rules=TableResolutionRules(tables),
        meeting_requests=TableMeetingRequests(tables),
        states=TableAuthStates(tables, clock),
        leases=TableLeases(tables, clock),
        due=TableDueList(tables),
        limits=TableRateLimits(tables),
        jobs=jobs,
    )
    settings = Settings.from_environ(json.loads(SAMPLE.read_text())["Values"])
    connection = (await ports.integrations.insert(integration(calendar_id="calendar"))).value
    await ports.mappings.raise_epoch(connection.integration_id, connection.epoch)
    return Bench(
        clock=clock,
        outlook=outlook,
        wedsync=wedsync,
        jobs=jobs,
        ports=ports,
        app=build(settings, ports),
        connection=connection,
    )


def tasting(title: str = "Tasting") -> CalendarEvent:
    """Return an event inside the window."""
    return content(title=title)
