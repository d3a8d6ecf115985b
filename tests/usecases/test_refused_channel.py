"""Graph refuses the subscription of a mailbox for good: nobody is alarmed for ever, and nothing stays unseen."""

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from shared.core.integration import Integration
from shared.core.jobs import RunJob, UpkeepJob, UpkeepKind
from shared.core.states import IntegrationState
from shared.errors import EventGone, Rejected
from shared.store.rows import Table
from shared.triggers import present
from shared.usecases.due_kinds import RENEWAL
from tests.support.world import World

REFUSED = {"action": "status", "path": "/subscriptions", "status": 403, "code": "Forbidden"}


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")


def said(caplog: pytest.LogCaptureFixture, action: str) -> list[dict[str, Any]]:
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "wedsync"]
    return [line for line in lines if line["action"] == action]


async def hours(world: World, count: int) -> None:
    for _ in range(count * 2):
        await world.advance(minutes=30)
        await world.timers()
        await world.settle(within=timedelta(minutes=1))


async def asked(world: World) -> int:
    return len([line for line in await world.outlook.requests() if "subscriptions" in line])


async def channel(world: World) -> dict[str, Any]:
    status = await world.app.report_status.run(world.planner.user_id)
    written: dict[str, Any] = present.sync_status(status).model_dump(by_alias=True, exclude_none=True)["webhookStatus"]
    return written


async def test_it_is_asked_for_less_and_less_often(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.outlook.fault(**REFUSED)
    await world.connect()
    assert (await world.integration()).state is IntegrationState.CONNECTED
    (line,) = said(caplog, "subscription_refused")
    assert (line["fault_code"], line["status"], line["refusals"]) == ("Forbidden", 403, 1)
    await world.outlook.requests()
    found = []
    for _ in range(4):
        await hours(world, 24)
        found.append(await asked(world))
    assert found[0] <= 6
    assert all(1 <= count <= 2 for count in found[1:]), found
    assert world.poisoned == []
    assert [record.levelno for record in caplog.records if "subscription_refused" in record.getMessage()] == (
        [logging.ERROR] * len(said(caplog, "subscription_refused"))
    )
    rows = [row for row in world.tables.contents()[Table.DUE] if row.partition.startswith(f"d|{RENEWAL}")]
    assert len(rows) == 1


async def test_it_is_shown_and_changes_are_found_all_the_same(world: World) -> None:
    await world.outlook.fault(**REFUSED)
    await world.connect()
    shown = await channel(world)
    assert (shown["isActive"], shown["renewalNeeded"]) == (False, True)
    assert "scheduled sync" in shown["reason"]
    await world.outlook.add("Dentist")
    await hours(world, 1)
    await world.assert_equal()


async def test_what_is_granted_at_last_is_as_if_nothing_had_been(world: World) -> None:
    await world.outlook.fault(**REFUSED)
    await world.connect()
    await hours(world, 10)
    await world.outlook.clear_faults()
    await hours(world, 24)
    assert "reason" not in await channel(world)
    assert (await channel(world))["isActive"]
    integration = await world.integration()
    assert (integration.channel_refusals, integration.channel_refusal_code, integration.channel_next_try) == (
        0,
        "",
        None,
    )
    await world.outlook.add("Dentist")
    await world.settle(within=timedelta(seconds=30))
    await world.assert_equal()


async def test_a_renewal_that_is_refused_keeps_the_one_that_is_there(world: World) -> None:
    """It still delivers, and each delivery sees that it ends soon: that does not have it asked for each time."""
    await world.connect()
    await world.outlook.fault(**REFUSED)
    await world.advance(days=6, hours=1)
    await world.timers()
    await world.settle(within=timedelta(minutes=1))
    assert (await world.integration()).channel_refusals == 1
    await world.outlook.requests()
    for number in range(5):
        await world.outlook.add(f"Dentist {number}")
        await world.settle(within=timedelta(seconds=30))
    assert await asked(world) == 0
    await world.assert_equal()


async def test_who_turns_notifications_off_and_on_is_heard_at_once(world: World) -> None:
    await world.outlook.fault(**REFUSED)
    await world.connect()
    await world.outlook.clear_faults()
    for wanted in (False, True):
        await world.change_integration(webhooks=wanted)
        await world.app.keep_up.subscribe.enqueue(world.integration_id)
        await world.settle(within=timedelta(minutes=1))
        assert (await channel(world))["isActive"] is wanted


async def test_who_connects_again_is_heard_at_once(world: World) -> None:
    await world.outlook.fault(**REFUSED)
    await world.connect()
    await world.outlook.clear_faults()
    await world.connect()
    assert (await channel(world))["isActive"]


async def test_a_disconnect_ends_although_the_subscription_may_not_be_removed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The grant goes all the same: what Graph still delivers is of nobody's any more."""
    await world.connect()
    (left,) = await world.outlook.subscriptions()
    await world.outlook.fault(**REFUSED)
    await world.outlook.requests()
    removal = await world.app.disconnect.by_user(world.planner.user_id)
    assert (removal.finished, removal.webhook_unsubscribed) == (True, False)
    assert (await world.integration()).state is IntegrationState.DISCONNECTED
    assert f"outlook-token-{world.integration_id}" not in world.secrets.values
    assert len(said(caplog, "subscription_left")) == 1
    assert await world.ports.rows.get(left["id"]) is None
    await world.settle()
    assert await asked(world) == 1
    await world.outlook.add("Dentist")
    await world.settle()
    assert await world.wedsync.events() == []


async def test_a_disconnect_that_is_refused_comes_again_later_and_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.connect()
    job = UpkeepJob(integration_id=world.integration_id, kind=UpkeepKind.DISCONNECT, subject="run")

    async def refuse(_: Integration) -> None:
        raise Rejected("graph", status=403, code="Forbidden")

    delays = []
    for _ in range(12):
        assert not await world.app.keep_up.frame.run(job, refuse)
        (message,) = world.queue.kept
        delays.append(round(message.due - asyncio.get_running_loop().time()))
        again = world.app.jobs.parse(message.text)
        assert isinstance(again, UpkeepJob)
        assert (again.attempt, again.subject) == (job.attempt + 1, "run")
        job = again
        world.queue.kept.clear()
    assert delays[:4] == [300, 600, 1200, 2400]
    assert delays[-2:] == [86_400, 86_400]
    assert all(line["again"] for line in said(caplog, "job_refused"))


async def test_any_other_job_that_is_refused_ends_with_an_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.connect()
    job = UpkeepJob(integration_id=world.integration_id, kind=UpkeepKind.MEETING, subject="m", correlation="c")

    async def refuse(_: Integration) -> None:
        raise EventGone("graph", status=404, code="ErrorItemNotFound")

    assert not await world.app.keep_up.frame.run(job, refuse)
    (line,) = said(caplog, "job_refused")
    assert (line["job"], line["kind"], line["fault_code"], line["again"]) == (
        "meeting",
        "EventGone",
        "ErrorItemNotFound",
        False,
    )
    assert [record.levelname for record in caplog.records if "job_refused" in record.getMessage()] == ["ERROR"]
    assert world.queue.kept == []


async def test_a_run_says_itself_what_became_of_it(world: World) -> None:
    await world.connect()

    async def refuse(_: Integration) -> None:
        raise EventGone("graph", status=404)

    with pytest.raises(EventGone):
        await world.app.keep_up.frame.run(RunJob(integration_id=world.integration_id, run_id="r"), refuse)
