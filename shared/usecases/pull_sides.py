"""Read both sides of an integration: everything in the window, or what changed since the cursors.

A reading can be left at any page and gone on with later, also by another process.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.core.event import OutlookKind
from shared.core.integration import Integration, SyncWindow
from shared.core.mapping import EventMapping
from shared.core.pulled import Pulled
from shared.errors import CursorExpired, EventGone
from shared.log import log_action
from shared.ports import Clock, DeltaPage, Mappings, Outlook, Stored, WedSync

Known = tuple[Stored[EventMapping], ...]


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class PullSides:
    """Mappings are read before anything else: what changes after that is noticed by their tags."""

    mappings: Mappings
    outlook: Outlook
    wedsync: WedSync
    clock: Clock
    past_days: int
    future_days: int

    async def known(self, integration: Integration) -> Known:
        """Return the mappings as they are now; to be read before the sides are."""
        return tuple([stored async for stored in self.mappings.all(integration.integration_id)])

    def everything(self, integration: Integration) -> Pulled:
        """Return the beginning of a new snapshot of both sides over a new window."""
        return Pulled(window=self._window(), complete=True, settings_version=integration.settings_version)

    def changes(self, integration: Integration) -> Pulled:
        """Return the beginning of a reading of what changed; of everything if there is no place to go on from."""
        if not integration.delta_link or not integration.wedsync_cursor:
            return self.everything(integration)
        return Pulled(
            window=self._window(),
            complete=False,
            link=integration.delta_link,
            wedsync_cursor=integration.wedsync_cursor,
            settings_version=integration.settings_version,
        )

    async def go_on(
        self, integration: Integration, pulled: Pulled, known: Known, *, spent: Callable[[], bool] = _never
    ) -> Pulled:
        """Read on to the end, or until the time is ``spent``: at least a page, and then as ``finished`` says.

        Places to continue from that are not known any more lead to a full reading; ``CursorExpired`` if that fails too.
        """
        try:
            return await self._read(integration, pulled, known, spent)
        except CursorExpired:
            if pulled.complete and not pulled.link and not pulled.wedsync_cursor:
                raise
            log_action("cursor_expired", integration=integration.integration_id)
            return await self._read(integration, self.everything(integration), known, spent)

    async def _read(self, integration: Integration, pulled: Pulled, known: Known, spent: Callable[[], bool]) -> Pulled:
        while not pulled.finished:
            if not pulled.wedsync_read:
                pulled = await self._wedsync_page(integration, pulled)
            elif not pulled.delta_link:
                pulled = await self._outlook_page(integration, pulled)
            elif pulled.series is None:
                pulled = _with_series(pulled, known)
            else:
                pulled = await self._reread(integration, pulled, min(pulled.series))
            if spent():
                break
        return pulled

    def _window(self) -> SyncWindow:
        return SyncWindow.around(self.clock.now(), past_days=self.past_days, future_days=self.future_days)

    async def _wedsync_page(self, integration: Integration, pulled: Pulled) -> Pulled:
        cursor = pulled.wedsync_cursor
        page = await self.wedsync.changes(integration.user_id, cursor=cursor, window=None if cursor else pulled.window)
        return replace(
            pulled,
            wedsync={**pulled.wedsync, **{state.event_id: state for state in page.events}},
            unreadable=pulled.unreadable | set(page.unreadable),
            wedsync_cursor=page.cursor,
            wedsync_read=not page.more,
        )

    async def _outlook_page(self, integration: Integration, pulled: Pulled) -> Pulled:
        """An id may come several times in a round, in any order with its removal: the last word counts."""
        page: DeltaPage = await self.outlook.delta(
            integration.integration_id,
            calendar_id=integration.calendar_id,
            window=pulled.window,
            link=pulled.link,
        )
        found, gone = dict(pulled.outlook), set(pulled.gone)
        for state in (*page.events, *page.occurrences):
            found[state.event_id] = state
            gone.discard(state.event_id)
        for event_id in page.removed:
            found.pop(event_id, None)
            gone.add(event_id)
        bare = {str(state.series_id) for state in page.occurrences if state.event_id in page.unresolved}
        return replace(
            pulled,
            outlook=found,
            gone=frozenset(gone),
            bare=pulled.bare | bare,
            link=page.next_link,
            delta_link=page.delta_link,
        )

    async def _reread(self, integration: Integration, pulled: Pulled, series_id: str) -> Pulled:
        """Where any member of a series shows up, its instances are read again: a deleted one leaves no tombstone.

        https://learn.microsoft.com/graph/delta-query-events (occurrences), and fact C39.
        """
        assert pulled.series is not None
        left = replace(pulled, series=pulled.series - {series_id})
        state = pulled.outlook.get(series_id)
        if state is not None and state.kind is OutlookKind.SINGLE:
            return left
        try:
            if series_id in pulled.gone and await self._elsewhere(integration, series_id):
                return left
            instances = await self.outlook.instances(
                integration.integration_id, series_id=series_id, window=pulled.window
            )
        except EventGone:
            instances = ()
        return replace(left, outlook={**pulled.outlook, **{state.event_id: state for state in instances}})

    async def _elsewhere(self, integration: Integration, series_id: str) -> bool:
        """Whether a series was moved to another calendar, where its instances can still be read."""
        return await self.outlook.calendar_of(integration.integration_id, series_id) != integration.calendar_id


def _with_series(pulled: Pulled, known: Known) -> Pulled:
    """Return the reading with the series that have to be read again, and without what came of their members."""
    series = set(pulled.bare)  # a minimal occurrence whose master came on no page has no content to go by
    if not pulled.complete:
        series |= {
            str(state.series_id or state.event_id)
            for state in pulled.outlook.values()
            if state.series_id or state.kind is OutlookKind.MASTER
        }
        # A series that is removed says so for its master alone (fact S40); one that ended up as a single event comes
        # as that. Neither says anything of its occurrences.
        mapped = {str(stored.value.series_id) for stored in known if stored.value.series_id}
        series |= mapped & (pulled.gone | pulled.outlook.keys())
    found = {key: state for key, state in pulled.outlook.items() if state.series_id not in series}
    return replace(pulled, outlook=found, series=frozenset(series), reread=frozenset(series))
