"""Answers of the running host, written down as TypeScript, and compiled against the frontend's interfaces."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

Members = dict[str, "str | Members"]
"""Members and their types; of an object type inside, its own members."""
ROOT = Path(__file__).parents[2]
TYPES = ROOT / "frontend" / "src" / "types"
COMPILER = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
# The function takes members beyond those of the interface, as an assignment of a value that is not a literal does.
HEAD = """import type * as api from './outlook';

const assigned = <T>() => <const U extends T>(value: U): U => value;
"""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One JSON value, and the name of the interface that it has to assign to."""

    what: str
    interface: str
    value: Any

    def typescript(self) -> str:
        """Return the assignment."""
        return f"\n// {self.what}\nassigned<api.{self.interface}>()({json.dumps(self.value, indent=2)});\n"


@dataclass(kw_only=True)
class Recording:
    """What was sent and answered, in order."""

    kept: list[Recorded] = field(default_factory=list)

    def sent(self, what: str, interface: str, body: Any) -> Any:
        """Keep a request's body and return it."""
        self.kept.append(Recorded(what=f"{what}, sent", interface=interface, value=body))
        return body

    def answered(self, answer: httpx.Response, interface: str) -> Any:
        """Keep a good answer's body and return it."""
        assert answer.is_success, answer.text
        what = f"{answer.request.method} {answer.request.url.path}"
        self.kept.append(Recorded(what=what, interface=interface, value=answer.json()))
        return answer.json()


def interfaces() -> set[str]:
    """Return the names of the frontend's interfaces."""
    return set(INTERFACES)


def declared() -> set[str]:
    """Return every member of every interface, those of objects inside it by their path."""
    return {path for name in INTERFACES for path in _paths(name, INTERFACES[name])}


def seen(recorded: list[Recorded]) -> set[str]:
    """Return the members that any of the values has, named as ``declared`` names them."""
    return {path for each in parts(recorded) for path in _held(each.interface, INTERFACES[each.interface], each.value)}


def parts(recorded: list[Recorded]) -> list[Recorded]:
    """Return the values, and each value inside them that has an interface of its own."""
    found, open_ = [], list(recorded)
    while open_:
        each = open_.pop(0)
        found.append(each)
        open_ += _inside(each.what, INTERFACES[each.interface], each.value)
    return found


def lies_about(recorded: list[Recorded]) -> list[Recorded]:
    """Return values that no interface may take: each member null, one at a time, in the first value that has it."""
    found: dict[str, Recorded] = {}
    for each in parts(recorded):
        for name, kind in INTERFACES[each.interface].items():
            lie, what = {**each.value, name: None}, f"{each.interface}.{name}"
            if name in each.value and kind != "any":
                found.setdefault(what, Recorded(what=what, interface=each.interface, value=lie))
    return list(found.values())


def _members(text: str) -> Members:
    """Read the members of an interface, or of an object type inside one."""
    found: Members = {}
    while named := re.match(r"\s*'?([@\w.]+)'?\??:\s*", text):
        length = next(at for at, sign in _at_depth_zero(text[named.end() :]) if sign == ";")
        kind = text[named.end() : named.end() + length]
        inner = re.fullmatch(r"(?:Record<string, )?\{(.*)\}>?(?:\[\])?", kind, re.DOTALL)
        found[named.group(1)] = _members(inner.group(1)) if inner else kind
        text = text[named.end() + length + 1 :]
    return found


def _at_depth_zero(text: str) -> Iterator[tuple[int, str]]:
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign in "{<(") - (sign in "}>)")
        if depth == 0:
            yield at, sign


def _interfaces() -> dict[str, Members]:
    text = re.sub(r"//.*|/\*.*?\*/", "", (TYPES / "outlook.ts").read_text())
    blocks = re.findall(r"^export interface (\w+) {\n(.*?)^}", text, re.MULTILINE | re.DOTALL)
    return {name: _members(body) for name, body in blocks}


INTERFACES = _interfaces()
"""The members that each interface declares itself, and their types."""


def _paths(path: str, members: Members) -> Iterator[str]:
    for name, kind in members.items():
        yield f"{path}.{name}"
        if isinstance(kind, dict):
            yield from _paths(f"{path}.{name}", kind)


def _held(path: str, members: Members, value: Any) -> Iterator[str]:
    for name, kind in members.items():
        for item in _items(value, name):
            yield f"{path}.{name}"
            if isinstance(kind, dict):
                yield from _held(f"{path}.{name}", kind, item)


def _inside(what: str, members: Members, value: Any) -> Iterator[Recorded]:
    for name, kind in members.items():
        for item in _items(value, name):
            if isinstance(kind, dict):
                yield from _inside(f"{what} {name}", kind, item)
            elif named := re.fullmatch(r"(?!Partial)(\w+)(\[\])?", kind):
                each = item if named.group(2) else [item]
                known = named.group(1) in INTERFACES
                yield from (Recorded(what=f"{what} {name}", interface=named.group(1), value=v) for v in each if known)


def _items(value: Any, name: str) -> list[Any]:
    """Return what a member holds; of a ``Record`` with the members inside, what it holds in each."""
    if name in value:
        return [value[name]]
    return [each[name] for each in value.values() if isinstance(each, dict) and name in each]


def refused(recorded: list[Recorded], folder: Path) -> dict[str, str]:
    """Compile the assignments with ``tsc --strict``; return what the compiler says of each that it refuses."""
    folder.mkdir()
    (folder / "outlook.ts").write_text((TYPES / "outlook.ts").read_text())
    source, owners = HEAD, [""] * (HEAD.count("\n") + 1)
    for each in recorded:
        source += each.typescript()
        owners += [each.what] * each.typescript().count("\n")
    (folder / "recorded.ts").write_text(source)
    options = ("--strict", "--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler")
    command = ["node", str(COMPILER), *options, "--pretty", "false", "recorded.ts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    found = re.findall(r"^recorded\.ts\((\d+),\d+\): error (.*)", done.stdout, re.MULTILINE)
    assert bool(found) is (done.returncode != 0), done.stdout + done.stderr
    return {owners[int(line)]: error for line, error in found}
