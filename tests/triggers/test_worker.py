"""Queue functions take what is theirs, and raise at anything else, so that the host sets it aside."""

import json
from pathlib import Path

import azure.functions as func
import pytest

from shared import bootstrap
from shared.core.event import Side
from shared.core.jobs import EventJob, Glance, Job, RunJob, UpkeepJob, UpkeepKind
from shared.errors import InvalidInput
from shared.store.messages import to_texts
from tests.support.functions import functions

SAMPLE = json.loads((Path(__file__).parents[2] / "local.settings.sample.json").read_text())["Values"]
JOBS: dict[str, Job] = {
    "event_jobs": EventJob(integration_id="i", side=Side.OUTLOOK, events=(Glance(event_id="e"),), correlation="c"),
    "run_jobs": RunJob(integration_id="i", run_id="r"),
    "upkeep_jobs": UpkeepJob(integration_id="i", kind=UpkeepKind.RENEW),
}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings under which nothing can be reached: parsing comes before anything is opened."""
    monkeypatch.setattr(bootstrap, "_app", None)
    for name, value in SAMPLE.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("queue", JOBS)
@pytest.mark.parametrize("job", JOBS)
async def test_a_job_on_another_queue_is_refused(queue: str, job: str) -> None:
    if queue == job:
        return
    with pytest.raises(InvalidInput):
        await functions()[queue].call(func.QueueMessage(body=to_texts(JOBS[job])[0]))


@pytest.mark.parametrize("queue", JOBS)
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"kind": "nonsense"}'])
async def test_what_is_no_job_is_refused(queue: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        await functions()[queue].call(func.QueueMessage(body=text))
