"""The rules as coroutines, for whoever chooses among them: hypothesis, or a scene that is written down."""

import asyncio
from datetime import timedelta

from shared.core.confirmation import Confirmation
from shared.core.jobs import RunKind
from tests.machine import verdict
from tests.machine.budget import Budget
from tests.machine.faults import Misfortune
from tests.machine.reached import Reached
from tests.machine.service import Service, Work
from tests.machine.sight import SIDES, WEDSYNC
from tests.machine.wishes import Wishes

_MOST_QUESTIONS = 5


class Play(Wishes):
    """The rules as coroutines, for whoever chooses among them."""

    def __init__(self, reached: Reached, *, seed: int) -> None:
        self.answers: list[tuple[str, bool, Work]] = []
        super().__init__(Service(reached, seed=seed))
        self.misfortune = Misfortune(self.world.outlook, self.world.wedsync, reached)
        self.budget = Budget(service=self.service, users=self.users, reached=reached)

    async def begin(self) -> None:
        """Connect with an event on each side."""
        self.reached.illegal.clear()
        self.budget.begin()
        await self.world.__aenter__()
        for side in SIDES:
            await self.users.add(side)
        await self.service.connect()

    async def end(self) -> None:
        await self.service.end()

    # --- held deletions -------------------------------------------------------------------------------------------

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
        await self.come_back()
        await self.open_up()
        for _ in range(_MOST_QUESTIONS):
            question = await self.service.question()
            if question is None:
                break
            await self._answer(question, 0, accept=True)
            await self.service.drain()
            await self._insist()
        wrong = [*self.reached.illegal, *await self.budget.overdrawn()]
        await verdict.judge(self.world, self.users, wrong)
