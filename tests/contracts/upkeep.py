"""What every implementation of ``SubscriptionRows``, ``AuthStates``, ``Leases`` and ``DueList`` has to do."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

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

    async def test_what_has_expired_is_forgotten(
        self, auth_states: AuthStates, request_: AuthRequest, clock: StandingClock
    ) -> None:
        await auth_states.put(request_)
        early = [
            AuthRequest(key=f"old-{number}", user_id="anna", expires_at=NOON + timedelta(minutes=1))
            for number in range(5)
        ]
        for each in early:
            await auth_states.put(each)
        assert await auth_states.forget_expired() == 0
        clock.advance(minutes=5)
        assert [await auth_states.forget_expired(limit=2) for _ in range(4)] == [2, 2, 1, 0]
        for each in early:  # the same key can be used again: there is no row
            await auth_states.put(each)
        assert await auth_states.take(request_.key) == request_


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

    async def test_whether_it_is_held(self, leases: Leases, clock: StandingClock) -> None:
        home = new_id()
        assert not await leases.held(home)
        hold = await leases.acquire(home, owner="a", until=self.until)
        assert hold is not None
        assert await leases.held(home)
        await leases.release(hold)
        assert not await leases.held(home)
        assert await leases.acquire(home, owner="b", until=self.until) is not None
        clock.present = self.until
        assert not await leases.held(home)

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

    async def test_one_that_nobody_has_held_for_long_is_forgotten(self, leases: Leases, clock: StandingClock) -> None:
        home = new_id()
        assert not await leases.forget_before(home, NOON)
        hold = await leases.acquire(home, owner="a", until=self.until)
        assert hold is not None
        await leases.release(hold)
        assert not await leases.forget_before(home, self.until)
        assert await leases.forget_before(home, self.until + timedelta(seconds=1))
        again = await leases.acquire(home, owner="b", until=self.until)
        assert again is not None
        assert again.fence == 1

    async def test_removed_by_its_owner_alone(self, leases: Leases, clock: StandingClock) -> None:
        home = new_id()
        earlier = await leases.acquire(home, owner="a", until=self.until)
        assert earlier is not None
        clock.advance(minutes=5)
        hold = await leases.acquire(home, owner="b", until=self.until + timedelta(minutes=5))
        assert hold is not None
        await leases.remove(earlier)
        assert await leases.held(home)
        for _ in range(2):
            await leases.remove(hold)
            assert not await leases.held(home)
        assert not await leases.forget_before(home, self.until + timedelta(days=365)), "there is no row"
        again = await leases.acquire(home, owner="a", until=self.until + timedelta(minutes=5))
        assert again is not None
        assert again.fence == 1
        await leases.remove(hold)
        assert await leases.held(home)

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


async def all_due(due_list: DueList, kind: str, now: datetime) -> tuple[Due, ...]:
    """Everything that is due, whether it was handed out before or not, oldest first."""
    found = [due async for page in due_list.hand_out(kind, now, again_after=timedelta(0)) for due in page]
    return tuple(sorted(found, key=lambda due: (due.at, due.integration_id, due.subject)))


class DueListContract:
    """Needs a fixture ``due_list`` that begins empty, and ``operations``."""

    again = timedelta(minutes=10)

    async def taken(self, due_list: DueList, now: datetime) -> list[str]:
        pages = [page async for page in due_list.hand_out("k", now, again_after=self.again)]
        return sorted(due.integration_id for page in pages for due in page)

    async def test_what_has_come(self, due_list: DueList) -> None:
        entries = [
            Due(kind="renew", integration_id=f"i{number}", at=NOON + timedelta(seconds=seconds))
            for number, seconds in enumerate((70, 10, 10, 0, -86400 * 30, 71, 86400))
        ]
        for entry in (*entries, Due(kind="renewal", integration_id="i", at=NOON)):
            await due_list.put(entry)
        due = await all_due(due_list, "renew", NOON + timedelta(seconds=70))
        assert due == (entries[4], entries[3], entries[1], entries[2], entries[0])
        assert await all_due(due_list, "renew", NOON - timedelta(days=31)) == ()

    async def test_handed_out_once(self, due_list: DueList) -> None:
        for number in range(6):
            await due_list.put(Due(kind="k", integration_id=f"i{number}", at=NOON + timedelta(seconds=20 * number)))
        assert await self.taken(due_list, NOON + timedelta(seconds=20)) == ["i0", "i1"]
        assert await self.taken(due_list, NOON + timedelta(seconds=20)) == []
        assert await self.taken(due_list, NOON + timedelta(seconds=79)) == ["i2", "i3"]
        assert await self.taken(due_list, NOON + timedelta(seconds=90)) == ["i4"]
        assert await self.taken(due_list, NOON + timedelta(minutes=5)) == ["i5"]

    async def test_what_still_stands_is_handed_out_again(self, due_list: DueList) -> None:
        first, second = (Due(kind="k", integration_id=name, at=NOON) for name in ("first", "second"))
        await due_list.put(first)
        await due_list.put(second)
        assert await self.taken(due_list, NOON) == ["first", "second"]
        await due_list.put(replace(first, at=NOON + timedelta(hours=1)))
        await due_list.put(Due(kind="k", integration_id="behind", at=NOON - timedelta(minutes=1)))
        assert await self.taken(due_list, NOON + timedelta(minutes=9)) == []
        assert await self.taken(due_list, NOON + self.again) == ["behind", "second"]

    async def test_what_still_stands_is_handed_out_again_while_more_comes_due(self, due_list: DueList) -> None:
        await due_list.put(Due(kind="k", integration_id="first", at=NOON))
        for minute in range(1, 10):
            await due_list.put(Due(kind="k", integration_id=f"i{minute}", at=NOON + timedelta(minutes=minute)))
        for minute in range(10):
            assert len(await self.taken(due_list, NOON + timedelta(minutes=minute))) == 1
        assert "first" in await self.taken(due_list, NOON + self.again)

    async def test_what_was_not_read_to_the_end_is_handed_out_again(self, due_list: DueList) -> None:
        await due_list.put(Due(kind="k", integration_id="i", at=NOON))
        pages = due_list.hand_out("k", NOON, again_after=self.again)
        assert [due.integration_id for due in await anext(pages)] == ["i"]  # and its reader dies here
        assert await self.taken(due_list, NOON) == ["i"]

    async def test_a_clock_that_was_ahead_holds_nothing_back(self, due_list: DueList) -> None:
        await due_list.put(Due(kind="k", integration_id="i", at=NOON))
        assert await self.taken(due_list, NOON + timedelta(days=1)) == ["i"]
        await due_list.put(Due(kind="k", integration_id="i", at=NOON + timedelta(minutes=1)))
        assert await self.taken(due_list, NOON + timedelta(minutes=1)) == ["i"]

    @pytest.mark.parametrize("later", [-90, -1, 0, 1, 90])
    async def test_put_replaces(self, due_list: DueList, later: int) -> None:
        first = Due(kind="k", integration_id="i", at=NOON, subject="s")
        second = replace(first, at=NOON + timedelta(seconds=later))
        other = replace(first, subject="other")
        for entry in (first, other, second):
            await due_list.put(entry)
        assert set(await all_due(due_list, "k", NOON + timedelta(hours=1))) == {second, other}

    async def test_done(self, due_list: DueList) -> None:
        entry = Due(kind="k", integration_id="i", at=NOON, subject="a/b#?")
        await due_list.put(entry)
        for _ in range(2):
            await due_list.done(entry)
            assert await all_due(due_list, "k", NOON) == ()

    async def test_done_leaves_a_later_entry(self, due_list: DueList) -> None:
        first = Due(kind="k", integration_id="i", at=NOON)
        second = replace(first, at=NOON + timedelta(seconds=30))
        await due_list.put(first)
        await due_list.put(second)
        await due_list.done(first)
        assert await all_due(due_list, "k", NOON + timedelta(hours=1)) == (second,)
        third = replace(first, at=NOON + timedelta(hours=1))
        await due_list.put(third)
        assert await all_due(due_list, "k", NOON + timedelta(hours=1)) == (third,)

    async def test_whether_an_entry_stands(self, due_list: DueList, operations: list[str]) -> None:
        first = Due(kind="k", integration_id="i", at=NOON)
        await due_list.put(first)
        operations.clear()
        assert await due_list.stands(first)
        assert operations == ["get"]
        moved = replace(first, at=NOON + timedelta(minutes=1))
        await due_list.put(moved)
        assert not await due_list.stands(first)
        assert await due_list.stands(moved)
        await due_list.done(moved)
        assert not await due_list.stands(moved), "its message came twice, and the first time all was done"

    async def test_puts_at_once_leave_one(self, due_list: DueList) -> None:
        entries = [Due(kind="k", integration_id="i", at=NOON + timedelta(seconds=40 * n)) for n in range(4)]
        await asyncio.gather(*(due_list.put(entry) for entry in entries))
        assert len(await all_due(due_list, "k", NOON + timedelta(hours=1))) == 1

    async def test_nothing_due_costs_two_reads(self, due_list: DueList, operations: list[str]) -> None:
        for number in range(20):
            await due_list.put(Due(kind="k", integration_id=f"i{number}", at=NOON + timedelta(hours=number + 1)))
        operations.clear()
        assert await self.taken(due_list, NOON) == []
        assert operations == ["get", "query"]
