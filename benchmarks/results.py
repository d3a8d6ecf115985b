"""The benchmark's page: tables in Markdown, and which targets were missed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.floors import PUSH_TARGET, VISIBLE_P50, VISIBLE_P95, Parts, Spread

BY_HAND = "## What the misses come from\n"
"""Where the part of the page begins that no measurement writes."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Something that took so many seconds where it could not take fewer than ``floor``; ``load`` is the machine's."""

    name: str
    seconds: float
    floor: float
    load: float

    @property
    def ratio(self) -> float:
        """How many times the floor it took."""
        return self.seconds / self.floor


@dataclass(kw_only=True)
class Page:
    """What goes on the page, in the order in which it was measured."""

    head: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def bulk(self, title: str, ours: Measured, others: Sequence[Measured], *, note: str = "") -> None:
        """Add the table of a bulk run beside other ways to do the same."""
        rows = [
            [each.name, f"{each.seconds:.1f}", f"{each.ratio:.2f}", f"{each.seconds / ours.seconds:.2f}", _load(each)]
            for each in (ours, *others)
        ]
        heads = ["what", "seconds", "to the floor", "to the service", "load"]
        lines = [f"## {title}", "", f"Floor: {ours.floor:.2f} s. Target: at most {PUSH_TARGET:g} times that."]
        self.sections.append("\n".join([*lines, *([note] if note else []), "", table(heads, rows)]))
        if ours.ratio > PUSH_TARGET:
            self.missed.append(f"{title}: {ours.ratio:.2f} times the floor, and {PUSH_TARGET:g} is the target")

    def where(self, title: str, found: Parts, *, names: Sequence[str], floor: float) -> None:
        """Add the table of where a run's time went. ``names``: before, in, between and after its writes."""
        seconds = (found.before, found.inside, found.between, found.after)
        rows = [[name, f"{each:.2f}", f"{each / floor:.2f}"] for name, each in zip(names, seconds, strict=True)]
        self.sections.append(f"### {title}\n\n" + table(["part", "seconds", "to the floor"], rows))

    def visible(self, title: str, rows: Sequence[tuple[str, Spread]]) -> None:
        """Add the table of how long edits took to be seen."""
        shown = [
            [name, str(each.count), *(f"{seconds:.2f}" for seconds in (each.p50, each.p95, each.p99, each.longest))]
            for name, each in rows
        ]
        lines = [f"## {title}", "", f"Targets: p50 {VISIBLE_P50:g} s, p95 {VISIBLE_P95:g} s.", ""]
        self.sections.append("\n".join([*lines, table(["edits", "number", "p50", "p95", "p99", "longest"], shown)]))
        for name, each in rows:
            if not each.meets_target:
                self.missed.append(f"{title}, {name}: p50 {each.p50:.2f} s, p95 {each.p95:.2f} s")

    def text(self, *, before: str = "") -> str:
        """Return the page, with what people have written at the end of the one ``before``: it is theirs to renew."""
        verdict = ["Missed:", "", *(f"- {each}" for each in self.missed)] if self.missed else ["Every target is met."]
        text = "\n\n".join(["# Results", "\n".join(self.head), "\n".join(verdict), *self.sections]) + "\n"
        _, by_hand, written = before.partition(BY_HAND)
        return f"{text}\n{by_hand}{written}" if by_hand else text


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: names to the left, figures to the right."""
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _load(each: Measured) -> str:
    return f"{each.load:.1f}"
