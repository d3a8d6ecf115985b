"""What `make setup` says when a tool is missing or too old."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


def run(script: str, *arguments: str, path: Path | str, **environment: str) -> tuple[int, str]:
    ended = subprocess.run(
        ["/bin/bash", str(SCRIPTS / script), *arguments],
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def tool(folder: Path, name: str, says: str = "") -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {says}\n")
    program.chmod(0o755)
    return program


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    code, said = run("check-python", "python3.11", path=tmp_path)
    assert code == 1
    assert "Python 3.11 was not found ('python3.11' is not on the PATH)" in said


def test_another_python_is_named(tmp_path: Path) -> None:
    code, said = run("check-python", str(tool(tmp_path, "python3", "3.13")), path=tmp_path)
    assert code == 1
    assert "is Python 3.13; this project needs 3.11" in said


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ({}, "node was not found on the PATH; install Node.js 20 or newer"),
        ({"node": "v20.1.0"}, "npm was not found on the PATH"),
        ({"node": "v18.19.1", "npm": "9"}, "Node.js v18.19.1 is too old"),
    ],
)
def test_a_missing_or_old_node_is_named(tmp_path: Path, tools: dict[str, str], message: str) -> None:
    for name, says in tools.items():
        tool(tmp_path, name, says)
    code, said = run("check-node", path=tmp_path)
    assert code == 1
    assert message in said


def test_chromium_path_comes_first_then_an_installed_one(tmp_path: Path) -> None:
    own, installed = tmp_path / "own", tmp_path / "installed"
    for folder in (own, installed):
        folder.mkdir()
    mine, found = tool(own, "browser"), tool(installed, "google-chrome")
    assert run("find-chromium", path=installed, CHROMIUM_PATH=str(mine)) == (0, f"{mine}\n")
    assert run("find-chromium", path=installed) == (0, f"{found}\n")


def test_a_chromium_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    tool(tmp_path, "id", "1000")
    code, said = run("find-chromium", path=tmp_path)
    assert (code, said) == (
        1,
        "Chromium was not found. Install chromium or google-chrome, or set CHROMIUM_PATH to one.\n",
    )
    code, said = run("find-chromium", path=tmp_path, CHROMIUM_PATH=str(tmp_path / "nothing"))
    assert code == 1
    assert "which is not a program" in said


def test_the_ci_entry_runs_make_test_from_anywhere(tmp_path: Path) -> None:
    tool(tmp_path, "make", '"$PWD" "$@"')
    root = SCRIPTS.parent
    ended = subprocess.run(
        [str(root / ".ci" / "run")],
        cwd="/",
        env={"PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == f"{root} test\n"
