"""WedSync's calls to ``POST /api/webhooks/wedsync``: signed, repeated until a 2xx, and faulted to order.

Signed per Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks): the ``webhook-id`` stays the
same over all attempts, the timestamp and with it the signature are made anew for each.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from standardwebhooks import Webhook

from local.simkit.control import Frame
from local.simkit.faults import Fault
from local.wedsync.state import ChangeKind, StoredEvent

BACK_OFF = (0.5, 1, 2, 4, 8, 15, 30, 60, 60, 60)
"""Seconds before each further attempt; after the last a webhook is given up."""
_IN_FLIGHT = 8
_REMEMBERED = 20_000


@dataclass(frozen=True, kw_only=True)
class Message:
    """One webhook; ``body`` is signed and sent byte for byte."""

    id: str
    kind: ChangeKind
    user_id: str
    event_id: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What came of one try. ``status`` is None when nothing was answered, or nothing was sent (``lost``)."""

    message: Message
    status: int | None
    attempt: int
    outcome: str

    def to_json(self) -> dict[str, Any]:
        """Return the attempt as the control API shows it."""
        return {
            "id": self.message.id,
            "type": self.message.kind,
            "eventId": self.message.event_id,
            "status": self.status,
            "attempt": self.attempt,
            "outcome": self.outcome,
        }


class Webhooks:
    """The sender. ``announce`` returns at once; ``running`` keeps the deliveries going.

    A fault's ``path`` is matched against ``{type}/{eventId}``, its ``method`` against POST. ``reorder`` holds a message
    back until the next one has been sent, or for ``seconds`` (2 unless told) when none follows. Each kind of fault is
    asked for by itself, so that a message may be doubled and out of order; a lost one is neither.
    """

    def __init__(self, frame: Frame, *, url: str, secret: str, back_off: Sequence[float] = BACK_OFF) -> None:
        self._frame = frame
        self._url = url
        self._signer = Webhook(secret)
        self._back_off = back_off
        self._waiting: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._held: Message | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self._client: httpx.AsyncClient | None = None
        self.attempts: deque[Attempt] = deque(maxlen=_REMEMBERED)

    @property
    def pending(self) -> int:
        """How many messages have neither arrived nor been given up."""
        return len(self._waiting) + len(self._tasks)

    def announce(self, kind: ChangeKind, user_id: str, event: StoredEvent) -> None:
        """Queue the webhook for a change."""
        members = {
            "type": kind,
            "timestamp": event.updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": {"userId": user_id, "eventId": event.id, "version": event.version},
        }
        body = json.dumps(members, separators=(",", ":"))
        own = f"msg_{self._frame.source.digits(f'webhook {user_id}', 16)}"
        message = Message(id=own, kind=kind, user_id=user_id, event_id=event.id, body=body)
        self._waiting.append(message)
        self._arrived.set()

    def reset(self) -> None:
        """Forget everything that waits and everything that was sent."""
        self._waiting.clear()
        self._held = None
        for task in self._tasks:
            task.cancel()
        self.attempts.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send while the block runs."""
        async with httpx.AsyncClient(trust_env=False, timeout=15) as self._client:
            dispatcher = asyncio.create_task(self._dispatch())
            try:
                yield
            finally:
                self.reset()
                dispatcher.cancel()
                await asyncio.gather(dispatcher, *self._tasks, return_exceptions=True)

    async def _dispatch(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                self._send(self._waiting.popleft())

    def _send(self, message: Message) -> None:
        if self._struck(message, "lose"):
            self.attempts.append(Attempt(message=message, status=None, attempt=0, outcome="lost"))
            return
        doubled, swapped, late = (self._struck(message, what) for what in ("double", "reorder", "delay"))
        if doubled and swapped:
            # The second copy follows in its own time, so that it may overtake others as well.
            self._start(self._deliver(message, after=swapped.seconds or 2))
        if swapped and self._held is None:
            self._held = message
            self._start(self._release(message, swapped.seconds or 2))
            return
        self._start(self._deliver(message, after=late.seconds if late else 0))
        if doubled and not swapped:
            self._start(self._deliver(message))
        if held := self._held:
            self._held = None
            self._start(self._deliver(held, after=0.05))

    def _struck(self, message: Message, action: str) -> Fault | None:
        return self._frame.faults.strike("POST", f"{message.kind}/{message.event_id}", action, person=message.user_id)

    def _start(self, delivery: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(delivery)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _release(self, message: Message, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._held is message:
            self._held = None
            await self._deliver(message)

    async def _deliver(self, message: Message, after: float = 0) -> None:
        await asyncio.sleep(after)
        for number, pause in enumerate([*self._back_off, None], start=1):
            async with self._slots:
                status = await self._post(message)
            arrived = status is not None and 200 <= status < 300
            outcome = "delivered" if arrived else "unreachable" if status is None else "refused"
            self.attempts.append(Attempt(message=message, status=status, attempt=number, outcome=outcome))
            if arrived or pause is None:
                return
            await self._frame.clock.sleep(pause)

    async def _post(self, message: Message) -> int | None:
        now = self._frame.clock.now()
        headers = {
            "content-type": "application/json",
            "user-agent": "WedSync-Webhooks/1.0",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message.id, now, message.body),
        }
        assert self._client is not None, "deliveries start inside running()"
        try:
            answer = await self._client.post(self._url, content=message.body.encode(), headers=headers)
        except httpx.HTTPError:
            return None
        return answer.status_code
