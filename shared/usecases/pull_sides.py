"""Read both sides of an integration: everything in the window, or what changed since the cursors."""

from dataclasses import dataclass, field, replace

from shared.core.event import OutlookKind, OutlookState, WedSyncState
from shared.core.integration import Integration, SyncWindow
from shared.core.mapping import EventMapping
from shared.errors import EventGone
from shared.ports import Clock, DeltaPage, Mappings, Outlook, Stored, WedSync


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What was read. ``complete``: both sides were read to the end of the window, so that absence counts.

    ``gone`` are ids of ``@removed`` items, which prove nothing; ``reread`` are series whose instances were all read;
    ``unreadable`` are ids of WedSync events that are there, though nothing else is known of them.
    """

    window: SyncWindow
    complete: bool
    mappings: tuple[Stored[EventMapping], ...]
    wedsync: dict[str, WedSyncState] = field(default_factory=dict)
    outlook: dict[str, OutlookState] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    reread: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    delta_link: str = ""
    wedsync_cursor: str = ""


@dataclass(frozen=True, kw_only=True)
class PullSides:
    """Mappings are read before anything else: what changes after that is noticed by their tags."""

    mappings: Mappings
    outlook: Outlook
    wedsync: WedSync
    clock: Clock
    past_days: int
    future_days: int

    async def everything(self, integration: Integration) -> Pulled:
        """Read a new snapshot of both sides over a new window."""
        bare = replace(integration, delta_link="", wedsync_cursor="")
        return await self._pull(bare, complete=True)

    async def changes(self, integration: Integration) -> Pulled:
        """Read what changed since the cursors; ``CursorExpired`` if one of them is not known any more."""
        return await self._pull(integration, complete=False)

    async def _pull(self, integration: Integration, *, complete: bool) -> Pulled:
        window = SyncWindow.around(self.clock.now(), past_days=self.past_days, future_days=self.future_days)
        known = tuple([stored async for stored in self.mappings.all(integration.integration_id)])
        pulled = Pulled(window=window, complete=complete, mappings=known)
        pulled = await self._wedsync(integration, pulled)
        return await self._outlook(integration, pulled)

    async def _wedsync(self, integration: Integration, pulled: Pulled) -> Pulled:
        found: dict[str, WedSyncState] = {}
        unreadable: set[str] = set()
        cursor, more = integration.wedsync_cursor, True
        while more:
            page = await self.wedsync.changes(
                integration.user_id, cursor=cursor, window=None if cursor else pulled.window
            )
            found |= {state.event_id: state for state in page.events}
            unreadable |= set(page.unreadable)
            cursor, more = page.cursor, page.more
        return replace(pulled, wedsync=found, wedsync_cursor=cursor, unreadable=frozenset(unreadable))

    async def _outlook(self, integration: Integration, pulled: Pulled) -> Pulled:
        """An id may come several times in a round, in any order with its removal: the last word counts."""
        found: dict[str, OutlookState] = {}
        gone: set[str] = set()
        bare: set[str] = set()
        link = integration.delta_link
        while True:
            page: DeltaPage = await self.outlook.delta(
                integration.integration_id, calendar_id=integration.calendar_id, window=pulled.window, link=link
            )
            for state in (*page.events, *page.occurrences):
                found[state.event_id] = state
                gone.discard(state.event_id)
            for event_id in page.removed:
                found.pop(event_id, None)
                gone.add(event_id)
            bare |= {str(state.series_id) for state in page.occurrences if state.event_id in page.unresolved}
            if page.delta_link:
                break
            link = page.next_link
        pulled = replace(pulled, outlook=found, gone=frozenset(gone), delta_link=page.delta_link)
        if pulled.complete:  # a minimal occurrence whose master came on no page has no content to go by
            return await self._reread(integration, pulled, bare)
        touched = {
            str(state.series_id or state.event_id)
            for state in found.values()
            if state.series_id or state.kind is OutlookKind.MASTER
        }
        # A series that is removed says so for its master alone (fact S40); one that ended up as a single event comes
        # as that. Neither says anything of its occurrences.
        series = {str(known.value.series_id) for known in pulled.mappings if known.value.series_id}
        touched |= series & (gone | found.keys())
        return await self._reread(integration, pulled, touched)

    async def _reread(self, integration: Integration, pulled: Pulled, series: set[str]) -> Pulled:
        """Where any member of a series shows up, its instances are read again: a deleted one leaves no tombstone.

        https://learn.microsoft.com/graph/delta-query-events (occurrences), and fact C39.
        """
        found = {key: state for key, state in pulled.outlook.items() if state.series_id not in series}
        for series_id in sorted(series):
            state = pulled.outlook.get(series_id)
            if state is not None and state.kind is OutlookKind.SINGLE:
                continue
            try:
                if series_id in pulled.gone and await self._elsewhere(integration, series_id):
                    continue
                instances = await self.outlook.instances(
                    integration.integration_id, series_id=series_id, window=pulled.window
                )
            except EventGone:
                instances = ()
            found |= {state.event_id: state for state in instances}
        return replace(pulled, outlook=found, reread=frozenset(series))

    async def _elsewhere(self, integration: Integration, series_id: str) -> bool:
        """Whether a series was moved to another calendar, where its instances can still be read."""
        return await self.outlook.calendar_of(integration.integration_id, series_id) != integration.calendar_id
