"""Knobs: behaviours as switches. A simulator keeps them in a frozen dataclass; the control API names them camelCase."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class KnobBoard:
    """Base of a simulator's knobs; each field's default is the documented behaviour."""

    def turned(self, wanted: dict[str, Any]) -> Self:
        """Return the knobs with those of ``wanted`` (camelCase) changed; ValueError for an unknown or bad one."""
        names = {_camel(item.name): item.name for item in fields(self)}
        changes: dict[str, Any] = {}
        for key, value in wanted.items():
            if key not in names:
                raise ValueError(f"unknown knob {key!r}; one of {', '.join(names)}")
            changes[names[key]] = _fitting(key, value, getattr(self, names[key]))
        return replace(self, **changes)

    @property
    def shown(self) -> dict[str, Any]:
        """The knobs as JSON."""
        return {_camel(item.name): getattr(self, item.name) for item in fields(self)}


def _fitting(key: str, value: Any, current: Any) -> Any:
    """Return ``value`` if it is of the knob's kind; a list serves for a tuple, an integer for a float."""
    if isinstance(current, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(current):
        raise ValueError(f"knob {key!r} takes {type(current).__name__}")
    return value


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)
