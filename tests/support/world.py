"""The whole service in one process, without sockets and without waiting.

Real: every use case (``shared.bootstrap.build``), Graph's and WedSync's clients, wires and webhooks, the stores, and
the simulators behind ASGI. Fakes: tables, queue and vault in memory; Entra; the post, which carries what Graph and
WedSync send to us, so that a test can lose, double or shuffle it. Time is the loop's (``PatientLoop``): it passes only
while everybody waits.

::

    async with World() as world:
        await world.connect()
        await world.wedsync.add("Tasting")
        await world.settle()
        await world.assert_equal()
"""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx

from local.graph.service import Graph
from local.simkit.clock import Clock
from local.simkit.people import PLANNERS, Planner
from shared.core.actions import Create
from shared.core.event import WedSyncState
from shared.core.history import Conflict, SyncRun
from shared.core.integration import Integration
from shared.core.jobs import EventJob, LooksJob, RunJob, RunKind, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping
from shared.core.unmapped import decide_unmapped
from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphCall, GraphClient
from shared.graph.meetings import GraphMeetings
from shared.graph.meter import GraphMeter
from shared.graph.schedules import GraphSchedules
from shared.graph.subscriptions import GraphSubscriptions
from shared.ports import Ports, Stored
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
from shared.store.rate_limits import TableRateLimits
from shared.store.rules import TableResolutionRules
from shared.store.run_items import TableRunItems
from shared.store.subscriptions import TableSubscriptionRows
from shared.usecases.connect import integration_id_of
from shared.usecases.settle_pair import policy_of
from shared.wedsync.client import WedSyncClient
from shared.wedsync.events import WedSyncApi
from shared.wedsync.tokens import JwtUserTokens
from tests.journeys import compare
from tests.support.calendars import OutlookCalendar, WedSyncCalendar
from tests.support.ends import (
    FUNCTIONS,
    GRAPH,
    SERVICE_TOKEN,
    WEBHOOK_SECRET,
    WEDSYNC,
    Letter,
    graph_end,
    hand_over,
    wedsync_end,
)
from tests.support.entra import FakeEntra
from tests.support.steps import Message, SteppedQueue, SteppedSecrets, SteppedTables, SteppedTransport, Steps

START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
MOST_DELIVERIES = 5
"""host.json's ``maxDequeueCount``; a message that fails comes back after ``visibilityTimeout``, 10 s."""

SETTINGS = Settings.from_environ(
    {
        "AZURE_CLIENT_ID": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10",
        "AZURE_REDIRECT_URI": f"{FUNCTIONS}/api/integrations/outlook/callback",
        "GRAPH_BASE_URL": f"{GRAPH}/v1.0",
        "KEY_VAULT_URL": "https://vault.test",
        "SyncStorage": "in memory",
        "PUBLIC_BASE_URL": FUNCTIONS,
        "WEDSYNC_API_URL": WEDSYNC,
        "WEDSYNC_APP_URL": WEDSYNC,
        "WEDSYNC_JWKS_URL": f"{WEDSYNC}/.well-known/jwks.json",
        "WEDSYNC_JWT_ISSUER": WEDSYNC,
        "WEDSYNC_JWT_AUDIENCE": "wedsync-outlook-sync",
    }
)


class WorldClock(Clock):
    """Everybody's clock: the loop's time after ``START``."""

    def __init__(self) -> None:
        super().__init__()
        self._began = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time() - self._began) + self.offset


