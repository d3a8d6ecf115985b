"""What the document says about availability and meetings: operations, and an example of each body."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from shared.triggers import meeting_shapes
from shared.triggers.openapi.operation import AT_MICROSOFT, CONNECTED, SYNCING, Answered, Given, Operation, merged

_MEETING = merged(CONNECTED, SYNCING, {404: ("meeting_not_found",)}, AT_MICROSOFT)
_MAILS: Mapping[int, tuple[str, ...]] = {
    409: ("event_busy", "guests_would_be_mailed", "not_organizer", "travel_block"),
    422: ("meeting_refused",),
}
_DAY = (
    Given(
        name="date",
        place="query",
        says="Which day, as the mailbox's zone counts days; within four years.",
        schema={"type": "string", "format": "date"},
        example="2026-06-22",
        required=True,
    ),
    Given(
        name="duration",
        place="query",
        says="How many minutes the meeting takes.",
        schema={"type": "integer", "minimum": 5, "maximum": 1440},
        example=60,
        required=True,
    ),
    Given(
        name="attendees",
        place="query",
        says="Addresses of people whose time counts too, separated by commas. Graph knows that of colleagues.",
        schema={"type": "array", "items": {"type": "string", "format": "email"}, "maxItems": 19},
        example=["ivy@example.com"],
    ),
)


def operations(idempotency_key: Given) -> dict[str, Operation]:
    """Return the operations by the names of their functions."""
    return {
        "availability": Operation(
            tag="Meetings",
            given=_DAY,
            answers={200: Answered(says="The free times of the day.", model=meeting_shapes.AvailabilityResponse)},
            problems=merged({400: ("invalid_query",), 422: ("date_too_far",)}, CONNECTED, AT_MICROSOFT),
        ),
        "make_meeting": Operation(
            tag="Meetings",
            takes=meeting_shapes.MeetingRequestShape,
            given=(idempotency_key,),
            answers={
                200: Answered(says="It was made by an earlier call.", model=meeting_shapes.MeetingResponse),
                201: Answered(says="It is made, and its guests are invited.", model=meeting_shapes.MeetingResponse),
            },
            problems=merged(
                CONNECTED,
                SYNCING,
                AT_MICROSOFT,
                {
                    400: ("invalid_idempotency_key",),
                    409: ("meeting_gone",),
                    422: (
                        "idempotency_key_reused",
                        "meeting_refused",
                        "meeting_time",
                        "meeting_title",
                        "online_meeting_unavailable",
                    ),
                },
            ),
        ),
        "change_meeting": Operation(
            tag="Meetings",
            takes=meeting_shapes.MeetingChangeShape,
            body_optional=True,
            answers={200: Answered(says="The meeting as it is now.", model=meeting_shapes.MeetingResponse)},
            problems=merged(
                _MEETING,
                _MAILS,
                {422: ("meeting_time", "meeting_title", "online_meeting_stays", "online_meeting_unavailable")},
            ),
        ),
        "cancel_meeting": Operation(
            tag="Meetings",
            takes=meeting_shapes.MeetingCancelShape,
            body_optional=True,
            answers={200: Answered(says="It is cancelled.", model=meeting_shapes.MeetingCancelledResponse)},
            problems=merged(_MEETING, _MAILS),
        ),
    }


_GUESTS = [{"email": "ann@example.com", "name": "Ann"}]
_MADE = {
    "eventId": "evt_4f6c",
    "outlookEventId": "AAMkAGI2AAA=",
    "eventType": "client_meeting",
    "title": "Menu tasting",
    "startTime": "2026-06-22T14:00:00",
    "endTime": "2026-06-22T15:00:00",
    "timeZone": "Europe/London",
    "isAllDay": False,
    "location": "Mill House",
    "body": "Bring the list.",
    "attendees": _GUESTS,
    "isOnlineMeeting": True,
    "joinUrl": "https://teams.microsoft.com/l/meetup-join/19%3ameeting_1",
    "mailed": ["ann@example.com"],
    "fields": [],
    "repeated": False,
    "warnings": [],
}
EXAMPLES: Mapping[type[BaseModel], Mapping[str, Any]] = {
    meeting_shapes.MeetingRequestShape: {
        "a meeting with a guest": {
            "title": "Menu tasting",
            "startTime": "2026-06-22T14:00:00",
            "endTime": "2026-06-22T15:00:00",
            "timeZone": "Europe/London",
            "attendees": [{"email": "ann@example.com", "name": "Ann"}],
            "location": "Mill House",
            "body": "Bring the list.",
            "isOnlineMeeting": True,
        }
    },
    meeting_shapes.MeetingChangeShape: {
        "another time": {
            "startTime": "2026-06-22T16:00:00",
            "endTime": "2026-06-22T17:00:00",
            "timeZone": "Europe/London",
            "mailGuests": True,
        }
    },
    meeting_shapes.MeetingCancelShape: {
        "with a message": {"message": "I am sorry, the kitchen is closed that day.", "mailGuests": True}
    },
    meeting_shapes.MeetingResponse: {"made": _MADE, "changed": _MADE | {"fields": ["dateTime"]}},
    meeting_shapes.MeetingCancelledResponse: {
        "cancelled": {
            "success": True,
            "eventId": "evt_4f6c",
            "mailed": ["ann@example.com"],
            "syncId": "5b0c2f5e-3f0e-4c64-9d1b-0a4f0f1c7d11",
        }
    },
    meeting_shapes.AvailabilityResponse: {
        "a day": {
            "date": "2026-06-22",
            "timeZone": "Europe/London",
            "duration": 60,
            "workingPeriods": [{"start": "2026-06-22T08:00:00+01:00", "end": "2026-06-22T17:00:00+01:00"}],
            "freePeriods": [{"start": "2026-06-22T08:00:00+01:00", "end": "2026-06-22T09:30:00+01:00"}],
            "slots": [
                {"start": "2026-06-22T08:00:00+01:00", "end": "2026-06-22T09:00:00+01:00"},
                {"start": "2026-06-22T08:30:00+01:00", "end": "2026-06-22T09:30:00+01:00"},
            ],
            "attendees": [{"email": "ivy@example.com", "known": True}],
        }
    },
}
