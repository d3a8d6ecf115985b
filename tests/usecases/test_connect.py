"""Connecting, where time, races and half-way failures matter; the far ends are faked, the stores are real in memory."""

import asyncio
import itertools
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.core.integration import Account, CalendarInfo
from shared.core.jobs import RunJob, RunKind, UpkeepJob, UpkeepKind
from shared.core.states import IntegrationState
from shared.errors import CalendarGone, ConsentFault, StateConflict, StoreFault, SyncFault, Unavailable
from shared.ports import Grant, Outlook, Stored, Subscriptions
from shared.store.auth_states import TableAuthStates
from shared.store.due import TableDueList
from shared.store.history import TableRuns
from shared.store.integrations import TableIntegrations
from shared.store.mappings import TableMappings
from shared.store.memory import MemoryJobQueue, MemoryTables
from shared.store.subscriptions import TableSubscriptionRows
from shared.usecases.connect import (
    BeginConnect,
    Connected,
    FinishConnect,
    HandOver,
    default_calendar,
    integration_id_of,
)
from shared.usecases.request_sync import RequestSync
from shared.usecases.subscribe import Subscribe
from tests.support.values import StandingClock

ROSE = Account(tenant_id="tenant", account_id="rose", email="rose@example.test", display_name="Rose")
MARCO = Account(tenant_id="tenant", account_id="marco", email="marco@example.test", display_name="Marco")


def calendar(name: str, **changes: Any) -> CalendarInfo:
    given = {"calendar_id": name, "name": name, "color": "", "is_default": False, "can_edit": True}
    return CalendarInfo(**{**given, **changes})


class CountingIds:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new_id(self) -> str:
        return f"id-{next(self._numbers)}"

    def new_secret(self) -> str:
        return f"secret-{next(self._numbers)}"


@dataclass(kw_only=True)
class FakeConsent:
    """Entra: grants for the account that the code names. ``fault`` is raised at the redemption."""

    accounts: Mapping[str, Account] = field(default_factory=lambda: {"rose": ROSE, "marco": MARCO})
    fault: SyncFault | None = None
    vault: dict[str, str] = field(default_factory=dict)
    redeemed: list[str] = field(default_factory=list)

    async def begin(self, *, state: str) -> Mapping[str, object]:
        return {"state": state, "auth_uri": f"https://entra.test/authorize?state={state}", "code_verifier": "v"}

    async def finish(self, flow: Mapping[str, object], answer: Mapping[str, str]) -> Grant:
        assert flow["state"] == answer["state"]
        self.redeemed.append(answer["code"])
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        return Grant(account=self.accounts[answer["code"]], token_cache=f"tokens of {answer['code']}")

    async def keep(self, integration_id: str, grant: Grant) -> None:
        self.vault[integration_id] = grant.token_cache

    async def forget(self, integration_id: str) -> None:
        self.vault.pop(integration_id, None)

    async def renew(self, integration_id: str, *, saved_before: datetime) -> bool:
        return integration_id in self.vault


@dataclass(kw_only=True)
class FakeOutlook:
    """A mailbox's list of calendars."""

    listed: tuple[CalendarInfo, ...] = (calendar("mine", is_default=True), calendar("other"))
    fault: SyncFault | None = None

    async def calendars(self, integration_id: str) -> tuple[CalendarInfo, ...]:
        del integration_id
        if self.fault:
            raise self.fault
        return self.listed


