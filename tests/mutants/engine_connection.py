"""Faults of the engine: directions, calendars, accounts and disconnecting."""

from tests.mutants.mutant import Mutant

_DISCONNECT = "tests/usecases/test_disconnect.py"
_INTERLEAVINGS = "tests/usecases/test_interleavings.py"
_MOVE = "tests/usecases/test_move_calendar.py"
_SETTLE_EVENTS = "tests/usecases/test_settle_events.py"

MUTANTS = (
    Mutant(
        name="drift-carried",
        rule="Direction",
        lie="In one-way mode a change of the passive side is carried.",
        file="shared/core/pair.py",
        old="toward = TOWARD[self.policy.direction]",
        new="toward = TOWARD[Direction.BIDIRECTIONAL]",
        test=f"{_SETTLE_EVENTS}::test_in_a_one_way_connection_nothing_goes_the_other_way",
    ),
    Mutant(
        name="narrowed-run-commits",
        rule="Direction",
        lie="A run of one direction commits the cursors past what it left out.",
        file="shared/usecases/sync_sides.py",
        old="pulled=None if _narrowed(record.run, work.integration) else",
        new="pulled=None if not record.run else",
        test="tests/usecases/test_run_findings.py::test_a_narrowed_run_leaves_what_it_skipped_to_the_next",
    ),
    Mutant(
        name="deleted-before-it-is-copied",
        rule="Changing calendar",
        lie="A move deletes the copies of the old calendar before those of the new one are made.",
        file="shared/usecases/move_copies.py",
        old="        await self._leave(journey, await self._arrive(journey, departed))",
        new="        await self._leave(journey, departed)\n        await self._arrive(journey, departed)",
        test="tests/usecases/test_move_faults.py::test_a_copy_that_the_new_calendar_refuses_stays_where_it_is",
    ),
    Mutant(
        name="any-calendar-of-the-mailbox",
        rule="One calendar",
        lie="An event of another calendar of the mailbox is taken for one of the synced calendar.",
        file="shared/usecases/look.py",
        old="there = calendar_id in (integration.calendar_id, home)",
        new='there = calendar_id != ""',
        test=f"{_MOVE}::test_a_late_notice_of_the_earlier_calendar_imports_nothing",
    ),
    Mutant(
        name="earlier-copy-imported",
        rule="One calendar",
        lie="A copy that was replaced while it was in another calendar comes in as a new event when it is moved back.",
        file="shared/core/unmapped.py",
        old="        return Skip(rule=Rule.EARLIER_COPY)\n",
        new="        return None\n",
        test="tests/usecases/test_earlier_copy.py::test_it_is_left_alone",
    ),
    Mutant(
        name="choice-lost-to-a-question",
        rule="Two lanes",
        lie="A worker that asks the same question again takes a user's choice away.",
        file="shared/store/conflicts.py",
        old="await self._tables.transact(_TABLE, [Upsert(row), Insert(copy)])",
        new="await self._tables.transact(_TABLE, [Upsert(row), Upsert(copy)])",
        test=f"{_INTERLEAVINGS}::test_a_choice_is_not_lost_to_a_worker_that_asks_the_same",
    ),
    Mutant(
        name="run-row-not-recovered",
        rule="History",
        lie="What was changed right before a process died is in no run.",
        file="shared/usecases/settle_events.py",
        old="        if again:\n",
        new="        if not again and again:\n",
        test="tests/usecases/test_recorded_jobs.py::test_wherever_the_process_dies_no_change_is_without_its_run",
    ),
    Mutant(
        name="account-shared",
        rule="Account",
        lie="A second user may connect the same Microsoft account.",
        file="shared/usecases/connect.py",
        old="        if holder != integration_id:\n",
        new="        if not holder:\n",
        test="tests/usecases/test_connect.py::test_an_account_goes_to_the_first_of_two_users",
    ),
    Mutant(
        name="account-exchanged",
        rule="Account",
        lie="A live connection may be given another Microsoft account.",
        file="shared/usecases/connect.py",
        old="            if not same:\n",
        new="            if not account:\n",
        test="tests/usecases/test_connect.py::test_a_live_connection_keeps_its_account",
    ),
    Mutant(
        name="no-fence",
        rule="Disconnect is fenced",
        lie="A disconnect does not raise the epoch.",
        file="shared/usecases/disconnect.py",
        old="            await self.mappings.raise_epoch(integration_id, epoch)\n",
        new="",
        test=f"{_DISCONNECT}::test_a_create_that_is_decided_after_the_fence_is_refused",
    ),
    Mutant(
        name="epoch-not-checked",
        rule="Disconnect is fenced",
        lie="An intent of an ended connection may be stored.",
        file="shared/store/mappings.py",
        old="            if _number(present) != first.epoch:\n",
        new="            if not first.epoch:\n",
        test=f"{_DISCONNECT}::test_the_fence_refuses_intents_of_the_old_epoch",
    ),
    Mutant(
        name="batch-after-the-fence",
        rule="Disconnect is fenced",
        lie="A batch that was told to wait is sent after a disconnect has begun.",
        file="shared/usecases/send_writes.py",
        old="            if await self._fenced(work, todo, again=attempt > 0):\n",
        new="            if not todo:\n",
        test="tests/usecases/test_run_findings.py::test_a_batch_that_was_told_to_wait_is_not_sent_after_a_disconnect",
    ),
)
