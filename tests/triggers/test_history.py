"""What was done, in the shapes of the API."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from shared.core.actions import EXPLAINED, Rule
from shared.core.event import Field
from shared.core.explain import FieldStanding, Standing
from shared.core.history import ChangeKind
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.pair import NOTE_TYPE_OFF
from shared.core.states import MappingState, RunState
from shared.triggers import history, present
from shared.usecases.explain_event import Explanation
from shared.usecases.list_events import MappedEvent
from shared.usecases.report_status import status_of
from shared.usecases.undo_run import KeptEvent, Undone
from tests.support import values


def wire(model: BaseModel) -> dict[str, Any]:
    """Return the JSON as the border writes it."""
    written: dict[str, Any] = json.loads(model.model_dump_json(by_alias=True, exclude_none=True))
    return written


@pytest.mark.parametrize(
    ("purpose", "subject", "shown"),
    [
        (RunPurpose.SYNC, "", {}),
        (RunPurpose.SPECIFIC, "", {}),
        (RunPurpose.EVENT, "", {}),
        (RunPurpose.RECONCILE, "", {"purpose": "reconcile"}),
        (RunPurpose.CONFIRM, "c", {"purpose": "confirm"}),
        (RunPurpose.UNDO, "r", {"purpose": "undo", "undoes": "r"}),
    ],
)
def test_a_run_for_something_else_says_what_for(purpose: RunPurpose, subject: str, shown: dict[str, str]) -> None:
    request = RunRequest(kind=RunKind.SINGLE, triggered_by=TriggeredBy.MANUAL, purpose=purpose, subject=subject)
    written = wire(present.history_item(values.run(request=request)))
    assert {name: written[name] for name in ("purpose", "undoes") if name in written} == shown
    assert (written["syncType"], written["triggeredBy"]) == ("single_event", "manual")


@pytest.mark.parametrize(
    ("state", "notes", "reason"),
    [
        (MappingState.UNLINKED, (), "unlinked"),
        (MappingState.UNLINKED, (NOTE_TYPE_OFF,), "type_off"),
        (MappingState.HIDDEN, (), "hidden"),
        (MappingState.INTENT, (), "intent"),
    ],
)
def test_an_event_that_is_not_synced_is_pending_for_a_reason(
    state: MappingState, notes: tuple[str, ...], reason: str
) -> None:
    mapping = values.mapping(state=state, notes=notes)
    assert status_of(mapping) == "pending"
    assert wire(present.mapped_event(MappedEvent(mapping=mapping, status="pending"), syncing=True))["reason"] == reason


@pytest.mark.parametrize(
    ("state", "success", "status"),
    [
        (RunState.COMPLETED, True, "completed"),
        (RunState.QUEUED, False, "in_progress"),
        (RunState.IN_PROGRESS, False, "in_progress"),
        (RunState.FAILED, False, "failed"),
    ],
)
def test_an_undo_tells_what_stays_and_why(state: RunState, success: bool, status: str) -> None:
    run = values.run(state=state)
    kept = (KeptEvent(event_id="e", reason="guests"),)
    written = wire(history.undone(Undone(run=run, undone=2, kept=kept)))
    assert written == {
        "success": success,
        "syncId": run.run_id,
        "undone": 2,
        "skipped": [{"eventId": "e", "reason": "guests"}],
        "status": status,
    }


def test_an_explanation_of_a_synced_event() -> None:
    edited = values.change(rule=Rule.CARRY)
    made = values.change(kind=ChangeKind.CREATED, fields=(), before=None, run_id="", rule="an older version's")
    title = FieldStanding(field=Field.TITLE, standing=Standing.AGREED, rule=Rule.AGREED, reason=EXPLAINED[Rule.AGREED])
    written = wire(
        history.explained(
            Explanation(
                event_id="e",
                outlook_id="o",
                state="linked",
                rule=Rule.ECHO,
                next_step="There is nothing to do.",
                fields=(title,),
                changes=(edited, made),
            )
        )
    )
    assert (written["synced"], written["rule"], written["reason"]) == (True, "echo", EXPLAINED[Rule.ECHO])
    assert written["fields"][0] == {
        "field": "title",
        "state": "agreed",
        "rule": "agreed",
        "reason": EXPLAINED[Rule.AGREED],
    }
    first, second = written["lastChanges"]
    assert set(first["before"]) == set(first["after"]) == {"title"}
    assert first["reason"] == EXPLAINED[Rule.CARRY]
    assert "before" not in second
    assert set(second["after"]) == {field.value for field in Field}
    assert (second["rule"], second["reason"], "runId" in second) == ("an older version's", "", False)


@pytest.mark.parametrize("rule", [Rule.QUARANTINED, Rule.PAUSED, Rule.DELETION_HELD])
def test_what_is_stopped_is_not_synced_although_it_is_linked(rule: Rule) -> None:
    found = Explanation(event_id="e", state="linked", rule=rule, next_step="", detail="graph refuses it (Bad).")
    written = wire(history.explained(found))
    assert written["synced"] is False
    assert written["reason"] == f"{EXPLAINED[rule]} graph refuses it (Bad)."


def test_an_event_that_nobody_mapped_is_told_without_fields() -> None:
    written = wire(
        history.explained(Explanation(event_id="e", state="unmapped", rule=Rule.OUTSIDE_WINDOW, next_step="Later."))
    )
    assert (written["synced"], written["state"], written["fields"], written["lastChanges"]) == (
        False,
        "unmapped",
        [],
        [],
    )
    assert "outlookEventId" not in written
