"""Grants that end, and grants that must not: what becomes of the connection, and who is asked to do something."""

import logging
from datetime import timedelta

import pytest

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance, UpkeepJob, UpkeepKind
from shared.core.states import IntegrationState
from shared.errors import OperatorFault, ReconnectNeeded
from shared.store.rows import Table
from tests.support.world import World

DAY = timedelta(days=1)


async def days_pass(world: World, days: int) -> None:
    """Let days pass as they do: the timers fire, and what they hand out is done."""
    for _ in range(days):
        await world.advance(days=1)
        await world.timers()
        await world.settle(within=timedelta(minutes=5))


async def stopped(world: World) -> None:
    """Have the connection find out that its grant is dead."""
    world.entra.revoked.add(world.integration_id)
    await world.advance(minutes=16)
    await world.timers()
    await world.settle(within=timedelta(minutes=5))
    assert (await world.integration()).state is IntegrationState.NEEDS_RECONNECT


async def test_a_revoked_grant_stops_the_connection_with_a_reason(world: World) -> None:
    await world.connect()
    await stopped(world)
    integration = await world.integration()
    assert integration.reason == "Outlook has to be connected again."
    assert integration.reason_code == "invalid_grant"
    assert await world.outlook.sent() == []


async def test_connecting_the_same_account_again_catches_up(world: World) -> None:
    await world.wedsync.add("Tasting")
    await world.outlook.add("Dentist")
    await world.connect()
    before = {each.mapping_id for each in await world.mappings()}
    await stopped(world)
    await world.wedsync.add("Venue visit")
    await world.outlook.add("Haircut")
    await world.quiet()
    world.post.clear()

    await world.connect()
    integration = await world.integration()
    assert (integration.state, integration.reason, integration.reason_code) == (IntegrationState.CONNECTED, "", "")
    assert before < {each.mapping_id for each in await world.mappings()}
    assert len(await world.mappings()) == 4
    assert len(await world.outlook.subscriptions()) == 1
    await world.assert_equal()


async def test_an_administrators_approval_is_explained(world: World) -> None:
    await world.connect()
    world.entra.held.clear()
    world.entra.fault = ReconnectNeeded("Ask.", code="admin_approval_required", link="https://login.test/adminconsent")
    await world.advance(minutes=16)
    await world.timers()
    await world.settle(within=timedelta(minutes=5))
    integration = await world.integration()
    assert (integration.reason_code, integration.reason_link) == (
        "admin_approval_required",
        "https://login.test/adminconsent",
    )
    world.entra.fault = None
    await world.connect()
    assert (await world.integration()).reason_link == ""


async def test_a_wrong_client_secret_alarms_the_operator_and_asks_no_user(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="wedsync")
    await world.connect()
    world.entra.held.clear()
    world.entra.fault = OperatorFault("entra", code="invalid_client")
    await world.wedsync.add("Tasting")
    await world.settle(within=timedelta(hours=1))
    assert (await world.integration()).state is IntegrationState.CONNECTED
    alarms = [each for each in caplog.records if '"operator_fault"' in each.getMessage()]
    assert alarms
    assert {each.levelno for each in alarms} == {logging.ERROR}
    assert all('"invalid_client"' in each.getMessage() for each in alarms)

    world.entra.fault = None
    await world.settle()
    await world.assert_equal()


@pytest.mark.parametrize("code", ["", "Unauthorized", "UnknownError"])
async def test_a_401_of_what_personal_accounts_lack_changes_nothing(world: World, code: str) -> None:
    """https://learn.microsoft.com/graph/errors: an API without support for personal accounts answers 401 too."""
    await world.connect()
    event = await world.outlook.add("Dentist")
    await world.quiet()
    world.post.clear()
    await world.outlook.fault(action="status", path="/events/", method="GET", status=401, code=code)
    await world.queue.put(
        EventJob(integration_id=world.integration_id, side=Side.OUTLOOK, events=(Glance(event_id=event["id"]),))
    )
    await world.settle(within=timedelta(minutes=5))
    integration = await world.integration()
    assert (integration.state, integration.reason) == (IntegrationState.CONNECTED, "")

    await world.outlook.clear_faults()
    await world.sync()
    await world.assert_equal()


async def test_a_paused_connection_keeps_its_token_for_years(world: World) -> None:
    await world.connect()
    await world.change_integration(state=IntegrationState.PAUSED)
    await days_pass(world, 95)
    assert world.entra.renewed == [world.integration_id] * 13
    assert (await world.integration()).state is IntegrationState.PAUSED


async def test_a_grant_that_has_died_in_a_pause_is_told(world: World) -> None:
    await world.connect()
    await world.change_integration(state=IntegrationState.PAUSED)
    world.entra.revoked.add(world.integration_id)
    await days_pass(world, 8)
    assert (await world.integration()).state is IntegrationState.NEEDS_RECONNECT


@pytest.mark.parametrize("state", [IntegrationState.NEEDS_RECONNECT, IntegrationState.DISCONNECTED])
async def test_no_token_is_renewed_that_nobody_needs(world: World, state: IntegrationState) -> None:
    await world.connect()
    await world.change_integration(state=state)
    await world.queue.put(UpkeepJob(integration_id=world.integration_id, kind=UpkeepKind.TOKEN))
    await days_pass(world, 8)
    assert world.entra.renewed == []


async def test_a_run_that_is_at_work_does_not_spoil_a_new_consent(world: World) -> None:
    """The code is spent once it is redeemed: what a run notes in the row meanwhile must not fail the sign-in."""
    await world.connect()
    noted: list[str] = []

    async def note(name: str) -> None:
        if name.startswith("before replace OutlookIntegrations") and not noted:
            noted.append(name)
            await world.change_integration(delta_link="https://graph.test/v1.0/noted")

    world.steps.watch = note
    await world.connect(settle=False)
    world.steps.watch = None
    assert noted
    integration = await world.integration()
    assert integration.state is IntegrationState.CONNECTED
    assert integration.delta_link == "https://graph.test/v1.0/noted"


async def test_timers_ask_nothing_of_graph_or_entra(world: World) -> None:
    await world.connect()
    await world.advance(days=8)
    world.calls.clear()
    world.entra.held.clear()
    await world.timers()
    assert world.calls == []
    assert world.entra.held == {}
    assert [row for row in world.tables.contents()[Table.DUE] if "renew-token" in row.partition]
