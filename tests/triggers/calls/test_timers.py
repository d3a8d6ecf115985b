"""Timers, called as the host calls them."""

import pytest

from shared.errors import StoreFault
from shared.store.rows import Table
from shared.usecases.due_kinds import PRUNE
from tests.support.functions import functions
from tests.triggers.calls.conftest import Caller


class Fired:
    """A timer's request: in time."""

    past_due = False


@pytest.fixture
async def connected(call: Caller) -> Caller:
    await call.world.connect()
    await call.world.advance(days=40)
    call.world.queue.kept.clear()
    return call


async def test_at_night_forgetting_is_enqueued(connected: Caller) -> None:
    await functions()["prune_history"].call(Fired())
    assert any(PRUNE in message.text for message in connected.world.queue.kept)


@pytest.mark.parametrize("table", [Table.RATE_LIMITS, Table.AUTH_STATES])
async def test_what_cannot_be_swept_keeps_nobodys_history(connected: Caller, table: Table) -> None:
    def refuse(_operation: str, asked: str) -> None:
        if asked == table:
            raise StoreFault

    connected.world.tables.before = refuse
    with pytest.raises(StoreFault):
        await functions()["prune_history"].call(Fired())
    assert any(PRUNE in message.text for message in connected.world.queue.kept)
