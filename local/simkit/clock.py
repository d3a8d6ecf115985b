"""The stand's clock: wall time plus an offset that the control API moves."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells a simulator the time, in UTC."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """Return the moved time as an aware UTC datetime."""
        return datetime.now(UTC) + self.offset

    def timestamp(self) -> float:
        """Return the moved time as seconds since the epoch."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Move the clock by ``seconds``; a negative number moves it back."""
        self.offset += timedelta(seconds=seconds)

    def reset(self) -> None:
        """Return to wall time."""
        self.offset = timedelta()
