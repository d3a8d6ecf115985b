"""ASP.NET route templates: literals, parameters, inline constraints, optional, default and catch-all parts.

The host uses the classic ``Route`` objects of ASP.NET Core: matching ignores case and a trailing slash, a failed
constraint means that the next route is tried.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote

from local.host.constraints import Constraint, parse_constraint
from local.host.errors import FunctionError

_ENCODED_SLASH = re.compile("(%2f)", re.IGNORECASE)
_PARAMETER_NAME = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One ``{…}`` of a template."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    optional: bool = False
    catch_all: bool = False

    @property
    def may_be_absent(self) -> bool:
        """Whether the path may end before this parameter."""
        return self.optional or self.catch_all or self.default is not None


class Route:
    """A compiled template."""

    def __init__(self, template: str) -> None:
        self.template = template.strip("/")
        self.parameters: list[Parameter] = []
        segments = [_tokens(text, template) for text in _split(self.template)] if self.template else []
        self._pattern = re.compile(self._compile(segments), re.IGNORECASE | re.DOTALL)
        names = [parameter.name.lower() for parameter in self.parameters]
        if len(set(names)) != len(names):
            raise FunctionError(f"The route template '{template}' names a parameter twice.")

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parameters of a decoded path without its first slash, or None. Absent ones are left out."""
        found = self._pattern.fullmatch(path.removesuffix("/"))
        if found is None:
            return None
        values: dict[str, str] = {}
        for index, parameter in enumerate(self.parameters):
            value = found[f"p{index}"] or parameter.default
            if not value:
                continue
            if not all(constraint(value) for constraint in parameter.constraints):
                return None
            values[parameter.name] = value
        return values

    def _compile(self, segments: list[list[str | Parameter]]) -> str:
        pattern, closing = "", ""
        for index, tokens in enumerate(segments):
            slash = "/" if index else ""
            single = tokens[0] if len(tokens) == 1 else None
            part = slash + "".join(self._token(token) for token in tokens)
            if isinstance(single, Parameter) and single.may_be_absent:
                pattern += f"(?:{part}"
                closing += ")?"
            elif closing:
                raise FunctionError(f"In the route template '{self.template}' an optional parameter must come last.")
            else:
                pattern += part
        return pattern + closing

    def _token(self, token: str | Parameter) -> str:
        if isinstance(token, str):
            return re.escape(token)
        self.parameters.append(token)
        return f"(?P<p{len(self.parameters) - 1}>{'.*' if token.catch_all else '[^/]+'})"


def decode_path(raw: bytes) -> str:
    """Return a request's path as ASP.NET Core sees it: percent-decoded, but an encoded slash stays encoded."""
    parts = _ENCODED_SLASH.split(raw.decode("ascii", errors="replace"))
    return "".join(part if _ENCODED_SLASH.fullmatch(part) else unquote(part) for part in parts)


def first_match(
    routes: Mapping[str, tuple[Route, frozenset[str]]], *, method: str, path: str
) -> tuple[str, dict[str, str]] | None:
    """Return the first function whose route and methods fit, in the order of ``routes``, with its parameters."""
    for name, (route, methods) in routes.items():
        if methods and method not in methods:
            continue
        values = route.match(path)
        if values is not None:
            return name, values
    return None


def _split(template: str) -> list[str]:
    """Cut a template at the slashes that stand outside braces; a regex constraint may hold one."""
    segments, depth, current = [], 0, ""
    for character in template:
        depth += (character == "{") - (character == "}")
        if character == "/" and depth == 0:
            segments.append(current)
            current = ""
        else:
            current += character
    return [*segments, current]


def _tokens(segment: str, template: str) -> list[str | Parameter]:
    tokens: list[str | Parameter] = []
    literal, position = "", 0
    while position < len(segment):
        if segment[position : position + 2] in {"{{", "}}"}:
            literal += segment[position]
            position += 2
        elif segment[position] == "{":
            if literal:
                tokens.append(literal)
                literal = ""
            inner, position = _inner(segment, position + 1, template)
            tokens.append(_parameter(inner, template))
        elif segment[position] == "}":
            raise FunctionError(f"There is an incomplete parameter in the route template: '{template}'.")
        else:
            literal += segment[position]
            position += 1
    if literal:
        tokens.append(literal)
    _check_segment(tokens, template)
    return tokens


def _inner(segment: str, position: int, template: str) -> tuple[str, int]:
    inner = ""
    while position < len(segment):
        if segment[position : position + 2] in {"{{", "}}"}:
            inner += segment[position]
            position += 2
        elif segment[position] == "}":
            return inner, position + 1
        else:
            inner += segment[position]
            position += 1
    raise FunctionError(f"There is an incomplete parameter in the route template: '{template}'.")


def _check_segment(tokens: list[str | Parameter], template: str) -> None:
    if not tokens:
        raise FunctionError(f"The route template '{template}' has an empty segment.")
    parameters = [token for token in tokens if isinstance(token, Parameter)]
    if len(tokens) > 1 and any(parameter.may_be_absent for parameter in parameters):
        raise FunctionError(f"In '{template}' an optional or catch-all parameter must be a segment of its own.")
    for first, second in pairwise(tokens):
        if isinstance(first, Parameter) and isinstance(second, Parameter):
            raise FunctionError(f"In '{template}' two parameters follow each other without a literal between.")


def _parameter(text: str, template: str) -> Parameter:
    catch_all = text.startswith("*")
    name_match = _PARAMETER_NAME.match(text.lstrip("*"))
    if name_match is None:
        raise FunctionError(f"The route template '{template}' has a parameter without a valid name.")
    rest = text.lstrip("*")[name_match.end() :]
    constraints: list[Constraint] = []
    while rest.startswith(":"):
        end = _constraint_end(rest)
        constraints.append(parse_constraint(rest[1:end]))
        rest = rest[end:]
    if rest not in {"", "?"} and not rest.startswith("="):
        raise FunctionError(f"The route template '{template}' has a malformed parameter: '{text}'.")
    return Parameter(
        name=name_match[0],
        constraints=tuple(constraints),
        default=rest[1:] if rest.startswith("=") else None,
        optional=rest == "?",
        catch_all=catch_all,
    )


def _constraint_end(text: str) -> int:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if position and depth == 0 and character in ":=?":
            return position
    return len(text)
