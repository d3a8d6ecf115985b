"""The machine: rules that users, the service and misfortune may follow in any order, and what has to hold at rest."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from shared.core.confirmation import Confirmation
from shared.core.event import Side
from shared.core.integration import OnOutlookDelete
from shared.core.jobs import RunKind
from shared.core.settings_change import SettingsChange
from tests.machine import verdict
from tests.machine.acts import Acts
from tests.machine.faults import KNOBS, NAMES, Misfortune
from tests.machine.process import STORAGE
from tests.machine.reached import Reached
from tests.machine.service import Service, Work
from tests.machine.sight import SIDES, WEDSYNC, Sight
from tests.machine.users import EDITED, Users
from tests.support.calendars import Vanished
from tests.support.patient_loop import PatientLoop

T = TypeVar("T")
REACHED = Reached()
"""Of all machines in this process."""

LONGEST = timedelta(days=30).total_seconds()
"""More time than any rule takes; whatever takes longer will never end."""

WISHES = {
    "ask about deletions": SettingsChange(preferences={"on_outlook_delete": OnOutlookDelete.ASK}),
    "opt out by deletion": SettingsChange(preferences={"on_outlook_delete": OnOutlookDelete.UNLINK}),
    "delete with Outlook": SettingsChange(preferences={"on_outlook_delete": OnOutlookDelete.DELETE}),
}
_MOST_QUESTIONS = 5

PICK = st.integers(0, 30)
WHICH = st.integers(0, 1)
SIDE = st.sampled_from(SIDES)
PART = st.sampled_from(EDITED)


class Play(Acts):
    """The rules as coroutines, for whoever chooses among them."""

    def __init__(self, reached: Reached, *, seed: int) -> None:
        self.reached = reached
        self.answers: list[tuple[str, bool, Work]] = []
        self.service = Service(reached, seed=seed)
        self.world = self.service.world
        sight = Sight(wedsync=self.world.wedsync, outlook=self.world.outlook)
        super().__init__(
            Users(sight=sight, wedsync=self.world.wedsync, outlook=self.world.outlook, now=self.world.clock.now)
        )
        self.misfortune = Misfortune(self.world.outlook, self.world.wedsync, reached)

    async def begin(self) -> None:
        """Connect with an event on each side."""
        self.reached.illegal.clear()
        await self.world.__aenter__()
        for side in SIDES:
            await self.users.add(side)
        await self.service.connect()

    async def end(self) -> None:
        await self.service.end()

    # --- choices --------------------------------------------------------------------------------------------------

    async def resolve(self, pick: int, side: str, which: int) -> None:
        conflicts = sorted(await self.world.open_conflicts(), key=lambda conflict: conflict.opened_at)
        mappings = {mapping.mapping_id: mapping for mapping in await self.world.mappings()}
        found = self.chosen(conflicts, mappings, pick, side)
        if found is not None:
            conflict, mapping = found
            self.service.resolve(conflict, mapping.wedsync_id or mapping.mapping_id, Side(side), which)

    async def answer(self, which: int, accept: bool) -> None:
        question = await self.service.question()
        if question is not None:
            await self._answer(question, which, accept=accept)

    async def _answer(self, question: Confirmation, which: int, *, accept: bool) -> None:
        """An occurrence that comes back would be an event by itself, so that those are never rejected here."""
        keys = {m.mapping_id: verdict.key_of(self.users, m) for m in await self.world.mappings()}
        accept = accept or any(":" in keys.get(each.mapping_id, ":") for each in question.held)
        self.reached.add("answer", "accepted" if accept else "rejected")
        work = self.service.answer(question.confirmation_id, which, accept=accept)
        self.answers.append((question.confirmation_id, accept, work))

    async def _insist(self) -> None:
        """Whoever got no answer, because the process died, says the same again."""
        answers, self.answers = self.answers, []
        for confirmation_id, accept, work in answers:
            if work.process.dead:
                self.service.answer(confirmation_id, 0, accept=accept)
                await self.service.drain()

    async def prefer(self, wish: str, which: int) -> None:
        """Change a preference."""
        self.reached.add("preference", wish)
        self.service.change(WISHES[wish], which)

    # --- the service ----------------------------------------------------------------------------------------------

    async def work(self, pick: int, which: int, messages: int) -> None:
        """Deliver what is to be delivered, in any order, to any process."""
        for number in range(messages):
            self.service.take(pick + number, which + number) or self.service.deliver(pick + number, which + number)

    async def lapse(self) -> None:
        if self.service.lapse():
            self.reached.add("fault", "message delivered twice")

    async def post(self, pick: int, which: int, fate: str) -> None:
        """Deliver a letter out of turn, deliver it and keep a copy for later, or lose it."""
        if fate == "lost":
            happened = self.service.lose(pick)
        else:
            happened = self.service.deliver(pick, which, keep=fate == "doubled")
        if happened:
            self.reached.add("fault", f"notification {fate}")

    async def run(self, kind: RunKind, which: int) -> None:
        self.service.run(kind, which)

    async def timers(self, which: int) -> None:
        self.service.timers(which)

    async def wait(self, seconds: float) -> None:
        if seconds > 1 and self.world.post:
            self.reached.add("fault", "notification delayed")
        await asyncio.sleep(seconds)

    # --- misfortune -----------------------------------------------------------------------------------------------

    async def crash(self, pick: int, steps: int) -> None:
        """Let a process that is at work die at one of its next steps."""
        working = self.service.work
        if working:
            working[pick % len(working)].process.dies_in = steps
            await self.wait(0.1)

    async def fault(self, name: str, after: int) -> None:
        await self.misfortune.order(name, after=after)

    async def turn(self, name: str) -> None:
        await self.misfortune.turn(name)

    async def storage(self, fault: str, times: int) -> None:
        self.service.perils.storage[fault] = times

    async def forget_places(self, side: str) -> None:
        """Neither side knows any more where the service continues reading."""
        if side == WEDSYNC:
            await self.world.wedsync.expire_cursors()
        else:
            await self.world.outlook.expire_delta()
        self.reached.add("fault", f"{side} cursor expired")

    async def skew(self, minutes: int) -> None:
        self.service.clock.skew = timedelta(minutes=minutes)
        self.reached.add("fault", f"clock {'ahead' if minutes > 0 else 'behind'}")

    # --- rest -----------------------------------------------------------------------------------------------------

    async def rest(self) -> None:
        """Let everything come to rest, and judge."""
        await self.misfortune.end()
        await self.service.drain()
        await self._insist()
        for _ in range(_MOST_QUESTIONS):
            question = await self.service.question()
            if question is None:
                break
            await self._answer(question, 0, accept=True)
            await self.service.drain()
            await self._insist()
        await verdict.judge(self.world, self.users, self.reached.illegal)


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
