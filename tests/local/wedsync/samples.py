"""Events as tests send them."""

from typing import Any


def sample(**changes: Any) -> dict[str, Any]:
    """Return a valid body for POST."""
    return {
        "type": "client_meeting",
        "title": "Menu tasting",
        "start": "2026-06-20T14:00:00",
        "end": "2026-06-20T15:00:00",
        "timeZone": "Europe/London",
    } | changes
