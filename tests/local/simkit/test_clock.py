"""A simulator's clock by itself, and the pauses that go by it."""

import asyncio
import fcntl
import threading
from datetime import timedelta
from pathlib import Path

from local.simkit.clock import Clock, ClockFile

MONTH = timedelta(days=30)


def test_a_simulator_by_itself_has_a_clock_of_its_own() -> None:
    one, other = Clock({}), Clock({})
    one.advance(MONTH.total_seconds())
    assert one.now() - other.now() > MONTH - timedelta(seconds=5)
    one.reset()
    assert abs(one.now() - other.now()) < timedelta(seconds=5)


async def test_a_pause_ends_when_the_clock_is_moved() -> None:
    clock = Clock({})
    waiting = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(3601)
    await asyncio.wait_for(waiting, 5)


def test_a_reset_does_not_fall_into_somebody_elses_move(tmp_path: Path) -> None:
    file = ClockFile(tmp_path / "clock")
    file.write(5)
    reset = threading.Thread(target=file.write, args=(0,))
    with (tmp_path / "clock.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reset.start()
        reset.join(0.2)
        assert file.read() == 5
    reset.join()
    assert file.read() == 0
