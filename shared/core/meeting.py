"""Meetings that a person makes, changes or cancels in WedSync: whom that mails, and what it means for the pair."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from shared.core.actions import Action, Apply, Decision, Delete, Rule, Skip
from shared.core.canon import changed_fields, fitted, part_hash, same
from shared.core.event import Attendee, CalendarEvent, EventType, Field, OutlookState, Side
from shared.core.mapping import EventMapping
from shared.core.merge import advance
from shared.core.pair import NOTE_FORCED, NOTE_MEETING, NOTE_PREFIX_REMOVED, Pair

_REQUESTS = UUID("0c9b1f0e-52d7-5a83-9c1e-7d6a4b2f8e13")
_MEETING_FIELDS = (Field.TITLE, Field.DESCRIPTION, Field.TIME, Field.LOCATION, Field.ATTENDEES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Somebody to be invited."""

    email: str
    name: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingDraft:
    """What a new meeting is made of. ``transaction_id`` makes its create repeatable, and is the mark by which the
    meeting is found again. ``categories`` are the owner's own; guests do not see them.
    """

    transaction_id: str
    content: CalendarEvent
    guests: tuple[Guest, ...]
    online: bool = False
    reminder_minutes: int | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingPatch:
    """What a person changes in a meeting: ``fields`` of ``content``. ``title`` carries the prefix, if it has one.

    ``guests`` take the place of those that there are where ``fields`` has ``ATTENDEES``. ``online`` asks for a link;
    there is no way back from that.
    """

    fields: frozenset[Field]
    content: CalendarEvent
    title: str
    guests: tuple[Guest, ...] = ()
    online: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingState:
    """A meeting as Graph returned it: the event, and the link to join it, empty while there is none."""

    event: OutlookState
    join_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingRequest:
    """A meeting that was asked for, stored before anybody is written to.

    ``request_id`` follows from the caller's ``Idempotency-Key`` and is the create's ``transactionId``. ``fingerprint``
    is the hash of what was asked for: the same key cannot stand for something else. ``payload`` is the exact body, and
    empty once the meeting is on both sides; ``outlook_id`` is known since Graph has answered.
    """

    request_id: str
    integration_id: str
    calendar_id: str
    fingerprint: str
    payload: str
    event_type: EventType
    requested_at: datetime
    outlook_id: str = ""

    @property
    def made(self) -> bool:
        """Whether the meeting is on both sides."""
        return not self.payload


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChange:
    """What a change was about to write to Outlook, so that it is known again: no content, but a hash of it."""

    mapping_id: str
    fields: frozenset[Field]
    digest: str

    @classmethod
    def of(cls, mapping: EventMapping, wished: CalendarEvent, fields: frozenset[Field]) -> "WantedChange":
        """Return it for what Outlook can hold of the wish."""
        digest = part_hash(fitted(wished, mapping.prefix), fields)
        return cls(mapping_id=mapping.mapping_id, fields=fields, digest=digest)

    @classmethod
    def parse(cls, text: str) -> "WantedChange":
        """Return what ``text`` names."""
        mapping_id, fields, digest = text.split("|")
        return cls(mapping_id=mapping_id, fields=frozenset(map(Field, fields.split(","))), digest=digest)

    @property
    def text(self) -> str:
        """The subject of a job."""
        return "|".join((self.mapping_id, ",".join(sorted(self.fields)), self.digest))

    def is_in(self, content: CalendarEvent | None) -> bool:
        """Whether the content is as it was wished in these fields."""
        return content is not None and part_hash(content, self.fields) == self.digest

    def is_missing(self, mapping: EventMapping, *, wedsync: CalendarEvent, outlook: CalendarEvent) -> bool:
        """Whether it is in Outlook, and not in WedSync, where nobody has written these fields since.

        What either owner has changed since is theirs: the rules judge it.
        """
        if not self.is_in(outlook) or mapping.base_w is None:
            return False
        return not self.is_in(wedsync) and not self.fields & changed_fields(mapping.base_w, wedsync)


