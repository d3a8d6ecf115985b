"""The three-way merge by field, with a base for each side.

A side is compared with its own base, so that what it cannot represent never looks like an edit. Fields are judged
one by one; nothing is written here and no base is moved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.core.canon import fitted, same, same_zone
from shared.core.event import MERGED_FIELDS, CalendarEvent, Field, Side

BOTH = frozenset(Side)
NO_FIELDS: frozenset[Field] = frozenset()

_CARRIED: Mapping[Field, frozenset[Side]] = {
    **dict.fromkeys(MERGED_FIELDS, BOTH),
    Field.PRIVATE: frozenset({Side.OUTLOOK}),
    Field.ATTENDEES: frozenset(),
}
_PARTS: Mapping[Field, str] = {
    Field.TITLE: "title",
    Field.DESCRIPTION: "description",
    Field.TIME: "time",
    Field.LOCATION: "location",
    Field.PRIVATE: "private",
    Field.ATTENDEES: "attendees",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldValues:
    """What both sides were when an open conflict recorded them; ``chosen`` is what one or both may be by now."""

    wedsync: CalendarEvent | None
    outlook: CalendarEvent | None
    chosen: CalendarEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Which way this pair of events flows. ``masked``: Outlook shows busy time only, WedSync may move it, no more."""

    toward: frozenset[Side] = BOTH
    masked: bool = False

    def ways(self, which: Field) -> frozenset[Side]:
        """Return the sides to which a change of the field may be carried."""
        ways = _CARRIED[which] & self.toward
        return ways - {Side.OUTLOOK} if self.masked and which is not Field.TIME else ways

    @property
    def reports(self) -> bool:
        """Whether a new difference in ``ATTENDEES``, which are never carried, is shown as a conflict."""
        return self.toward == BOTH and not self.masked


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The verdict on each field that is not simply unchanged; no field is in two of the first six.

    ``superseded`` are fields whose open conflict is over because a side moved on: they are judged anew, and so may be
    in any other set, or in none.
    """

    to_wedsync: frozenset[Field] = NO_FIELDS
    to_outlook: frozenset[Field] = NO_FIELDS
    agreed: frozenset[Field] = NO_FIELDS
    clashes: frozenset[Field] = NO_FIELDS
    still_held: frozenset[Field] = NO_FIELDS
    drifted: frozenset[Field] = NO_FIELDS
    superseded: frozenset[Field] = NO_FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Both bases and both contents; ``prefix`` decides what of a title Outlook can hold."""

    base_w: CalendarEvent
    base_o: CalendarEvent
    wedsync: CalendarEvent
    outlook: CalendarEvent
    prefix: str = ""

    def moved(self, which: Field) -> frozenset[Side]:
        """Return the sides that differ from their base in the field."""
        pairs = ((Side.WEDSYNC, self.base_w, self.wedsync), (Side.OUTLOOK, self.base_o, self.outlook))
        return frozenset(side for side, base, now in pairs if not same(which, base, now))

    def equal(self, which: Field) -> bool:
        """Whether the sides agree in the field as far as Outlook can represent it."""
        return holds(which, self.outlook, self.wedsync, prefix=self.prefix)


def advance(base: CalendarEvent, now: CalendarEvent, fields: Iterable[Field]) -> CalendarEvent:
    """Return ``base`` with the named fields of ``now``: so bases move, and sides take over."""
    return replace(base, **{_PARTS[which]: getattr(now, _PARTS[which]) for which in fields})


def taken_over(*, wedsync: CalendarEvent, outlook: CalendarEvent, fields: Iterable[Field]) -> CalendarEvent:
    """Return WedSync's content with fields of Outlook's; WedSync's zone stays where Outlook's is the same to it."""
    result = advance(wedsync, outlook, fields)
    if not same_zone(wedsync.time.zone, outlook.time.zone):
        return result
    return replace(result, time=replace(result.time, zone=wedsync.time.zone))


def merge(
    *,
    base_w: CalendarEvent,
    base_o: CalendarEvent,
    wedsync: CalendarEvent,
    outlook: CalendarEvent,
    held: Mapping[Field, HeldValues],
    drifted: frozenset[Field] = NO_FIELDS,
    flow: Flow = Flow(),
    prefix: str = "",
) -> Merge:
    """Judge every field of two canonical contents (Outlook's without its prefix).

    ``held`` are the open conflicts. ``drifted`` are fields known to differ although no base says so: where both ways
    are open they clash as soon as they are looked at.
    """
    sides = _Sides(base_w=base_w, base_o=base_o, wedsync=wedsync, outlook=outlook, prefix=prefix)
    still_held = frozenset(which for which, values in held.items() if _as_recorded(which, values, sides))
    superseded = frozenset(held) - still_held
    verdicts: dict[str, set[Field]] = {}
    for which in Field:
        if which not in still_held:
            unsettled = which in drifted or (which is Field.ATTENDEES and which in superseded)
            verdicts.setdefault(_judge(which, sides, flow, unsettled), set()).add(which)
    verdicts.pop("", None)
    fields: dict[str, Any] = {name: frozenset(found) for name, found in verdicts.items()}
    return Merge(still_held=still_held, superseded=superseded, **fields)


def _as_recorded(which: Field, values: HeldValues, sides: _Sides) -> bool:
    pairs = ((values.wedsync, sides.wedsync), (values.outlook, sides.outlook))
    return all(
        (recorded is not None and same(which, recorded, now))
        or (values.chosen is not None and holds(which, now, values.chosen, prefix=sides.prefix))
        for recorded, now in pairs
    )


def holds(which: Field, now: CalendarEvent, wanted: CalendarEvent, *, prefix: str) -> bool:
    """Whether a side has the wanted value of a field, as far as Outlook can represent it."""
    return same(which, wanted, now) or same(which, fitted(wanted, prefix), now)


_ONE_MOVED: Mapping[Side, str] = {Side.WEDSYNC: "to_outlook", Side.OUTLOOK: "to_wedsync"}


def _judge(which: Field, sides: _Sides, flow: Flow, unsettled: bool) -> str:
    """Return the name of the set in ``Merge``; empty where there is nothing to do.

    ``unsettled`` fields are known to be at odds whatever the bases say. ``ATTENDEES`` are settled by being seen: their
    base is always what was last seen, so that a difference is reported once and a meeting is known without a read.
    """
    moved = sides.moved(which)
    if not moved and not unsettled:
        return ""
    if sides.equal(which):
        return "agreed"
    if which is Field.ATTENDEES:
        return "clashes" if flow.reports else ""
    ways = flow.ways(which)
    if ways == BOTH and (unsettled or moved == BOTH):
        return "clashes"
    carried = [_ONE_MOVED[side] for side in sorted(moved) if side.other in ways]
    return carried[0] if carried else "drifted"
