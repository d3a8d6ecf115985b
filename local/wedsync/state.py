"""What WedSync holds: users, their events, the order of changes, and the tombstones.

Every change gives its event the next version and moves it to the end of its user's change order, where a cursor
finds it. ``Wedsync.listen`` is told of each change, so that webhooks follow whoever made it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from local.simkit import seeded
from local.simkit.clock import Clock
from local.simkit.people import PLANNERS
from local.wedsync.schema import EventContent, NewEvent, Source

ANSWERS_KEPT = 10_000
"""How many Idempotency-Keys of a user are remembered; the oldest go first."""
ChangeKind = Literal["event.created", "event.updated", "event.deleted"]


@dataclass(frozen=True, kw_only=True)
class StoredEvent:
    """An event at one version. ``sequence`` is its place in its user's order of changes."""

    id: str
    content: EventContent
    source: Source
    external_id: str | None
    version: int
    updated_at: datetime
    sequence: int
    deleted: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the event as the Events API shows it; a tombstone keeps its last content."""
        return {
            "id": self.id,
            **self.content.model_dump(),
            "source": self.source,
            "externalId": self.external_id,
            "version": self.version,
            "updatedAt": self.updated_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "deleted": self.deleted,
        }

    def meets(self, earliest: datetime | None, latest: datetime | None) -> bool:
        """Say whether any part of the event lies in [earliest, latest)."""
        zone = ZoneInfo(self.content.timeZone)
        start = datetime.fromisoformat(self.content.start).replace(tzinfo=zone).astimezone(UTC)
        end = datetime.fromisoformat(self.content.end).replace(tzinfo=zone).astimezone(UTC)
        if latest is not None and start >= latest:
            return False
        return earliest is None or end > earliest or start == end == earliest


@dataclass(kw_only=True)
class Calendar:
    """One user's events, oldest change first. ``answers`` remembers creates by Idempotency-Key."""

    user_id: str
    events: dict[str, StoredEvent] = field(default_factory=dict)
    by_external_id: dict[str, str] = field(default_factory=dict)
    answers: dict[str, tuple[bytes, StoredEvent]] = field(default_factory=dict)
    sequence: int = 0

    def live(self, event_id: str) -> StoredEvent | None:
        """Return the event unless it never was or is deleted."""
        event = self.events.get(event_id)
        return None if event is None or event.deleted else event

    def existing(self, external_id: str | None) -> StoredEvent | None:
        """Return the event that carries this ``externalId``; a deleted one no longer claims it."""
        return self.live(self.by_external_id.get(external_id, "")) if external_id else None

    def remember(self, key: str, digest: bytes, event: StoredEvent) -> None:
        """Keep what a create with this Idempotency-Key answered."""
        self.answers[key] = (digest, event)
        if len(self.answers) > ANSWERS_KEPT:
            del self.answers[next(iter(self.answers))]

    def keep(self, event: StoredEvent) -> StoredEvent:
        """Store an event as the latest change."""
        self.sequence += 1
        event = replace(event, sequence=self.sequence)
        self.events.pop(event.id, None)
        self.events[event.id] = event
        if event.external_id:
            if not event.deleted:
                self.by_external_id[event.external_id] = event.id
            elif self.by_external_id.get(event.external_id) == event.id:
                del self.by_external_id[event.external_id]
        return event


Listener = Callable[[ChangeKind, str, StoredEvent], None]


class Wedsync:
    """The users and their calendars."""

    def __init__(self, clock: Clock, source: seeded.Source | None = None) -> None:
        self._clock = clock
        self._source = source or seeded.Source()
        self._listeners: list[Listener] = []
        self.calendars: dict[str, Calendar] = {}
        self.reset()

    def reset(self) -> None:
        """Return to the sample planners with empty calendars."""
        self.calendars = {planner.user_id: Calendar(user_id=planner.user_id) for planner in PLANNERS}

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` after each change that is not silent."""
        self._listeners.append(listener)

    def add_user(self, user_id: str) -> Calendar:
        """Return the user's calendar, made when they are new."""
        return self.calendars.setdefault(user_id, Calendar(user_id=user_id))

    def create(self, calendar: Calendar, new: NewEvent, *, event_id: str = "", silent: bool = False) -> StoredEvent:
        """Add an event; ``event_id`` revives a deleted one under its next version."""
        event_id = event_id or f"evt_{self._source.digits(f'event {calendar.user_id}', 16)}"
        before = calendar.events.get(event_id)
        event = StoredEvent(
            id=event_id,
            content=EventContent.model_validate(new.model_dump(include=set(EventContent.model_fields))),
            source=new.source,
            external_id=new.externalId,
            version=before.version + 1 if before else 1,
            updated_at=self._clock.now(),
            sequence=0,
        )
        return self._changed("event.created", calendar, event, silent=silent)

    def update(
        self, calendar: Calendar, event: StoredEvent, content: EventContent, *, silent: bool = False
    ) -> StoredEvent:
        """Store new content as the next version, even when nothing differs: saving is a change."""
        after = replace(event, content=content, version=event.version + 1, updated_at=self._clock.now())
        return self._changed("event.updated", calendar, after, silent=silent)

    def delete(self, calendar: Calendar, event: StoredEvent, *, silent: bool = False) -> StoredEvent:
        """Leave a tombstone."""
        after = replace(event, deleted=True, version=event.version + 1, updated_at=self._clock.now())
        return self._changed("event.deleted", calendar, after, silent=silent)

    def remove_others(self, calendar: Calendar, keep: Iterable[str]) -> None:
        """Delete silently every event but those with the ids in ``keep``."""
        kept = set(keep)
        for event in [event for event in calendar.events.values() if not event.deleted and event.id not in kept]:
            self.delete(calendar, event, silent=True)

    def _changed(self, kind: ChangeKind, calendar: Calendar, event: StoredEvent, *, silent: bool) -> StoredEvent:
        event = calendar.keep(event)
        if not silent:
            for listener in self._listeners:
                listener(kind, calendar.user_id, event)
        return event