class World:
    """The two use cases with everything around them."""

    def __init__(self) -> None:
        self.clock, ids = StandingClock(), CountingIds()
        self.tables, self.jobs = MemoryTables(), MemoryJobQueue()
        self.consent, self.outlook = FakeConsent(), FakeOutlook()
        self.states = TableAuthStates(self.tables, self.clock)
        self.integrations = TableIntegrations(self.tables)
        self.mappings = TableMappings(self.tables)
        self.runs = TableRuns(self.tables)
        self.begin = BeginConnect(consent=self.consent, states=self.states, ids=ids, clock=self.clock)
        self.finish = FinishConnect(
            consent=self.consent,
            states=self.states,
            integrations=self.integrations,
            mappings=self.mappings,
            outlook=cast(Outlook, self.outlook),
            subscribe=Subscribe(
                subscriptions=cast(Subscriptions, None),  # enqueuing asks nothing of Graph
                rows=TableSubscriptionRows(self.tables),
                due=TableDueList(self.tables),
                jobs=self.jobs,
                ids=ids,
                clock=self.clock,
                minutes=10_070,
            ),
            request_sync=RequestSync(
                integrations=self.integrations, runs=self.runs, jobs=self.jobs, ids=ids, clock=self.clock
            ),
            due=TableDueList(self.tables),
            clock=self.clock,
            safety_sync_minutes=15,
        )

    async def connect(self, user: str = "rose", account: str = "rose") -> Connected:
        begun = await self.begin.run(user)
        return await self.finish.by_post(user, {"state": begun.state, "code": account})

    async def bind(self, user: str = "rose") -> tuple[dict[str, str], str]:
        """Return the answer that Microsoft would give to a bound browser, and the browser's cookie."""
        bound = await self.begin.redeem((await self.begin.run(user)).ticket)
        return {"state": parse_qs(urlsplit(bound.auth_url).query)["state"][0], "code": user}, bound.cookie

    async def present(self, user: str = "rose") -> Stored[Any] | None:
        return await self.integrations.of_user(user)


@pytest.fixture
def world() -> World:
    return World()


async def refused(awaited: Awaitable[object], kind: type[SyncFault], code: str) -> None:
    with pytest.raises(kind) as caught:
        await awaited
    assert getattr(caught.value, "code", "") == code


# --- Time -----------------------------------------------------------------------------------------------------------


async def test_a_state_lives_ten_minutes(world: World) -> None:
    begun, (answer, cookie) = await world.begin.run("rose"), await world.bind()
    world.clock.advance(minutes=10)
    await refused(world.finish.by_post("rose", {"state": begun.state, "code": "rose"}), ConsentFault, "state_expired")
    await refused(world.finish.by_browser(answer, cookie), ConsentFault, "state_expired")
    assert world.consent.redeemed == []


async def test_a_state_is_good_until_then(world: World) -> None:
    answer, cookie = await world.bind()
    world.clock.advance(minutes=9, seconds=59)
    assert isinstance(await world.finish.by_browser(answer, cookie), Connected)


async def test_a_ticket_lives_a_minute(world: World) -> None:
    late, early = await world.begin.run("rose"), await world.begin.run("rose")
    world.clock.advance(seconds=59)
    assert (await world.begin.redeem(early.ticket)).cookie
    world.clock.advance(seconds=1)
    await refused(world.begin.redeem(late.ticket), ConsentFault, "ticket_expired")


async def test_the_state_of_a_redeemed_ticket_lives_ten_minutes_of_its_own(world: World) -> None:
    begun = await world.begin.run("rose")
    world.clock.advance(seconds=59)
    bound = await world.begin.redeem(begun.ticket)
    world.clock.advance(minutes=9, seconds=30)
    state = parse_qs(urlsplit(bound.auth_url).query)["state"][0]
    assert isinstance(await world.finish.by_browser({"state": state, "code": "rose"}, bound.cookie), Connected)


# --- Who ------------------------------------------------------------------------------------------------------------


async def test_a_state_belongs_to_its_user_and_survives_others(world: World) -> None:
    begun = await world.begin.run("rose")
    answer = {"state": begun.state, "code": "rose"}
    await refused(world.finish.by_post("marco", answer), ConsentFault, "state_expired")
    assert (await world.finish.by_post("rose", answer)).integration.user_id == "rose"


@pytest.mark.parametrize("cookie", ["", "secret-1", "another"])
async def test_a_browser_without_the_cookie_hands_over_and_uses_nothing_up(world: World, cookie: str) -> None:
    answer, right = await world.bind()
    assert await world.finish.by_browser(answer, cookie) == HandOver(answer=answer)
    assert isinstance(await world.finish.by_browser(answer, right), Connected)


