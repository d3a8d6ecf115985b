"""The conformance suite's own rules: every behaviour has tests, every test says its evidence, the page is in step."""

import re

import pytest

from tests.local import fidelity
from tests.local.behaviours import GRAPH_AND_ENTRA, KEY_VAULT, NOT_REPRODUCED, UNCHECKED
from tests.local.fidelity import Shown, collected
from tests.local.host.behaviours import HOST, HOST_NOT_REPRODUCED


@pytest.fixture(scope="module")
def shown() -> list[Shown]:
    return collected()


def test_every_behaviour_is_shown_or_owned_up_to(shown: list[Shown]) -> None:
    numbers = {item.number for item in shown}
    listed = GRAPH_AND_ENTRA.keys() | KEY_VAULT.keys() | HOST.keys()
    assert numbers | NOT_REPRODUCED.keys() | HOST_NOT_REPRODUCED.keys() == listed
    assert not numbers & (NOT_REPRODUCED.keys() | HOST_NOT_REPRODUCED.keys())
    assert set(GRAPH_AND_ENTRA) == {f"S{number}" for number in range(1, 66)}
    assert len(NOT_REPRODUCED) <= 3


def test_tests_are_named_by_their_number(shown: list[Shown]) -> None:
    for item in shown:
        letter, digits = item.number[0].lower(), int(item.number[1:])
        assert re.match(rf"test_{letter}{digits:02d}_", item.test), item.test


def test_no_numbered_test_goes_without_its_evidence(shown: list[Shown]) -> None:
    marked = {(item.file, item.test) for item in shown}
    for file in (fidelity.ROOT / "tests" / "local").rglob("test_*.py"):
        for name in re.findall(r"^(?:async )?def (test_[shk]\d\d+_\w+)", file.read_text(), re.MULTILINE):
            assert (str(file.relative_to(fidelity.ROOT)), name) in marked, f"{file.name}: {name}"


def test_sources_are_addresses(shown: list[Shown]) -> None:
    for item in shown:
        assert all(source.startswith("https://") for source in item.sources), item


def test_what_nobody_checked_is_assumed(shown: list[Shown]) -> None:
    assumed = {item.number for item in shown if item.grade == "assumed"}
    assert UNCHECKED.keys() - NOT_REPRODUCED.keys() == assumed & GRAPH_AND_ENTRA.keys()


def test_the_page_is_in_step(shown: list[Shown]) -> None:
    assert fidelity.PAGE.read_text() == fidelity.page(shown), "run: make fidelity"
