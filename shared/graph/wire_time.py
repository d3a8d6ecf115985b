"""Graph's times: read in UTC, written as local time in the event's own zone.

An all-day event is a span of dates, which Graph expresses as midnights in the zone it was written in. Read in UTC it
comes back either as those midnights moved by the zone's offset, or as midnights again (facts C43, section 2.5).
"""

from collections.abc import Container, Mapping
from datetime import UTC, date, datetime, timedelta

from shared.core.event import AllDay, EventTime, Timed
from shared.core.walltime import instant_of, midnight, rules_of, wall_clock
from shared.core.zones import iana_of
from shared.graph.protocol import members, text

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_HALF_DAY = timedelta(hours=12)


def read_instant(value: object) -> datetime:
    """Return an ``Edm.DateTimeOffset`` as an aware UTC datetime; the year 1 where there is none (fact C44)."""
    try:
        moment = datetime.fromisoformat(text(value))
    except ValueError:
        return _NEVER
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def read_point(value: object) -> datetime:
    """Return a ``dateTimeTimeZone`` as an aware UTC datetime. Without a zone, or with one unknown, it is UTC."""
    point = members(value)
    try:
        moment = datetime.fromisoformat(text(point.get("dateTime")))
    except ValueError:
        return _NEVER
    # A "Z" beside a zone is ignored by Graph as well: the digits are local (section 2.6).
    return instant_of(moment.replace(tzinfo=None), iana_of(text(point.get("timeZone"))) or "UTC")


def read_time(item: Mapping[str, object]) -> EventTime:
    """Return when an event is; an occurrence's original zones must have been filled in from its master."""
    zone = zone_of(item)
    start, end = read_point(item.get("start")), read_point(item.get("end"))
    if item.get("isAllDay") is True:
        return AllDay(start=_date_in(start, zone), end=_date_in(end, zone), zone=zone)
    return Timed(start=start, end=end, zone=zone)


def zone_of(item: Mapping[str, object]) -> str:
    """Return the IANA zone that an event was written in; ``tzone://…``, empty and unknown names give UTC (C29)."""
    for name in ("originalStartTimeZone", "originalEndTimeZone"):
        if zone := iana_of(text(item.get(name))):
            return zone
    return "UTC"


def recurrence_zone(master: Mapping[str, object]) -> str:
    """Return the IANA zone in which a series recurs (section 2.4)."""
    limits = members(members(master.get("recurrence")).get("range"))
    return iana_of(text(limits.get("recurrenceTimeZone"))) or zone_of(master)


def _date_in(moment: datetime, zone: str) -> date:
    """Return the date whose midnight is meant: the zone's own, else UTC's, else the nearest one of the zone."""
    try:
        local = moment.astimezone(rules_of(zone)).replace(tzinfo=None)
        for shown in (local, moment.astimezone(UTC).replace(tzinfo=None)):
            if shown == midnight(shown.date()):
                return shown.date()
        return (local + _HALF_DAY).date()
    except OverflowError:
        return moment.date()


def write_time(time: EventTime, *, refused: Container[str] = ()) -> dict[str, object]:
    """Return ``start``, ``end`` and ``isAllDay``, which belong together (fact C27).

    Local time of the event's zone; UTC where that is not one clear time, and for zones that Graph ``refused``.
    """
    start, end, zone = wall_clock(time)
    if zone in refused:
        start, end, zone = wall_clock(_in_utc(time))
    return {
        "start": {"dateTime": start.isoformat(timespec="seconds"), "timeZone": zone},
        "end": {"dateTime": end.isoformat(timespec="seconds"), "timeZone": zone},
        "isAllDay": isinstance(time, AllDay),
    }


def _in_utc(time: EventTime) -> EventTime:
    if isinstance(time, AllDay):
        return AllDay(start=time.start, end=time.end, zone="UTC")
    return Timed(start=time.start, end=time.end, zone="UTC")


def moved_to_utc(body: Mapping[str, object]) -> dict[str, object] | None:
    """Return a written body with its times in UTC instead, or None if they are so already, or if there are none."""
    zones = {text(members(body.get(name)).get("timeZone")) for name in ("start", "end")}
    if zones <= {"UTC", ""}:
        return None
    if body.get("isAllDay") is True:
        points = {name: dict(members(body.get(name))) | {"timeZone": "UTC"} for name in ("start", "end")}
        return {**body, **points}
    time = Timed(start=read_point(body.get("start")), end=read_point(body.get("end")), zone="UTC")
    return {**body, **write_time(time)}


def written_zone(body: Mapping[str, object]) -> str:
    """Return the zone in which a written body states its start."""
    return text(members(body.get("start")).get("timeZone"))
