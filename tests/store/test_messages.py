"""Messages: the form that is fixed, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance, LooksJob, Message, RunJob, Turn, TurnsJob, UpkeepJob, UpkeepKind
from shared.errors import InvalidInput
from shared.store.messages import MAX_BYTES, MAX_EVENTS, parse, to_texts
from tests.support.values import instants

ids = st.text(max_size=50)
glances = st.builds(Glance, event_id=st.text(max_size=2000), hint=ids, removed=st.booleans())
attempts = st.integers(0, 50)
event_jobs = st.builds(
    EventJob,
    integration_id=ids,
    side=st.sampled_from(Side),
    events=st.lists(glances, min_size=1, max_size=130).map(tuple),
    attempt=attempts,
    correlation=ids,
)
other_jobs = st.builds(RunJob, integration_id=ids, run_id=ids, attempt=attempts, correlation=ids) | st.builds(
    UpkeepJob, integration_id=ids, kind=st.sampled_from(UpkeepKind), subject=ids, attempt=attempts, correlation=ids
)
turns = st.builds(Turn, integration_id=ids, at=instants, subject=ids)
turns_jobs = st.builds(TurnsJob, kind=ids, turns=st.lists(turns, max_size=50).map(tuple))


@given(other_jobs | turns_jobs)
def test_there_and_back(job: Message) -> None:
    (text,) = to_texts(job)
    assert parse(text) == job


@given(event_jobs)
def test_event_jobs_keep_every_event_in_order(job: EventJob) -> None:
    parts = [parse(text) for text in to_texts(job)]
    assert all(isinstance(part, EventJob) and 1 <= len(part.events) <= MAX_EVENTS for part in parts)
    assert tuple(event for part in parts if isinstance(part, EventJob) for event in part.events) == job.events
    for text in to_texts(job):
        single = parse(text)
        assert len(text.encode()) <= MAX_BYTES or (isinstance(single, EventJob) and len(single.events) == 1)


@given(st.lists(event_jobs, max_size=12).map(tuple))
def test_looks_together_keep_every_event_in_order(jobs: tuple[EventJob, ...]) -> None:
    texts = to_texts(LooksJob(jobs=jobs))
    parts = [parse(text) for text in texts]
    looks = [look for part in parts for look in (part.jobs if isinstance(part, LooksJob) else (part,))]
    assert [(look.integration_id, event) for look in looks if isinstance(look, EventJob) for event in look.events] == [
        (job.integration_id, event) for job in jobs for event in job.events
    ]
    assert all(len(part.jobs) > 1 for part in parts if isinstance(part, LooksJob))
    for text, part in zip(texts, parts, strict=True):
        assert len(text.encode()) <= MAX_BYTES or (isinstance(part, EventJob) and len(part.events) == 1)


def test_the_form() -> None:
    job = EventJob(integration_id="i", side=Side.WEDSYNC, events=(Glance(event_id="e", hint="7"),), correlation="c")
    (text,) = to_texts(job)
    assert json.loads(text) == {
        "version": 1,
        "job": "event",
        "integrationId": "i",
        "side": "wedsync",
        "events": [{"eventId": "e", "hint": "7", "removed": False}],
        "attempt": 0,
        "correlation": "c",
    }
    assert parse('{"version":1,"job":"run","integrationId":"i","runId":"r","later":1}') == RunJob(
        integration_id="i", run_id="r"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "null",
        "7",
        "{}",
        '{"version":2,"job":"run","integrationId":"i","runId":"r"}',
        '{"version":1,"job":"lunch","integrationId":"i"}',
        '{"version":1,"job":["run"],"integrationId":"i"}',
        '{"version":1,"job":"run","integrationId":"i"}',
        '{"version":1,"job":"run","integrationId":7,"runId":"r"}',
        '{"version":1,"job":"run","integrationId":"i","runId":null}',
        '{"version":1,"job":"turns","kind":7,"turns":[]}',
        '{"version":1,"job":"turns","kind":"k","turns":[{"integrationId":"i","at":"noon","subject":""}]}',
        '{"version":1,"job":"turns","kind":"k","turns":[{"integrationId":7,"at":"2026-06-01T00:00:00Z","subject":""}]}',
        '{"version":1,"job":"run","integrationId":"i","runId":"r","attempt":"1"}',
        '{"version":1,"job":"run","integrationId":"i","runId":"r","attempt":true}',
        '{"version":1,"job":"run","integrationId":"i","runId":"r","attempt":-1}',
        '{"version":1,"job":"event","integrationId":"i","side":"left","events":[]}',
        '{"version":1,"job":"event","integrationId":"i","side":"outlook","events":7}',
        '{"version":1,"job":"event","integrationId":"i","side":"outlook","events":[7]}',
        '{"version":1,"job":"event","integrationId":"i","side":"outlook","events":[{"eventId":7}]}',
        '{"version":1,"job":"event","integrationId":"i","side":"outlook","events":[{"eventId":"e","removed":7}]}',
        '{"version":1,"job":"upkeep","integrationId":"i","kind":"sleep"}',
        '{"version":1,"job":"looks","jobs":[{"integrationId":7,"side":"outlook","events":[]}]}',
        '{"version":1,"job":"looks","jobs":["i"]}',
    ],
)
def test_what_is_no_job(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)
