"""Faults of the engine: runs and jobs, what they hand back, set aside, record and commit."""

from tests.mutants.mutant import Mutant

_SETTLE_EVENTS = "tests/usecases/test_settle_events.py"
_SYNC_RUN = "tests/usecases/test_sync_run.py"
_OVERTAKEN = "tests/usecases/test_overtaken_run.py"

MUTANTS = (
    Mutant(
        name="no-lease",
        rule="Two lanes",
        lie="A run begins while another one is at work.",
        file="shared/store/leases.py",
        old="present.expires_at > self._clock.now():",
        new="present.expires_at < self._clock.now():",
        test=f"{_SYNC_RUN}::test_a_run_waits_while_another_one_is_at_work",
    ),
    Mutant(
        name="attempt-not-counted",
        rule="Handing back",
        lie="A job that is handed back does not count its attempts.",
        file="shared/usecases/job_frame.py",
        old="replace(job, attempt=job.attempt + 1)",
        new="replace(job, attempt=job.attempt)",
        test=f"{_SETTLE_EVENTS}::test_an_event_that_never_holds_still_is_quarantined_and_blocks_nothing",
    ),
    Mutant(
        name="throttling-raises",
        rule="Handing back",
        lie="A throttled job raises, and becomes poison in the end.",
        file="shared/usecases/job_frame.py",
        old="            await self.hand_back(job, fault)\n            return False\n",
        new="            raise\n",
        test="tests/usecases/test_handing_back.py::test_a_run_that_is_told_to_wait_raises_nothing",
    ),
    Mutant(
        name="retry-after-not-honoured",
        rule="Handing back",
        lie="A job comes back earlier than Graph asked for.",
        file="shared/usecases/job_frame.py",
        old="return max(fault.retry_after, min(2.0**attempt, _LONGEST_UNASKED))",
        new="return min(2.0**attempt, _LONGEST_UNASKED)",
        test="tests/usecases/test_handing_back.py::test_a_long_wait_is_kept_to",
    ),
    Mutant(
        name="quarantine-blocks",
        rule="Quarantine",
        lie="An event that is refused for good holds up the rest of its job.",
        file="shared/usecases/settle_events.py",
        old="done.failures.append(await self._quarantine(integration, job.side, glance, refusal, reason_of(refusal)))",
        new="done.failures.append(await self._quarantine(integration, job.side, glance, refusal, reason_of(refusal)))\n"
        "                break",
        test="tests/usecases/test_run_findings.py::test_an_event_too_large_to_be_kept_holds_up_no_notice",
    ),
    Mutant(
        name="window-ignored",
        rule="Window",
        lie="An event outside of the window gets a copy.",
        file="shared/core/unmapped.py",
        old="return None if in_window(content, policy.window) else Skip(rule=Rule.OUTSIDE_WINDOW)",
        new="return None if content else Skip(rule=Rule.OUTSIDE_WINDOW)",
        test="tests/core/test_unmapped.py::test_what_is_not_created",
    ),
    Mutant(
        name="before-missing",
        rule="History",
        lie="The history does not keep what a write has replaced.",
        file="shared/usecases/written.py",
        old="            before=action.replaces,\n",
        new="            before=None,\n",
        test="tests/usecases/test_recorded_jobs.py::test_an_edit_of_either_side_is_a_run_with_its_change",
    ),
    Mutant(
        name="stop-unrecorded",
        rule="History",
        lie="What a job has done before its connection had to stop is in no run.",
        file="shared/usecases/settle_events.py",
        old="        except SyncFault:\n            await self._end(recording, done, again=again)\n            raise\n",
        new="        except SyncFault:\n            raise\n",
        test="tests/usecases/test_recorded_jobs.py::test_what_was_done_before_the_connection_had_to_stop_is_recorded",
    ),
    Mutant(
        name="undo-ignores-later-edits",
        rule="History",
        lie="Undo puts the former value over what somebody has changed since.",
        file="shared/core/undo.py",
        old="    if same(which, here, rewrite.after):\n",
        new="    if rewrite:\n",
        test="tests/core/test_undo.py::test_only_what_nobody_changed_since_goes_back",
    ),
    Mutant(
        name="cursor-committed-first",
        rule="Cursors last",
        lie="The cursors are committed as soon as both sides are read.",
        file="shared/usecases/sync_sides.py",
        old="        known = await self._traced(work, known)\n",
        new="        kept_at = self.settle.apply.new.request_sync.integrations\n"
        "        row = await kept_at.get(integration.integration_id)\n"
        "        at = replace(row.value, delta_link=pulled.delta_link, wedsync_cursor=pulled.wedsync_cursor)\n"
        "        await kept_at.save(replace(row, value=at))\n"
        "        known = await self._traced(work, known)\n",
        test=f"{_SYNC_RUN}::test_cursors_are_committed_after_what_they_stand_for",
    ),
    Mutant(
        name="cursor-past-failures",
        rule="Cursors last",
        lie="The cursors are committed past events that could not be reached.",
        file="shared/usecases/sync_sides.py",
        old="    if not unreached:\n",
        new="    if pulled:\n",
        test=f"{_SYNC_RUN}::test_an_update_that_never_got_through_is_found_by_the_next_run",
    ),
    Mutant(
        name="settled-by-an-earlier-reading",
        rule="Cursors last",
        lie="A run counts settings as carried out that were changed after it had read them.",
        file="shared/usecases/sync_run.py",
        old="settled_version=pulled.settings_version",
        new="settled_version=stored.value.settings_version",
        test=f"{_OVERTAKEN}::test_a_change_of_settings_is_not_taken_for_carried_out",
    ),
    Mutant(
        name="cursor-of-an-earlier-connection",
        rule="Cursors last",
        lie="A run commits its cursors although its user has left and come back meanwhile.",
        file="shared/usecases/sync_run.py",
        old="if stored is None or stored.value.epoch != integration.epoch:",
        new="if stored is None:",
        test=f"{_OVERTAKEN}::test_what_was_read_before_is_no_place_to_go_on_from",
    ),
)
