"""The writes on events as requests, and the two that need more than one: odd time zones, online meetings."""

import json
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import replace

from shared.core.event import Field
from shared.errors import Rejected, VersionMismatch
from shared.graph.memory import PlainEvents
from shared.graph.protocol import (
    CALENDAR_MARKER_ID,
    SERVICE,
    GraphRequest,
    GraphResponse,
    Subject,
    query,
    read,
    segment,
    text,
    write,
)
from shared.graph.refusals import zone_refused
from shared.graph.wire import dumps, patch_members
from shared.graph.wire_body import beside_join_block
from shared.graph.wire_time import moved_to_utc, written_zone
from shared.log import log_action
from shared.ports import BatchCreate, BatchDelete, BatchItem, BatchUpdate

_EVENT = "/me/events/{id}"


def request_of(item: BatchItem, *, zones: Container[str]) -> GraphRequest:
    """Return the request of a batch's item."""
    match item:
        case BatchCreate():
            return create_request(item)
        case BatchUpdate():
            return update_request(item, zones=zones)
        case BatchDelete():
            return delete_request(item)


def create_request(item: BatchCreate) -> GraphRequest:
    """Return the POST of a composed body, which carries its ``transactionId`` and so may be repeated (C13, C14)."""
    path = f"/me/calendars/{segment(item.calendar_id)}/events"
    return write("POST", path, "/me/calendars/{id}/events", Subject.CALENDAR, body=item.payload, repeatable=True)


def calendar_request(name: str, marker: str) -> GraphRequest:
    """Return the POST of a calendar that carries our marker."""
    body = {"name": name, "singleValueExtendedProperties": [{"id": CALENDAR_MARKER_ID, "value": marker}]}
    return write("POST", "/me/calendars", "/me/calendars", Subject.MAILBOX, body=dumps(body))


def update_request(item: BatchUpdate, *, zones: Container[str]) -> GraphRequest:
    """Return the PATCH of the fields that changed."""
    body = dumps(patch_members(item.patch, refused_zones=zones))
    return write("PATCH", f"/me/events/{segment(item.event_id)}", _EVENT, Subject.EVENT, body=body, etag=item.etag)


def delete_request(item: BatchDelete) -> GraphRequest:
    """Return the DELETE."""
    return write("DELETE", f"/me/events/{segment(item.event_id)}", _EVENT, Subject.EVENT, etag=item.etag)


# --- Online meetings ----------------------------------------------------------------------------------------------


def needs_body(item: BatchItem, plain: PlainEvents) -> bool:
    """Whether the event's body must be read before it is written: there may be a join block in it (fact C21)."""
    if not isinstance(item, BatchUpdate) or Field.DESCRIPTION not in item.patch.fields:
        return False
    return not plain.has(item.event_id, item.etag)


def body_read(event_id: str) -> GraphRequest:
    """Return the GET of an event's body as HTML."""
    path = f"/me/events/{segment(event_id)}" + query(_select="body,isOnlineMeeting,onlineMeeting")
    return read(path, _EVENT, Subject.EVENT, body="html")


def with_body(request: GraphRequest, item: BatchUpdate, found: Mapping[str, object]) -> GraphRequest:
    """Return the PATCH with its text beside the join block that was read; ``VersionMismatch`` if that is newer."""
    if item.etag and text(found.get("@odata.etag")) != item.etag:
        raise VersionMismatch(SERVICE, code="ReadBeforeWrite")
    body = json.loads(request.body or "{}")
    body["body"] = beside_join_block(found, item.patch.content.description)
    return replace(request, body=dumps(body))


# --- Time zones ---------------------------------------------------------------------------------------------------


class RefusedZones(Container[str]):
    """The zones that Graph has refused on write so far (fact C28): times in them are written in UTC."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def in_utc(self, request: GraphRequest, fault: object) -> GraphRequest | None:
        """Return the refused write with its times in UTC, or None if its zone cannot be the reason."""
        if not zone_refused(fault) or not request.body:
            return None
        body = json.loads(request.body)
        moved = moved_to_utc(body)
        return None if moved is None else replace(request, body=dumps(moved))

    def note(self, request: GraphRequest) -> None:
        """Remember the zone of a write that was refused in it and taken in UTC."""
        zone = written_zone(json.loads(request.body or "{}"))
        if zone and zone not in self._names:
            self._names.add(zone)
            log_action("outlook_zone_refused", zone=zone)

    async def insist(
        self, request: GraphRequest, send: Callable[[GraphRequest], Awaitable[GraphResponse]]
    ) -> GraphResponse:
        """Send a write, and once more in UTC if it was refused for its zone."""
        try:
            return await send(request)
        except Rejected as fault:
            moved = self.in_utc(request, fault)
            if moved is None:
                raise
        answer = await send(moved)
        self.note(request)
        return answer
