"""iCalendar (RFC 5545) to Graph event JSON, with an account of everything that could not be taken."""

from local.ics.convert import convert
from local.ics.outcome import Conversion, Owner, Remark, Taken, Unreadable

__all__ = ["Conversion", "Owner", "Remark", "Taken", "Unreadable", "convert"]
