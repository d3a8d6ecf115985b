"""What becomes of a calendar file: events taken, VEVENTs refused, and remarks on what was approximated."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


class Unreadable(Exception):
    """The file is no iCalendar at all, so that not even its events can be counted."""


class Unrepresentable(Exception):
    """A VEVENT that Outlook cannot hold; the message is the reason and holds no content of the event."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose mailbox is filled. ``zone`` (a Windows or IANA name) is what times without a zone are read in."""

    address: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A sentence about one VEVENT, by its number in the file (from 1) and its UID; free of the event's content."""

    position: int
    uid: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """An event for the mailbox, and the VEVENT that it comes from."""

    position: int
    uid: str
    event: Json


@dataclass(kw_only=True)
class Conversion:
    """The whole outcome.

    ``vevents`` counts all VEVENTs of the file; each is taken, folded into a series, or in ``refusals``. ``unused``
    counts properties that Outlook has no place for, by name.
    """

    vevents: int = 0
    taken: list[Taken] = field(default_factory=list)
    refusals: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> list[Json]:
        """The Graph events, in the order of ``taken``."""
        return [item.event for item in self.taken]
