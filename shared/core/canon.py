"""The canonical form of an event, what of it is compared, and how it looks where it is written to Outlook.

Exchange rewrites bodies, cuts subjects and adds fields (facts C20, C22, S17, S19), and people paste anything. So both
sides are brought to one light form as soon as they are read, and differences are judged on ``key`` alone.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import accumulate

from shared.core.event import AllDay, Attendee, CalendarEvent, EventTime, Field, Place, Timed
from shared.core.zones import iana_of, same_zone, windows_of

__all__ = [
    "BUSY_TITLE",
    "SUBJECT_LIMIT",
    "Key",
    "canonical",
    "changed_fields",
    "fitted",
    "has_prefix",
    "iana_of",
    "key",
    "masked",
    "one_line",
    "part_hash",
    "plain",
    "same",
    "same_zone",
    "sync_hash",
    "windows_of",
    "with_prefix",
    "without_prefix",
]

SUBJECT_LIMIT = 255
"""UTF-16 code units that a subject in Outlook holds (fact C22; measured by several clients, not documented)."""

BUSY_TITLE = "Busy"
"""What an Outlook-born private event is called in WedSync."""

Key = str | bool | tuple[str, ...]

# What XML 1.0 section 2.2 does not let through: control characters, lone surrogates, two non-characters.
_REFUSED = re.compile("[\x00-\x08\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Vertical tab and form feed are Word's and Outlook's soft breaks; NEL, LS and PS are Unicode's line ends.
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile(r"[ \t\n]+")
_HASH_VERSION = "1"
_JOINER = "\u200d"


def canonical(event: CalendarEvent) -> CalendarEvent:
    """Return the event in normal form; applying it twice changes nothing more. ``ValueError`` for a naive time."""
    return CalendarEvent(
        title=one_line(event.title),
        time=_time(event.time),
        description=plain(event.description),
        location=Place(name=one_line(event.location.name), address=one_line(event.location.address)),
        private=event.private,
        attendees=_attendees(event.attendees),
    )


def plain(text: str) -> str:
    """Return text of several lines in normal form: NFC, ``\\n``, no blank space at the ends or at the ends of lines."""
    lines = _LINE_END.sub("\n", _REFUSED.sub("", text)).replace("\xa0", " ")
    return "\n".join(line.rstrip() for line in unicodedata.normalize("NFC", lines).split("\n")).strip()


def one_line(text: str) -> str:
    """Return text in normal form on one line. Wide spaces stay: in East Asian names they are part of the name."""
    return _BLANKS.sub(" ", plain(text)).strip()


def _attendees(attendees: tuple[Attendee, ...]) -> tuple[Attendee, ...]:
    """Sorted, one per address. Who has no address stays in: a meeting must never pass for something else."""
    people = {Attendee(email=one_line(person.email.lower()), name=one_line(person.name)) for person in attendees}
    named = {person.email or person.name: person for person in sorted(people)}  # of two names the later one stays
    return tuple(sorted(named.values()))


def _time(time: EventTime) -> EventTime:
    zone = iana_of(time.zone) or "UTC"
    if isinstance(time, AllDay):
        return AllDay(start=time.start, end=max(time.end, _day_after(time.start)), zone=zone)
    start = _utc(time.start)
    return Timed(start=start, end=max(start, _utc(time.end)), zone=zone)


def _day_after(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day


def _utc(instant: datetime) -> datetime:
    """Whole seconds of UTC. Graph knows years 1 and 9999 as "never" (fact C44): they stay inside datetime's range."""
    if instant.tzinfo is None:
        raise ValueError("a naive time has no place on the time line")
    try:
        moved = instant.astimezone(UTC)
    except OverflowError:
        moved = instant.replace(tzinfo=UTC)
    return moved.replace(microsecond=0)


# --- Comparing ----------------------------------------------------------------------------------------------------


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _time_key(event: CalendarEvent) -> Key:
    kind = "all_day" if isinstance(event.time, AllDay) else "timed"
    return (kind, event.time.start.isoformat(), event.time.end.isoformat())


