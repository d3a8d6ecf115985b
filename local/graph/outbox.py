"""The mails that Exchange would have sent: the proof that a sync mails nobody."""

from collections import deque
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from local.graph.invitations import Letter
from local.graph.state import Item

_ADDRESS = "emailAddress"
MAILS_KEPT = 10_000
"""How many mails are remembered; the oldest go first."""


def addresses(attendees: list[dict[str, Any]]) -> list[str]:
    """Return the attendees' mail addresses."""
    return [attendee[_ADDRESS]["address"] for attendee in attendees]


class Outbox:
    """Collects mails and hands each to ``deliver``; ``quiet`` (neither) while a lived-in mailbox is loaded."""

    def __init__(self, now: Callable[[], datetime], deliver: Callable[[Letter], None]) -> None:
        self._now = now
        self._deliver = deliver
        self.quiet = False
        self.mails: deque[dict[str, Any]] = deque(maxlen=MAILS_KEPT)

    def mail(self, item: Item, kind: str, to: list[str], **told: Any) -> None:
        """Put one mail in, unless nobody would get it, and deliver it; ``told`` are further members of the letter."""
        if not to or self.quiet:
            return
        self.mails.append(
            {
                "to": to,
                "kind": kind,
                "subject": item.props["subject"],
                "comment": told.get("comment", ""),
                "eventId": item.immutable_id,
                "mailbox": item.calendar.mailbox.account.upn,
                "at": self._now().isoformat(),
            }
        )
        for address in dict.fromkeys(each.lower() for each in to):
            self._deliver(Letter(item=item, kind=kind, to=address, **told))

    def created(self, item: Item) -> None:
        """Invite, if the new event is a meeting."""
        if item.meeting:
            self.mail(item, "invitation", addresses(item.props["attendees"]))

    def patched(
        self,
        item: Item,
        before: list[dict[str, Any]],
        names: frozenset[str],
        *,
        day: date | None = None,
        asks_again: bool = False,
    ) -> None:
        """Mail as event-update.md says: attendees alone reach only the added and removed, all else everyone, once for
        the series and once for each instance that was changed by itself. ``asks_again`` voids the answers."""
        if not item.is_organizer:
            return
        old, new = addresses(before), addresses(item.props["attendees"])
        if day is None:
            self.mail(item, "cancellation", [address for address in old if address not in new])
            self.mail(item, "invitation", [address for address in new if address not in old])
        if names - {"attendees"}:
            stayed = [address for address in new if address in old]
            for _ in range(1 + (len(item.exceptions) if day is None else 0)):
                self.mail(item, "update", stayed, day=day, asks_again=asks_again)

    def removed(self, item: Item, *, day: date | None = None, comment: str = "") -> None:
        """Cancel, if the organizer deletes a meeting; deleting an attendee's copy mails nobody."""
        if item.meeting and not item.props["isCancelled"]:
            self.mail(item, "cancellation", addresses(item.props["attendees"]), day=day, comment=comment)

    def answered(self, item: Item, answer: str, **told: Any) -> None:
        """Send an RSVP to the organizer."""
        self.mail(item, "response", [item.organizer["address"]], answer=answer, **told)
