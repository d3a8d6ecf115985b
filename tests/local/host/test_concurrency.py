"""Dynamic concurrency, by a clock and a load of the test's own: functions.md 2.2."""

from itertools import pairwise
from pathlib import Path

from local.host.concurrency import ConcurrencyOptions, DynamicConcurrency
from local.host.configuration import load_host_json
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources


class Machine:
    """A machine with a clock and a load that the test sets."""

    def __init__(self, maximum: int = 500) -> None:
        self.now = 0.0
        self.load = 0.1
        options = ConcurrencyOptions(enabled=True, maximum=maximum)
        self.concurrency = DynamicConcurrency(options, load=lambda: self.load, clock=lambda: self.now)

    def work(self, seconds: int, *, idle: bool = False) -> list[int]:
        """Look once a second with everything used (or nothing), and return the limits."""
        limits = []
        for _ in range(seconds):
            self.now += 1
            self.concurrency.available(0 if idle else self.concurrency.limit)
            limits.append(self.concurrency.limit)
        return limits


@behaviour("H55", Grade.DOCUMENTED, sources.CONCURRENCY, sources.CONCURRENCY_MANAGER)
def test_h55_it_starts_at_one_and_grows_faster_while_all_is_used() -> None:
    limits = Machine().work(40)
    assert limits[:5] == [1] * 5
    steps = [after - before for before, after in pairwise(limits) if after != before]
    assert steps[:3] == [1, 2, 3]
    assert max(steps) <= 6
    assert Machine().work(40, idle=True) == [1] * 40
    assert max(Machine(maximum=3).work(60)) == 3


@behaviour("H55", Grade.DOCUMENTED, sources.CONCURRENCY, sources.CONCURRENCY_MANAGER)
def test_h55_a_busy_machine_shrinks_it_and_takes_nothing_new() -> None:
    machine = Machine()
    machine.work(30)
    before = machine.concurrency.limit
    machine.load = 0.95
    machine.work(4)
    assert machine.concurrency.available(0) == 0
    while machine.concurrency.limit == before:
        machine.work(1)
    # Healthy again, it waits half a minute since the cut before it grows.
    machine.load = 0.1
    cut = machine.concurrency.limit
    assert cut < before
    assert set(machine.work(29)) == {cut}
    assert machine.work(10)[-1] > cut


@behaviour("H55", Grade.DOCUMENTED, sources.CONCURRENCY, sources.HOST_JSON_PAGE)
def test_h55_fast_functions_are_adjusted_more_often() -> None:
    slow, fast = Machine(), Machine()
    for _ in range(6):
        slow.work(1)
        fast.work(1)
    slow.work(5)
    for _ in range(5):
        fast.concurrency.ended(0.01)
        fast.work(1)
    assert fast.concurrency.limit > slow.concurrency.limit


def test_it_is_off_unless_host_json_says_so(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    assert not load_host_json(tmp_path, {}).concurrency.enabled
    (tmp_path / "host.json").write_text('{"version": "2.0", "concurrency": {"dynamicConcurrencyEnabled": true}}')
    assert load_host_json(tmp_path, {}).concurrency == ConcurrencyOptions(enabled=True)
