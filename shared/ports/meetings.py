"""Availability, and meetings with guests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.core.availability import Engagement, Span, WorkingHours
from shared.core.meeting import MeetingDraft, MeetingPatch, MeetingRequest, MeetingState


class Schedules(Protocol):
    """Free and busy times, and working hours, as Graph has them. Errors as in ``Outlook``."""

    async def working_hours(self, integration_id: str) -> WorkingHours:
        """Return the mailbox's working hours and zone. One request."""
        ...

    async def free_busy(
        self, integration_id: str, addresses: Sequence[str], span: Span
    ) -> Mapping[str, tuple[Engagement, ...] | None]:
        """Return what the default calendars of up to 20 people hold; None for whom Graph does not know or tell of.

        ``Rejected`` for personal accounts, which lack it. One request.
        """
        ...

    async def calendar_view(self, integration_id: str, calendar_id: str, span: Span) -> tuple[Engagement, ...]:
        """Return what a calendar of the mailbox holds, cancelled meetings left out. One request per page."""
        ...


class Meetings(Protocol):
    """Meetings with guests, whom every write here mails; no sync uses this port. Errors as in ``Outlook``."""

    async def can_meet_online(self, integration_id: str, calendar_id: str) -> bool:
        """Return whether the calendar has a provider of online meetings. One request."""
        ...

    def compose(self, draft: MeetingDraft) -> str:
        """Return the exact body of a create, to be stored before it is sent. No request."""
        ...

    async def create(self, integration_id: str, calendar_id: str, payload: str) -> MeetingState:
        """POST a composed body; ``DuplicateTransaction`` if Graph used the transactionId before. One request."""
        ...

    async def read(self, integration_id: str, event_id: str) -> MeetingState:
        """Return the meeting; ``EventGone`` if there is none. One request."""
        ...

    async def find(self, integration_id: str, calendar_id: str, transaction_id: str) -> MeetingState | None:
        """Return the meeting that a create with this transactionId has made, or None. One request."""
        ...

    async def update(self, integration_id: str, *, event_id: str, etag: str, patch: MeetingPatch) -> MeetingState:
        """PATCH with ``If-Match``; ``VersionMismatch``, ``EventGone``. One request, for a description one more."""
        ...

    async def cancel(self, integration_id: str, *, event_id: str, message: str) -> None:
        """Cancel as the organizer, with a message to the guests; ``EventGone``. One request."""
        ...


class MeetingRequests(Protocol):
    """The meetings asked for, so that none is made twice and none is forgotten. Table ``OutlookMeetings``."""

    async def insert(self, request: MeetingRequest) -> None:
        """Insert; ``RowExists``."""
        ...

    async def get(self, integration_id: str, request_id: str) -> MeetingRequest | None:
        """Return the request. One read."""
        ...

    async def put(self, request: MeetingRequest) -> None:
        """Insert or replace."""
        ...

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove what was asked for before then, ``limit`` at the most; return how many."""
        ...

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        ...