_KEYS: Mapping[Field, Callable[[CalendarEvent], Key]] = {
    Field.TITLE: lambda event: _collapsed(event.title),
    Field.DESCRIPTION: lambda event: _collapsed(event.description),
    Field.TIME: _time_key,
    Field.LOCATION: lambda event: (_collapsed(event.location.name), _collapsed(event.location.address)),
    Field.PRIVATE: lambda event: event.private,
    Field.ATTENDEES: lambda event: tuple(person.email or person.name for person in event.attendees),
}


def key(field: Field, event: CalendarEvent) -> Key:
    """Return what is compared of a field of a canonical event.

    Blank space counts only as between words (HTML and back changes it), instants as instants, all-day as dates; the
    zone and the names of attendees never count, because Exchange resolves both to its own.
    """
    return _KEYS[field](event)


def same(field: Field, a: CalendarEvent, b: CalendarEvent) -> bool:
    """Whether two canonical events agree in a field."""
    return key(field, a) == key(field, b)


def changed_fields(base: CalendarEvent, now: CalendarEvent) -> frozenset[Field]:
    """Return the fields in which two canonical events differ."""
    return frozenset(field for field in Field if not same(field, base, now))


def part_hash(event: CalendarEvent, fields: Iterable[Field]) -> str:
    """Return a hash over these keys, and their names, equal exactly where the events agree in these fields."""
    text = json.dumps({field.value: key(field, event) for field in fields}, sort_keys=True, separators=(",", ":"))
    return f"{_HASH_VERSION}:{sha256(text.encode()).hexdigest()}"


def sync_hash(event: CalendarEvent) -> str:
    """Return a hash over all keys, equal exactly where ``changed_fields`` is empty; the first part is its version."""
    return part_hash(event, Field)


# --- As Outlook shows it ------------------------------------------------------------------------------------------


def with_prefix(title: str, prefix: str) -> str:
    """Return the subject to write: prefix and title on one line, cut to ``SUBJECT_LIMIT`` between characters.

    A prefix that leaves no room for a title is not written.
    """
    lead = _lead(prefix)
    subject = one_line(lead + title)
    if not has_prefix(subject, prefix):  # the title begins with a combining mark that took the prefix's last letter
        subject = one_line(f"{lead} {title}")
    return _cut(subject).rstrip()


def without_prefix(subject: str, prefix: str) -> str:
    """Return the title in a canonical subject; all of the subject if it does not carry the prefix."""
    return subject[len(_lead(prefix)) :].strip() if has_prefix(subject, prefix) else subject


def has_prefix(subject: str, prefix: str) -> bool:
    """Whether a canonical subject carries the prefix. An empty prefix is always there."""
    lead = _lead(prefix)
    return subject.startswith(lead) or subject == lead.rstrip()


def fitted(event: CalendarEvent, prefix: str) -> CalendarEvent:
    """Return the event as Outlook can represent it: with the title that is left of it under this prefix."""
    return replace(event, title=without_prefix(with_prefix(event.title, prefix), prefix))


def masked(event: CalendarEvent) -> CalendarEvent:
    """Return the busy time of a private event: no title, text, place or people."""
    return CalendarEvent(title=BUSY_TITLE, time=event.time, private=True)


def _lead(prefix: str) -> str:
    lead = one_line(prefix)
    if one_line(prefix + ".") != lead + ".":  # blank space at its end parts it from the title, and is kept as one
        lead += " "
    return lead if _units(lead) < SUBJECT_LIMIT else ""


def _units(text: str) -> int:
    return len(text) + sum(1 for char in text if char > "\uffff")


def _cut(text: str) -> str:
    """Cut to the limit, before a character whose combining marks, modifiers or joined parts would be cut off."""
    if _units(text) <= SUBJECT_LIMIT:
        return text
    kept = sum(size <= SUBJECT_LIMIT for size in accumulate(map(_units, text)))
    whole = kept
    while whole and (_extends(text[whole]) or text[whole - 1] == _JOINER):
        whole -= 1
    return text[: whole or kept]


def _extends(char: str) -> bool:
    return char == _JOINER or unicodedata.category(char).startswith("M") or "\U0001f3fb" <= char <= "\U0001f3ff"
