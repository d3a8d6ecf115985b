"""What every other port builds on: stored values, the time, randomness."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Generic[T]):
    """A value with the tag (ETag) of the row it was read from or written to; writes are conditional on it."""

    value: T
    tag: str


class Clock(Protocol):
    """The only source of the time."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...


class Ids(Protocol):
    """The only source of randomness, so that tests can replay it."""

    def new_id(self) -> str:
        """Return a random UUID (RFC 9562 version 4) as text."""
        ...

    def new_secret(self) -> str:
        """Return 32 random bytes, URL-safe base64."""
        ...


class RequestMeter(Protocol):
    """Counts requests to Graph."""

    def start(self) -> Callable[[], int]:
        """Count from here on, in this task and in those that it starts; return what tells the number."""
        ...
