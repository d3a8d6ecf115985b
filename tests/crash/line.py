"""What the service's process and the outside tell each other: pickled frames over a Unix socket.

Every I/O of the service is one ask and one answer. Both ends live by one virtual clock, which the frames carry: time
passes while the service waits with nothing asked, or while the outside waits; never because a machine is slow. The
service takes an answer only when it has nothing else to do, so that the same I/O follow each other every time.
"""

import pickle
import select
import socket
import struct
from dataclasses import dataclass
from typing import Any

PATIENCE = 60.0
"""Seconds after which an end that says nothing is taken for hung."""

_LENGTH = struct.Struct("!I")
_MOST = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request of the service. ``at`` is its loop's time; ``counted`` tells an I/O from the talk about work."""

    number: int
    at: float
    what: str
    args: tuple[Any, ...]
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of it: a value, or the error to raise. ``at`` is the time outside."""

    number: int
    at: float
    value: Any = None
    error: Exception | None = None


class Line:
    """One end of the socket. Sending never waits for the other end to read: meanwhile it reads what that sends."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._read = b""

    def send(self, frame: Ask | Answer) -> None:
        """Send; ``BrokenPipeError`` or ``ConnectionResetError`` when the other end is gone."""
        body = pickle.dumps(frame)
        left = memoryview(_LENGTH.pack(len(body)) + body)
        while left:
            readable, writable, _ = select.select([self._end], [self._end], [], PATIENCE)
            if readable:
                self._take()
            if writable:
                left = left[self._end.send(left[:_MOST]) :]

    def receive(self) -> Any:
        """Wait for the next frame; None when the other end is gone, with whatever it had half written."""
        while (size := self._length()) is None or len(self._read) < _LENGTH.size + size:
            if not select.select([self._end], [], [], PATIENCE)[0]:
                raise TimeoutError("the other end says nothing")
            if not self._take():
                return None
        body, self._read = self._read[_LENGTH.size : _LENGTH.size + size], self._read[_LENGTH.size + size :]
        return pickle.loads(body)

    def _length(self) -> int | None:
        return int(_LENGTH.unpack_from(self._read)[0]) if len(self._read) >= _LENGTH.size else None

    def _take(self) -> bool:
        try:
            more = self._end.recv(1 << 20)
        except ConnectionResetError:
            more = b""
        self._read += more
        return bool(more)
