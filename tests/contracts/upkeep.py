"""What every implementation of ``SubscriptionRows``, ``AuthStates``, ``Leases`` and ``DueList`` has to do."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.states import SubscriptionState
from shared.errors import RowChanged
from shared.ports import AuthRequest, AuthStates, Due, DueList, LeaseHold, Leases, SubscriptionRows
from tests.support.values import NOON, StandingClock, new_id, subscription


class SubscriptionRowsContract:
    """Needs fixtures ``subscriptions`` and ``operations``."""

    async def test_put_get_remove(self, subscriptions: SubscriptionRows) -> None:
        value = subscription()
        made = await subscriptions.put(value)
        assert made.value == value
        assert await subscriptions.get(value.subscription_id) == made
        changed = await subscriptions.put(replace(value, state=SubscriptionState.LAPSED))
        assert await subscriptions.get(value.subscription_id) == changed
        for _ in range(2):
            await subscriptions.remove(value.subscription_id)
            assert await subscriptions.get(value.subscription_id) is None
        assert await subscriptions.of_integration(value.integration_id) == ()

    async def test_of_an_integration_the_newest_first(self, subscriptions: SubscriptionRows) -> None:
        home = new_id()
        made = [
            await subscriptions.put(subscription(integration_id=home, created_at=at))
            for at in (NOON, None, NOON + timedelta(seconds=1))
        ]
        await subscriptions.put(subscription())
        assert await subscriptions.of_integration(home) == (made[2], made[0], made[1])

    async def test_a_notification_costs_one_read(self, subscriptions: SubscriptionRows, operations: list[str]) -> None:
        made = await subscriptions.put(subscription())
        operations.clear()
        await subscriptions.get(made.value.subscription_id)
        assert operations == ["get"]


class AuthStatesContract:
    """Needs fixtures ``auth_states`` and ``clock``."""

    @pytest.fixture
    def request_(self) -> AuthRequest:
        key = f"state-{new_id()}"
        flow = {"state": key, "auth_uri": f"https://login?state={key}&x=1", "scope": ["a"], "code_verifier": "v"}
        return AuthRequest(key=key, user_id="anna", expires_at=NOON + timedelta(minutes=10), flow=flow)

    async def test_taken_once(self, auth_states: AuthStates, request_: AuthRequest) -> None:
        await auth_states.put(request_)
        assert await auth_states.peek(request_.key) == request_
        assert await auth_states.peek(request_.key) == request_
        assert await auth_states.take(request_.key) == request_
        assert await auth_states.take(request_.key) is None
        assert await auth_states.peek(request_.key) is None

    async def test_unknown(self, auth_states: AuthStates) -> None:
        assert await auth_states.peek("x") is None
        assert await auth_states.take("") is None

    async def test_of_many_at_once_one_gets_it(self, auth_states: AuthStates, request_: AuthRequest) -> None:
        await auth_states.put(request_)
        taken = await asyncio.gather(*(auth_states.take(request_.key) for _ in range(10)))
        assert [item for item in taken if item] == [request_]

    async def test_expired(self, auth_states: AuthStates, request_: AuthRequest, clock: StandingClock) -> None:
        await auth_states.put(request_)
        clock.advance(minutes=10)
        assert await auth_states.peek(request_.key) is None
        assert await auth_states.take(request_.key) is None

    async def test_a_ticket_without_a_flow(self, auth_states: AuthStates) -> None:
        ticket = AuthRequest(
            key=new_id(), user_id="anna", expires_at=NOON + timedelta(minutes=1), binding_hash="0" * 64
        )
        await auth_states.put(ticket)
        assert await auth_states.take(ticket.key) == ticket


class LeasesContract:
    """Needs fixtures ``leases`` and ``clock``."""

    until = NOON + timedelta(minutes=5)

    async def test_one_owner_at_a_time(self, leases: Leases) -> None:
        home = new_id()
        hold = await leases.acquire(home, owner="a", until=self.until)
        assert hold == LeaseHold(integration_id=home, owner="a", fence=1, expires_at=self.until)
        assert await leases.acquire(home, owner="b", until=self.until) is None
        assert await leases.acquire(home, owner="a", until=self.until) == hold
        await leases.release(hold)
        await leases.release(hold)
        other = await leases.acquire(home, owner="b", until=self.until)
        assert other is not None
        assert other.fence == 2
        await leases.release(hold)
        assert await leases.acquire(home, owner="c", until=self.until) is None

    async def test_an_expired_lease_is_free(self, leases: Leases, clock: StandingClock) -> None:
        home = new_id()
        hold = await leases.acquire(home, owner="a", until=self.until)
        assert hold is not None
        clock.advance(minutes=5)
        other = await leases.acquire(home, owner="b", until=self.until + timedelta(minutes=5))
        assert other is not None
        assert other.fence == 2
        with pytest.raises(RowChanged):
            await leases.renew(hold, until=self.until + timedelta(hours=1))
        again = await leases.acquire(home, owner="a", until=self.until)
        assert again is None

    async def test_renewed(self, leases: Leases, clock: StandingClock) -> None:
        home = new_id()
        hold = await leases.acquire(home, owner="a", until=self.until)
        assert hold is not None
        renewed = await leases.renew(hold, until=self.until + timedelta(minutes=5))
        assert renewed.expires_at == self.until + timedelta(minutes=5)
        clock.advance(minutes=6)
        assert await leases.acquire(home, owner="b", until=self.until + timedelta(hours=1)) is None

    async def test_renewing_what_was_never_held(self, leases: Leases) -> None:
        hold = LeaseHold(integration_id=new_id(), owner="a", fence=1, expires_at=self.until)
        with pytest.raises(RowChanged):
            await leases.renew(hold, until=self.until)
        await leases.release(hold)

    async def test_races_have_one_winner(self, leases: Leases, clock: StandingClock) -> None:
        home = new_id()
        for round_ in range(1, 4):
            holds = await asyncio.gather(
                *(
                    leases.acquire(home, owner=f"{round_}-{n}", until=clock.now() + timedelta(minutes=1))
                    for n in range(6)
                )
            )
            winners = [hold for hold in holds if hold]
            assert [hold.fence for hold in winners] == [round_]
            clock.advance(minutes=2)


class DueListContract:
    """Needs a fixture ``due_list`` that begins empty, and ``operations``."""

    async def test_what_has_come_oldest_first(self, due_list: DueList) -> None:
        entries = [
            Due(kind="renew", integration_id=f"i{number}", at=NOON + timedelta(seconds=seconds))
            for number, seconds in enumerate((70, 10, 10, 0, -86400 * 30, 71, 86400))
        ]
        for entry in (*entries, Due(kind="renewal", integration_id="i", at=NOON)):
            await due_list.put(entry)
        due = await due_list.due("renew", NOON + timedelta(seconds=70))
        assert due == (entries[4], entries[3], entries[1], entries[2], entries[0])
        assert await due_list.due("renew", NOON - timedelta(days=31)) == ()

    async def test_limit(self, due_list: DueList) -> None:
        entries = [
            Due(kind="k", integration_id=f"i{number}", at=NOON + timedelta(seconds=20 * (number % 12)))
            for number in range(36)
        ]
        for entry in entries:
            await due_list.put(entry)
        in_order = sorted(entries, key=lambda due: (due.at, due.integration_id))
        for limit in (0, 1, 5, 17, 36, 100):
            assert await due_list.due("k", NOON + timedelta(hours=1), limit) == tuple(in_order[:limit])

    @pytest.mark.parametrize("later", [-90, -1, 0, 1, 90])
    async def test_put_replaces(self, due_list: DueList, later: int) -> None:
        first = Due(kind="k", integration_id="i", at=NOON, subject="s")
        second = replace(first, at=NOON + timedelta(seconds=later))
        other = replace(first, subject="other")
        for entry in (first, other, second):
            await due_list.put(entry)
        assert set(await due_list.due("k", NOON + timedelta(hours=1))) == {second, other}

    async def test_done(self, due_list: DueList) -> None:
        entry = Due(kind="k", integration_id="i", at=NOON, subject="a/b#?")
        await due_list.put(entry)
        for _ in range(2):
            await due_list.done(entry)
            assert await due_list.due("k", NOON) == ()

    async def test_done_leaves_a_later_entry(self, due_list: DueList) -> None:
        first = Due(kind="k", integration_id="i", at=NOON)
        second = replace(first, at=NOON + timedelta(seconds=30))
        await due_list.put(first)
        await due_list.put(second)
        await due_list.done(first)
        assert await due_list.due("k", NOON + timedelta(hours=1)) == (second,)
        third = replace(first, at=NOON + timedelta(hours=1))
        await due_list.put(third)
        assert await due_list.due("k", NOON + timedelta(hours=1)) == (third,)

    async def test_puts_at_once_leave_one(self, due_list: DueList) -> None:
        entries = [Due(kind="k", integration_id="i", at=NOON + timedelta(seconds=40 * n)) for n in range(4)]
        await asyncio.gather(*(due_list.put(entry) for entry in entries))
        assert len(await due_list.due("k", NOON + timedelta(hours=1))) == 1

    async def test_nothing_due_costs_one_request(self, due_list: DueList, operations: list[str]) -> None:
        for number in range(20):
            await due_list.put(Due(kind="k", integration_id=f"i{number}", at=NOON + timedelta(hours=number + 1)))
        operations.clear()
        assert await due_list.due("k", NOON) == ()
        assert operations == ["query"]
