"""Change a meeting by its owner's word, after saying whom that mails.

Outlook first, then WedSync, the mapping last. A process that dies in between leaves a change in Outlook, and a look
that was enqueued before (``FinishMeeting``); the same call again finds it done there, too, and ends what was begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from shared.core.actions import Rule
from shared.core.canon import canonical, with_prefix
from shared.core.event import CalendarEvent, EventTime, Field, Place, Side
from shared.core.history import ChangeKind, Tally
from shared.core.integration import Integration
from shared.core.jobs import UpkeepKind
from shared.core.mapping import EventMapping
from shared.core.meeting import (
    Guest,
    MeetingPatch,
    MeetingState,
    WantedChange,
    addresses_of,
    mailed,
    people_of,
    wished_fields,
)
from shared.core.views import Present, Views
from shared.errors import EventGone, NotFound, Unprocessable
from shared.usecases.connect_state import syncing_connection_of
from shared.usecases.meeting_frame import MeetingFrame, MeetingWork, assert_organizer, assert_told, unprefixed


@dataclass(frozen=True, kw_only=True)
class MeetingChange:
    """What is to be different; None leaves it as it is."""

    title: str | None = None
    time: EventTime | None = None
    description: str | None = None
    location: Place | None = None
    guests: tuple[Guest, ...] | None = None
    online: bool | None = None

    def on(self, present: CalendarEvent) -> CalendarEvent:
        """Return the content with the change in it."""
        return canonical(
            replace(
                present,
                title=present.title if self.title is None else self.title,
                time=self.time or present.time,
                description=present.description if self.description is None else self.description,
                location=self.location or present.location,
                attendees=present.attendees if self.guests is None else people_of(self.guests),
            )
        )


@dataclass(frozen=True, kw_only=True)
class ChangedMeeting:
    """The meeting as it is now, what changed, and whom Outlook mailed about it. ``run_id`` is empty for nothing."""

    event_id: str
    meeting: MeetingState
    fields: tuple[str, ...]
    mailed: tuple[str, ...]
    mapping: EventMapping
    run_id: str = ""
    online_wanted: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeMeeting(MeetingFrame):
    """PATCH of what is different, then the same in WedSync."""

    async def run(
        self,
        user_id: str,
        event_id: str,
        change: MeetingChange,
        *,
        mail_guests: bool = False,
        mails: Sequence[str] = (),
    ) -> ChangedMeeting:
        """Change it. ``NotFound``, ``MeetingMails``, ``StateConflict``, ``Unprocessable``."""
        integration = await syncing_connection_of(self.integrations, user_id)
        done = self.work_of(integration, mail_guests=mail_guests, mails=mails)
        once = partial(self._once, integration, event_id, change, done)
        try:
            return await self.in_rounds(once, refusal="Outlook or WedSync does not take this change.")
        except EventGone:
            raise NotFound("meeting_not_found", "The meeting is not there any more.") from None

    async def _once(
        self, integration: Integration, event_id: str, change: MeetingChange, done: MeetingWork
    ) -> ChangedMeeting:
        stored = await self.mapping_of(integration, event_id, done)
        mapping = stored.value
        meeting = await self.meetings.read(integration.integration_id, str(mapping.outlook_id))
        assert_organizer(meeting)
        meeting = await self._written(integration, mapping, meeting, change, done)
        here = await self.look.at(integration, mapping, Side.WEDSYNC)
        if isinstance(here, Present):
            views = Views(wedsync=here, outlook=Present(meeting.event))
            await self.carry(integration, stored, views, _named(change), done)
        await self.look_later(mapping)
        recorded = await self.record.end(done.recording, Tally(handled=1, updated=1 if done.fields else 0))
        return ChangedMeeting(
            event_id=mapping.wedsync_id or mapping.mapping_id,
            meeting=meeting,
            fields=tuple(sorted(done.fields)),
            mailed=done.mailed,
            mapping=mapping,
            run_id=done.recording.run_id if recorded else "",
            online_wanted=done.online,
        )

    async def _written(
        self,
        integration: Integration,
        mapping: EventMapping,
        meeting: MeetingState,
        change: MeetingChange,
        done: MeetingWork,
    ) -> MeetingState:
        """Write to Outlook what is different there; nothing is written, and nobody mailed, for what is as wished."""
        present = unprefixed(mapping, meeting)
        wished = change.on(present)
        fields, online = wished_fields(present, wished), await self._goes_online(integration, mapping, meeting, change)
        if not fields and not online:
            return meeting
        told = mailed(addresses_of(present), addresses_of(wished), fields | ({Field.DESCRIPTION} if online else set()))
        assert_told(integration, told, done)
        patch = MeetingPatch(
            fields=fields,
            content=wished,
            title=with_prefix(wished.title, mapping.prefix),
            guests=change.guests or (),
            online=online,
        )
        if fields:  # a link goes to nobody but Outlook
            wanted = WantedChange.of(mapping, wished, fields)
            await self.finish_later(mapping, UpkeepKind.MEETING_CHANGED, wanted.text)
        after = await self.meetings.update(
            integration.integration_id, event_id=meeting.event.event_id, etag=meeting.event.etag, patch=patch
        )
        done.mailed = tuple(sorted({*done.mailed, *told}))
        done.fields |= fields
        done.online |= online
        await self._note(mapping, present, unprefixed(mapping, after), fields, done)
        return after

    async def _goes_online(
        self, integration: Integration, mapping: EventMapping, meeting: MeetingState, change: MeetingChange
    ) -> bool:
        """Whether a link is to be made. https://learn.microsoft.com/graph/outlook-calendar-online-meetings"""
        if change.online is False and meeting.event.online_meeting:
            raise Unprocessable("online_meeting_stays", "An online meeting cannot be made an ordinary one again.")
        if not change.online or meeting.event.online_meeting:
            return False
        if not await self.meetings.can_meet_online(integration.integration_id, mapping.calendar_id):
            raise Unprocessable("online_meeting_unavailable", "This Outlook account has no online meetings.")
        return True

    async def _note(
        self,
        mapping: EventMapping,
        before: CalendarEvent,
        after: CalendarEvent,
        fields: frozenset[Field],
        done: MeetingWork,
    ) -> None:
        row = self.pair.journal.change(
            mapping,
            side=Side.OUTLOOK,
            kind=ChangeKind.UPDATED,
            trace=done.recording.trace,
            fields=fields,
            before=before,
            after=after,
            rule=Rule.MEETING,
        )
        await self.changes.append([row])


def _named(change: MeetingChange) -> frozenset[Field]:
    named = {
        Field.TITLE: change.title,
        Field.TIME: change.time,
        Field.DESCRIPTION: change.description,
        Field.LOCATION: change.location,
        Field.ATTENDEES: change.guests,
    }
    return frozenset(which for which, value in named.items() if value is not None)
