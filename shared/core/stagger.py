"""When each connection has its turn, so that not all of them come at once."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday; any other would do."""

_MINUTE = timedelta(minutes=1)


def share_of(key: str, span: timedelta) -> timedelta:
    """Return a part of the span in whole minutes: always the same one for a key, spread evenly over keys."""
    return _MINUTE * (int.from_bytes(sha256(key.encode()).digest()[:8]) % max(span // _MINUTE, 1))


def next_turn(integration_id: str, after: datetime, *, every: timedelta = WEEK) -> datetime:
    """Return the connection's next turn after a moment: the same minute of every week, spread evenly over them."""
    first = _FIRST + share_of(integration_id, every)
    return first + ((after - first) // every + 1) * every
