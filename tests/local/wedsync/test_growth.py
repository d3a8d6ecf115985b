"""What simulated WedSync keeps of the creates that were answered."""

import pytest

from local.wedsync import state
from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.samples import sample

EVENTS = "/v1/users/planner-rose/events"


async def test_so_many_idempotency_keys_are_remembered(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "ANSWERS_KEPT", 2)

    async def made(key: int) -> str:
        answer = await stand.api.post(EVENTS, json=sample(), headers={"Idempotency-Key": str(key)})
        return str(answer.json()["id"])

    first = [await made(key) for key in range(3)]
    assert [await made(2), await made(1)] == [first[2], first[1]]
    assert await made(0) not in first
