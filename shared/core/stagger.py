"""When in the week each connection has its turn, so that not all of them come at once."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

WEEK = timedelta(days=7)
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
"""A Monday; any other would do."""


def next_turn(integration_id: str, after: datetime) -> datetime:
    """Return the connection's next turn after a moment: the same minute of every week, spread evenly over them."""
    minutes = int.from_bytes(sha256(integration_id.encode()).digest()[:8]) % (WEEK // timedelta(minutes=1))
    first = _FIRST + timedelta(minutes=minutes)
    return first + ((after - first) // WEEK + 1) * WEEK
