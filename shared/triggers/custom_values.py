"""The user's own value of a field in conflict, from the JSON that the frontend sends for it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from shared.core.canon import one_line
from shared.core.event import AllDay, EventTime, Place, Timed
from shared.core.event import Field as EventField
from shared.core.walltime import instant_of
from shared.core.zones import iana_of
from shared.errors import Unprocessable
from shared.triggers.shapes import Shape
from shared.usecases.choices import CustomValue

_YEARS = range(1900, 2200)
"""Where a planner's events lie; beyond, both services have years of their own."""


class PlaceShape(Shape):
    """``location``."""

    name: str = Field("", max_length=1000, strict=True)
    address: str = Field("", max_length=2000, strict=True)


class TimeShape(Shape):
    """``dateTime``: local to ``timeZone``; all-day events have dates, the end exclusive."""

    start: str = Field(max_length=40, strict=True)
    end: str = Field(max_length=40, strict=True)
    time_zone: str = Field(min_length=1, max_length=120, strict=True)
    all_day: bool = Field(False, strict=True)


def custom_value(name: str, value: object) -> CustomValue | None:
    """Return the value for the field of this name; None for a field that has no custom values.

    ``Unprocessable`` ``custom_value`` names the member at fault, never its content.
    """
    reader = _READERS.get(name)
    if reader is None:
        return None
    try:
        return reader(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise _wrong(name, found["msg"], *found["loc"]) from None


def _wrong(name: str, detail: str, *way: object) -> Unprocessable:
    pointer = "/".join(["", "resolutions", name, "customValue", *(str(part) for part in way)])
    errors = ({"pointer": pointer, "detail": detail},)
    return Unprocessable("custom_value", f"customValue is not what {name} takes.", errors=errors)


_TITLE: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(max_length=1000, strict=True)])
_TEXT: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(max_length=100_000, strict=True)])


def _title(value: object) -> str:
    title = _TITLE.validate_python(value)
    if not one_line(title):
        raise _wrong(EventField.TITLE, "A title cannot be empty.")
    return title


def _place(value: object) -> Place:
    place = PlaceShape.model_validate(value)
    return Place(name=place.name, address=place.address)


def _time(value: object) -> EventTime:
    wanted = TimeShape.model_validate(value)
    zone = iana_of(wanted.time_zone)
    if zone is None:
        raise _wrong(EventField.TIME, "This is not a time zone that is known.", "timeZone")
    start, end = _local(wanted.start, "start"), _local(wanted.end, "end")
    if wanted.all_day:
        return _days(start, end, zone)
    begins, ends = instant_of(start, zone), instant_of(end, zone)
    if ends < begins:
        raise _wrong(EventField.TIME, "The end is before the start.", "end")
    return Timed(start=begins, end=ends, zone=zone)


def _days(start: datetime, end: datetime, zone: str) -> AllDay:
    for moment, member in ((start, "start"), (end, "end")):
        if moment != datetime.combine(moment.date(), datetime.min.time()):
            raise _wrong(EventField.TIME, "An all-day event begins and ends at midnight.", member)
    first, after = start.date(), end.date()
    if after - first < timedelta(days=1):
        raise _wrong(EventField.TIME, "The end of an all-day event is the day after its last.", "end")
    return AllDay(start=first, end=after, zone=zone)


def _local(text: str, member: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(EventField.TIME, "This is not a local time (YYYY-MM-DDTHH:MM:SS).", member) from None
    if moment.tzinfo is not None:
        raise _wrong(EventField.TIME, "A time here is local to timeZone and has no offset.", member)
    if moment.year not in _YEARS:
        raise _wrong(EventField.TIME, "This is not a year of events.", member)
    return moment


_READERS: Mapping[str, Callable[[object], CustomValue]] = {
    EventField.TITLE.value: _title,
    EventField.DESCRIPTION.value: _TEXT.validate_python,
    EventField.LOCATION.value: _place,
    EventField.TIME.value: _time,
}
