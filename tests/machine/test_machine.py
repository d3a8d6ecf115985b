"""Users, service and misfortune in any order: whatever happens, both calendars end equal, and nothing is lost.

``MACHINE_STEPS=100000`` (``make soak``) plays on until so many rules have been followed, other ones at every run.
"""

import asyncio
import os
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.directed import LONG, SCENES, perform
from tests.machine.faults import KNOBS, NAMES
from tests.machine.machine import LONGEST, REACHED, SyncMachine
from tests.machine.play import Play
from tests.machine.process import STORAGE
from tests.machine.reached import CELLS, MOVES, PROPERTY
from tests.machine.wishes import REFUSED, WANTED, WISHES
from tests.support.patient_loop import PatientLoop

STEPS = int(os.environ.get("MACHINE_STEPS", "0"))
_EXAMPLES, _LENGTH = 40, 50
_OTHER_FAULTS = (
    *STORAGE,
    "message delivered twice",
    "notification lost",
    "notification doubled",
    "notification reordered",
    "notification delayed",
    "clock ahead",
    "clock behind",
    "wedsync cursor expired",
    "outlook cursor expired",
)
EXPECTED = {
    "cell": CELLS,
    "move": MOVES,
    "fault": (*NAMES, *KNOBS, *_OTHER_FAULTS),
    "answer": ("accepted", "rejected"),
    "preference": tuple(WISHES),
    "wish": (*WISHES, *WANTED),
    "refused": REFUSED,
}
PLAYED = settings(
    max_examples=_EXAMPLES,
    stateful_step_count=_LENGTH,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not STEPS,
    database=None,
    phases=[Phase.generate, Phase.shrink] if STEPS else [Phase.generate],
    print_blob=False,
)


SEEN: dict[str, tuple[str, tuple[str, ...]]] = {}
"""In which scene, after which deaths, a kind of step was seen first: there a process can be made to die at it."""


def play(name: str, *deadly: str) -> None:
    """Play one scene; a process dies when it comes to a step of each of these kinds, one after the other."""

    async def played() -> None:
        play = Play(REACHED, seed=len(name))
        play.service.perils.deadly += deadly
        await perform(play, SCENES[name])

    known = set(REACHED.counts["step"])
    loop = PatientLoop()
    try:
        loop.run_until_complete(asyncio.wait_for(played(), LONGEST))
    except AssertionError as error:
        error.add_note(f"in the scene {name!r}, where a process died at each of {deadly}")
        raise
    finally:
        loop.close()
    SEEN.update(dict.fromkeys(set(REACHED.counts["step"]) - known, (name, deadly)))


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_ends_well(name: str) -> None:
    with REACHED.decisions():
        play(name)


@pytest.mark.timeout(24 * 3600 if STEPS else 900)
def test_whatever_happens_both_calendars_end_equal(record_property: Callable[[str, object], None]) -> None:
    """Needs the scenes above for its counts: what was never come upon was never shown."""
    with REACHED.decisions():
        for name in () if REACHED.counts["cell"] else SCENES:
            play(name)
        run_state_machine_as_test(SyncMachine, settings=PLAYED)
        while REACHED.counts["act"].total() < STEPS:
            run_state_machine_as_test(SyncMachine, settings=PLAYED)
        for _ in range(3):  # deaths lead to steps that are not taken otherwise
            for kind in [kind for kind in REACHED.survived() if kind in SEEN]:
                _die_at(kind)
    record_property(PROPERTY, "\n".join(REACHED.lines()))
    assert REACHED.untried(EXPECTED, SEEN) == []


def _die_at(kind: str) -> None:
    scene, deaths = SEEN[kind]
    for name, deadly in ((scene, (*deaths, kind)), *((name, (kind,)) for name in LONG)):
        if not REACHED.counts["crash"][kind]:
            play(name, *deadly)


def test_what_was_never_tried_is_named() -> None:
    reached = type(REACHED)()
    reached.add("cell", "same/same")
    reached.add("step", "before get OutlookDue")
    expected: Mapping[str, tuple[str, ...]] = {"cell": ("same/same", "gone/gone")}
    assert reached.untried(expected) == ["cell: gone/gone", "crash: before get OutlookDue"]
