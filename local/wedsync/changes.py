"""Paging through a user's changes by opaque, signed cursors.

The first snapshot holds the live events, shaped by ``from`` and ``to``; what changes after it began comes later in the
order and unshaped, tombstones included, so nothing falls between two pages.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from local.simkit.seeded import Source
from local.wedsync.problems import Problem
from local.wedsync.state import Calendar, StoredEvent


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far a reader is. Up to ``horizon`` they read the first snapshot, whose bounds stay as first asked for."""

    user_id: str
    after: int
    horizon: int
    earliest: str = ""
    latest: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer: its events, where to go on, and whether to go on at once."""

    events: list[StoredEvent]
    position: Position
    has_more: bool


class Cursors:
    """Seals positions. A cursor of another user, from before ``expire`` or from before a reset is unknown."""

    def __init__(self, source: Source | None = None) -> None:
        self._source = source or Source()
        self.expire()

    def expire(self) -> None:
        """Make every cursor handed out so far unknown."""
        self._key = self._source.octets("cursors", 32)

    def seal(self, position: Position) -> str:
        """Return the position as an opaque string."""
        body = json.dumps(asdict(position), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def open(self, cursor: str, calendar: Calendar) -> Position:
        """Return the sealed position; Problem 410 when it is not one of ours for this user, or was handed out before a
        reset and knows more than has happened."""
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if not hmac.compare_digest(sealed[:16], self._mac(sealed[16:])):
                raise ValueError("forged")
            members: dict[str, Any] = json.loads(sealed[16:])
        except ValueError as error:
            raise _gone() from error
        position = Position(**members)
        if position.user_id != calendar.user_id or position.after > calendar.sequence:
            raise _gone()
        return position

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:16]


def _gone() -> Problem:
    return Problem(410, "cursor_expired", "The cursor is unknown or has expired; start again without one.")


def page(calendar: Calendar, position: Position, *, limit: int, external_id: str | None) -> Page:
    """Return up to ``limit`` changes after the position. ``external_id`` narrows this page alone."""
    earliest, latest = _instant(position.earliest), _instant(position.latest)
    wanted: list[StoredEvent] = []
    for event in calendar.events.values():
        if event.sequence <= position.after or (external_id is not None and event.external_id != external_id):
            continue
        if event.sequence <= position.horizon and (event.deleted or not event.meets(earliest, latest)):
            continue
        wanted.append(event)
        if len(wanted) > limit:
            last = wanted[limit - 1].sequence
            return Page(events=wanted[:limit], position=replace(position, after=last), has_more=True)
    end = Position(user_id=calendar.user_id, after=calendar.sequence, horizon=0)
    return Page(events=wanted, position=end, has_more=False)


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
