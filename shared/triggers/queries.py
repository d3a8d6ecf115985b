"""Reads query parameters that more than one endpoint takes."""

import re
from datetime import date

from shared.errors import InvalidInput

_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
"""https://www.rfc-editor.org/rfc/rfc3339#section-5.6; ``fromisoformat`` takes weeks and the basic form too."""


def day_of(text: str, name: str) -> date:
    """Return the day; ``InvalidInput`` ``invalid_query`` that names the parameter ``name``."""
    try:
        if not _FULL_DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("invalid_query", f"{name} is not a date (YYYY-MM-DD).") from None
