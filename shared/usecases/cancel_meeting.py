"""Cancel a meeting by its owner's word, after saying whom that mails.

Outlook first, then WedSync, the mapping last. A process that dies in between leaves an event that is gone in Outlook,
and a look that was enqueued before (``FinishMeeting``); the same call again ends what was begun as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from shared.core.actions import Rule
from shared.core.event import Side
from shared.core.history import ChangeKind, Tally
from shared.core.integration import Integration
from shared.core.jobs import UpkeepKind
from shared.core.mapping import EventMapping
from shared.core.meeting import addresses_of
from shared.errors import EventGone, NotFound
from shared.usecases.connect_state import syncing_connection_of
from shared.usecases.meeting_frame import (
    MOVED_ON,
    MeetingFrame,
    MeetingWork,
    assert_organizer,
    assert_told,
    unprefixed,
)


@dataclass(frozen=True, kw_only=True)
class CancelledMeeting:
    """What was cancelled, and whom Outlook told."""

    event_id: str
    mailed: tuple[str, ...]
    run_id: str


@dataclass(frozen=True, kw_only=True)
class CancelMeeting(MeetingFrame):
    """Cancel in Outlook with a message, then delete WedSync's event."""

    async def run(
        self, user_id: str, event_id: str, *, message: str = "", mail_guests: bool = False, mails: Sequence[str] = ()
    ) -> CancelledMeeting:
        """Cancel it. ``NotFound``, ``MeetingMails``, ``StateConflict``, ``Unprocessable``."""
        integration = await syncing_connection_of(self.integrations, user_id)
        done = self.work_of(integration, mail_guests=mail_guests, mails=mails)
        once = partial(self._once, integration, event_id, message, done)
        try:
            return await self.in_rounds(
                once, refusal="Outlook does not cancel this meeting.", moved_on=(*MOVED_ON, EventGone)
            )
        except NotFound:
            if not done.removed:
                raise
            return await self._ended(event_id, done)  # a sync has seen it go, and cleared up after it

    async def _once(self, integration: Integration, event_id: str, message: str, done: MeetingWork) -> CancelledMeeting:
        stored = await self.mapping_of(integration, event_id, done)
        mapping = stored.value
        await self._remove(integration, mapping, message, done)
        here = await self.look.at(integration, mapping, Side.WEDSYNC)
        await self.remove_here(integration, stored, here, done)
        await self.look_later(mapping)
        return await self._ended(mapping.wedsync_id or mapping.mapping_id, done)

    async def _remove(self, integration: Integration, mapping: EventMapping, message: str, done: MeetingWork) -> None:
        """Cancel where there is somebody to tell; Graph refuses that for an event without guests (fact C24).

        One that is gone is proved to be gone, as ever: the calendar itself has to answer.
        """
        if done.removed:
            return
        home, outlook_id = integration.integration_id, str(mapping.outlook_id)
        try:
            meeting = await self.meetings.read(home, outlook_id)
        except EventGone:
            await self.outlook.calendar_answers(home, integration.calendar_id)
            return
        assert_organizer(meeting)
        if meeting.event.cancelled:  # Graph may still show it; its guests have been told
            return
        told = addresses_of(meeting.event.content)
        assert_told(integration, told, done)
        await self.finish_later(mapping, UpkeepKind.MEETING_CANCELLED, mapping.mapping_id)
        if told:
            await self.meetings.cancel(home, event_id=outlook_id, message=message)
        else:
            await self.outlook.delete(home, event_id=outlook_id, etag=meeting.event.etag)
        done.mailed, done.removed = told, True
        row = self.pair.journal.change(
            mapping,
            side=Side.OUTLOOK,
            kind=ChangeKind.DELETED,
            trace=done.recording.trace,
            before=unprefixed(mapping, meeting),
            rule=Rule.MEETING,
        )
        await self.changes.append([row])

    async def _ended(self, event_id: str, done: MeetingWork) -> CancelledMeeting:
        await self.record.end(done.recording, Tally(handled=1, deleted=1))
        return CancelledMeeting(event_id=event_id, mailed=done.mailed, run_id=done.recording.run_id)
