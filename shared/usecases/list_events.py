"""The mapped events with what is known of both sides, page by page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shared.core.event import CalendarEvent
from shared.core.history import Conflict
from shared.core.mapping import EventMapping, Role
from shared.core.states import MappingState
from shared.core.walltime import first_day
from shared.ports import Conflicts, Integrations, Mappings
from shared.usecases.connect_state import connection_of
from shared.usecases.report_status import status_of


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """What to list: any of the types, any of the statuses, starting inside the dates; empty means all.

    A date is that of the event's own zone.
    """

    event_types: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, kw_only=True)
class MappedEvent:
    """One mapping with its sync status and its open conflicts. ``elsewhere``: in a calendar that was synced earlier."""

    mapping: EventMapping
    status: str
    conflicts: tuple[Conflict, ...] = ()
    elsewhere: bool = False


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """One page; ``page`` counts from 1. ``syncing``: the connection carries changes now."""

    events: tuple[MappedEvent, ...]
    page: int
    total_pages: int
    total_events: int
    syncing: bool


def day_of(event: CalendarEvent | None) -> date | None:
    """Return the day on which the event begins in its own zone."""
    return first_day(event.time) if event else None


@dataclass(frozen=True, kw_only=True)
class ListEvents:
    """Read the mappings of the user's connection."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts

    async def run(self, user_id: str, wanted: EventFilter, *, page: int, page_size: int) -> EventPage:
        """Return a page in order of date; ``NotFound`` without a connection."""
        integration = (await connection_of(self.integrations, user_id)).value
        integration_id = integration.integration_id
        open_conflicts = _by_mapping(await self.conflicts.open_all(integration_id))
        found: list[MappedEvent] = []
        async for stored in self.mappings.all(integration_id):
            mapping = stored.value
            if mapping.role is not Role.EVENT or mapping.state is MappingState.ENDED:
                continue
            conflicts = open_conflicts.get(mapping.mapping_id, ())
            status = status_of(mapping, in_conflict=bool(conflicts))
            elsewhere = mapping.outlook_id is not None and mapping.calendar_id != integration.calendar_id
            event = MappedEvent(mapping=mapping, status=status, conflicts=conflicts, elsewhere=elsewhere)
            if _matches(event, wanted):
                found.append(event)
        found.sort(key=lambda event: (_sort_day(event.mapping), event.mapping.mapping_id))
        first = (page - 1) * page_size
        return EventPage(
            events=tuple(found[first : first + page_size]),
            page=page,
            total_pages=max(1, -(-len(found) // page_size)),
            total_events=len(found),
            syncing=integration.syncing,
        )


def _by_mapping(conflicts: Iterable[Conflict]) -> dict[str, tuple[Conflict, ...]]:
    grouped: dict[str, tuple[Conflict, ...]] = {}
    for conflict in conflicts:
        grouped[conflict.mapping_id] = (*grouped.get(conflict.mapping_id, ()), conflict)
    return grouped


def _sort_day(mapping: EventMapping) -> date:
    return day_of(mapping.base_w) or day_of(mapping.base_o) or date.max


def _matches(event: MappedEvent, wanted: EventFilter) -> bool:
    if wanted.event_types and event.mapping.event_type not in wanted.event_types:
        return False
    if wanted.statuses and event.status not in wanted.statuses:
        return False
    day = _sort_day(event.mapping)
    return (wanted.start is None or day >= wanted.start) and (wanted.end is None or day <= wanted.end)
