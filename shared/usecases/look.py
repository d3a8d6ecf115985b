"""Read one event of one side, and prove it where it is missing."""

from dataclasses import dataclass

from shared.core.canon import changed_fields
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.views import UNSEEN, Gone, Present, View, outlook_content
from shared.errors import EventGone, Rejected
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
        return await self.outlook_event(integration, mapping.outlook_id, moved=moved, calendar_id=mapping.calendar_id)

    async def again(self, integration: Integration, mapping: EventMapping, side: Side) -> View:
        """Read a side whose event is not at the version that was known.

        Where the version of an Outlook event is another and nothing in it shows to have changed, it may have been moved
        to another calendar, so that is asked as well: one request more.
        """
        view = await self.at(integration, mapping, side)
        if not isinstance(view, Present) or not isinstance(view.state, OutlookState) or mapping.base_o is None:
            return view
        untouched = view.state.etag == mapping.o_etag
        if untouched or changed_fields(mapping.base_o, outlook_content(mapping, view.state)):
            return view
        return await self._whereabouts(integration, view.state, mapping.calendar_id)

    async def wedsync_event(self, integration: Integration, event_id: str) -> View:
        """Read by id; a 404 and a tombstone are proof."""
        try:
            return Present(await self.wedsync.event(integration.user_id, event_id))
        except EventGone:
            return Gone(proved=True)

    async def wedsync_named(self, integration: Integration, event_id: str) -> WedSyncState | None:
        """Read by an id that a person gave: an id that is none is refused, and names nothing."""
        try:
            view = await self.wedsync_event(integration, event_id)
        except Rejected:
            return None
        return view.state if isinstance(view, Present) and isinstance(view.state, WedSyncState) else None

    async def outlook_event(
        self, integration: Integration, event_id: str, *, moved: bool = False, calendar_id: str = ""
    ) -> View:
        """Read by id. Its absence is proof only while the calendar itself answers, which is asked in the same job.

        ``moved``: the event may have left the calendar, so where it is now is asked as well. ``calendar_id`` is its
        mapping's: while copies move to another calendar, and for those with guests after that, it is not the
        integration's.
        """
        integration_id = integration.integration_id
        try:
            state = await self.outlook.event(integration_id, event_id)
        except EventGone:
            return await self._gone(integration)
        return await self._whereabouts(integration, state, calendar_id) if moved else Present(state)

    async def _whereabouts(self, integration: Integration, state: OutlookState, home: str) -> View:
        try:
            calendar_id = await self.outlook.calendar_of(integration.integration_id, state.event_id)
        except EventGone:
            return await self._gone(integration)
        there = calendar_id in (integration.calendar_id, home)
        return Present(state) if there else Gone(proved=True, left_calendar=True)

    async def _gone(self, integration: Integration) -> View:
        await self.outlook.calendar_answers(integration.integration_id, integration.calendar_id)
        return Gone(proved=True)