def request_id_of(integration_id: str, *, epoch: int, key: str) -> str:
    """Return the id of the request that a key stands for; a new connection has new ones (UUIDv5, RFC 9562)."""
    return str(uuid5(_REQUESTS, f"{integration_id}:{epoch}:{key}"))


def mailed(before: Iterable[str], after: Iterable[str], fields: Iterable[Field]) -> tuple[str, ...]:
    """Return whom Graph mails about a change of these fields: guests before and after.

    Where the guests alone have changed, only who was added or removed is told.
    https://learn.microsoft.com/graph/api/event-update
    """
    old = {address.casefold(): address for address in before if address}
    new = {address.casefold(): address for address in after if address}
    told = (old | new) if set(fields) - {Field.ATTENDEES} else {}
    for address in old.keys() ^ new.keys():
        told[address] = (old | new)[address]
    return tuple(sorted(told.values())) if set(fields) else ()


def people_of(guests: Iterable[Guest]) -> tuple[Attendee, ...]:
    """Return the guests as an event holds them."""
    return tuple(Attendee(email=guest.email, name=guest.name) for guest in guests)


def addresses_of(content: CalendarEvent | None) -> tuple[str, ...]:
    """Return the addresses on an event; a name where there is none."""
    return tuple(person.email or person.name for person in content.attendees) if content else ()


def as_meeting(mapping: EventMapping, event_type: EventType) -> EventMapping:
    """Return the mapping of a meeting that was made in WedSync, however it came to be mapped.

    It counts as WedSync's own, without our prefix: guests read its subject. It is never masked, since it was WedSync
    that said what is in it. It is synced whatever becomes of its type, and stays a meeting when its guests have left.
    """
    notes = tuple(dict.fromkeys((*mapping.notes, NOTE_PREFIX_REMOVED, NOTE_FORCED, NOTE_MEETING)))
    return replace(mapping, born=Side.WEDSYNC, event_type=event_type, masked=False, notes=notes, prefix="")


def wished_fields(present: CalendarEvent, wished: CalendarEvent) -> frozenset[Field]:
    """Return the fields of a meeting in which two contents differ."""
    return frozenset(which for which in _MEETING_FIELDS if not same(which, present, wished))


def carried(pair: Pair, fields: frozenset[Field]) -> Decision:
    """Decide to carry these fields of Outlook's event, as a person has just changed it, to WedSync.

    Both sides were read. People go along too: it was not a sync that wrote them. Open conflicts in the fields are over
    with that; other fields are left to the rules.
    """
    wedsync, outlook = pair.contents
    fields = fields & {Field.TIME} if pair.mapping.masked else fields
    differing = frozenset(which for which in fields if not same(which, wedsync, outlook))
    mapping = pair.seen_mapping(*Side)
    agreed = fields - differing
    mapping = replace(
        mapping,
        base_w=advance(mapping.base_w or wedsync, wedsync, agreed),
        base_o=advance(mapping.base_o or outlook, outlook, agreed),
        held=mapping.held - fields,
        drifted=mapping.drifted - fields,
    )
    writes: tuple[Action, ...] = (pair.taking_over(differing, Rule.MEETING),) if differing else ()
    over = tuple(row.conflict_id for row in pair.conflicts if row.field in fields)
    closes: tuple[Action, ...] = (Apply(conflict_ids=over, rule=Rule.MEETING),) if over else ()
    return Decision(actions=(*writes, *closes) or (Skip(rule=Rule.MEETING),), mapping=mapping)


def cancelled(mapping: EventMapping, *, version: int, conflict_ids: Sequence[str]) -> Decision:
    """Decide to delete WedSync's event of a meeting that is gone in Outlook by a person's word."""
    delete = Delete(side=Side.WEDSYNC, rule=Rule.MEETING, version=version, asked=True)
    closes: tuple[Action, ...] = (Apply(conflict_ids=tuple(conflict_ids), rule=Rule.MEETING),) if conflict_ids else ()
    return Decision(actions=(delete, *closes), mapping=mapping)
