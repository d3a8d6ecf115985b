"""The deletion guard: a flood of deletions is more likely a fault than a wish, so it waits for a person's word.

Pure: the caller keeps the list of recent deletions, of both lanes together.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.mapping import EventMapping

GUARD_PERIOD = timedelta(minutes=10)
ALWAYS_ALLOWED = 5
"""So many deletions in the period pass in any calendar, unless they are half of it."""

SHARE = 0.1
HALF_FROM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A deletion that was carried out on one side. ``key`` is ``deletion_key``'s: a series counts once."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may be deleted now and what waits for the ``Confirmation``; keys, in the order given."""

    allowed: tuple[str, ...]
    held: tuple[str, ...]
    reason: str = ""


def deletion_key(mapping: EventMapping) -> str:
    """Return what is counted: the series of an occurrence, else the event, whose travel block goes with it."""
    if mapping.series_id:
        return f"series:{mapping.series_id}"
    return f"event:{mapping.wedsync_id}" if mapping.wedsync_id else mapping.mapping_id


def weigh(
    wanted: Collection[str], *, recent: Collection[Deletion], now: datetime, mapped: int, source_empty: bool = False
) -> Verdict:
    """Weigh the deletions wanted on one side of one integration.

    ``recent`` are those carried out there before; only the last ten minutes count. ``mapped`` is the number of mapped
    events (series once) before the deletions that are wanted now. ``source_empty``: the other side, whose absences
    are the reason, was read to the end and shows not one of the mapped events.
    """
    keys = tuple(dict.fromkeys(wanted))
    lately = {deletion.key for deletion in recent if now - deletion.at < GUARD_PERIOD}
    count, total = len(lately | set(keys)), mapped + len(lately - set(keys))
    if not keys or not (reason := _reason(count, total, source_empty=source_empty)):
        return Verdict(allowed=keys, held=())
    return Verdict(allowed=(), held=keys, reason=reason)


def _reason(count: int, total: int, *, source_empty: bool) -> str:
    if source_empty:
        return "One calendar suddenly shows none of the synced events."
    if count > max(ALWAYS_ALLOWED, SHARE * total) or (count >= HALF_FROM and 2 * count >= total):
        return f"{count} of {total} synced events would be deleted within ten minutes."
    return ""
