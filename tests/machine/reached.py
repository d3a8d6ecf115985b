"""What the machine has come upon, how often, and what it has to come upon: a zero means that something went untried."""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from shared.core import decide as core_decide
from shared.core.canon import changed_fields
from shared.core.event import Side
from shared.core.mapping import EventMapping
from shared.core.pair import Pair
from shared.core.states import (
    CONFLICT_MOVES,
    INTEGRATION_MOVES,
    MAPPING_MOVES,
    RUN_MOVES,
    ConflictState,
    IntegrationState,
    MappingState,
    RunState,
)
from shared.core.views import Gone, Present
from shared.store.rows import Row, Table

_ID = re.compile(r"/(?:evt_[^/]+|run_[^/]+|(?=[^/]*\d)[^/]{12,}|[^/]{24,})")
_USER = re.compile(r"/users/[^/]+")

STATES: Mapping[Table, tuple[str, str]] = {
    Table.INTEGRATIONS: ("integration", ""),
    Table.MAPPINGS: ("mapping", "m|"),
    Table.HISTORY: ("run", ""),
    Table.CONFLICTS: ("conflict", "c|"),
}
"""The tables whose rows have a state, what of, and how the keys of those rows begin."""

ALLOWED: Mapping[str, Mapping[Any, frozenset[Any]]] = {
    "integration": INTEGRATION_MOVES,
    "mapping": MAPPING_MOVES,
    "run": RUN_MOVES,
    "conflict": CONFLICT_MOVES,
}
_KINDS: Mapping[str, Callable[[str], Any]] = {
    "integration": IntegrationState,
    "mapping": MappingState,
    "run": RunState,
    "conflict": ConflictState,
}
PROPERTY = "machine"
"""Under this name the counts travel with the test's report, and are printed at the end."""

MOVES = frozenset(
    {
        "integration: none -> connected",
        "integration: connected -> paused",
        "integration: paused -> connected",
        "integration: connected -> needs_reconnect",
        "integration: needs_reconnect -> connected",
        "mapping: none -> intent",
        "mapping: intent -> linked",
        "mapping: linked -> intent",
        "mapping: linked -> unlinked",
        "mapping: linked -> hidden",
        "mapping: linked -> removed",
        "mapping: hidden -> removed",
        "run: none -> queued",
        "run: queued -> in_progress",
        "run: in_progress -> completed",
        "run: in_progress -> failed",
        "conflict: none -> open",
        "conflict: open -> resolved",
        "conflict: resolved -> applied",
        "conflict: open -> superseded",
    }
)
"""The moves that are stored. A mapping that has ended is removed; disconnecting has tests of its own."""

CELLS = frozenset(f"{ours}/{theirs}" for ours in ("same", "changed", "gone") for theirs in ("same", "changed", "gone"))
"""WedSync's side first."""


def step_kind(name: str) -> str:
    """Return a step without the ids in it."""
    return _USER.sub("/users/{id}", _ID.sub("/{id}", name))


