"""The service between the calendars: two processes, their messages, the post, and everything that goes wrong."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.core.confirmation import Confirmation, waiting
from shared.core.history import Conflict
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.settings_change import SettingsChange
from shared.errors import SyncFault
from shared.service import App
from shared.store.rows import Table
from shared.usecases.choices import EVENT, Choice, CustomValue
from tests.machine.process import Fates, Perils, Process, SkewedClock
from tests.machine.reached import Reached
from tests.support.ends import Letter, hand_over
from tests.support.steps import Message
from tests.support.world import MOST_DELIVERIES, World

PROCESSES = 2
AT_ONCE = 4
"""Messages in work at a time, in both processes together."""

VISIBILITY = 600.0
"""Seconds after which the message of a dead process is delivered again, as the host's are."""

_AFTER_FAILURE = 10.0
_ROUNDS = 3000


@dataclass(eq=False, kw_only=True)
class Work:
    """Something that a process is doing; ``message`` is what it was told to do by, ``letter`` what it was handed."""

    process: Process
    task: asyncio.Task[Any]
    message: Message | None = None
    letter: Letter | None = None


class Service:
    """Both processes and what is between them and the calendars."""

    def __init__(self, reached: Reached, *, seed: int) -> None:
        self.reached = reached
        self.world = World(seed=seed, steps=Fates())
        self.clock = SkewedClock(self.world)
        self.perils = Perils()
        self.work: list[Work] = []
        self.buried: list[Process] = []
        self.wishes = 0
        self._random = random.Random(seed)
        self.processes = [self._new_process() for _ in range(PROCESSES)]

    def _new_process(self) -> Process:
        seed = self._random.getrandbits(32)
        return Process(self.world, self.clock, self.perils, self.reached, seed=seed)

    async def end(self) -> None:
        """Clear away what is left."""
        for process in (*self.processes, *self.buried):
            await process.bury()
        self.reached.forget(id(self.world))
        await self.world.__aexit__(None, None, None)

    # --- work -----------------------------------------------------------------------------------------------------

    def living(self, which: int) -> Process:
        """Return a process, started anew if it has died."""
        self.tidy()
        process = self.processes[which % PROCESSES]
        if process.dead:
            self.buried.append(process)
            process = self.processes[which % PROCESSES] = self._new_process()
        return process

    def tidy(self) -> None:
        """Note what has ended, as the host would: done, failed, or dead."""
        for work in list(self.work):
            if work.process.dead:
                self.work.remove(work)  # its message comes back when nobody has renewed it for long enough
            elif work.task.done():
                self.work.remove(work)
                self._ended(work)

    def _ended(self, work: Work) -> None:
        error = work.task.exception()
        if work.letter is not None and error is None and work.letter in self.world.post:
            self.world.post.remove(work.letter)
        if work.message is None and isinstance(error, Exception):
            self.world.errors.append(error)
        if work.message is None or work.message not in self.world.queue.kept:
            return
        if error is None:
            self.world.queue.kept.remove(work.message)
        elif isinstance(error, Exception):
            self._failed(work.message, error)

    def _failed(self, message: Message, error: Exception) -> None:
        self.world.errors.append(error)
        message.due = asyncio.get_running_loop().time() + _AFTER_FAILURE
        if message.delivered >= MOST_DELIVERIES:
            self.world.queue.kept.remove(message)
            self.begin(0, self.living(0).app.recover_poison.run(message.text))

    def begin(self, which: int, work: Coroutine[Any, Any, Any], **about: Any) -> Work:
        """Begin something in a process."""
        process = self.living(which)
        begun = Work(process=process, task=process.start(work), **about)
        self.work.append(begun)
        return begun

    def take(self, pick: int, which: int) -> bool:
        """Deliver a visible message to a process; return whether there was one."""
        now = asyncio.get_running_loop().time()
        visible = [message for message in self.world.queue.kept if message.due <= now]
        if not visible or len(self.work) >= AT_ONCE:
            return False
        message = visible[pick % len(visible)]
        message.delivered += 1
        message.due = now + VISIBILITY
        app = self.living(which).app
        self.begin(which, self.world.run_job(message.text, app), message=message)
        return True

    def lapse(self) -> bool:
        """Let the message that is worked on longest be delivered once more; return whether there is any."""
        for work in self.work:
            if work.message is not None and work.message in self.world.queue.kept:
                work.message.due = asyncio.get_running_loop().time()
                return True
        return False

    @property
    def waiting(self) -> bool:
        """Whether there is anything to deliver."""
        return bool(self.world.post or self.world.queue.kept)

    @property
    def open_questions(self) -> bool:
        """Whether there is an open conflict."""
        rows = self.world.tables.contents().get(Table.CONFLICTS, [])
        return any(row.key.startswith("o|") for row in rows)

    # --- the post -------------------------------------------------------------------------------------------------

    def deliver(self, pick: int, which: int, *, keep: bool = False) -> bool:
        """Hand over one letter, whichever; ``keep`` delivers it once more later. Return whether there was one."""
        underway = {id(work.letter) for work in self.work}
        letters = [letter for letter in self.world.post if id(letter) not in underway]
        if not letters:
            return False
        letter = letters[pick % len(letters)]
        process = self.living(which)
        handing = hand_over(process.app, letter, message_id=f"msg_{self.world.ids.new_id()}")
        self.begin(which, handing, letter=None if keep else letter)
        return True

    def lose(self, pick: int) -> bool:
        """Lose one letter, whichever."""
        if not self.world.post:
            return False
        self.world.post.pop(pick % len(self.world.post))
        return True

    async def connect(self) -> None:
        """Let the user consent, again if a process died of it or refused it, and the first run end."""
        user = self.world.planner
        for attempt in range(6):
            connected = self.reached.counts["wish"]["connect"]
            work = self.ask(attempt, "connect", lambda app: _consented(app, user.user_id, user.account.upn))
            await asyncio.wait([work.task], timeout=120)
            if self.reached.counts["wish"]["connect"] > connected:
                break
        await self.to_the_end()

    # --- what users ask of it ---------------------------------------------------------------------------------------

    def ask(self, which: int, name: str, wish: Callable[[App], Coroutine[Any, Any, Any]]) -> Work:
        """Have a process do what somebody wishes; ``wishes`` counts."""
        self.wishes += 1
        return self.begin(which, self._asked(name, wish(self.living(which).app)))

    async def _asked(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """A refusal, and a far end that is away, are answers that a user gets; they ask again if they want to."""
        try:
            await work
        except SyncFault as fault:
            self.reached.add("refused", f"{name}: {getattr(fault, 'code', '') or type(fault).__name__}")
        else:
            self.reached.add("wish", name)

    def run(self, kind: RunKind, which: int) -> None:
        """Ask for a run, as a user does."""
        request = RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL)
        self.ask(which, f"run {kind}", lambda app: app.request_sync.by_user(self.world.planner.user_id, request))

    def resolve(
        self, conflict: Conflict, event_id: str, use: str, which: int, custom: CustomValue | None = None
    ) -> None:
        """Choose a side in an open conflict, or neither, as a user does."""
        name = conflict.field.value if conflict.field else EVENT
        choice = Choice(field=name, use=use, custom=custom, conflict_id=conflict.conflict_id)
        user_id, asked = self.world.planner.user_id, f"resolve with {use}"
        self.ask(which, asked, lambda app: app.resolve_conflict.run(user_id, event_id, [choice]))

    def answer(self, confirmation_id: str, which: int, *, accept: bool) -> Work:
        """Answer the question about held deletions, as a user does."""
        user_id = self.world.planner.user_id
        return self.ask(which, "answer", lambda app: app.confirm_deletions.run(user_id, confirmation_id, accept=accept))

    def change(self, change: SettingsChange, which: int, *, name: str = "settings") -> None:
        """Change the settings, as a user does."""
        self.ask(which, name, lambda app: app.change_settings.run(self.world.planner.user_id, change))

    async def question(self) -> Confirmation | None:
        """Return the open question about held deletions."""
        ledger = await self.world.ports.confirmations.ledger(self.world.integration_id)
        return waiting(ledger.value, now=self.world.clock.now())

    def timers(self, which: int) -> None:
        """Let the timers fire."""

        async def fire(app: App) -> None:
            await app.enqueue_due.renewals()
            await app.enqueue_due.safety_runs()
            await app.enqueue_due.reconciliations()

        self.ask(which, "timers", fire)

    # --- rest -----------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """With no fault any more: deliver and work until nothing is left, not even for the safety sync.

        A process that is to die at a step of some kind may come to it only now.
        """
        for process in self.processes:
            process.dies_in = None
        self.perils.end()
        self.clock.skew = timedelta()
        await self.to_the_end()
        for _ in range(2):
            await asyncio.sleep(timedelta(minutes=21).total_seconds())
            self.timers(0)
            await self.to_the_end()

    async def to_the_end(self) -> None:
        """Deliver and work until nothing is left, waiting for what is delayed."""
        for _ in range(_ROUNDS):
            await self.world.quiet()
            self.tidy()
            while self.deliver(0, len(self.work)) or self.take(0, len(self.work)):
                pass
            running = [work.task for work in self.work]
            if running:
                await asyncio.wait(running, timeout=3600, return_when=asyncio.FIRST_COMPLETED)
                continue
            waiting = self.world.queue.next()
            if waiting is None:
                return
            await asyncio.sleep(max(0.0, waiting.due - asyncio.get_running_loop().time()))
        raise AssertionError(f"no rest; waiting: {[message.text for message in self.world.queue.kept][:3]}")


async def _consented(app: App, user_id: str, upn: str) -> None:
    begun = await app.begin_connect.run(user_id)
    await app.finish_connect.by_post(user_id, {"state": begun.state, "code": upn})
