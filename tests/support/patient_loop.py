"""An event loop whose time passes only where everybody waits: an hour's sleep is over at once, and in its order."""

import asyncio
import selectors


class _Waits(selectors.DefaultSelector):
    """Adds up what the loop would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:  # nothing is scheduled: only another thread can wake the loop
            return super().select(None)
        self.waited += max(timeout, 0.0)
        return super().select(0)


class PatientLoop(asyncio.SelectorEventLoop):
    """For whoever talks to nothing outside the process; timers, time-outs and sleeps keep their order and length."""

    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)
        # After half a year of such time a float cannot tell a nanosecond any more, and nobody would ever wake up.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._waits.waited
