"""One line of JSON per thing that happened, without anything that must not be in a log.

``action`` is the name of what happened (``subscription_renewed``), the rest are facts; ``docs/runbook.md`` lists all
names. What is measured is a line too, ``metric`` with its name and value. The platform samples no line, so that one of
level ERROR is certain to be there; what there is much of is thinned here (``docs/decisions/026``). Lines of one piece
of work carry what it was bound to: invocation, function, integration, run, correlation. Event content, tokens, codes,
addresses and query strings never belong into a fact; what slips in all the same is taken out.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum

_LOGGER = logging.getLogger("wedsync")
_LONGEST = 300
_LOOKED_AT = 4 * _LONGEST
"""How much of a text is cleaned: the patterns below take the square of it in the worst case."""
_CHATTY = (
    "azure.core",
    "azure.data",
    "azure.identity",
    "azure.keyvault",
    "azure.storage",
    "httpx",
    "httpcore",
    "msal",
    "urllib3",
)
_FORBIDDEN = re.compile(
    r"token|secret|password|authorization|cookie|assertion|verifier|nonce|^code$|client_state"
    r"|title|subject|description|body|location|attendee|e?mail|payload|content",
    re.IGNORECASE,
)
_SHAPES = (
    (re.compile(r"eyJ[\w-]{8,}(\.[\w-]*){0,4}"), "[token]"),
    (re.compile(r"(?i)\bbearer\s+\S+"), "Bearer [token]"),
    (re.compile(r"(https?://[^\s?#\"']*)[?#][^\s\"']*"), r"\1?[query]"),
    (re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+"), "[address]"),
)
_BREAK = re.compile(r"[\s<>\"']")
REDACTED = "[redacted]"
ONE_IN = 10

Fact = str | int | float | bool | None

_BOUND: ContextVar[Mapping[str, Fact]] = ContextVar("log_context", default={})  # noqa: B039 - never changed in place
_ROUTINE: ContextVar[bool] = ContextVar("log_routine", default=False)
_TAKEN: dict[tuple[str, str], int] = {}
"""How many of each kind were taken in routine work, since this process began."""


class Metric(StrEnum):
    """What is measured. Times are in milliseconds."""

    NOTIFICATION_ANSWERED = "notification_answered"  # how long Graph, or WedSync, waited for our answer
    JOB_WAITED = "job_waited"  # from putting a message on a queue to beginning with it
    EDIT_TO_VISIBLE = "edit_to_visible"  # from an edit on one side to its copy on the other, in the lane of events
    GRAPH_REQUEST = "graph_request"  # how long Graph took, by status
    GRAPH_THROTTLED = "graph_throttled"  # requests and parts of batches that Graph asked to send again later
    CONFLICT_OPENED = "conflict_opened"
    EVENT_QUARANTINED = "event_quarantined"
    RECONNECT_NEEDED = "reconnect_needed"


@contextmanager
def log_context(**facts: Fact) -> Iterator[None]:
    """Add these facts to every line that is logged within, also by tasks that are started there; empty ones are not."""
    before = _BOUND.set({**_BOUND.get(), **{name: fact for name, fact in facts.items() if fact not in ("", None)}})
    try:
        yield
    finally:
        _BOUND.reset(before)


@contextmanager
def routine(on: bool = True) -> Iterator[None]:
    """Mark work that comes by itself and that nobody waits for: of what is measured often in it, one in ten is logged.

    A connection in which nothing happens is looked at a hundred times a day (``docs/scaling.md``).
    """
    before = _ROUTINE.set(on)
    try:
        yield
    finally:
        _ROUTINE.reset(before)


def log_metric(metric: Metric, value: float = 1, **dimensions: Fact) -> None:
    """Log a measurement, or count something; ``dimensions`` are few and of few values, but for ids."""
    log_action("metric", level=logging.INFO, metric=metric.value, value=value, **dimensions)


def log_often(metric: Metric, value: float, *, kind: str, **dimensions: Fact) -> None:
    """Log a measurement that is taken often and went well; in routine work the first of its kind and each tenth.

    A tenth one says that it ``stands_for`` ten, so that sums come out right; whoever counts counts these.
    """
    if not _ROUTINE.get():
        log_metric(metric, value, **dimensions)
        return
    taken = _TAKEN[metric, kind] = _TAKEN.get((metric, kind), 0) + 1
    if taken == 1:
        log_metric(metric, value, **dimensions)
    elif taken % ONE_IN == 1:
        log_metric(metric, value, **dimensions, stands_for=ONE_IN)


def log_action(name: str, *, level: int = logging.INFO, **facts: Fact) -> None:
    """Log that ``name`` happened. Facts are ids, counts, states, durations: never what people wrote.

    The line goes to the root logger's handlers: in Azure that is the worker's, which hands it to the host. It is ASCII:
    whatever a caller sent, there is no other line end in it, nothing that a terminal obeys, no half character that no
    handler could write.
    """
    if _LOGGER.isEnabledFor(level):
        bound = _BOUND.get()
        said = {**bound, **{fact: value for fact, value in facts.items() if value != "" or fact not in bound}}
        line = {"action": name, **{fact: _clean(fact, value) for fact, value in said.items()}}
        _LOGGER.log(level, "%s", json.dumps(line, default=str))


def quiet_libraries() -> None:
    """Keep libraries from logging each request, with its URL: tables' keys and Graph's queries name people's events.

    ``azure.functions`` is the worker's own logger and stays as it is.
    """
    _LOGGER.setLevel(logging.INFO)
    for library in _CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)


def redacted(text: str) -> str:
    """Return the text without tokens, query strings and addresses, and not longer than a line."""
    cut = len(text) > _LONGEST
    if len(text) > _LOOKED_AT:
        text = text[:_LOOKED_AT]
        ends = [found.start() for found in _BREAK.finditer(text)]
        text = text[: ends[-1]] if ends else text  # half an address would not be known for one
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return f"{text[:_LONGEST]}…" if cut else text


def _clean(name: str, value: object) -> object:
    if _FORBIDDEN.search(name):
        return REDACTED
    return redacted(value) if isinstance(value, str) else value