class SeededIds:
    """Ids that a run with the same seed gets again."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def new_secret(self) -> str:
        return f"{self._random.getrandbits(256):064x}"


class World:
    """Two calendars, the service between them, and the post. ``errors`` are what jobs raised without foresight."""

    def __init__(self, *, seed: int = 0, planner: Planner = PLANNERS[0], steps: Steps | None = None) -> None:
        self.planner = planner
        self.integration_id = integration_id_of(planner.user_id)
        self.clock = WorldClock()
        self.ids = SeededIds(seed)
        self.steps = steps or Steps()
        self.post: list[Letter] = []
        self.errors: list[Exception] = []
        self.poisoned: list[str] = []
        self.tables = SteppedTables(self.steps)
        self.queue = SteppedQueue(steps=self.steps)
        self.secrets = SteppedSecrets(
            self.steps, {"wedsync-service-token": SERVICE_TOKEN, "wedsync-webhook-secret": WEBHOOK_SECRET}
        )
        self.entra = FakeEntra(secrets=self.secrets)
        graph_app = graph_end(self.post, self.clock)
        self.graph: Graph = graph_app.state.graph
        graph, wedsync = (
            httpx.ASGITransport(app=graph_app),
            httpx.ASGITransport(app=wedsync_end(self.post, self.clock)),
        )
        self._open(SteppedTransport(self.steps, "graph", graph), SteppedTransport(self.steps, "wedsync", wedsync))
        self._http = (
            httpx.AsyncClient(base_url=GRAPH, transport=graph),
            httpx.AsyncClient(base_url=WEDSYNC, transport=wedsync),
        )
        self.outlook = OutlookCalendar(http=self._http[0], owner=planner)
        self.wedsync = WedSyncCalendar(http=self._http[1], owner=planner)
        self.restart()

    async def __aenter__(self) -> Self:
        await self.outlook.knobs(notifyMilliseconds=0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.graph.sender.stop()
        await self._graph_client.close()
        await self._wedsync_client.close()
        for client in self._http:
            await client.aclose()

    def _open(self, graph: httpx.AsyncBaseTransport, wedsync: httpx.AsyncBaseTransport) -> None:
        """Make the service's clients."""
        self.calls: list[GraphCall] = []
        self.meter = GraphMeter()
        self._graph_client = GraphClient(
            base_url=SETTINGS.graph_base_url,
            tokens=self.entra,
            new_id=self.ids.new_id,
            on_request=self._called,
            transport=graph,
        )
        self._wedsync_client = WedSyncClient(base_url=WEDSYNC, secrets=self.secrets, transport=wedsync)
        for client in (self._graph_client, self._wedsync_client):
            # A TLS context takes 40 ms to make, and nothing here would use it.
            client._http = httpx.AsyncClient(transport=client._transport, timeout=30)

    def _called(self, call: GraphCall) -> None:
        self.calls.append(call)
        self.meter.note(call)

    # --- The service ------------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """A new process: what was only in memory is forgotten."""
        self.entra.held.clear()
        self.ports = self._ports()
        self.app: App = build(SETTINGS, self.ports)

    def _ports(self) -> Ports:
        return Ports(
            clock=self.clock,
            ids=self.ids,
            secrets=self.secrets,
            outlook=GraphOutlook(self._graph_client),
            schedules=GraphSchedules(self._graph_client),
            meetings=GraphMeetings(self._graph_client),
            meter=self.meter,
            subscriptions=GraphSubscriptions(
                self._graph_client,
                notification_url=f"{FUNCTIONS}/api/calendar/outlook/webhook",
                lifecycle_url=f"{FUNCTIONS}/api/calendar/outlook/lifecycle",
            ),
            consent=self.entra,
            wedsync=WedSyncApi(self._wedsync_client),
            user_tokens=JwtUserTokens(
                self._wedsync_client,
                jwks_url=SETTINGS.wedsync_jwks_url,
                issuer=SETTINGS.wedsync_jwt_issuer,
                audience=SETTINGS.wedsync_jwt_audience,
                clock=self.clock,
            ),
            integrations=TableIntegrations(self.tables),
            mappings=TableMappings(self.tables),
            conflicts=TableConflicts(self.tables),
            rules=TableResolutionRules(self.tables),
            meeting_requests=TableMeetingRequests(self.tables),
            confirmations=TableConfirmations(self.tables),
            runs=TableRuns(self.tables),
            run_items=TableRunItems(self.tables),
            changes=TableChanges(self.tables),
            rows=TableSubscriptionRows(self.tables),
            states=TableAuthStates(self.tables, self.clock),
            leases=TableLeases(self.tables, self.clock),
            due=TableDueList(self.tables),
            limits=TableRateLimits(self.tables),
            jobs=self.queue,
        )

    async def connect(self, *, settle: bool = True) -> None:
        """Consent, choose the default calendar, and let the first run end. What was told before was told to nobody."""
        await self.quiet()
        while self.post:
            await self.deliver(self.post[0])
        begun = await self.app.begin_connect.run(self.planner.user_id)
        answer = {"state": begun.state, "code": self.planner.account.upn}
        await self.app.finish_connect.by_post(self.planner.user_id, answer)
        if settle:
            await self.settle()

    async def sync(self, kind: RunKind = RunKind.FULL) -> SyncRun:
        """Have a run made as the user asks for it, and return its row."""
        request = RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL)
        run = await self.app.request_sync.by_user(self.planner.user_id, request)
        await self.settle()
        return await self.app.request_sync.status(self.planner.user_id, run.run_id)

    async def timers(self) -> None:
        """What the timers do when they fire."""
        await self.app.enqueue_due.renewals()
        await self.app.enqueue_due.safety_runs()
        await self.app.enqueue_due.reconciliations()
        await self.app.enqueue_due.idle_tokens()
        await self.app.prune_history.sign_ins()
        await self.app.count_call.forget_full()
        await self.app.enqueue_due.prunings()

    async def advance(self, **span: float) -> None:
        """Let time pass; nothing is delivered meanwhile."""
        await asyncio.sleep(timedelta(**span).total_seconds())

    # --- Delivery ---------------------------------------------------------------------------------------------------

    async def settle(self, *, within: timedelta = timedelta(hours=2), most: int = 2000) -> int:
        """Deliver the post and carry out jobs, waiting for delayed ones, until nothing is left; return how many."""
        until = self.clock.now() + within
        for done in range(most):
            if not await self.settle_one(until):
                return done
        raise AssertionError(f"no rest after {most} steps; waiting: {self.queue.kept[:3]}")

    async def settle_one(self, until: datetime | None = None) -> bool:
        """Deliver one letter, or else carry out the next job; return whether there was anything."""
        await self.quiet()
        if self.post:
            await self.deliver(self.post[0])
            return True
        return await self._next_job(until or self.clock.now() + timedelta(hours=2))

    async def quiet(self) -> None:
        """Wait until the simulators have posted what they have to post."""
        await asyncio.sleep(0)
        while self.graph.sender.delivery.timetable.waiting:  # noqa: ASYNC110 - the simulator has no event for it
            await asyncio.sleep(0)

    async def deliver(self, letter: Letter) -> None:
        """Hand a letter to the service; it stays in the post if that fails, as its sender would try again."""
        await hand_over(self.app, letter, message_id=f"msg_{self.ids.new_id()}")
        if letter in self.post:
            self.post.remove(letter)

    async def _next_job(self, until: datetime) -> bool:
        message = self.queue.next()
        if message is None:
            return False
        wait = message.due - asyncio.get_running_loop().time()
        if self.clock.now() + timedelta(seconds=wait) > until:
            return False
        if wait > 0:
            await asyncio.sleep(wait)
        await self.carry_out(message)
        return True

    async def carry_out(self, message: Message) -> None:
        """Run a message's job as the host would: it comes back when the job raises, and is poison after five times."""
        message.delivered += 1
        message.due = asyncio.get_running_loop().time() + 10
        try:
            await self.run_job(message.text, again=message.delivered > 1)
        except Exception as error:
            self.errors.append(error)
            if message.delivered < MOST_DELIVERIES:
                return
            self.poisoned.append(message.text)
            await self.app.recover_poison.run(message.text)
        self.queue.kept.remove(message)

    async def run_at_once(self, texts: Sequence[str]) -> None:
        """Run jobs at the same time, as several instances of the host would."""
        await asyncio.gather(*(self.run_job(text) for text in texts))

    async def run_job(self, text: str, app: App | None = None, *, again: bool = False) -> None:
        """Do what the queue triggers do. ``app`` is that of another process; ``again``: it was delivered before."""
        app = app or self.app
        job = app.jobs.parse(text)
        if isinstance(job, EventJob):
            await app.settle_events.run(job, again=again)
        elif isinstance(job, LooksJob):
            await app.hand_out_looks.run(job)
        elif isinstance(job, RunJob):
            await app.sync_run.run(job)
        else:
            await app.keep_up.run(job)

    async def crashes(self, work: Callable[[], Awaitable[object]], *, at: int) -> bool:
        """Do the work in a process that dies at its ``at``-th step; return whether it died. A new one is started."""
        before = asyncio.all_tasks()
        self.steps.killed = ""
        self.steps.deadly_from = len(self.steps.names) + at
        died = False
        try:
            await work()
        except BaseException as end:
            died = bool(self.steps.killed)
            if not died:
                raise end
        finally:
            await self.quiet()
            orphans = asyncio.all_tasks() - before
            for task in orphans:
                task.cancel()
            await asyncio.gather(*orphans, return_exceptions=True)
            self.steps.deadly_from = None
        if died:
            self.restart()
        return died

    async def kill_after(self, request: str) -> None:
        """Settle in a process that dies as soon as it has sent such a request, before it learns of the answer."""

        async def die(name: str) -> None:
            if name.startswith(f"after {request}"):
                self.steps.watch = None
                self.steps.deadly_from = 0
                await self.steps.reach(name)

        self.steps.watch = die
        assert await self.crashes(self.settle, at=1_000_000), f"{request} was never sent"

    # --- What is known ----------------------------------------------------------------------------------------------

    async def integration(self) -> Integration:
        stored = await self.ports.integrations.get(self.integration_id)
        assert stored is not None
        return stored.value

    async def change_integration(self, **changes: Any) -> None:
        """Set what the settings endpoint will let the user set."""
        stored = await self.ports.integrations.get(self.integration_id)
        assert stored is not None
        await self.ports.integrations.save(Stored(value=replace(stored.value, **changes), tag=stored.tag))

    async def mappings(self) -> list[EventMapping]:
        return [stored.value async for stored in self.ports.mappings.all(self.integration_id)]

    async def mapping_of(self, wedsync_id: str) -> EventMapping:
        return next(each for each in await self.mappings() if each.wedsync_id == wedsync_id)

    def intent_of(self, integration: Integration, state: WedSyncState) -> EventMapping:
        """An intent as a job would store it that decided on this event while the integration was so."""
        action = decide_unmapped(state, policy=policy_of(integration))
        assert isinstance(action, Create)
        return self.app.settle_events.new.create.intend_outlook(integration, state, action)

    async def open_conflicts(self) -> tuple[Conflict, ...]:
        return await self.ports.conflicts.open_all(self.integration_id)

    async def runs(self) -> list[SyncRun]:
        """All runs, the newest first."""
        return [stored.value for stored in await self.ports.runs.recent(self.integration_id, 100)]

    async def differences(self) -> list[str]:
        """Return in words where the calendars differ, but for open conflicts."""
        at_odds = {each.mapping_id for each in await self.open_conflicts()}
        but = frozenset(str(each.wedsync_id) for each in await self.mappings() if each.mapping_id in at_odds)
        start, end = (moment.date().isoformat() for moment in compare.window(self.clock.now()))
        view = await self.outlook.view(start, end)
        return compare.differences(
            await self.wedsync.events(),
            await self.outlook.events(),
            view,
            but=but,
            travel=(await self.integration()).preferences.sync_travel_time,
        )

    async def assert_equal(self) -> None:
        """Both calendars say the same, nobody was mailed, and no job failed without foresight."""
        assert await self.differences() == []
        assert await self.outlook.sent() == []
        assert self.errors == []
