"""What every implementation of ``Conflicts``, ``Runs`` and ``Changes`` has to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.history import AskedSync, EventFailure, Tally
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import ConflictState, RunState
from shared.errors import RowChanged, RowExists
from shared.ports import Changes, Conflicts, Runs
from tests.support.values import NOON, change, conflict, new_id, run


class ConflictsContract:
    """Needs a fixture ``conflicts``."""

    async def test_ask_and_get(self, conflicts: Conflicts) -> None:
        value = conflict(field=None, wedsync=None)
        assert await conflicts.ask(value)
        assert await conflicts.get(value.integration_id, value.conflict_id) == value
        assert await conflicts.get(value.integration_id, "x") is None
        assert await conflicts.get(new_id(), value.conflict_id) is None

    async def test_open_ones(self, conflicts: Conflicts) -> None:
        home, mapped = new_id(), new_id()
        later, first = (
            conflict(integration_id=home, mapping_id=mapped, opened_at=NOON + timedelta(minutes=minutes))
            for minutes in (2, 1)
        )
        other = conflict(integration_id=home, opened_at=NOON + timedelta(minutes=3))
        for value in (later, first, other, conflict()):
            await conflicts.ask(value)
        assert await conflicts.open_of(home, mapped) == (first, later)
        assert await conflicts.open_all(home) == (first, later, other)

    async def test_a_choice_is_kept_and_may_be_made_again(self, conflicts: Conflicts) -> None:
        value = conflict()
        await conflicts.ask(value)
        chosen = replace(value, state=ConflictState.RESOLVED, choice="custom", custom=value.base, guests=("a@x.org",))
        assert await conflicts.move(chosen)
        assert not await conflicts.ask(replace(value, opened_at=NOON + timedelta(minutes=1)))
        assert await conflicts.open_of(value.integration_id, value.mapping_id) == (chosen,)
        assert await conflicts.get(value.integration_id, value.conflict_id) == chosen
        other = replace(chosen, choice="wedsync", custom=None)
        assert await conflicts.move(other)
        assert await conflicts.open_of(value.integration_id, value.mapping_id) == (other,)

    @pytest.mark.parametrize("state", [ConflictState.APPLIED, ConflictState.SUPERSEDED])
    async def test_what_is_closed_stays(self, conflicts: Conflicts, state: ConflictState) -> None:
        value = conflict()
        await conflicts.ask(value)
        closed = replace(value, state=state, choice="outlook", closed_at=NOON)
        assert await conflicts.move(closed)
        for late in (ConflictState.APPLIED, ConflictState.SUPERSEDED, ConflictState.RESOLVED):
            assert not await conflicts.move(replace(value, state=late, choice="wedsync"))
        assert await conflicts.open_of(value.integration_id, value.mapping_id) == ()
        assert await conflicts.open_all(value.integration_id) == ()
        assert await conflicts.get(value.integration_id, value.conflict_id) == closed

    async def test_a_question_that_comes_up_again_waits_again(self, conflicts: Conflicts) -> None:
        value = conflict()
        await conflicts.ask(value)
        await conflicts.move(replace(value, state=ConflictState.SUPERSEDED))
        again = replace(value, opened_at=NOON + timedelta(hours=1))
        assert await conflicts.ask(again)
        assert await conflicts.open_all(value.integration_id) == (again,)
        assert await conflicts.get(value.integration_id, value.conflict_id) == again

    async def test_what_was_never_asked_is_not_moved(self, conflicts: Conflicts) -> None:
        value = conflict(state=ConflictState.APPLIED)
        assert not await conflicts.move(value)
        assert await conflicts.get(value.integration_id, value.conflict_id) is None

    async def test_forget_all(self, conflicts: Conflicts) -> None:
        home, kept = new_id(), conflict()
        values = [conflict(integration_id=home) for _ in range(4)]
        for value in (*values, kept):
            await conflicts.ask(value)
        await conflicts.move(replace(values[3], state=ConflictState.APPLIED))
        await conflicts.forget_all(home)
        assert await conflicts.open_all(home) == ()
        for value in values:
            assert await conflicts.get(home, value.conflict_id) is None
        assert await conflicts.open_all(kept.integration_id) == (kept,)

    async def test_what_was_closed_long_ago_is_forgotten(self, conflicts: Conflicts) -> None:
        home = new_id()
        old, recent, waiting, chosen = (conflict(integration_id=home, opened_at=NOON) for _ in range(4))
        for value in (old, recent, waiting, chosen):
            await conflicts.ask(value)
        for value, at in ((old, NOON), (recent, NOON + timedelta(days=1))):
            await conflicts.move(replace(value, state=ConflictState.APPLIED, closed_at=at))
        await conflicts.move(replace(chosen, state=ConflictState.RESOLVED, choice="wedsync"))
        strange = conflict(opened_at=NOON)
        await conflicts.ask(strange)
        await conflicts.move(replace(strange, state=ConflictState.APPLIED, closed_at=NOON))
        assert await conflicts.forget_before(home, NOON + timedelta(hours=1)) == 1
        assert await conflicts.get(home, old.conflict_id) is None
        assert await conflicts.get(home, recent.conflict_id)
        assert await conflicts.get(strange.integration_id, strange.conflict_id)
        assert {each.conflict_id for each in await conflicts.open_all(home)} == {
            waiting.conflict_id,
            chosen.conflict_id,
        }
        assert await conflicts.forget_before(home, NOON + timedelta(hours=1)) == 0


class RunsContract:
    """Needs a fixture ``runs``."""

    async def test_insert_and_get(self, runs: Runs) -> None:
        value = run()
        made = await runs.insert(value)
        assert await runs.get(value.integration_id, value.run_id) == made
        assert made.value == value
        assert await runs.get(value.integration_id, "x") is None
        with pytest.raises(RowExists):
            await runs.insert(replace(value, queued_at=NOON + timedelta(seconds=1)))

    async def test_save_needs_the_tag(self, runs: Runs) -> None:
        made = await runs.insert(run())
        failure = EventFailure(event_id="e", event_type="", code="c", message="m" * 5000, retryable=False)
        value = replace(
            made.value, state=RunState.IN_PROGRESS, started_at=NOON, tally=Tally(created=3), failures=(failure,) * 3
        )
        saved = await runs.save(replace(made, value=value))
        assert await runs.get(value.integration_id, value.run_id) == saved
        with pytest.raises(RowChanged):
            await runs.save(made)

    async def test_recent_are_the_newest(self, runs: Runs) -> None:
        home = new_id()
        made = [
            await runs.insert(run(integration_id=home, queued_at=NOON + timedelta(microseconds=micros)))
            for micros in (5, 1, 1_000_000, 3)
        ]
        await runs.insert(run())
        assert await runs.recent(home) == (made[2], made[0], made[3], made[1])
        assert await runs.recent(home, limit=2) == (made[2], made[0])
        assert await runs.recent(home, limit=0) == ()
        assert await runs.recent(new_id()) == ()

    async def test_what_events_led_to_is_apart_from_what_was_queued(self, runs: Runs) -> None:
        home = new_id()
        request = RunRequest(kind=RunKind.WEBHOOK, triggered_by=TriggeredBy.WEBHOOK, purpose=RunPurpose.EVENT)
        queued, first, last = [
            await runs.insert(run(integration_id=home, queued_at=NOON + timedelta(seconds=seconds), **members))
            for seconds, members in ((2, {}), (1, {"request": request}), (3, {"request": request}))
        ]
        assert await runs.recent(home) == (queued,)
        assert await runs.history(home) == (last, queued, first)
        assert await runs.history(home, limit=1) == (last, queued), "so many of each: events never hide a run"
        assert await runs.history(home, limit=0) == ()
        assert await runs.get(home, first.value.run_id) == first
        saved = await runs.save(replace(first, value=replace(first.value, tally=Tally(updated=2))))
        assert await runs.history(home) == (last, queued, saved)

    async def test_what_ended_long_ago_is_forgotten(self, runs: Runs) -> None:
        home = new_id()
        noticed = RunRequest(kind=RunKind.WEBHOOK, triggered_by=TriggeredBy.WEBHOOK, purpose=RunPurpose.EVENT)
        ended = {"integration_id": home, "state": RunState.COMPLETED}
        early = NOON - timedelta(days=1)
        old = [
            await runs.insert(run(**ended, queued_at=early)),
            await runs.insert(run(**{**ended, "state": RunState.FAILED}, queued_at=early)),
            await runs.insert(run(**ended, queued_at=early, request=noticed)),
        ]
        kept = [
            await runs.insert(run(**ended, queued_at=NOON)),
            await runs.insert(run(**ended, queued_at=NOON, request=noticed)),
            await runs.insert(run(integration_id=home, state=RunState.IN_PROGRESS, queued_at=early)),
        ]
        strange = await runs.insert(run(state=RunState.COMPLETED, queued_at=early))
        assert await runs.forget_before(home, NOON) == 3
        for stored in old:
            assert await runs.get(home, stored.value.run_id) is None
            await runs.insert(stored.value)  # the pointer has gone as well
        assert {each.value.run_id for each in await runs.history(home)} >= {each.value.run_id for each in kept}
        assert await runs.get(strange.value.integration_id, strange.value.run_id)

    async def test_so_many_runs_are_forgotten_at_a_time(self, runs: Runs) -> None:
        home = new_id()
        for seconds in range(7):
            at = NOON + timedelta(seconds=seconds)
            await runs.insert(run(integration_id=home, state=RunState.CANCELLED, queued_at=at))
        later = NOON + timedelta(hours=1)
        assert [await runs.forget_before(home, later, limit=3) for _ in range(4)] == [3, 3, 1, 0]
        assert await runs.history(home) == ()

    async def test_what_a_key_stands_for_is_said_once(self, runs: Runs) -> None:
        home = new_id()
        first = AskedSync(key_id=new_id(), integration_id=home, run_id="r", fingerprint="f" * 64, asked_at=NOON)
        assert await runs.asked(home, first.key_id) is None
        assert await runs.ask(first) == first
        late = replace(first, run_id="another", fingerprint="0" * 64, asked_at=NOON + timedelta(days=1))
        assert await runs.ask(late) == first
        assert await runs.asked(home, first.key_id) == first
        assert await runs.asked(new_id(), first.key_id) is None
        assert await runs.recent(home) == await runs.history(home) == ()

    async def test_old_keys_are_forgotten_with_the_runs(self, runs: Runs) -> None:
        home, later = new_id(), NOON + timedelta(days=1)
        old = [
            AskedSync(key_id=new_id(), integration_id=home, run_id="r", fingerprint="f", asked_at=NOON)
            for _ in range(4)
        ]
        young = replace(old[0], key_id=new_id(), asked_at=later)
        elsewhere = replace(old[0], integration_id=new_id())
        for each in (*old, young, elsewhere):
            await runs.ask(each)
        await runs.insert(run(integration_id=home, state=RunState.COMPLETED, queued_at=NOON))
        assert [await runs.forget_before(home, later, limit=3) for _ in range(3)] == [3, 2, 0]
        assert [await runs.asked(home, each.key_id) for each in (*old, young)] == [*[None] * 4, young]
        assert await runs.asked(elsewhere.integration_id, elsewhere.key_id) == elsewhere


class ChangesContract:
    """Needs a fixture ``changes``."""

    async def test_by_mapping_and_by_run(self, changes: Changes) -> None:
        home, mapped, ran = new_id(), new_id(), new_id()
        second = change(integration_id=home, mapping_id=mapped, run_id=ran, at=NOON + timedelta(seconds=2))
        first = change(integration_id=home, mapping_id=mapped, at=NOON + timedelta(seconds=1))
        third = change(integration_id=home, run_id=ran, at=NOON + timedelta(seconds=3), before=None)
        await changes.append([second, first, third, change()])
        assert await changes.of_mapping(home, mapped) == (first, second)
        assert await changes.of_run(home, ran) == (second, third)
        assert await changes.of_run(home, new_id()) == ()

    async def test_outside_a_run(self, changes: Changes) -> None:
        value = change(run_id="")
        await changes.append([value])
        assert await changes.of_mapping(value.integration_id, value.mapping_id) == (value,)

    async def test_a_repeated_change_is_quiet(self, changes: Changes) -> None:
        value, other = (change(integration_id="i", mapping_id="m") for _ in range(2))
        value, other = replace(value, integration_id=new_id()), replace(other, mapping_id=value.mapping_id)
        other = replace(other, integration_id=value.integration_id, at=NOON + timedelta(seconds=1))
        await changes.append([value])
        await changes.append([replace(value, at=NOON + timedelta(hours=1)), other, other])
        assert await changes.of_mapping(value.integration_id, value.mapping_id) == (value, other)

    async def test_many_at_once(self, changes: Changes) -> None:
        home, ran = new_id(), new_id()
        values = [change(integration_id=home, run_id=ran, at=NOON + timedelta(seconds=n)) for n in range(130)]
        await changes.append(values)
        assert await changes.of_run(home, ran) == tuple(values)
        await changes.append([])

    async def test_what_was_changed_long_ago_is_forgotten(self, changes: Changes) -> None:
        home, mapped, ran = new_id(), new_id(), new_id()
        of_pair = {"integration_id": home, "mapping_id": mapped}
        old = [change(**of_pair, run_id=run_id, at=NOON + timedelta(seconds=n)) for n, run_id in enumerate((ran, ""))]
        kept = change(**of_pair, run_id=ran, at=NOON + timedelta(days=1))
        strange = change(mapping_id=mapped, run_id=ran)
        await changes.append([*old, kept])
        await changes.append([strange])
        assert await changes.forget_before(home, kept.at) == 3
        assert await changes.of_mapping(home, mapped) == (kept,)
        assert await changes.of_run(home, ran) == (kept,)
        assert await changes.of_run(strange.integration_id, ran) == (strange,)
        assert await changes.forget_before(home, kept.at) == 0

    async def test_so_many_changes_are_forgotten_at_a_time(self, changes: Changes) -> None:
        home = new_id()
        await changes.append([change(integration_id=home, run_id="") for _ in range(250)])
        later = NOON + timedelta(hours=1)
        assert [await changes.forget_before(home, later, limit=120) for _ in range(4)] == [120, 120, 10, 0]
