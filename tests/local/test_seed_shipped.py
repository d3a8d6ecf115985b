"""The command itself, on every calendar that icalendar and recurring_ical_events carry in their distributions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import seed
from local.graph.app import create_app
from local.simkit.background import Background
from local.simkit.tls import Certificates, certificates
from tests.local.ics.calendars import SHIPPED

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]
TOTALS = re.compile(r"^(\d+) VEVENTs: (\d+) taken as \d+ events, (\d+) refused, \d+ notes$", re.MULTILINE)
REFUSED = re.compile(r"^refused  \S+\.ics: (VEVENT \d+) UID .+: .+$", re.MULTILINE)
NO_START = re.compile(r"^refused .*: .*\bDTSTART\b.*$", re.MULTILINE)


class NoKeys:
    """Nobody signs in here: only the control API is used."""

    async def key(self, key_id: str) -> Any | None:
        return None


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """What the command prints for each file that can be parsed."""
    tls: Certificates = certificates(tmp_path_factory.mktemp("tls"))
    with Background(create_app(NoKeys()), certificate=tls.server_file) as url, pytest.MonkeyPatch.context() as patch:
        yield list(seeded(SHIPPED, ["--graph-url", url, "--ca", str(tls.ca_file)], patch))


def seeded(files: list[Path], options: list[str], patch: pytest.MonkeyPatch) -> Iterator[str]:
    for file in files:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: lines.append(" ".join(map(str, words))))  # noqa: B023
        status = seed.main([str(file), *options])
        patch.undo()
        assert status in (seed.ALL_TAKEN, seed.SOME_REFUSED, seed.UNREADABLE), file
        if status != seed.UNREADABLE:
            yield "\n".join(lines)


def test_95_percent_of_vevents_with_a_start_are_taken(printed: list[str]) -> None:
    totals = [tuple(map(int, found)) for text in printed for found in TOTALS.findall(text)]
    assert len(totals) == len(printed) > 200
    vevents, taken, refused = (sum(column) for column in zip(*totals, strict=True))
    assert vevents == taken + refused > 800
    without_start = sum(len(NO_START.findall(text)) for text in printed)
    assert taken / (vevents - without_start) >= 0.95


def test_the_rest_is_printed_by_file_uid_and_reason(printed: list[str]) -> None:
    for text in printed:
        (_, _, refused), *others = TOTALS.findall(text)
        assert others == []
        assert len(set(REFUSED.findall(text))) == int(refused)
