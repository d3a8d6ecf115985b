"""The machine: rules that users, the service and misfortune may follow in any order, and what has to hold at rest."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from shared.core.jobs import RunKind
from tests.machine.faults import KNOBS, NAMES
from tests.machine.play import Play
from tests.machine.process import STORAGE
from tests.machine.reached import Reached
from tests.machine.sight import SIDES
from tests.machine.users import EDITED
from tests.machine.wishes import WISHES
from tests.support.calendars import Vanished
from tests.support.patient_loop import PatientLoop

T = TypeVar("T")
REACHED = Reached()
"""Of all machines in this process."""

LONGEST = timedelta(days=60).total_seconds()
"""More time than any rule takes; whatever takes longer will never end."""

PICK = st.integers(0, 30)
WHICH = st.integers(0, 1)
SIDE = st.sampled_from(SIDES)
PART = st.sampled_from(EDITED)


async def _unless_gone(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Vanished:
        return


class SyncMachine(RuleBasedStateMachine):
    """Lets hypothesis choose among the rules, and judges at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = PatientLoop()
        self.play: Play | None = None
        self.broken = False

    def _do(self, name: str, work: Coroutine[Any, Any, T]) -> T:
        REACHED.add("act", name)
        try:
            return self.loop.run_until_complete(asyncio.wait_for(work, LONGEST))
        except BaseException:
            self.broken = True
            raise

    def _user(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Let a user do something; an event that has just gone under their hands is an answer."""
        self._do(name, _unless_gone(work))

    @property
    def on(self) -> Play:
        assert self.play is not None
        return self.play

    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed: int) -> None:
        async def begun() -> Play:
            play = Play(REACHED, seed=seed)
            await play.begin()
            return play

        self.play = self._do("begin", begun())

    def teardown(self) -> None:
        if self.play is not None:
            try:
                if not self.broken:
                    self._do("rest", self.play.rest())
            finally:
                self.loop.run_until_complete(self.play.end())
        self.loop.close()

    # --- users ----------------------------------------------------------------------------------------------------

    @rule(side=SIDE, kind=PICK)
    def add(self, side: str, kind: int) -> None:
        self._user(f"add in {side}", self.on.add(side, kind))

    @rule(side=SIDE, part=PART, pick=PICK, shape=st.integers(0, 2))
    def edit(self, side: str, part: str, pick: int, shape: int) -> None:
        self._user(f"edit {part} in {side}", self.on.edit(side, part, pick, shape))

    @rule(part=PART, pick=PICK, same=st.booleans())
    def clash(self, part: str, pick: int, same: bool) -> None:
        self._user("agree" if same else "clash", self.on.clash(part, pick, same=same))

    @rule(side=SIDE, part=PART, pick=PICK)
    def edit_and_delete(self, side: str, part: str, pick: int) -> None:
        self._user("edit and delete", self.on.edit_and_delete(side, part, pick))

    @rule(pick=PICK)
    def hide(self, pick: int) -> None:
        self._user("private", self.on.hide(pick))

    @rule(side=SIDE, pick=PICK)
    def remove(self, side: str, pick: int) -> None:
        self._user(f"delete in {side}", self.on.remove(side, pick))

    @precondition(lambda self: self.on.users.masters)
    @rule(pick=PICK)
    def remove_series(self, pick: int) -> None:
        self._user("delete a series", self.on.remove_series(pick))

    @rule(pick=PICK)
    def move_away(self, pick: int) -> None:
        self._user("move away", self.on.move_away(pick))

    @precondition(lambda self: self.on.users.away)
    @rule(pick=PICK)
    def move_back(self, pick: int) -> None:
        self._user("move back", self.on.move_back(pick))

    @rule(side=SIDE, pick=PICK)
    def copy(self, side: str, pick: int) -> None:
        self._user(f"copy in {side}", self.on.copy(side, pick))

    @precondition(lambda self: self.on.service.open_questions)
    @rule(pick=PICK, side=SIDE, which=WHICH)
    def resolve(self, pick: int, side: str, which: int) -> None:
        self._user("resolve", self.on.resolve(pick, side, which))

    @precondition(lambda self: self.on.service.open_questions)
    @rule(pick=PICK, which=WHICH)
    def resolve_otherwise(self, pick: int, which: int) -> None:
        self._user("resolve otherwise", self.on.resolve_otherwise(pick, which))

    @rule(pick=PICK, minutes=st.sampled_from((30, 90, None)))
    def travel(self, pick: int, minutes: int | None) -> None:
        self._user("travel time", self.on.travel(pick, minutes))

    @rule(pick=PICK, side=SIDE, which=WHICH, overwrite=st.booleans())
    def force(self, pick: int, side: str, which: int, overwrite: bool) -> None:
        self._user(f"force to {side}", self.on.force(pick, side, which, overwrite=overwrite))

    @rule(pick=PICK, which=WHICH)
    def restore(self, pick: int, which: int) -> None:
        self._user("restore", self.on.restore(pick, which))

    @rule(pick=PICK, which=WHICH)
    def undo(self, pick: int, which: int) -> None:
        self._user("undo", self.on.undo(pick, which))

    @rule(pick=PICK, which=WHICH)
    def cancel(self, pick: int, which: int) -> None:
        self._user("cancel", self.on.cancel(pick, which))

    @rule(kind=st.sampled_from((RunKind.FULL, RunKind.INCREMENTAL)), which=WHICH)
    def preview(self, kind: RunKind, which: int) -> None:
        self._user("preview", self.on.preview(kind, which))

    @precondition(lambda self: not self.on.users.leaving)
    @rule(which=WHICH)
    def leave(self, which: int) -> None:
        self._user("disconnect", self.on.leave(which))

    @precondition(lambda self: self.on.users.leaving)
    @rule()
    def come_back(self) -> None:
        self._user("connect again", self.on.come_back())

    @rule(which=WHICH, accept=st.booleans())
    def answer(self, which: int, accept: bool) -> None:
        self._user("answer", self.on.answer(which, accept))

    @rule(wish=st.sampled_from(sorted(WISHES)), which=WHICH)
    def prefer(self, wish: str, which: int) -> None:
        self._user("prefer", self.on.prefer(wish, which))

    # --- the service ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.on.service.waiting)
    @rule(pick=PICK, which=WHICH, messages=st.integers(1, 4))
    def work(self, pick: int, which: int, messages: int) -> None:
        self._do("work", self.on.work(pick, which, messages))

    @precondition(lambda self: self.on.service.waiting)
    @rule(pick=PICK, which=WHICH, seconds=st.sampled_from((0.05, 0.2, 1.0)))
    def work_a_while(self, pick: int, which: int, seconds: float) -> None:
        self._do("work", self.on.work(pick, which, 4))
        self._do("wait", self.on.wait(seconds))

    @precondition(lambda self: any(work.message for work in self.on.service.work))
    @rule()
    def lapse(self) -> None:
        self._do("lapse", self.on.lapse())

    @precondition(lambda self: self.on.world.post)
    @rule(pick=PICK, which=WHICH, fate=st.sampled_from(("reordered", "doubled", "lost")))
    def post(self, pick: int, which: int, fate: str) -> None:
        self._do("post", self.on.post(pick, which, fate))

    @rule(kind=st.sampled_from((RunKind.FULL, RunKind.INCREMENTAL)), which=WHICH)
    def run(self, kind: RunKind, which: int) -> None:
        self._do(f"run {kind}", self.on.run(kind, which))

    @rule(which=WHICH)
    def reconcile(self, which: int) -> None:
        self._do("reconcile", self.on.reconcile(which))

    @rule(which=WHICH)
    def timers(self, which: int) -> None:
        self._do("timers", self.on.timers(which))

    @rule(seconds=st.sampled_from((0.01, 0.05, 0.2, 1.0, 5.0, 40.0, 700.0)))
    def wait(self, seconds: float) -> None:
        self._do("wait", self.on.wait(seconds))

    # --- misfortune -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.on.service.work)
    @rule(pick=PICK, steps=st.integers(0, 30))
    def crash(self, pick: int, steps: int) -> None:
        self._do("crash", self.on.crash(pick, steps))

    @rule(name=st.sampled_from(NAMES), after=st.integers(0, 5))
    def fault(self, name: str, after: int) -> None:
        self._do("fault", self.on.fault(name, after))

    @rule(name=st.sampled_from(sorted(KNOBS)))
    def turn(self, name: str) -> None:
        self._do("turn", self.on.turn(name))

    @rule(fault=st.sampled_from(STORAGE), times=st.integers(1, 3))
    def storage(self, fault: str, times: int) -> None:
        self._do("storage", self.on.storage(fault, times))

    @rule(side=SIDE)
    def forget_places(self, side: str) -> None:
        self._do("forget places", self.on.forget_places(side))

    @rule(minutes=st.sampled_from((-15, -1, 1, 15)))
    def skew(self, minutes: int) -> None:
        self._do("skew", self.on.skew(minutes))

    @rule()
    def rest(self) -> None:
        self._do("rest", self.on.rest())