async def test_a_state_made_without_a_browser_is_never_finished_by_one(world: World) -> None:
    begun = await world.begin.run("rose")
    answer = {"state": begun.state, "code": "rose"}
    for cookie in ("", "anything"):
        assert await world.finish.by_browser(answer, cookie) == HandOver(answer=answer)


async def test_a_ticket_is_no_state(world: World) -> None:
    begun = await world.begin.run("rose")
    answer = {"state": f"ticket:{begun.ticket}", "code": "rose"}
    await refused(world.finish.by_post("rose", answer), ConsentFault, "state_expired")
    await refused(world.finish.by_browser(answer, ""), ConsentFault, "state_expired")
    assert (await world.begin.redeem(begun.ticket)).cookie


async def test_two_answers_that_race_redeem_one_code(world: World) -> None:
    begun = await world.begin.run("rose")
    answer = {"state": begun.state, "code": "rose"}
    ends = await asyncio.gather(*(world.finish.by_post("rose", answer) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(end, Connected) for end in ends) == 1
    assert {end.code for end in ends if isinstance(end, ConsentFault)} == {"state_expired"}
    assert world.consent.redeemed == ["rose"]


async def test_an_account_goes_to_the_first_of_two_users(world: World) -> None:
    await world.connect("rose", "rose")
    await refused(world.connect("marco", "rose"), StateConflict, "account_in_use")
    assert list(world.consent.vault) == [integration_id_of("rose")]
    assert await world.present("marco") is None


async def test_a_live_connection_keeps_its_account(world: World) -> None:
    await world.connect("rose", "rose")
    await refused(world.connect("rose", "marco"), StateConflict, "different_account")
    assert world.consent.vault == {integration_id_of("rose"): "tokens of rose"}
    assert (await world.connect("marco", "marco")).integration.account_id == "marco"


async def test_a_connection_that_is_being_removed_has_to_go_first(world: World) -> None:
    await world.connect()
    await set_state(world, IntegrationState.DISCONNECTING)
    await refused(world.connect(), StateConflict, "disconnecting")


async def test_after_disconnecting_any_account_will_do(world: World) -> None:
    first = (await world.connect("rose", "rose")).integration
    await set_state(world, IntegrationState.DISCONNECTED)
    second = (await world.connect("rose", "marco")).integration
    assert (second.integration_id, second.account_id) == (first.integration_id, "marco")


async def set_state(world: World, state: IntegrationState) -> None:
    stored = await world.present()
    assert stored
    await world.integrations.save(replace(stored, value=replace(stored.value, state=state, reason="why")))


# --- What is made ---------------------------------------------------------------------------------------------------


async def test_connecting_chooses_the_default_calendar_and_queues_a_run_behind_the_subscription(world: World) -> None:
    made = await world.connect()
    assert (made.integration.calendar_id, made.integration.state) == ("mine", IntegrationState.CONNECTED)
    assert [item.calendar_id for item in made.calendars] == ["mine", "other"]
    assert made.integration.epoch == await world.mappings.epoch(made.integration.integration_id)
    runs = await world.runs.recent(made.integration.integration_id)
    assert [run.value.request.kind for run in runs] == [RunKind.FULL]
    jobs = world.jobs.take()
    assert {type(job) for job in jobs} == {RunJob, UpkeepJob}
    upkeep = next(job for job in jobs if isinstance(job, UpkeepJob))
    assert (upkeep.kind, upkeep.subject) == (UpkeepKind.SUBSCRIBE, runs[0].value.run_id)


@pytest.mark.parametrize("state", [IntegrationState.NEEDS_RECONNECT, IntegrationState.CONNECTED])
async def test_consenting_again_keeps_what_the_user_has_chosen(world: World, state: IntegrationState) -> None:
    first = (await world.connect()).integration
    await set_state(world, state)
    world.outlook.listed = (calendar("new", is_default=True), calendar("mine"))
    again = (await world.connect()).integration
    assert (again.state, again.reason, again.calendar_id) == (IntegrationState.CONNECTED, "", first.calendar_id)
    assert (again.epoch, again.created_at) == (first.epoch, first.created_at)


@pytest.mark.parametrize(
    ("listed", "chosen"),
    [
        ((calendar("a", is_default=True), calendar("b")), "a"),
        ((calendar("a"), calendar("b", is_default=True)), "b"),
        ((calendar("a", is_default=True, can_edit=False), calendar("b")), "b"),
    ],
)
def test_the_default_calendar_is_one_that_can_be_written(listed: tuple[CalendarInfo, ...], chosen: str) -> None:
    assert default_calendar(listed).calendar_id == chosen


@pytest.mark.parametrize("listed", [(), (calendar("a", is_default=True, can_edit=False),)])
async def test_a_mailbox_without_a_calendar_to_write_to_is_given_back(
    world: World, listed: tuple[CalendarInfo, ...]
) -> None:
    world.outlook.listed = listed
    with pytest.raises(CalendarGone):
        await world.connect()
    await nothing_kept(world)


# --- Half way -------------------------------------------------------------------------------------------------------


async def nothing_kept(world: World) -> None:
    assert world.consent.vault == {}
    assert await world.present() is None
    world.outlook = FakeOutlook()
    assert await world.integrations.take_account(ROSE, "somebody") == "somebody", "the account is free"


async def test_a_failed_redemption_uses_the_state_up(world: World) -> None:
    begun = await world.begin.run("rose")
    answer = {"state": begun.state, "code": "rose"}
    world.consent.fault = ConsentFault("missing_scope")
    await refused(world.finish.by_post("rose", answer), ConsentFault, "missing_scope")
    await refused(world.finish.by_post("rose", answer), ConsentFault, "state_expired")
    await nothing_kept(world)


async def test_a_first_connection_that_fails_gives_tokens_and_account_back(world: World) -> None:
    world.outlook.fault = Unavailable("graph")
    with pytest.raises(Unavailable):
        await world.connect()
    await nothing_kept(world)


async def test_a_second_consent_that_fails_harms_nothing(world: World) -> None:
    await world.connect()
    world.outlook.fault = Unavailable("graph")
    with pytest.raises(Unavailable):
        await world.connect()
    present = await world.present()
    assert present
    assert present.value.state is IntegrationState.CONNECTED
    assert world.consent.vault == {integration_id_of("rose"): "tokens of rose"}


async def test_two_first_connections_with_two_accounts_leave_no_mixture(world: World) -> None:
    """The tokens in the vault are of the account in the row, or there are none and the user connects again."""
    ends = await asyncio.gather(world.connect("rose", "rose"), world.connect("rose", "marco"), return_exceptions=True)
    assert sum(isinstance(end, Connected) for end in ends) == 1
    assert all(isinstance(end, Connected | StoreFault | StateConflict) for end in ends)
    present = await world.present()
    assert present
    tokens = world.consent.vault.get(present.value.integration_id)
    assert tokens in (None, f"tokens of {present.value.account_id}")
    lost = MARCO if present.value.account_id == "rose" else ROSE
    assert await world.integrations.take_account(lost, "somebody") == "somebody", "the other account is free"


async def test_two_first_connections_with_the_same_account_leave_a_whole_one(world: World) -> None:
    ends = await asyncio.gather(*(world.connect("rose", "rose") for _ in range(2)), return_exceptions=True)
    assert any(isinstance(end, Connected) for end in ends)
    assert world.consent.vault == {integration_id_of("rose"): "tokens of rose"}
    await refused(world.connect("marco", "rose"), StateConflict, "account_in_use")


async def test_a_second_consent_that_fails_after_a_disconnect_leaves_nothing(world: World) -> None:
    await world.connect()

    async def disconnected_meanwhile(integration_id: str) -> tuple[CalendarInfo, ...]:
        del integration_id
        await set_state(world, IntegrationState.DISCONNECTED)
        await world.integrations.release_account(ROSE, integration_id_of("rose"))
        return world.outlook.listed

    world.finish = replace(world.finish, outlook=cast(Outlook, FakeOutlook()))
    cast(Any, world.finish.outlook).calendars = disconnected_meanwhile
    with pytest.raises(StoreFault):
        await world.connect()
    assert world.consent.vault == {}
