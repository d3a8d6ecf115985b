"""One line of JSON per thing that happened, without anything that must not be in a log.

``action`` is the name of what happened (``event_created``), the rest are facts. Event content, tokens, codes, addresses
and query strings never belong into a fact; what slips in all the same is taken out.
"""

import json
import logging
import re

_LOGGER = logging.getLogger("wedsync")
_LONGEST = 300
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
REDACTED = "[redacted]"

Fact = str | int | float | bool | None


def log_action(name: str, *, level: int = logging.INFO, **facts: Fact) -> None:
    """Log that ``name`` happened. Facts are ids, counts, states, durations: never what people wrote.

    The line goes to the root logger's handlers: in Azure that is the worker's, which hands it to the host.
    """
    if _LOGGER.isEnabledFor(level):
        line = {"action": name, **{fact: _clean(fact, value) for fact, value in facts.items()}}
        _LOGGER.log(level, "%s", json.dumps(line, ensure_ascii=False, default=str))


def quiet_libraries() -> None:
    """Keep libraries from logging each request, with its URL: tables' keys and Graph's queries name people's events.

    ``azure.functions`` is the worker's own logger and stays as it is.
    """
    _LOGGER.setLevel(logging.INFO)
    for library in _CHATTY:
        logging.getLogger(library).setLevel(logging.WARNING)


def redacted(text: str) -> str:
    """Return the text without tokens, query strings and addresses, and not longer than a line."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _clean(name: str, value: object) -> object:
    if _FORBIDDEN.search(name):
        return REDACTED
    return redacted(value) if isinstance(value, str) else value
