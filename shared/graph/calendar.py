"""The Outlook port: calendars and events of a mailbox, through Graph."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from shared.core.event import OutlookState
from shared.core.integration import CalendarInfo, SyncWindow
from shared.errors import CursorExpired, OperatorFault, Rejected, StateConflict
from shared.graph.batches import Batches
from shared.graph.client import GraphClient
from shared.graph.delta import DELTA_LINK, NEXT_LINK, read_page
from shared.graph.memory import PlainEvents, SeriesMasters
from shared.graph.protocol import (
    CALENDAR_MARKER_ID,
    PAGE_SIZE,
    SERVICE,
    ForeignLink,
    GraphRequest,
    GraphResponse,
    Subject,
    instant,
    marked,
    members,
    path_of,
    query,
    read,
    rows,
    segment,
    text,
    with_marker,
)
from shared.graph.wire import compose_event, read_calendar, read_event
from shared.graph.wire_time import recurrence_zone
from shared.graph.writes import (
    RefusedZones,
    body_read,
    calendar_request,
    create_request,
    delete_request,
    needs_body,
    update_request,
    with_body,
)
from shared.ports import BatchCreate, BatchDelete, BatchItem, BatchUpdate, DeltaPage, OutlookDraft, OutlookPatch

_EVENT = "/me/events/{id}"
_MASTER_MEMBERS = "recurrence,originalStartTimeZone,originalEndTimeZone"


class GraphOutlook:
    """Implements ``ports.Outlook``. One per process; what it remembers saves requests and decides nothing."""

    def __init__(self, client: GraphClient, *, page_size: int = PAGE_SIZE) -> None:
        self._client = client
        self._page_size = page_size
        self._plain = PlainEvents()
        self._masters = SeriesMasters()
        self._zones = RefusedZones()
        self._batches = Batches(client, plain=self._plain, zones=self._zones)

    async def calendars(self, integration_id: str) -> tuple[CalendarInfo, ...]:
        """Return all calendars of the mailbox, the default one first."""
        path = "/me/calendars" + query(_top="100")
        found = [read_calendar(item) async for item in self._items(integration_id, path, "/me/calendars")]
        return tuple(sorted(found, key=lambda calendar: not calendar.is_default))

    async def marked_calendars(self, integration_id: str, marker: str) -> tuple[CalendarInfo, ...]:
        """Return the calendars that carry this marker."""
        path = "/me/calendars" + query(_filter=marked(marker, property_id=CALENDAR_MARKER_ID), _top="100")
        return tuple([read_calendar(item) async for item in self._items(integration_id, path, "/me/calendars")])

    async def create_calendar(self, integration_id: str, *, name: str, marker: str) -> CalendarInfo:
        """POST a calendar; Graph has no ``transactionId`` for it, so it is never sent twice here."""
        try:
            answer = await self._client.send(integration_id, calendar_request(name, marker))
        except Rejected as fault:
            if fault.status != 409:
                raise
            raise StateConflict("calendar_exists", "There is a calendar of this name.") from None
        return read_calendar(members(answer.body))

    async def event(self, integration_id: str, event_id: str) -> OutlookState:
        """Return the event with its marker expanded."""
        path = f"/me/events/{segment(event_id)}" + with_marker()
        answer = await self._client.send(integration_id, read(path, _EVENT, Subject.EVENT))
        return self._read(answer)

    async def calendar_of(self, integration_id: str, event_id: str) -> str:
        """Return the id of the calendar that holds the event."""
        path = f"/me/events/{segment(event_id)}/calendar" + query(_select="id")
        answer = await self._client.send(integration_id, read(path, f"{_EVENT}/calendar", Subject.EVENT))
        return text(members(answer.body).get("id"))

    async def calendar_answers(self, integration_id: str, calendar_id: str) -> None:
        """Return if the calendar is there."""
        path = f"/me/calendars/{segment(calendar_id)}" + query(_select="id")
        await self._client.send(integration_id, read(path, "/me/calendars/{id}", Subject.CALENDAR))

    def compose(self, draft: OutlookDraft) -> str:
        """Return the exact body of a create."""
        return compose_event(draft, refused_zones=self._zones)

    async def create(self, integration_id: str, calendar_id: str, payload: str) -> OutlookState:
        """POST a composed body; once more in UTC if Graph refuses its zone."""
        item = BatchCreate(calendar_id=calendar_id, payload=payload)
        return self._read(await self._write(integration_id, create_request(item)))

    async def update(self, integration_id: str, *, event_id: str, etag: str, patch: OutlookPatch) -> OutlookState:
        """PATCH the named fields; for a description, whether there is a join block is read first unless known."""
        item = BatchUpdate(event_id=event_id, etag=etag, patch=patch)
        request = update_request(item, zones=self._zones)
        if needs_body(item, self._plain):
            answer = await self._client.send(integration_id, body_read(event_id))
            request = with_body(request, item, members(answer.body))
        return self._read(await self._write(integration_id, request))

    async def delete(self, integration_id: str, *, event_id: str, etag: str = "") -> None:
        """DELETE."""
        await self._client.send(integration_id, delete_request(BatchDelete(event_id=event_id, etag=etag)))

    async def find_marked(self, integration_id: str, calendar_id: str, mapping_id: str) -> tuple[OutlookState, ...]:
        """Return the events whose marker names the mapping."""
        path = self._events_path(calendar_id) + with_marker(_filter=marked(mapping_id), _top="50")
        answer = await self._client.send(integration_id, self._listing(path))
        return tuple(self._plain.note(read_event(item)) for item in rows(answer.body))

    async def all_marked(self, integration_id: str, calendar_id: str) -> AsyncIterator[OutlookState]:
        """Yield every event of the calendar that carries any marker of ours.

        All events are read, and ours picked out here. The API's reference only compares the property with a value (a
        guide for add-ins shows ``ne null`` as well), and a sweep must not depend on what a filter leaves out.
        """
        path = self._events_path(calendar_id) + with_marker(_top=str(self._page_size))
        async for item in self._items(integration_id, path, "/me/calendars/{id}/events", Subject.CALENDAR):
            state = self._plain.note(read_event(item))
            if state.marker is not None:
                yield state

    async def delta(self, integration_id: str, *, calendar_id: str, window: SyncWindow, link: str = "") -> DeltaPage:
        """Return one page. A link that is not of this service counts as expired."""
        options = query(startDateTime=instant(window.start), endDateTime=instant(window.end))
        path = f"/me/calendars/{segment(calendar_id)}/calendarView/delta{options}"
        try:
            path = path_of(link, self._client.base_url) if link else path
        except ForeignLink:
            raise CursorExpired(SERVICE, code="ForeignLink") from None
        template = "/me/calendars/{id}/calendarView/delta"
        request = read(path, template, Subject.DELTA, page_size=self._page_size)
        answer = await self._client.send(integration_id, request)
        items = read_page(integration_id, answer.body, self._masters)
        for state in items.events:
            self._plain.note(state)
        next_link, delta_link = self._link(answer, NEXT_LINK), self._link(answer, DELTA_LINK)
        if not next_link and not delta_link:
            raise CursorExpired(SERVICE, code="NoLink")
        return DeltaPage(
            events=items.events,
            occurrences=items.occurrences,
            unresolved=items.unresolved,
            removed=items.removed,
            next_link=next_link,
            delta_link="" if next_link else delta_link,
        )

    async def instances(self, integration_id: str, *, series_id: str, window: SyncWindow) -> tuple[OutlookState, ...]:
        """Return the occurrences and exceptions in the window; the series' zone is read where a date depends on it."""
        options = query(startDateTime=instant(window.start), endDateTime=instant(window.end), _top=str(self._page_size))
        path, template = f"/me/events/{segment(series_id)}/instances{options}", f"{_EVENT}/instances"
        items = [item async for item in self._items(integration_id, path, template, Subject.EVENT)]
        zone = ""
        if any(not item.get("occurrenceId") for item in items):
            path = f"/me/events/{segment(series_id)}" + query(_select=_MASTER_MEMBERS)
            answer = await self._client.send(integration_id, read(path, _EVENT, Subject.EVENT))
            zone = recurrence_zone(members(answer.body))
        return tuple(replace(read_event(item, series_zone=zone), series_id=series_id) for item in items)

    async def batch(
        self, integration_id: str, items: Sequence[BatchItem]
    ) -> tuple[OutlookState | Exception | None, ...]:
        """Carry out up to 20 writes in one ``$batch``."""
        return await self._batches.carry_out(integration_id, items)

    # --- Inside -----------------------------------------------------------------------------------------------

    async def _write(self, integration_id: str, request: GraphRequest) -> GraphResponse:
        return await self._zones.insist(request, lambda wanted: self._client.send(integration_id, wanted))

    def _read(self, answer: GraphResponse) -> OutlookState:
        return self._plain.note(read_event(members(answer.body)))

    def _events_path(self, calendar_id: str) -> str:
        return f"/me/calendars/{segment(calendar_id)}/events"

    def _listing(self, path: str) -> GraphRequest:
        return read(path, "/me/calendars/{id}/events", Subject.CALENDAR)

    async def _items(
        self, integration_id: str, path: str, template: str, subject: Subject = Subject.MAILBOX
    ) -> AsyncIterator[Mapping[str, object]]:
        """Yield the items of a collection, page after page."""
        while path:
            answer = await self._client.send(integration_id, read(path, template, subject))
            for item in rows(answer.body):
                yield item
            link = self._link(answer, NEXT_LINK)
            path = path_of(link, self._client.base_url) if link else ""

    def _link(self, answer: GraphResponse, name: str) -> str:
        """Return a link of an answer. One that leads elsewhere means that ``GRAPH_BASE_URL`` is not Graph's name."""
        link = text(members(answer.body).get(name))
        try:
            return link if link and path_of(link, self._client.base_url) else ""
        except ForeignLink:
            raise OperatorFault(SERVICE, code="ForeignLink") from None
