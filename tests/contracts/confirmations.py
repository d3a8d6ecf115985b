"""What every implementation of ``Confirmations`` has to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.confirmation import Confirmation, DeletionLedger, HeldDeletion
from shared.core.event import Side
from shared.core.guard import Deletion
from shared.core.states import ConfirmationState
from shared.errors import RowChanged
from shared.ports import Confirmations, Stored
from tests.support.values import NOON, new_id


def held(number: int = 0) -> HeldDeletion:
    return HeldDeletion(
        mapping_id=new_id(),
        side=Side.OUTLOOK,
        key=f"event:{new_id()}",
        event_id=new_id(),
        held_at=NOON + timedelta(seconds=number),
    )


def question(integration_id: str, *, count: int = 3) -> Confirmation:
    return Confirmation(
        confirmation_id=new_id(),
        integration_id=integration_id,
        state=ConfirmationState.OPEN,
        opened_at=NOON,
        expires_at=NOON + timedelta(days=7),
        reason="Many.",
        held=tuple(held(number) for number in range(count)),
        earlier=(new_id(),),
    )


class ConfirmationsContract:
    """Needs a fixture ``confirmations``."""

    async def test_a_ledger_begins_empty(self, confirmations: Confirmations) -> None:
        home = new_id()
        assert await confirmations.ledger(home) == Stored(value=DeletionLedger(integration_id=home), tag="")

    async def test_insert_and_replace(self, confirmations: Confirmations) -> None:
        home = new_id()
        empty = await confirmations.ledger(home)
        first = await confirmations.save(
            replace(empty, value=replace(empty.value, open=question(home), mapped=7, mapped_at=NOON))
        )
        assert first.tag
        assert await confirmations.ledger(home) == first
        done = replace(
            first.value,
            open=None,
            wedsync=(Deletion(key="event:1", at=NOON),),
            outlook=(Deletion(key="series:2", at=NOON),),
            answered=(question(home).ended(ConfirmationState.ACCEPTED, at=NOON),),
        )
        second = await confirmations.save(replace(first, value=done))
        assert await confirmations.ledger(home) == second
        assert second.value == done

    async def test_save_needs_the_tag(self, confirmations: Confirmations) -> None:
        home = new_id()
        empty = await confirmations.ledger(home)
        first = await confirmations.save(replace(empty, value=replace(empty.value, mapped=1)))
        with pytest.raises(RowChanged):
            await confirmations.save(replace(empty, value=replace(empty.value, mapped=2)))
        await confirmations.save(replace(first, value=replace(first.value, mapped=3)))
        with pytest.raises(RowChanged):
            await confirmations.save(replace(first, value=replace(first.value, mapped=4)))
        assert (await confirmations.ledger(home)).value.mapped == 3

    async def test_a_closed_question_is_kept_with_the_ledger_or_not_at_all(self, confirmations: Confirmations) -> None:
        home = new_id()
        empty = await confirmations.ledger(home)
        lapsed, rejected = (
            question(home).ended(state, at=NOON) for state in (ConfirmationState.LAPSED, ConfirmationState.REJECTED)
        )
        await confirmations.save(replace(empty, value=replace(empty.value, mapped=1)), lapsed)
        with pytest.raises(RowChanged):
            await confirmations.save(empty, rejected)
        assert await confirmations.closed(home, lapsed.confirmation_id) == lapsed
        assert await confirmations.closed(home, rejected.confirmation_id) is None
        assert await confirmations.closed(new_id(), lapsed.confirmation_id) is None

    async def test_many_names(self, confirmations: Confirmations) -> None:
        home = new_id()
        empty = await confirmations.ledger(home)
        made = await confirmations.save(replace(empty, value=replace(empty.value, open=question(home, count=3000))))
        assert await confirmations.ledger(home) == made

    async def test_forget_all(self, confirmations: Confirmations) -> None:
        home, other = new_id(), new_id()
        for where in (home, other):
            empty = await confirmations.ledger(where)
            await confirmations.save(
                replace(empty, value=replace(empty.value, mapped=1)),
                replace(question(where), confirmation_id="q").ended(ConfirmationState.LAPSED, at=NOON),
            )
        await confirmations.forget_all(home)
        assert (await confirmations.ledger(home)).tag == ""
        assert await confirmations.closed(home, "q") is None
        assert (await confirmations.ledger(other)).value.mapped == 1
        assert await confirmations.closed(other, "q") is not None

    async def test_what_was_answered_long_ago_is_forgotten(self, confirmations: Confirmations) -> None:
        home = new_id()
        stored = await confirmations.ledger(home)
        asked = question(home)
        answered = [question(home).ended(ConfirmationState.ACCEPTED, at=NOON + timedelta(days=day)) for day in range(2)]
        for each in answered:
            stored = await confirmations.save(replace(stored, value=replace(stored.value, open=asked)), each)
        assert await confirmations.forget_before(home, NOON + timedelta(hours=1)) == 1
        assert await confirmations.closed(home, answered[0].confirmation_id) is None
        assert await confirmations.closed(home, answered[1].confirmation_id) == answered[1]
        assert (await confirmations.ledger(home)).value.open == asked
