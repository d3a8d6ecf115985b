"""What the worker reported about the functions of an app, as values."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Binding:
    """One binding, from its JSON form. ``members`` holds what is special to its type (``route``, ``queueName`` …)."""

    type: str
    name: str
    direction: str
    members: dict[str, Any]

    @property
    def is_trigger(self) -> bool:
        """Whether this binding starts the function."""
        return self.direction == "IN" and self.type.lower().endswith("trigger")


@dataclass(frozen=True, kw_only=True)
class Retry:
    """A retry policy. ``maximum`` -1 means for ever; the pause doubles from ``first`` up to ``longest``."""

    maximum: int
    first: timedelta
    longest: timedelta


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function of the app."""

    name: str
    function_id: str
    bindings: tuple[Binding, ...]
    retry: Retry | None = None

    @property
    def trigger(self) -> Binding:
        """The binding that starts it; the worker's indexing has made sure that there is exactly one."""
        return next(binding for binding in self.bindings if binding.is_trigger)

    @property
    def is_http(self) -> bool:
        """Whether an HTTP request starts it."""
        return self.trigger.type.lower() == "httptrigger"

    @property
    def route(self) -> str:
        """The route template of an HTTP function, without the prefix."""
        return str(self.trigger.members.get("route") or self.name).strip("/")

    @property
    def methods(self) -> frozenset[str]:
        """The methods of an HTTP function; empty means all."""
        return frozenset(str(method).upper() for method in self.trigger.members.get("methods") or ())

    @property
    def auth_level(self) -> str:
        """``ANONYMOUS``, ``FUNCTION`` or ``ADMIN``."""
        return str(self.trigger.members.get("authLevel") or "FUNCTION").upper()


def parse_binding(raw: str) -> Binding:
    """Read one of the JSON strings in which the worker reports bindings."""
    members: dict[str, Any] = json.loads(raw)
    return Binding(
        type=members["type"], name=members["name"], direction=str(members["direction"]).upper(), members=members
    )
