"""A sample of the crash matrix: around each kind of write, and both ends; ``make crash-matrix`` takes every I/O."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.crash.matrix import Mark, Point, names_of, run
from tests.crash.outside import Forks, Outside
from tests.crash.page import PAGE, plain
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.support.patient_loop import PatientLoop
from tests.support.world import World

pytestmark = pytest.mark.timeout(180)

READS = ("get ", "query ", "page ", "secrets get", "entra access_token", "graph GET", "wedsync GET")


def sample(names: list[str]) -> list[Point]:
    """Around the first and the last write of each kind, in the middle, and at both ends."""
    writes: dict[str, list[int]] = {}
    for number, name in enumerate(names, 1):
        if not name.startswith(READS):
            writes.setdefault(plain(name), []).append(number)
    after = {number + 1 for numbers in writes.values() for number in (numbers[0], numbers[-1])}
    before = {numbers[0] for numbers in writes.values()}
    chosen = {number for number in {1, len(names) // 2} | before | after if number <= len(names)}
    return [*(Point(io=number) for number in sorted(chosen)), Point(io=len(names), sent=True)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_it_ends_clean(scenario: Scenario) -> None:
    names = names_of(scenario)
    points = sample(names)

    results = run(scenario, points)

    assert len(points) >= 6
    assert [result for result in results if result.mark is Mark.DIRTY] == []


def scenario_named(name: str) -> Scenario:
    return next(each for each in SCENARIOS if each.name == name)


def number_of(scenario: Scenario, start: str) -> int:
    """Return the number of the first I/O that is called so."""
    return next(number for number, name in enumerate(names_of(scenario), 1) if name.startswith(start))


@pytest.fixture
def forks() -> Iterator[Forks]:
    with Forks() as made:
        yield made


def patiently(work: object) -> object:
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        return runner.run(work)  # type: ignore[arg-type]


def test_a_crash_leaves_something_to_do(forks: Forks) -> None:
    """Without this the matrix could be clean because nothing ever dies half-way."""

    scenario = scenario_named("create in WedSync")
    intent = number_of(scenario, "transact OutlookEventMappings")

    async def half_way() -> list[str]:
        async with World() as world:
            await scenario.arrange(world)
            outside = Outside(world, forks)
            assert await outside.work_off(io=intent, sent=True)
            return await scenario.faults(world)

    found = patiently(half_way())
    assert isinstance(found, list)
    assert any("intent left" in fault for fault in found), found
    assert any("still queued" in fault for fault in found), found
    assert any("missing in Outlook" in fault for fault in found), found


def test_the_process_dies_at_the_ordered_moment(forks: Forks) -> None:
    """Before the POST there is no copy; when it is answered there is one that nobody has noted."""

    scenario = scenario_named("create in WedSync")
    post = number_of(scenario, "graph POST /v1.0/me/calendars")

    async def copies(sent: bool) -> int:
        async with World() as world:
            await scenario.arrange(world)
            outside = Outside(world, forks)
            assert await outside.work_off(io=post, sent=sent)
            return len(await world.outlook.events())

    assert patiently(copies(sent=False)) == 0
    assert patiently(copies(sent=True)) == 1


def test_the_page_shows_every_scenario_and_nothing_dirty() -> None:
    text = PAGE.read_text()
    for scenario in SCENARIOS:
        assert f"| {scenario.name} | {scenario.title} |" in text
        assert f"## {scenario.name}\n" in text
    rows = [line for line in text.splitlines() if line[2:3].isdigit()]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("| `X` |")] == []