class Reached:
    """Counts under headings: acts of users, cells, moves, faults, steps and crashes at them."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.illegal: list[str] = []
        self._states: dict[tuple[int, Table, str, str], str] = {}

    def add(self, heading: str, name: str, times: int = 1) -> None:
        """Count."""
        self.counts[heading][name] += times

    def total(self, heading: str) -> int:
        """Return the sum under a heading."""
        return self.counts[heading].total()

    def watch_rows(self, world: int, table: Table, rows: list[Row]) -> None:
        """Note which states rows have come to, and moves that no table allows; ``world`` tells the worlds apart."""
        what, prefix = STATES[table]
        present = {}
        for row in rows:
            if row.key.startswith(prefix) and isinstance(state := row.columns.get("state"), str):
                present[world, table, row.partition, row.key] = state
        for key, state in present.items():
            before = self._states.get(key, "none")
            if before == state:
                continue
            self.add("move", f"{what}: {before} -> {state}")
            if before != "none" and not _is_legal(what, before, state):
                self.illegal.append(f"illegal move of {what}: {before} -> {state}")
        for key in [key for key in self._states if key[:2] == (world, table) and key not in present]:
            self.add("move", f"{what}: {self._states.pop(key)} -> removed")
        self._states |= present

    def untried(self, expected: Mapping[str, Iterable[str]], steps: Iterable[str] | None = None) -> list[str]:
        """Return what should have been come upon and was not, and the steps (all) at which no process has died."""
        missing = [f"{heading}: {name}" for heading, names in expected.items() for name in names]
        missing = [each for each in missing if not self.counts[each.partition(": ")[0]][each.partition(": ")[2]]]
        deadly = set(self.counts["step"] if steps is None else steps)
        return sorted(missing) + [f"crash: {kind}" for kind in self.survived() if kind in deadly]

    def survived(self) -> list[str]:
        """Return the kinds of steps at which no process has died yet."""
        return sorted(set(self.counts["step"]) - set(self.counts["crash"]))

    def lines(self) -> list[str]:
        """Return the counts as they are printed."""
        shown = []
        for heading in ("act", "cell", "rule", "move", "fault", "storage", "answer", "preference", "wish", "refused"):
            counts = self.counts[heading]
            shown.append(f"{heading}: {counts.total()}")
            shown += [f"  {times:6} {name}" for name, times in sorted(counts.items())]
        shown.append("step: times taken, times a process died there")
        shown += [
            f"  {times:6} {self.counts['crash'][name]:4} {name}" for name, times in sorted(self.counts["step"].items())
        ]
        return shown

    def forget(self, world: int) -> None:
        """A world has ended."""
        self._states = {key: state for key, state in self._states.items() if key[0] != world}

    def cell(self, mapping: EventMapping, views: Mapping[str, Any]) -> None:
        """Note the cell of the decision table."""
        if mapping.state is not MappingState.LINKED:
            return
        pair = Pair.of(mapping, **views)
        self.add("cell", f"{_change(pair, Side.WEDSYNC)}/{_change(pair, Side.OUTLOOK)}")

    @contextmanager
    def decisions(self) -> Iterator[None]:
        """Look on while the product decides."""
        real = core_decide.decide

        @wraps(real)
        def looked_at(mapping: EventMapping, **views: Any) -> Any:
            self.cell(mapping, views)
            found = real(mapping, **views)
            for action in found.actions:
                self.add("rule", str(getattr(action, "rule", "")))
            return found

        users = [module for name, module in sys.modules.items() if name.startswith("shared.")]
        users = [module for module in users if getattr(module, "decide", None) is real]
        for module in users:
            module.decide = looked_at  # type: ignore[attr-defined]
        try:
            yield
        finally:
            for module in users:
                module.decide = real  # type: ignore[attr-defined]


_AGAIN = frozenset(
    {
        ("conflict", "superseded", "open"),
        ("conflict", "superseded", "applied"),
        ("conflict", "applied", "open"),
    }
)
"""A question that comes up again, with the values of before, is the same row."""


def _is_legal(what: str, before: str, state: str) -> bool:
    """Several moves may have been stored as one."""
    if (what, before, state) in _AGAIN:
        return True
    kind, moves = _KINDS[what], ALLOWED[what]
    wanted = kind(state)
    known, open_now = {kind(before)}, [kind(before)]
    while open_now:
        for following in moves[open_now.pop()]:
            if following not in known:
                known.add(following)
                open_now.append(following)
    return wanted in known


def _change(pair: Pair, side: Side) -> str:
    view, base = pair.view(side), pair.mapping.base_w if side is Side.WEDSYNC else pair.mapping.base_o
    if isinstance(view, Gone):
        return "gone"
    content = pair.content(side)
    moved = isinstance(view, Present) and base is not None and content is not None and changed_fields(base, content)
    return "changed" if moved else "same"
