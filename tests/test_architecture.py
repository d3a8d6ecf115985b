"""The arrows between the rooms of the house, and that importing the app is free."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "shared/core": {"shared.core", "shared.errors"},
    "shared/usecases": {"shared.usecases", "shared.ports", "shared.core", "shared.errors", "shared.log"},
    "shared/graph": {"shared.graph", "shared.ports", "shared.core", "shared.errors", "shared.log", "shared.retry"},
    "shared/wedsync": {"shared.wedsync", "shared.ports", "shared.core", "shared.errors", "shared.log", "shared.retry"},
    "shared/store": {"shared.store", "shared.ports", "shared.core", "shared.errors", "shared.log"},
    "shared/triggers": {
        "shared.triggers",
        "shared.bootstrap",
        "shared.service",
        "shared.usecases",
        "shared.core",
        "shared.errors",
        "shared.log",
        "shared.graph.webhook",
        "shared.wedsync.webhook",
    },
    "shared/ports": {"shared.ports", "shared.core"},
    "shared/errors.py": set(),
    "shared/retry.py": {"shared.errors"},
    "shared/log.py": set(),
    "shared/settings.py": {"shared.errors"},
    "shared/runs.py": {"shared.usecases", "shared.core", "shared.ports", "shared.errors", "shared.settings"},
    "shared/service.py": {
        "shared.runs",
        "shared.usecases",
        "shared.core",
        "shared.ports",
        "shared.errors",
        "shared.settings",
    },
    "shared/bootstrap.py": {
        "shared.service",
        "shared.graph",
        "shared.wedsync",
        "shared.store",
        "shared.ports",
        "shared.errors",
        "shared.log",
        "shared.settings",
    },
    "function_app.py": {"shared.triggers"},
}
ONLY_IN = {
    "azure.functions": ("function_app.py", "shared/triggers/"),
    "httpx": ("shared/graph/client.py", "shared/wedsync/client.py"),
}
SLOW = ("msal", "azure.identity", "azure.keyvault", "azure.storage", "azure.data", "aiohttp", "requests")


def product_files() -> Iterator[Path]:
    yield ROOT / "function_app.py"
    yield from sorted((ROOT / "shared").rglob("*.py"))


def imported(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level else list(ast.walk(tree))
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def forbidden(path: Path, allowed: set[str]) -> set[str]:
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [f"shared.{alias.name}" for alias in node.names] if node.module == "shared" else [node.module]
        for module in modules:
            if module.split(".")[0] in ("shared", "local") and not any(
                module == name or module.startswith(f"{name}.") for name in allowed
            ):
                found.add(f"{path.relative_to(ROOT)} -> {module}")
    return found


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_arrows_point_inward(room: str) -> None:
    place = ROOT / room
    files = [place] if place.suffix == ".py" else sorted(place.rglob("*.py"))
    assert files
    assert not set().union(*(forbidden(path, MAY_IMPORT[room]) for path in files))


def test_every_room_has_its_rule() -> None:
    rooms = {f"shared/{path.name}" for path in (ROOT / "shared").iterdir() if not path.name.startswith("__")}
    assert rooms | {"function_app.py"} == set(MAY_IMPORT)


def test_triggers_take_only_the_pure_part_of_the_far_ends() -> None:
    for name in ("graph", "wedsync"):
        assert "httpx" not in imported(ROOT / "shared" / name / "webhook.py")
        assert f"shared.{name}.client" not in imported(ROOT / "shared" / name / "webhook.py")


def test_ports_are_imported_from_their_package() -> None:
    folder = ROOT / "shared" / "ports"
    parts = {f"shared.ports.{path.stem}" for path in folder.glob("*.py")}
    assert "shared.ports.outlook" in parts
    for path in [*product_files(), *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "tools").rglob("*.py"))]:
        assert path.is_relative_to(folder) or parts.isdisjoint(imported(path)), path


def test_a_forbidden_arrow_is_seen(tmp_path: Path) -> None:
    bad = ROOT / "shared" / "core" / "event.py"
    assert not forbidden(bad, MAY_IMPORT["shared/core"])
    assert forbidden(ROOT / "shared" / "usecases" / "connect.py", MAY_IMPORT["shared/core"])


@pytest.mark.parametrize("package", sorted(ONLY_IN))
def test_a_library_stays_in_its_room(package: str) -> None:
    for path in product_files():
        place = str(path.relative_to(ROOT))
        if any(name == package or name.startswith(f"{package}.") for name in imported(path)):
            assert place.startswith(ONLY_IN[package]), place


def test_the_environment_is_read_in_one_place() -> None:
    for path in product_files():
        if path.name != "bootstrap.py":
            assert "os" not in imported(path) or "environ" not in path.read_text(), path


def test_the_clock_is_behind_a_port() -> None:
    for path in product_files():
        text = path.read_text()
        if path.name != "bootstrap.py":
            assert "datetime.now(" not in text, path
            assert "time.time(" not in text, path
            assert "utcnow(" not in text, path


def test_the_stand_and_the_product_share_no_code() -> None:
    for path in sorted((ROOT / "local").rglob("*.py")):
        assert not any(name.split(".")[0] == "shared" for name in imported(path)), path
    for path in product_files():
        assert not any(name.split(".")[0] == "local" for name in imported(path)), path


def test_the_operators_tools_stand_on_the_service_and_nothing_on_them() -> None:
    for path in sorted((ROOT / "tools").rglob("*.py")):
        assert {name.split(".")[0] for name in imported(path)}.isdisjoint({"local", "tests"}), path
    for path in [*product_files(), *sorted((ROOT / "local").rglob("*.py"))]:
        assert not any(name.split(".")[0] == "tools" for name in imported(path)), path


def test_the_local_host_does_not_know_the_product() -> None:
    for path in sorted((ROOT / "local" / "host").rglob("*.py")):
        text = path.read_text().lower()
        assert "wedsync" not in text, path
        assert "outlook" not in text, path


def test_modules_and_functions_stay_small() -> None:
    for path in [*product_files(), *sorted((ROOT / "local").rglob("*.py"))]:
        text = path.read_text()
        assert len(text.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(text)):
            # one long list of arguments, and nothing else
            wiring = path.name in ("bootstrap.py", "runs.py", "service.py")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not wiring:
                assert (node.end_lineno or 0) - node.lineno < 60, f"{path}: {node.name}"


def test_importing_the_app_with_an_empty_environment_opens_nothing() -> None:
    code = (
        "import sys, json, function_app, shared.bootstrap;"
        "print(json.dumps([sorted(sys.modules), [b.get_function_name() for b in function_app.app.get_functions()]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PATH": "/usr/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    modules, functions = json.loads(done.stdout.splitlines()[-1])
    assert functions
    loaded = [name for name in modules if name.startswith(SLOW)]
    assert not loaded, f"loaded at import: {loaded[:10]}"
