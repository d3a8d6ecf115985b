"""Read one event of one side, and prove it where it is missing."""

from dataclasses import dataclass

from shared.core.event import Side
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.views import UNSEEN, Gone, Present, View
from shared.errors import EventGone
from shared.ports import Outlook, WedSync


@dataclass(frozen=True, kw_only=True)
class Look:
    """Turns what a far end answers about one event into a view."""

    outlook: Outlook
    wedsync: WedSync

    async def at(self, integration: Integration, mapping: EventMapping, side: Side, *, moved: bool = False) -> View:
        """Read the mapping's event on a side; a side that it has no event on stays unseen. ``moved``: as below."""
        if side is Side.WEDSYNC:
            return await self.wedsync_event(integration, mapping.wedsync_id) if mapping.wedsync_id else UNSEEN
        if not mapping.outlook_id:
            return UNSEEN
        return await self.outlook_event(integration, mapping.outlook_id, moved=moved)

    async def wedsync_event(self, integration: Integration, event_id: str) -> View:
        """Read by id; a 404 and a tombstone are proof."""
        try:
            return Present(await self.wedsync.event(integration.user_id, event_id))
        except EventGone:
            return Gone(proved=True)

    async def outlook_event(self, integration: Integration, event_id: str, *, moved: bool = False) -> View:
        """Read by id. Its absence is proof only while the calendar itself answers, which is asked in the same job.

        ``moved``: the event may have left the calendar, so where it is now is asked as well.
        """
        integration_id = integration.integration_id
        try:
            state = await self.outlook.event(integration_id, event_id)
            if moved and await self.outlook.calendar_of(integration_id, event_id) != integration.calendar_id:
                return Gone(proved=True, left_calendar=True)
        except EventGone:
            await self.outlook.calendar_answers(integration_id, integration.calendar_id)
            return Gone(proved=True)
        return Present(state)
