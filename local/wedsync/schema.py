"""The members of an event that a caller may send, and the rules that WedSync holds them to.

The member list is fixed in the design ("WedSync Events API"); ``docs/wedsync-events-api.yaml`` describes the same and
a test keeps the two in step. Nothing is coerced: a number is not a string, and an unknown member is refused.
"""

import json
import re
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from local.wedsync.problems import Problem

EventType = Literal[
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
Source = Literal["wedsync", "outlook"]
READ_ONLY = ("id", "version", "updatedAt", "deleted")
FIXED_AT_CREATION = ("source", "externalId")
LARGEST_BODY = 1024 * 1024
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _local_time(value: str) -> str:
    if not _LOCAL.fullmatch(value):
        raise ValueError("must be local time as YYYY-MM-DDTHH:MM:SS, without offset or fraction")
    datetime.fromisoformat(value)
    return value


def all_zones() -> list[str]:
    """Return the names of all time zones in order."""
    return sorted(_zones())


def valid_zone(name: str) -> bool:
    """Say whether WedSync takes this as a time zone."""
    return name in _zones()


def _zone(value: str) -> str:
    if not valid_zone(value):
        raise ValueError("must be an IANA time zone name")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value


def _link(value: str) -> str:
    if value and not value.startswith(("https://", "http://")):
        raise ValueError("must be an http(s) address or empty")
    return value


Model = TypeVar("Model", bound=BaseModel)
LocalTime = Annotated[str, AfterValidator(_local_time)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Place(_Strict):
    """Where an event is; empty strings when unknown."""

    name: str = Field(default="", max_length=1000)
    address: str = Field(default="", max_length=2000)


class Attendee(_Strict):
    """A guest of an event."""

    email: Annotated[str, AfterValidator(_email)] = Field(max_length=320)
    name: str = Field(default="", max_length=500)


class EventContent(_Strict):
    """What an event holds; the rules that span several members are checked on the whole."""

    type: EventType
    title: str = Field(max_length=1000)
    description: str = Field(default="", max_length=500_000)
    start: LocalTime
    end: LocalTime
    timeZone: Annotated[str, AfterValidator(_zone)]
    allDay: bool = False
    location: Place = Place()
    attendees: list[Attendee] = Field(default=[], max_length=500)
    travelMinutes: int | None = Field(default=None, ge=0, le=1440)
    private: bool = False
    url: Annotated[str, AfterValidator(_link)] = Field(default="", max_length=2000)

    @model_validator(mode="after")
    def _in_order(self) -> "EventContent":
        start, end = datetime.fromisoformat(self.start), datetime.fromisoformat(self.end)
        if end < start:
            raise ValueError("end must not be before start")
        if self.allDay and (start.time() != end.time() or start.time() != start.time().min):
            raise ValueError("an all-day event starts and ends at 00:00:00")
        if self.allDay and end == start:
            raise ValueError("the end of an all-day event is exclusive, so it lies at least one day after start")
        return self


class NewEvent(EventContent):
    """The body of a POST: the content, and where the event comes from."""

    source: Source = "wedsync"
    externalId: str | None = Field(default=None, min_length=1, max_length=2000)


class LoadedEvent(NewEvent):
    """An event as the control API takes it: a test may choose the id."""

    id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.~-]{1,100}$")


class EventPatch(_Strict):
    """The body of a PATCH: each member that is present replaces the stored one as a whole."""

    type: EventType = "client_meeting"
    title: str = ""
    description: str = ""
    start: str = ""
    end: str = ""
    timeZone: str = ""
    allDay: bool = False
    location: Place = Place()
    attendees: list[Attendee] = []
    travelMinutes: int | None = None
    private: bool = False
    url: str = ""


def parse(model: type[Model], body: bytes) -> Model:
    """Read a JSON body; Problem 400 when it is not JSON at all, 413 when too long, 422 when it breaks a rule."""
    if len(body) > LARGEST_BODY:
        raise Problem(413, "body_too_large", f"The body may have {LARGEST_BODY} bytes.")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from error


def parse_members(model: type[Model], members: dict[str, Any]) -> Model:
    """Read members that are parsed already, by the same rules."""
    return parse(model, json.dumps(members).encode())


def patched(content: EventContent, patch: EventPatch) -> EventContent:
    """Return the content with the members of the patch replaced; Problem 422 when the whole breaks a rule."""
    members = content.model_dump() | patch.model_dump(exclude_unset=True)
    try:
        return EventContent.model_validate(members)
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> Problem:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in found):
        return Problem(400, "malformed_json", "The body is not a JSON document.")
    errors = [_pointed(dict(item)) for item in found]
    return Problem(422, "invalid_event", "The event breaks a rule; see errors.", errors=errors)


def _pointed(item: dict[str, Any]) -> dict[str, str]:
    where = "/" + "/".join(str(part) for part in item["loc"]) if item["loc"] else ""
    detail = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        name = item["loc"][-1]
        detail = "read-only" if name in READ_ONLY else "fixed at creation" if name in FIXED_AT_CREATION else "unknown"
    return {"pointer": where, "detail": detail}
