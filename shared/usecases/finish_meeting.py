"""See whether what a person changed or cancelled in Outlook has come to WedSync: its process may have died in between.

A look, which mails nobody: what was not written to Outlook when the process died is not written behind anybody's back.
What either owner has changed since is left to the rules. A pause holds nothing back: the guests were told.
"""

from dataclasses import dataclass

from shared.core.canon import changed_fields
from shared.core.event import Side
from shared.core.integration import Integration
from shared.core.jobs import UpkeepKind
from shared.core.mapping import EventMapping
from shared.core.meeting import WantedChange
from shared.core.states import MappingState
from shared.core.views import Present, Views
from shared.errors import EventGone
from shared.ports import Stored
from shared.usecases.meeting_frame import MeetingFrame, MeetingWork, unprefixed


@dataclass(frozen=True, kw_only=True)
class FinishMeeting(MeetingFrame):
    """Ends in WedSync what was begun in Outlook, whatever the direction; comes again if others are at it."""

    async def run(self, integration: Integration, kind: UpkeepKind, subject: str) -> None:
        """Look at what the job names. Where all is well that costs a read of the mapping."""
        if not integration.granted:
            return
        if kind is UpkeepKind.MEETING_CHANGED:
            await self._changed(integration, WantedChange.parse(subject))
        else:
            await self._cancelled(integration, subject)

    async def _changed(self, integration: Integration, wanted: WantedChange) -> None:
        stored = await self._linked(integration, wanted.mapping_id)
        if stored is None or wanted.is_in(stored.value.base_w):
            return
        mapping = stored.value
        try:
            meeting = await self.meetings.read(integration.integration_id, str(mapping.outlook_id))
        except EventGone:
            return  # a sync proves that, and settles it
        here = await self.look.at(integration, mapping, Side.WEDSYNC)
        if not isinstance(here, Present):
            return
        there = unprefixed(mapping, meeting)
        if wanted.is_missing(mapping, wedsync=here.state.content, outlook=there):
            done = self._work(integration)
            views = Views(wedsync=here, outlook=Present(meeting.event))
            await self.record.end(done.recording, await self.carry(integration, stored, views, wanted.fields, done))
        await self.look_later(mapping)

    async def _cancelled(self, integration: Integration, mapping_id: str) -> None:
        """What its owner has written in WedSync since is a question, as ever."""
        stored = await self._linked(integration, mapping_id)
        if stored is None:
            return
        mapping, home = stored.value, integration.integration_id
        try:
            meeting = await self.meetings.read(home, str(mapping.outlook_id))
            if not meeting.event.cancelled:
                return  # it never was
        except EventGone:
            await self.outlook.calendar_answers(home, integration.calendar_id)
        here = await self.look.at(integration, mapping, Side.WEDSYNC)
        if isinstance(here, Present) and (mapping.base_w is None or changed_fields(mapping.base_w, here.state.content)):
            return
        done = self._work(integration)
        await self.record.end(done.recording, await self.remove_here(integration, stored, here, done))

    async def _linked(self, integration: Integration, mapping_id: str) -> Stored[EventMapping] | None:
        stored = await self.mappings.get(integration.integration_id, mapping_id)
        return stored if stored is not None and stored.value.state is MappingState.LINKED else None

    def _work(self, integration: Integration) -> MeetingWork:
        return self.work_of(integration, mail_guests=False, mails=())
