"""The mails that Exchange would have sent: the proof that a sync mails nobody."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.graph.state import Item

_ADDRESS = "emailAddress"


def addresses(attendees: list[dict[str, Any]]) -> list[str]:
    """Return the attendees' mail addresses."""
    return [attendee[_ADDRESS]["address"] for attendee in attendees]


class Outbox:
    """Collects mails; ``quiet`` while a lived-in mailbox is loaded."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.quiet = False
        self.mails: list[dict[str, Any]] = []

    def mail(self, item: Item, kind: str, to: list[str]) -> None:
        """Put one mail in, unless nobody would get it."""
        if not to or self.quiet:
            return
        self.mails.append(
            {
                "to": to,
                "kind": kind,
                "subject": item.props["subject"],
                "eventId": item.immutable_id,
                "mailbox": item.calendar.mailbox.account.upn,
                "at": self._now().isoformat(),
            }
        )

    def created(self, item: Item) -> None:
        """Invite, if the new event is a meeting."""
        if item.meeting:
            self.mail(item, "invitation", addresses(item.props["attendees"]))

    def patched(self, item: Item, before: list[dict[str, Any]], names: frozenset[str]) -> None:
        """Mail as event-update.md says: attendees alone reach only the added and removed, all else everyone."""
        if not item.is_organizer:
            return
        old, new = addresses(before), addresses(item.props["attendees"])
        self.mail(item, "cancellation", [address for address in old if address not in new])
        self.mail(item, "invitation", [address for address in new if address not in old])
        if names - {"attendees"}:
            self.mail(item, "update", [address for address in new if address in old])

    def removed(self, item: Item) -> None:
        """Cancel, if the organizer deletes a meeting; deleting an attendee's copy mails nobody."""
        if item.meeting and not item.props["isCancelled"]:
            self.mail(item, "cancellation", addresses(item.props["attendees"]))

    def answered(self, item: Item) -> None:
        """Send an RSVP to the organizer."""
        self.mail(item, "response", [item.organizer["address"]])
