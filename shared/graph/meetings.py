"""The Meetings port: the only writes that are meant to mail guests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.core.event import Field
from shared.core.meeting import Guest, MeetingDraft, MeetingPatch, MeetingState
from shared.graph.client import GraphClient
from shared.graph.protocol import (
    MEETING_MARKER_ID,
    GraphRequest,
    GraphResponse,
    Subject,
    marked,
    members,
    query,
    read,
    rows,
    segment,
    text,
    write,
)
from shared.graph.wire import compose_event, dumps, read_event
from shared.graph.writes import RefusedZones, body_read, create_request, update_request, with_body
from shared.ports import BatchCreate, BatchUpdate, OutlookDraft, OutlookPatch

_EVENT = "/me/events/{id}"
_EVENTS = "/me/calendars/{id}/events"


class GraphMeetings:
    """Implements ``ports.Meetings``."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._zones = RefusedZones()

    async def can_meet_online(self, integration_id: str, calendar_id: str) -> bool:
        """Ask before anybody is invited: a wish that cannot be met is dropped without a word (fact C30).

        https://learn.microsoft.com/graph/outlook-calendar-online-meetings
        """
        path = f"/me/calendars/{segment(calendar_id)}" + query(_select="id,allowedOnlineMeetingProviders")
        answer = await self._client.send(integration_id, read(path, "/me/calendars/{id}", Subject.CALENDAR))
        allowed = members(answer.body).get("allowedOnlineMeetingProviders")
        return isinstance(allowed, list) and any(name != "unknown" for name in allowed)

    def compose(self, draft: MeetingDraft) -> str:
        """Return the exact body of a create.

        The mark is not the mappings' marker: that would make the meeting a copy of ours, to be removed on disconnect.
        """
        body = json.loads(compose_event(_as_event(draft), refused_zones=self._zones))
        body["attendees"] = attendee_rows(draft.guests)
        body["singleValueExtendedProperties"] = [{"id": MEETING_MARKER_ID, "value": draft.transaction_id}]
        if draft.online:
            body["isOnlineMeeting"] = True
        return dumps(body)

    async def create(self, integration_id: str, calendar_id: str, payload: str) -> MeetingState:
        """POST a composed body; once more in UTC if Graph refuses its zone."""
        request = create_request(BatchCreate(calendar_id=calendar_id, payload=payload))
        return read_meeting(await self._write(integration_id, request))

    async def read(self, integration_id: str, event_id: str) -> MeetingState:
        """Return the meeting."""
        request = read(f"/me/events/{segment(event_id)}", _EVENT, Subject.EVENT)
        return read_meeting(await self._client.send(integration_id, request))

    async def find(self, integration_id: str, calendar_id: str, transaction_id: str) -> MeetingState | None:
        """Return the meeting with our mark; a copy that somebody made of it has another transactionId."""
        options = query(_filter=marked(transaction_id, property_id=MEETING_MARKER_ID), _top="50")
        path = f"/me/calendars/{segment(calendar_id)}/events{options}"
        answer = await self._client.send(integration_id, read(path, _EVENTS, Subject.CALENDAR))
        own = (row for row in rows(answer.body) if row.get("transactionId") in (transaction_id, None))
        return next((_meeting(row) for row in own), None)

    async def update(self, integration_id: str, *, event_id: str, etag: str, patch: MeetingPatch) -> MeetingState:
        """PATCH the named fields; a description goes beside the join block, which is read first."""
        fields = patch.fields - {Field.ATTENDEES}
        item = BatchUpdate(
            event_id=event_id, etag=etag, patch=OutlookPatch(fields=fields, content=patch.content, title=patch.title)
        )
        request = update_request(item, zones=self._zones)
        if Field.DESCRIPTION in fields:
            answer = await self._client.send(integration_id, body_read(event_id))
            request = with_body(request, item, members(answer.body))
        body = json.loads(request.body or "{}")
        if Field.ATTENDEES in patch.fields:
            body["attendees"] = attendee_rows(patch.guests)
        if patch.online:
            body["isOnlineMeeting"] = True
        return read_meeting(await self._write(integration_id, replace(request, body=dumps(body))))

    async def cancel(self, integration_id: str, *, event_id: str, message: str) -> None:
        """POST cancel, which knows no ``If-Match``. https://learn.microsoft.com/graph/api/event-cancel"""
        path = f"/me/events/{segment(event_id)}/cancel"
        body = dumps({"comment": message})
        await self._client.send(integration_id, write("POST", path, f"{_EVENT}/cancel", Subject.EVENT, body=body))

    async def _write(self, integration_id: str, request: GraphRequest) -> GraphResponse:
        return await self._zones.insist(request, lambda wanted: self._client.send(integration_id, wanted))


def attendee_rows(guests: Sequence[Guest]) -> list[dict[str, object]]:
    """Return ``attendees`` as Graph takes them."""
    return [
        {
            "emailAddress": {"address": guest.email, **({"name": guest.name} if guest.name else {})},
            "type": "optional" if guest.optional else "required",
        }
        for guest in guests
    ]


def read_meeting(answer: GraphResponse) -> MeetingState:
    """Return the meeting in an answer."""
    return _meeting(members(answer.body))


def _meeting(item: Mapping[str, object]) -> MeetingState:
    return MeetingState(event=read_event(item), join_url=text(members(item.get("onlineMeeting")).get("joinUrl")))


def _as_event(draft: MeetingDraft) -> OutlookDraft:
    return OutlookDraft(
        mapping_id=draft.transaction_id,
        transaction_id=draft.transaction_id,
        content=draft.content,
        title=draft.content.title,
        reminder_minutes=draft.reminder_minutes,
        categories=draft.categories,
    )
