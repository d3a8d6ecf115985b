"""When a VEVENT is: DTSTART with DTEND, DURATION or neither, as wall times in zones that Graph knows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from local.ics.outcome import Json, Unrepresentable
from local.ics.reading import Vevent
from local.ics.zones import instant, local

Note = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Times:
    """Wall times. ``zone`` is the start's, and of an all-day event or a series the only one that counts.

    ``zone_lacking``: Outlook has no such zone, so that UTC stands in: right for these instants, wrong for later ones.
    """

    start: datetime
    end: datetime
    zone: str
    end_zone: str
    all_day: bool
    zone_lacking: bool = False

    def at(self, start: datetime) -> "Times":
        """Return the same length on another start, in the same zones: clock-face length, as iCalendar repeats."""
        return replace(self, start=start, end=self.end + (start - self.start))

    def graph(self) -> Json:
        """Return Graph's members."""
        return {
            "start": {"dateTime": self.start.isoformat(timespec="seconds"), "timeZone": self.zone},
            "end": {"dateTime": self.end.isoformat(timespec="seconds"), "timeZone": self.end_zone},
            "isAllDay": self.all_day,
        }


def times_of(vevent: Vevent, note: Note) -> Times:
    """Return the VEVENT's times; Unrepresentable without a readable DTSTART or with an end before it."""
    found = vevent.moment("DTSTART")
    if found is None:
        raise Unrepresentable("DTSTART cannot be read" if vevent.broken("DTSTART") else "there is no DTSTART")
    if vevent.broken("DTEND") or vevent.broken("DURATION"):
        note("its end cannot be read; it is taken as if it had none")
    start, tzid = found
    if isinstance(start, datetime):
        return _timed(vevent, start, tzid, note)
    return _whole_days(vevent, start, note)


def wall(vevent: Vevent, moment: datetime, tzid: str | None, note: Note) -> tuple[datetime, str]:
    """Return a date-time as wall time and Graph zone; one in a zone that Outlook lacks is given in UTC."""
    if moment.tzinfo is None and tzid is None:
        note("floating time, read in the mailbox's zone")
    elif moment.tzinfo is None and tzid is not None and not vevent.zones.knows(tzid):
        note("its TZID is not known and the file does not define it; read in the mailbox's zone")
    zone = vevent.zones.name(tzid, moment)
    if zone is None:
        note("no zone of Outlook's has these offsets; given in UTC")
        return local(moment, "UTC"), "UTC"
    return moment.replace(tzinfo=None) if moment.tzinfo is None else local(moment, zone), zone


def _timed(vevent: Vevent, moment: datetime, tzid: str | None, note: Note) -> Times:
    start, zone = wall(vevent, moment, tzid, note)
    end, end_zone = start, zone
    written = vevent.moment("DTEND")
    duration = vevent.duration()
    if written is not None:
        limit, end_tzid = written
        if isinstance(limit, datetime):
            end, end_zone = wall(vevent, limit, end_tzid, note)
        else:
            note("DTEND is a date though DTSTART has a time; it ends when that day begins")
            end = max(datetime.combine(limit, time()), start)
    elif duration is not None:
        end = _later(start, duration, zone)
    if instant(end, end_zone) < instant(start, zone):
        raise Unrepresentable("it ends before it starts")
    lacking = zone == "UTC" and moment.tzinfo is not None and vevent.zones.name(tzid, moment) is None
    return Times(start=start, end=end, zone=zone, end_zone=end_zone, all_day=False, zone_lacking=lacking)


def _later(start: datetime, duration: timedelta, zone: str) -> datetime:
    """Days are nominal and hours exact (RFC 5545 section 3.3.6)."""
    day = start + timedelta(days=duration.days)
    return local(instant(day, zone) + timedelta(seconds=duration.seconds), zone) if duration.seconds else day


def _whole_days(vevent: Vevent, first: date, note: Note) -> Times:
    start = datetime.combine(first, time())
    end = start + timedelta(days=1)
    written = vevent.moment("DTEND")
    duration = vevent.duration()
    if written is not None:
        limit = written[0]
        if isinstance(limit, datetime):
            note("DTEND has a time though DTSTART is a date; it covers that day")
            limit = limit.date() + timedelta(days=1 if limit.time() != time() else 0)
        end = datetime.combine(limit, time())
    elif duration is not None:
        end = start + timedelta(days=duration.days + (1 if duration.seconds else 0))
    if end < start:
        raise Unrepresentable("it ends before it starts")
    if end == start:
        note("all-day without length, taken as one day")
        end = start + timedelta(days=1)
    home = vevent.zones.home
    return Times(start=start, end=end, zone=home, end_zone=home, all_day=True)
