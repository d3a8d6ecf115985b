"""What every implementation of ``RateLimits`` has to do."""

import asyncio
from datetime import datetime, timedelta

import pytest

from shared.core.rate_limit import Spent
from shared.errors import RowChanged, RowExists
from shared.ports import RateLimits
from tests.support.values import NOON, new_id


def spent(user_id: str, *, minutes: int = 0, limit: str = "runs") -> Spent:
    return Spent(user_id=user_id, limit=limit, full_at=NOON + timedelta(minutes=minutes, microseconds=1))


class RateLimitsContract:
    """Needs fixtures ``rate_limits``, which begin empty, and ``operations``."""

    async def test_what_was_put_is_there_for_its_user_and_limit(
        self, rate_limits: RateLimits, operations: list[str]
    ) -> None:
        user_id = f"../💒|{new_id()}"
        assert await rate_limits.get(user_id, "runs") is None
        made = await rate_limits.put(spent(user_id), replaces=None)
        operations.clear()
        assert await rate_limits.get(user_id, "runs") == made
        assert operations == ["get"]
        assert made.value == spent(user_id)
        assert await rate_limits.get(user_id, "meetings") is None
        assert await rate_limits.get(new_id(), "runs") is None

    async def test_of_two_who_read_the_same_one_writes(self, rate_limits: RateLimits) -> None:
        user_id = new_id()
        first = await rate_limits.put(spent(user_id), replaces=None)
        with pytest.raises(RowExists):
            await rate_limits.put(spent(user_id, minutes=1), replaces=None)
        second = await rate_limits.put(spent(user_id, minutes=1), replaces=first)
        with pytest.raises(RowChanged):
            await rate_limits.put(spent(user_id, minutes=2), replaces=first)
        assert await rate_limits.get(user_id, "runs") == second

    async def test_of_many_at_once_one_writes(self, rate_limits: RateLimits) -> None:
        user_id = new_id()
        puts = (rate_limits.put(spent(user_id, minutes=number), replaces=None) for number in range(6))
        results = await asyncio.gather(*puts, return_exceptions=True)
        assert len([result for result in results if not isinstance(result, RowExists)]) == 1

    async def test_what_counts_no_more_is_forgotten(self, rate_limits: RateLimits) -> None:
        users = [new_id() for _ in range(5)]
        for number, user_id in enumerate(users):
            await rate_limits.put(spent(user_id, minutes=number), replaces=None)
        kept = await rate_limits.put(spent(users[0], minutes=3, limit="meetings"), replaces=None)
        before = NOON + timedelta(minutes=3)

        async def forget(most: int) -> int:
            return await rate_limits.forget_full(before, limit=most)

        assert [await forget(2) for _ in range(3)] == [2, 1, 0]
        left = [await rate_limits.get(user_id, "runs") for user_id in users]
        assert [bool(row) for row in left] == [False, False, False, True, True]
        assert await rate_limits.get(users[0], "meetings") == kept

    async def test_a_row_that_a_call_has_just_changed_is_not_forgotten(self, rate_limits: RateLimits) -> None:
        user_id = new_id()
        stored = await rate_limits.put(spent(user_id), replaces=None)
        later: datetime = NOON + timedelta(minutes=9)
        await rate_limits.put(Spent(user_id=user_id, limit="runs", full_at=later), replaces=stored)
        assert await rate_limits.forget_full(later) == 0
        assert await rate_limits.get(user_id, "runs") is not None
