"""A run's row, made of its changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.history import ChangeKind
from shared.core.integration import Direction
from shared.core.jobs import RunKind, RunPurpose, TriggeredBy
from shared.core.recovered import recovered
from shared.core.states import RunState
from tests.support.values import NOON, change


@pytest.mark.parametrize(
    ("correlation", "kind", "triggered_by"),
    [
        ("r", RunKind.SINGLE, TriggeredBy.MANUAL),
        ("a notice", RunKind.WEBHOOK, TriggeredBy.WEBHOOK),
        ("", RunKind.WEBHOOK, TriggeredBy.AUTO),
    ],
)
def test_its_row_says_what_its_changes_say(correlation: str, kind: RunKind, triggered_by: TriggeredBy) -> None:
    kinds = [*ChangeKind, ChangeKind.UPDATED]
    rows = [
        replace(
            change(integration_id="i", run_id="r", mapping_id=f"m{number % 4}", at=NOON + timedelta(seconds=number)),
            kind=each,
            correlation=correlation,
        )
        for number, each in enumerate(kinds)
    ]
    run = recovered(rows, direction=Direction.TO_OUTLOOK)
    assert (run.run_id, run.integration_id, run.state) == ("r", "i", RunState.COMPLETED)
    assert (run.request.kind, run.request.triggered_by) == (kind, triggered_by)
    assert (run.request.purpose, run.request.direction) == (RunPurpose.EVENT, Direction.TO_OUTLOOK)
    assert (run.started_at, run.completed_at) == (NOON, NOON + timedelta(seconds=len(rows) - 1))
    tally = run.tally
    assert (tally.total, tally.handled) == (4, 4)
    assert (tally.created, tally.updated, tally.deleted) == (1, 2, 1)
    assert (tally.conflicts, tally.noted, tally.repaired) == (1, 2, 1)
