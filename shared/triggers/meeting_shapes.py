"""The JSON of availability and of meetings, which WS-217 leaves open: names as in the older sketch."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints

from shared.triggers.shapes import Shape

MOST_GUESTS = 100
EventTypeText = Literal[
    "client_meeting",
    "venue_visit",
    "vendor_meeting",
    "wedding_ceremony",
    "wedding_reception",
    "engagement_shoot",
    "deadline",
    "task_due",
    "rehearsal",
]
_PART = r'[^@\s\x00-\x1f\x7f-\x9f\ufeff<>",;\\]+'
"""Blanks and controls are named too: what a blank is differs between kinds of regular expressions."""
Address = Annotated[str, StringConstraints(strict=True, min_length=3, max_length=254, pattern=f"^{_PART}@{_PART}$")]
_Title = Annotated[str, Field(min_length=1, max_length=255, strict=True)]
_Clock = Annotated[str, Field(min_length=16, max_length=40, strict=True)]
_Zone = Annotated[str, Field(min_length=1, max_length=120, strict=True)]
_Place = Annotated[str, Field(max_length=1000, strict=True)]
_Text = Annotated[str, Field(max_length=100_000, strict=True)]


class GuestShape(Shape):
    """Somebody to be invited."""

    email: Address
    name: Annotated[str, Field(max_length=256, strict=True)] = ""
    type: Literal["required", "optional"] = "required"


def _with_name(given: object) -> object:
    return {"email": given} if isinstance(given, str) else given


_Guest = Annotated[GuestShape, BeforeValidator(_with_name, json_schema_input_type=GuestShape | Address)]
"""The sketch's plain address is taken as well."""
_Addresses = Annotated[list[Address], Field(max_length=MOST_GUESTS)]
_Guests = Annotated[list[_Guest], Field(min_length=1, max_length=MOST_GUESTS)]


class MeetingRequestShape(Shape):
    """A meeting to be made. Times without an offset are local to ``timeZone``, an IANA or Windows name."""

    title: _Title
    start_time: _Clock
    end_time: _Clock
    time_zone: _Zone
    attendees: _Guests
    location: _Place = ""
    body: _Text = ""
    is_online_meeting: StrictBool = False
    event_type: EventTypeText = "client_meeting"


class MeetingChangeShape(Shape):
    """What is to be different; what is absent stays. The three members of the time go together.

    ``mailGuests``: the caller knows whom Outlook mails about it. ``mails`` may name them, as the refusal without it
    does: then nobody is mailed who has been invited since.
    """

    title: _Title | None = None
    start_time: _Clock | None = None
    end_time: _Clock | None = None
    time_zone: _Zone | None = None
    attendees: _Guests | None = None
    location: _Place | None = None
    body: _Text | None = None
    is_online_meeting: StrictBool | None = None
    mail_guests: StrictBool = False
    mails: _Addresses = Field(default_factory=list)


class MeetingCancelShape(Shape):
    """``message`` goes to the guests; ``mailGuests``: the caller knows who they are, and may name them in ``mails``."""

    message: Annotated[str, Field(max_length=10_000, strict=True)] = ""
    mail_guests: StrictBool = False
    mails: _Addresses = Field(default_factory=list)


class PersonShape(Shape):
    """Somebody on the meeting."""

    email: str
    name: str


class MeetingWarning(Shape):
    """Something that was asked for and is not there."""

    code: Literal["online_meeting_refused", "join_link_pending"]
    detail: str


class MeetingResponse(Shape):
    """The meeting as Outlook has it, and in ``mailed`` whom Outlook wrote to about this call.

    ``startTime`` and ``endTime`` are local to ``timeZone``. ``fields`` are those that this call changed. ``repeated``:
    an earlier call with the same ``Idempotency-Key`` had made it.
    """

    event_id: str
    outlook_event_id: str
    event_type: EventTypeText
    title: str
    start_time: str
    end_time: str
    time_zone: str
    is_all_day: bool
    location: str
    body: str
    attendees: list[PersonShape]
    is_online_meeting: bool
    join_url: str | None = None
    mailed: list[str]
    fields: list[str]
    repeated: bool
    warnings: list[MeetingWarning]


class MeetingCancelledResponse(Shape):
    """The meeting is gone on both sides; ``mailed`` were told."""

    success: bool
    event_id: str
    mailed: list[str]
    sync_id: str


class SpanShape(Shape):
    """From ``start`` up to ``end``, with the offset of the mailbox's zone."""

    start: str
    end: str


class AskedPersonShape(Shape):
    """Somebody whose time was asked for; where it is not ``known``, it does not count."""

    email: str
    known: bool


class AvailabilityResponse(Shape):
    """A day: its working time, what is free of it, and the meetings of ``duration`` minutes that fit."""

    date: str
    time_zone: str
    duration: int
    working_periods: list[SpanShape]
    free_periods: list[SpanShape]
    slots: list[SpanShape]
    attendees: list[AskedPersonShape]
