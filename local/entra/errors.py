"""Failures, and the shapes in which Entra words them. The numbers are in ``catalogue.py``."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.entra.catalogue import CATALOGUE, Entry

GUIDANCE = "https://login.microsoftonline.com/error?code="
POLICY = "0c4a3f7e-8d12-4b66-9a0e-5f1c2d7b8e94"
CHALLENGE = {"access_token": {"capolids": {"essential": True, "values": [POLICY]}}}
"""The ``claims`` of a refusal by policy: which conditional access policy is to be met (the shape is assumed)."""


@dataclass
class EntraError(Exception):
    """A failure by its number. ``error`` replaces the catalogue's pairing for this one case."""

    number: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    subcode: str | None = None

    @property
    def entry(self) -> Entry:
        """What the catalogue says."""
        return CATALOGUE[self.number]

    def name(self, names: Mapping[str, str]) -> str:
        """Return the OAuth ``error``; ``names`` is the knob that overrides the catalogue."""
        return names.get(str(self.number)) or self.error or self.entry.error

    @property
    def status(self) -> int:
        """The HTTP status at the token endpoint: 401 for a client that failed to prove itself (assumed), else 400."""
        return self.entry.status

    @property
    def message(self) -> str:
        """The sentence after the number."""
        return self.entry.text.format_map(_Tolerant(self.parameters))


class _Tolerant(dict[str, Any]):
    """Leaves a place in the text empty where the failure did not say."""

    def __missing__(self, key: str) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """When a failure happened and under which correlation id; every wording of it agrees on these."""

    at: datetime
    correlation_id: str
    separator: str
    """Between the sentence and its three ids: the documented samples break the line (knob ``descriptionBreaks``)."""
    trace_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def timestamp(self) -> str:
        """Entra's spelling of a moment, for example ``2026-05-02 09:11:12Z``."""
        return self.at.strftime("%Y-%m-%d %H:%M:%SZ")

    def describe(self, error: EntraError) -> str:
        """Return the ``error_description``."""
        ids = (f"Trace ID: {self.trace_id}", f"Correlation ID: {self.correlation_id}", f"Timestamp: {self.timestamp}")
        return self.separator.join((f"AADSTS{error.number}: {error.message}", *ids))


def correlation_id(header: str | None) -> str:
    """Return the client's request id where it is a GUID, else a new one."""
    try:
        return str(uuid.UUID(header or ""))
    except ValueError:
        return str(uuid.uuid4())


def token_body(error: EntraError, occasion: Occasion, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON of the token endpoint (``v2-oauth2-auth-code-flow.md``; ``suberror`` as MSAL reads it)."""
    body: dict[str, Any] = {
        "error": error.name(names),
        "error_description": occasion.describe(error),
        "error_codes": [error.number],
        "timestamp": occasion.timestamp,
        "trace_id": occasion.trace_id,
        "correlation_id": occasion.correlation_id,
        "error_uri": f"{GUIDANCE}{error.number}",
    }
    if error.entry.suberror:
        body["suberror"] = error.entry.suberror
    if error.entry.challenge:
        body["claims"] = json.dumps(CHALLENGE, separators=(",", ":"))
    return body


def redirect_parameters(error: EntraError, occasion: Occasion, names: Mapping[str, str]) -> dict[str, str]:
    """Return what a refused authorization brings back to the application."""
    answer = {"error": error.name(names), "error_description": occasion.describe(error)}
    if error.subcode:
        answer["error_subcode"] = error.subcode
    answer["error_uri"] = f"{GUIDANCE}{error.number}"
    return answer
