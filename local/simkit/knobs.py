"""Knobs: behaviours as switches. A simulator keeps them in a frozen dataclass; the control API names them camelCase."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from local.simkit.bodies import number, texts


@dataclass(frozen=True, kw_only=True)
class KnobBoard:
    """Base of a simulator's knobs; each field's default is the documented behaviour."""

    def turned(self, wanted: Any) -> Self:
        """Return the knobs with those of ``wanted`` (camelCase) changed; ValueError for an unknown or bad one."""
        if not isinstance(wanted, dict):
            raise ValueError("the knobs are a JSON object")
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
        return texts({key: value}, key, ())
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        return number({key: value}, key)
    held = value.values() if isinstance(value, dict) else ()
    if type(value) is not type(current) or not all(isinstance(each, str) for each in held):
        raise ValueError(f"knob {key!r} takes {type(current).__name__}")
    return value


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)
