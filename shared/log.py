"""One line of JSON per thing that happened, without anything that must not be in a log.

The message is the name of an action (``event_created``), the rest are facts. Event content, tokens, codes, addresses
and query strings never belong into a fact; the filter takes out what slips in all the same.
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import IO

_LOGGER = logging.getLogger("wedsync")
_LONGEST = 300
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
REDACTED = "[redacted]"

Fact = str | int | float | bool | None


def log_action(name: str, *, level: int = logging.INFO, **facts: Fact) -> None:
    """Log that ``name`` happened. Facts are ids, counts, states, durations: never what people wrote."""
    _LOGGER.log(level, name, extra={"facts": facts})


def redacted(text: str) -> str:
    """Return the text without tokens, query strings and addresses, and not longer than a line."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class Redaction(logging.Filter):
    """Takes out of a record what its name or its shape gives away. Works on any logger's records."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; always lets it pass."""
        record.msg, record.args = redacted(record.getMessage()), ()
        facts = getattr(record, "facts", {})
        record.facts = {name: _clean(name, value) for name, value in facts.items()}
        if record.exc_info and record.exc_info[1] is not None:  # a traceback's message may quote a request
            record.exc_text = redacted(f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}")
            record.exc_info = None
        return True


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts: Mapping[str, object] = getattr(record, "facts", {})
        line = {"action": record.getMessage(), "level": record.levelname, **facts}
        if record.exc_text:
            line["error"] = record.exc_text
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(stream: IO[str] | None = None) -> None:
    """Send the service's log to a stream (standard error by default), redacted. A second call replaces the first."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redaction())
    handler.setFormatter(JsonLines())
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(logging.INFO)
    _LOGGER.propagate = False


def _clean(name: str, value: object) -> object:
    if _FORBIDDEN.search(name):
        return REDACTED
    return redacted(value) if isinstance(value, str) else value
