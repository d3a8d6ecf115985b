"""Small calendars for tests, and the ones that the iCalendar packages ship with their own tests."""

from pathlib import Path

import icalendar
import recurring_ical_events

from local.ics import Owner

OWNER = Owner(address="rose@havenweddings.example", zone="GMT Standard Time")
_FOLDERS = [Path(module.__file__).parent for module in (icalendar, recurring_ical_events) if module.__file__]
SHIPPED = sorted(file for folder in _FOLDERS for file in folder.rglob("*.ics"))
"""Found where the packages are installed; none is copied here."""


def calendar(*components: str, head: str = "") -> str:
    """Return a VCALENDAR of these components, each given as lines without indentation that matters."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//stand//test//EN", *_lines(head)]
    for component in components:
        lines += _lines(component)
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def vevent(text: str, uid: str = "one@stand.example") -> str:
    """Return a VEVENT with these property lines."""
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{text}\nEND:VEVENT"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
