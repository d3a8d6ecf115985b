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
_PARAMETER = re.compile(r"(?P<stars>\*{0,2})(?P<name>.[^:=]*)(?P<rest>.*)", re.DOTALL)
_NOT_IN_NAMES = frozenset("/{}?*")


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
        for tokens in segments[:-1]:
            if any(isinstance(token, Parameter) and token.catch_all for token in tokens):
                raise FunctionError(f"In the route template '{template}' a catch-all parameter must come last.")
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
        # A path may end before a parameter only where nothing that it has to hold comes after.
        needed = max((number for number, tokens in enumerate(segments, 1) if not _may_be_absent(tokens)), default=0)
        pattern, closing = "", ""
        for number, tokens in enumerate(segments, 1):
            part = ("/" if number > 1 else "") + self._segment(tokens)
            if number > needed:
                part = f"(?:{part}"
                closing += ")?"
            pattern += part
        return pattern + closing

    def _segment(self, tokens: list[str | Parameter]) -> str:
        last = tokens[-1]
        if len(tokens) > 1 and isinstance(last, Parameter) and last.optional:
            # Read from the right, as ASP.NET does: the part after the last full stop, if there is one.
            before = "".join(self._token(token, "[^/]+?") for token in tokens[:-2])
            return f"{before}(?:\\.{self._token(last, '[^/.]+')})?"
        return "".join(self._token(token, "[^/]+") for token in tokens)

    def _token(self, token: str | Parameter, characters: str) -> str:
        if isinstance(token, str):
            return re.escape(token)
        self.parameters.append(token)
        return f"(?P<p{len(self.parameters) - 1}>{'.*' if token.catch_all else characters})"


def _may_be_absent(tokens: list[str | Parameter]) -> bool:
    (first, *others) = tokens
    return isinstance(first, Parameter) and first.may_be_absent and not others


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
    if any(isinstance(token, str) and "?" in token for token in tokens):
        raise FunctionError(f"In the route template '{template}' a literal section holds a '?'.")
    for number, token in enumerate(tokens):
        if len(tokens) == 1 or isinstance(token, str):
            continue
        if token.catch_all:
            raise FunctionError(f"In '{template}' a catch-all parameter must be a segment of its own.")
        if token.optional and (number < len(tokens) - 1 or tokens[number - 1] != "."):
            raise FunctionError(f"In '{template}' only a period can precede an optional parameter, which comes last.")
    for first, second in pairwise(tokens):
        if isinstance(first, Parameter) and isinstance(second, Parameter):
            raise FunctionError(f"In '{template}' two parameters follow each other without a literal between.")


def _parameter(text: str, template: str) -> Parameter:
    optional = text.endswith("?")
    match = _PARAMETER.fullmatch(text.removesuffix("?"))
    if match is None or _NOT_IN_NAMES & set(match["name"]):
        raise FunctionError(f"The route template '{template}' has a parameter without a valid name: '{text}'.")
    rest = match["rest"]
    constraints: list[Constraint] = []
    while rest.startswith(":"):
        end = _constraint_end(rest)
        constraints.append(parse_constraint(rest[1:end]))
        rest = rest[end:]
    default = rest[1:] if rest.startswith("=") else None
    if optional and (match["stars"] or default is not None):
        raise FunctionError(f"In '{template}' an optional parameter is a catch-all or has a default: '{text}'.")
    return Parameter(
        name=match["name"],
        constraints=tuple(constraints),
        default=default,
        optional=optional,
        catch_all=bool(match["stars"]),
    )


def _constraint_end(text: str) -> int:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if position and depth == 0 and character in ":=":
            return position
    return len(text)
