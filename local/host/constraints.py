"""ASP.NET's inline route constraints, such as ``{id:int}`` and ``{code:length(3)}``."""

import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from dateutil.parser import parse as parse_date

from local.host.errors import FunctionError

Constraint = Callable[[str], bool]

_CALL = re.compile(r"(?P<name>[a-zA-Z]+)(?:\((?P<arguments>.*)\))?", re.DOTALL)
_INTEGER = re.compile(r"\s*[+-]?\d+\s*")


def parse_constraint(text: str) -> Constraint:
    """Return the test that ``text`` names; FunctionError for an unknown one or wrong arguments."""
    call = _CALL.fullmatch(text)
    if call is None:
        raise FunctionError(f"The constraint '{text}' cannot be read.")
    name, arguments = call["name"].lower(), call["arguments"]
    if arguments is None and name in _PLAIN:
        return _PLAIN[name]
    if arguments is not None and name == "regex":
        try:
            pattern = re.compile(arguments, re.IGNORECASE)
        except re.error:
            raise FunctionError(f"The arguments of the constraint '{text}' are wrong.") from None
        return lambda value: pattern.search(value) is not None
    if arguments is not None and name in _NUMBERED:
        return _numbered(text, name, arguments)
    raise FunctionError(f"The constraint reference '{text}' could not be resolved to a type.")


def _numbered(text: str, name: str, arguments: str) -> Constraint:
    try:
        numbers = [int(argument) for argument in arguments.split(",")]
        return _NUMBERED[name](*numbers)
    except (ValueError, TypeError):
        raise FunctionError(f"The arguments of the constraint '{text}' are wrong.") from None


def _within(value: str, least: float, most: float) -> bool:
    return bool(_INTEGER.fullmatch(value)) and least <= int(value) <= most


def _is_guid(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return not value.lower().startswith("urn:")


def _is_date(value: str) -> bool:
    try:
        parse_date(value)
    except (ValueError, OverflowError):
        return False
    return True


def _is_decimal(value: str) -> bool:
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_float(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _length(least: int, most: int | None = None) -> Constraint:
    return lambda value: least <= len(value) <= (least if most is None else most)


_PLAIN: dict[str, Constraint] = {
    "int": lambda value: _within(value, -(2**31), 2**31 - 1),
    "long": lambda value: _within(value, -(2**63), 2**63 - 1),
    "bool": lambda value: value.lower() in {"true", "false"},
    "guid": _is_guid,
    "datetime": _is_date,
    "decimal": _is_decimal,
    "double": _is_float,
    "float": _is_float,
    "alpha": lambda value: re.fullmatch("[a-zA-Z]*", value) is not None,
    "required": lambda value: value != "",
}
_NUMBERED: dict[str, Callable[..., Constraint]] = {
    "minlength": lambda least: lambda value: len(value) >= least,
    "maxlength": lambda most: lambda value: len(value) <= most,
    "length": _length,
    "min": lambda least: lambda value: _within(value, least, 2**63 - 1),
    "max": lambda most: lambda value: _within(value, -(2**63), most),
    "range": lambda least, most: lambda value: _within(value, least, most),
}
