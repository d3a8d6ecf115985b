"""A page of ``calendarView/delta`` as a value: full items, occurrences filled from their masters, removals."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.event import OutlookKind, OutlookState
from shared.graph.memory import SeriesMasters
from shared.graph.protocol import rows, text
from shared.graph.wire import fill_occurrence, is_minimal, is_removed, read_event

NEXT_LINK = "@odata.nextLink"
DELTA_LINK = "@odata.deltaLink"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageItems:
    """What stood on a page. ``unresolved`` are occurrences whose master has not been seen: without content."""

    events: tuple[OutlookState, ...]
    occurrences: tuple[OutlookState, ...]
    unresolved: tuple[str, ...]
    removed: tuple[str, ...]


def read_page(integration_id: str, body: object, masters: SeriesMasters) -> PageItems:
    """Return the items of a page. On the same page a master may stand behind its occurrences (fact C37)."""
    items = [item for item in rows(body) if text(item.get("id"))]
    here: dict[str, Mapping[str, object]] = {}
    for item in items:
        if item.get("type") == OutlookKind.MASTER and not is_removed(item):
            here[text(item.get("id"))] = item
            masters.note(integration_id, item)
    events, occurrences, unresolved = [], [], []
    for item in items:
        if is_removed(item):
            continue
        if not is_minimal(item):
            events.append(read_event(item))
            continue
        master = here.get(text(item.get("seriesMasterId"))) or masters.of(integration_id, item)
        occurrences.append(fill_occurrence(item, master or {}))
        if master is None:
            unresolved.append(text(item.get("id")))
    removed = dict.fromkeys(text(item.get("id")) for item in items if is_removed(item))
    return PageItems(
        events=tuple(events),
        occurrences=tuple(occurrences),
        unresolved=tuple(unresolved),
        removed=tuple(removed),
    )
