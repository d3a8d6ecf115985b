"""Jobs as the text of queue messages: JSON with a version, in camelCase. Pure."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shared.core.jobs import EventJob, Glance, LooksJob, Message, RunJob, TurnsJob, UpkeepJob
from shared.errors import InvalidInput
from shared.store.codec import from_json, to_json

VERSION = 1
EVENT_QUEUE = "outlook-event-jobs"
RUN_QUEUE = "outlook-run-jobs"
UPKEEP_QUEUE = "outlook-upkeep-jobs"
QUEUES = (EVENT_QUEUE, RUN_QUEUE, UPKEEP_QUEUE)
MAX_EVENTS = 100
# A message holds 64 KiB after base64, which adds a third: 40 KiB leaves room.
MAX_BYTES = 40 * 1024

_KINDS: dict[str, type[Message]] = {
    "event": EventJob,
    "looks": LooksJob,
    "run": RunJob,
    "upkeep": UpkeepJob,
    "turns": TurnsJob,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_QUEUES: dict[type[Message], str] = {
    EventJob: EVENT_QUEUE,
    LooksJob: EVENT_QUEUE,
    RunJob: RUN_QUEUE,
    UpkeepJob: UPKEEP_QUEUE,
    TurnsJob: UPKEEP_QUEUE,
}


def queue_of(job: Message) -> str:
    """Return the name of the queue that jobs of this kind go to."""
    return _QUEUES[type(job)]


def to_texts(job: Message) -> tuple[str, ...]:
    """Return the messages of a job: one, or several for an ``EventJob`` of more than 100 events or 40 KiB.

    An ``EventJob`` without events is none. A ``LooksJob`` is as few messages as hold it; one look alone is its own.
    """
    if isinstance(job, EventJob):
        return tuple(_text(replace(job, events=events)) for events in _portions(job))
    if isinstance(job, LooksJob):
        return tuple(_text(part.jobs[0] if len(part.jobs) == 1 else part) for part in _packed(job))
    return (_text(job),)


def parse(text: str) -> Message:
    """Return the job in a message's text; ``InvalidInput`` if it is none."""
    try:
        members = json.loads(text)
        if members["version"] != VERSION:
            raise InvalidInput("invalid_job", f"job version {members['version']!r} is not known here")
        job = from_json(_KINDS[members["job"]], members)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput("invalid_job", "the message is no job") from error
    _check(job)
    return job  # type: ignore[no-any-return]


def _text(job: Message) -> str:
    return json.dumps({"version": VERSION, "job": _NAMES[type(job)], **to_json(job)}, separators=(",", ":"))


def _portions(job: EventJob) -> Iterator[tuple[Glance, ...]]:
    """Yield the events in portions that fit a message; one event alone always makes a portion."""
    frame = len(_text(replace(job, events=())))
    portion: list[Glance] = []
    size = frame
    for glance in job.events:
        added = len(json.dumps(to_json(glance), separators=(",", ":"))) + 1
        if portion and (len(portion) == MAX_EVENTS or size + added > MAX_BYTES):
            yield tuple(portion)
            portion, size = [], frame
        portion.append(glance)
        size += added
    if portion:
        yield tuple(portion)


def _packed(job: LooksJob) -> Iterator[LooksJob]:
    """Yield the looks, as many together as fit a message."""
    frame = len(_text(LooksJob(jobs=())))
    together: list[EventJob] = []
    size = frame
    for look in (replace(each, events=events) for each in job.jobs for events in _portions(each)):
        added = len(json.dumps(to_json(look), separators=(",", ":"))) + 1
        if together and size + added > MAX_BYTES:
            yield LooksJob(jobs=tuple(together))
            together, size = [], frame
        together.append(look)
        size += added
    if together:
        yield LooksJob(jobs=tuple(together))


def _check(job: Any) -> None:
    """Raise ``InvalidInput`` where a member has the wrong type: a queue takes messages from whoever has its key."""
    if isinstance(job, LooksJob):
        for look in job.jobs:
            _check(look)
        return
    if isinstance(job, TurnsJob):
        texts = [job.kind, *(part for turn in job.turns for part in (turn.integration_id, turn.subject))]
        if not all(isinstance(text, str) for text in texts):
            raise InvalidInput("invalid_job", "a member of the job has the wrong type")
        return
    texts = [job.integration_id, job.correlation]
    flags: list[Any] = []
    if isinstance(job, EventJob):
        texts += [part for glance in job.events for part in (glance.event_id, glance.hint)]
        flags += [glance.removed for glance in job.events]
    elif isinstance(job, RunJob):
        texts.append(job.run_id)
    else:
        texts.append(job.subject)
    whole = isinstance(job.attempt, int) and not isinstance(job.attempt, bool) and job.attempt >= 0
    right = all(isinstance(text, str) for text in texts) and all(isinstance(flag, bool) for flag in flags)
    if not whole or not right:
        raise InvalidInput("invalid_job", "a member of the job has the wrong type")
