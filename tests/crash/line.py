"""What the service's process and the outside tell each other: pickled frames over a Unix socket.

Every I/O of the service is one ask and one answer. Both ends live by one virtual clock, which the frames carry: time
passes while the service waits with nothing asked, or while the outside waits; never because a machine is slow.
"""

import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct("!I")


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


def packed(frame: Ask | Answer) -> bytes:
    """Return the frame with its length before it."""
    body = pickle.dumps(frame)
    return _LENGTH.pack(len(body)) + body


def length_of(head: bytes) -> int:
    """Return how many bytes follow these four."""
    return int(_LENGTH.unpack(head)[0])


def unpacked(body: bytes) -> Any:
    return pickle.loads(body)


def receive(line: socket.socket) -> Ask | None:
    """Wait for the next ask; None when the other end is gone, with whatever it had half written."""
    head = _exactly(line, _LENGTH.size)
    body = _exactly(line, length_of(head)) if head else b""
    return unpacked(body) if body else None


def _exactly(line: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        try:
            more = line.recv(size - len(parts))
        except ConnectionResetError:
            return b""
        if not more:
            return b""
        parts += more
    return parts
