"""The WedSync port: a user's events, through WedSync's Events API."""

from shared.core.event import CalendarEvent, Field, WedSyncState
from shared.core.integration import SyncWindow
from shared.ports import WedSyncDraft, WedSyncPage
from shared.wedsync import protocol, wire
from shared.wedsync.client import WedSyncClient


class WedSyncApi:
    """Implements ``ports.WedSync``."""

    def __init__(self, client: WedSyncClient, *, page_size: int = protocol.PAGE_SIZE) -> None:
        self._client = client
        self._page_size = page_size

    async def event(self, user_id: str, event_id: str) -> WedSyncState:
        """Return the event."""
        answer = await self._client.send(protocol.read_event(user_id, event_id))
        return wire.read_event(answer.body)

    async def changes(self, user_id: str, *, cursor: str = "", window: SyncWindow | None = None) -> WedSyncPage:
        """Return a page since the cursor, or the first page of a snapshot; a cursor remembers its window."""
        bounds: dict[str, str] = {}
        if window is not None and not cursor:
            bounds = {"from_": protocol.instant(window.start), "to": protocol.instant(window.end)}
        request = protocol.list_events(user_id, cursor=cursor, limit=str(self._page_size), **bounds)
        answer = await self._client.send(request)
        return wire.read_page(answer.body)

    async def by_external_id(self, user_id: str, external_id: str) -> WedSyncState | None:
        """Return the live event that carries the ``externalId``, or None."""
        cursor = ""
        while True:
            request = protocol.list_events(user_id, externalId=external_id, cursor=cursor)
            page = wire.read_page((await self._client.send(request)).body)
            for state in page.events:
                if state.external_id == external_id and not state.deleted:
                    return state
            if not page.more or page.cursor == cursor:
                return None
            cursor = page.cursor

    def compose(self, draft: WedSyncDraft) -> str:
        """Return the exact body of a create."""
        return wire.compose_event(draft)

    async def create(self, user_id: str, payload: str, *, idempotency_key: str) -> WedSyncState:
        """POST a composed body."""
        answer = await self._client.send(protocol.create_event(user_id, payload, idempotency_key))
        return wire.read_event(answer.body)

    async def update(
        self, user_id: str, *, event_id: str, version: int, fields: frozenset[Field], content: CalendarEvent
    ) -> WedSyncState:
        """PATCH the fields."""
        body = wire.dumps(wire.patch_members(fields, content))
        answer = await self._client.send(protocol.change_event(user_id, event_id, version=version, body=body))
        return wire.read_event(answer.body)

    async def delete(self, user_id: str, *, event_id: str, version: int) -> None:
        """DELETE."""
        await self._client.send(protocol.delete_event(user_id, event_id, version=version))
