"""Graph's notices become jobs: who is believed, how they are folded, what each lifecycle event asks for."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from shared.core.event import Side
from shared.core.integration import Integration
from shared.core.jobs import EventJob, Glance, Message, RunJob, UpkeepJob, UpkeepKind
from shared.core.states import IntegrationState, SubscriptionState
from shared.errors import Unavailable
from shared.store.history import TableRuns
from shared.store.integrations import TableIntegrations
from shared.store.memory import MemoryJobQueue, MemoryTables
from shared.store.subscriptions import TableSubscriptionRows
from shared.usecases.accept_notifications import (
    EVENTS_PER_JOB,
    STRANGERS,
    AcceptNotifications,
    LifecycleNotice,
    Notice,
)
from shared.usecases.request_sync import RequestSync
from shared.usecases.subscribe import client_state_hash
from tests.support import values

SECRET = "what Graph was told"


class Ids:
    def new_id(self) -> str:
        return values.new_id()

    def new_secret(self) -> str:
        return "unused"


@dataclass(kw_only=True)
class Setting:
    """The use case, with one connection and its subscription in the tables."""

    accept: AcceptNotifications
    jobs: MemoryJobQueue
    tables: MemoryTables
    integration: Integration
    subscription_id: str

    def notice(self, event_id: str = "e", **changes: object) -> Notice:
        made = Notice(subscription_id=self.subscription_id, client_state=SECRET, event_id=event_id, etag='W/"1"')
        return replace(made, **changes)  # type: ignore[arg-type]

    def looks(self) -> list[tuple[Glance, ...]]:
        return [job.events for job in self.taken() if isinstance(job, EventJob)]

    def taken(self) -> Sequence[Message]:
        return self.jobs.take()

    async def answer(self, event: str, client_state: str = SECRET) -> int:
        notice = LifecycleNotice(subscription_id=self.subscription_id, client_state=client_state, event=event)
        return await self.accept.lifecycle([notice])


@pytest.fixture
async def setting() -> Setting:
    return await connected(IntegrationState.CONNECTED)


async def connected(state: IntegrationState) -> Setting:
    tables, jobs, clock = MemoryTables(), MemoryJobQueue(), values.StandingClock()
    integrations, rows = TableIntegrations(tables), TableSubscriptionRows(tables)
    integration = values.integration(state=state)
    await integrations.insert(integration)
    subscription = values.subscription(
        integration_id=integration.integration_id, client_state_hash=client_state_hash(SECRET)
    )
    await rows.put(subscription)
    runs = TableRuns(tables)
    request_sync = RequestSync(integrations=integrations, runs=runs, jobs=jobs, ids=Ids(), clock=clock)
    accept = AcceptNotifications(
        rows=rows, integrations=integrations, jobs=jobs, request_sync=request_sync, ids=Ids(), clock=clock
    )
    return Setting(
        accept=accept,
        jobs=jobs,
        tables=tables,
        integration=integration,
        subscription_id=subscription.subscription_id,
    )


async def test_a_notice_becomes_a_look(setting: Setting) -> None:
    assert await setting.accept.changes([setting.notice()]) == 1
    (job,) = setting.taken()
    assert isinstance(job, EventJob)
    assert (job.integration_id, job.side) == (setting.integration.integration_id, Side.OUTLOOK)
    assert job.events == (Glance(event_id="e", hint='W/"1"'),)
    assert job.correlation


async def test_notices_of_one_event_are_one_look_and_keep_a_hint_only_if_they_agree(setting: Setting) -> None:
    await setting.accept.changes([setting.notice(), setting.notice()])
    await setting.accept.changes([setting.notice(), setting.notice(etag='W/"2"')])
    await setting.accept.changes([setting.notice(etag='W/"2"'), setting.notice(), setting.notice(etag='W/"2"')])
    await setting.accept.changes([setting.notice(removed=True), setting.notice()])
    assert setting.looks() == [
        (Glance(event_id="e", hint='W/"1"'),),
        (Glance(event_id="e"),),
        (Glance(event_id="e"),),
        (Glance(event_id="e", hint='W/"1"', removed=True),),
    ]


async def test_many_notices_become_jobs_of_a_size_that_a_message_holds(setting: Setting) -> None:
    notices = [setting.notice(f"e{number}") for number in range(EVENTS_PER_JOB * 2 + 1)]
    assert await setting.accept.changes(notices) == len(notices)
    looks = setting.looks()
    assert [len(events) for events in looks] == [EVENTS_PER_JOB, EVENTS_PER_JOB, 1]
    assert [glance.event_id for events in looks for glance in events] == [notice.event_id for notice in notices]


async def test_only_the_honest_notices_of_a_post_are_taken(setting: Setting) -> None:
    notices = [
        setting.notice("forged", client_state="another"),
        setting.notice("empty", client_state=""),
        setting.notice("honest"),
        setting.notice("unknown", subscription_id="unknown"),
    ]
    assert await setting.accept.changes(notices) == 1
    assert setting.looks() == [(Glance(event_id="honest", hint='W/"1"'),)]


async def test_a_post_of_nothing_but_strangers_is_not_looked_at_to_its_end(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody may post, and four million characters name eighty thousand: each a read and a line of the log."""
    caplog.set_level(logging.INFO, logger="wedsync")
    asked: list[str] = []
    setting.tables.before = lambda operation, _table: asked.append(operation)
    strangers = [setting.notice(subscription_id=f"stranger-{number}") for number in range(5000)]
    assert await setting.accept.changes(strangers) == 0
    assert len(asked) < STRANGERS + 20
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    (rejected,) = (line for line in lines if line["action"] == "notification_rejected")
    assert rejected["count"] == len(strangers), "each is counted all the same"
    assert STRANGERS <= rejected["subscriptions"] < STRANGERS + 20

    assert await setting.accept.changes([*strangers[: STRANGERS // 2], setting.notice("late"), *strangers]) == 1
    assert setting.looks() == [(Glance(event_id="late", hint='W/"1"'),)]


async def test_whoever_is_known_is_heard_behind_any_number_of_strangers(setting: Setting) -> None:
    """A POST with one honest notice is Graph's, and may name what we have forgotten."""
    strangers = [setting.notice(subscription_id=f"stranger-{number}") for number in range(3 * STRANGERS)]
    other = values.subscription(
        integration_id=setting.integration.integration_id, client_state_hash=client_state_hash(SECRET)
    )
    await setting.accept.rows.put(other)
    last = setting.notice("last", subscription_id=other.subscription_id)
    assert await setting.accept.changes([setting.notice("first"), *strangers, last]) == 2


async def test_an_enqueue_that_fails_is_told_so_that_graph_sends_again(setting: Setting) -> None:
    setting.jobs.fault = Unavailable("queue")
    with pytest.raises(Unavailable):
        await setting.accept.changes([setting.notice()])


async def test_missed_starts_a_full_run(setting: Setting) -> None:
    assert await setting.answer("missed") == 1
    assert [type(job) for job in setting.taken()] == [RunJob]


@pytest.mark.parametrize("state", [IntegrationState.DISCONNECTED, IntegrationState.NEEDS_RECONNECT])
async def test_missed_starts_nothing_where_nothing_is_synced(state: IntegrationState) -> None:
    setting = await connected(state)
    assert await setting.answer("missed") == 1
    assert setting.taken() == ()


async def test_reauthorization_renews_and_keeps_the_subscription(setting: Setting) -> None:
    assert await setting.answer("reauthorizationRequired") == 1
    assert kinds(setting) == [UpkeepKind.RENEW]
    assert await state_of(setting) is SubscriptionState.ACTIVE


async def test_a_removed_subscription_is_marked_and_made_anew(setting: Setting) -> None:
    for _ in range(2):
        assert await setting.answer("subscriptionRemoved") == 1
        assert kinds(setting) == [UpkeepKind.SUBSCRIBE]
        assert await state_of(setting) is SubscriptionState.LAPSED


async def test_a_forged_lifecycle_notice_does_nothing(setting: Setting) -> None:
    for event in ("missed", "reauthorizationRequired", "subscriptionRemoved"):
        assert await setting.answer(event, client_state="another") == 0
    assert setting.taken() == ()
    assert await state_of(setting) is SubscriptionState.ACTIVE


async def test_a_lifecycle_event_that_graph_may_invent_does_no_harm(setting: Setting) -> None:
    await setting.answer("calendarRepainted")
    assert kinds(setting) == [UpkeepKind.SUBSCRIBE]
    assert await state_of(setting) is SubscriptionState.ACTIVE


async def state_of(setting: Setting) -> SubscriptionState:
    stored = await setting.accept.rows.get(setting.subscription_id)
    assert stored
    return stored.value.state


def kinds(setting: Setting) -> list[UpkeepKind]:
    return [job.kind for job in setting.taken() if isinstance(job, UpkeepJob)]
