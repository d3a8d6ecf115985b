"""Answers of the running host, written down as TypeScript, and compiled against the frontend's interfaces."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

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
    return set(re.findall(r"^export interface (\w+)", (TYPES / "outlook.ts").read_text(), re.MULTILINE))


def lies_about(recorded: list[Recorded]) -> list[Recorded]:
    """Return values that no interface may take: each member of the first of each kind null, one at a time."""
    first = {each.interface: each for each in reversed(recorded)}
    return [
        Recorded(what=f"{each.interface}.{name}", interface=each.interface, value={**each.value, name: None})
        for each in first.values()
        for name in MEMBERS[each.interface] & each.value.keys()
    ]


def _members() -> dict[str, set[str]]:
    text = (TYPES / "outlook.ts").read_text()
    blocks = re.findall(r"^export interface (\w+) {\n(.*?)^}", text, re.MULTILINE | re.DOTALL)
    return {name: set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE)) for name, body in blocks}


MEMBERS = _members()
"""The members that each interface declares itself."""


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
