"""What every implementation of ``ports.WedSync`` has to do."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import pytest

from shared.core.event import AllDay, Attendee, CalendarEvent, EventType, Field, Place, Side, Timed, WedSyncState
from shared.core.integration import SyncWindow
from shared.errors import CursorExpired, EventGone, VersionMismatch
from shared.ports import WedSync, WedSyncDraft
from tests.support.values import new_id

USER = "planner-rose"
START = datetime(2026, 8, 4, 14, tzinfo=UTC)
CONTENT = CalendarEvent(
    title="Dentist",
    time=Timed(start=START, end=START + timedelta(hours=1), zone="Europe/Rome"),
    description="Line one\n\nLine <two> & more 🎂",
    location=Place(name="Studio", address="Via Roma 1, Firenze"),
    private=True,
    attendees=(Attendee(email="guest@example.com", name="A Guest"),),
)


class User(Protocol):
    """A WedSync user, who edits their events."""

    async def add(self, **members: Any) -> dict[str, Any]:
        """Add an event, in WedSync's words."""
        ...

    async def change(self, event_id: str, **members: Any) -> dict[str, Any]:
        """Edit an event."""
        ...

    async def remove(self, event_id: str) -> None:
        """Delete an event."""
        ...

    async def expire_cursors(self) -> None:
        """Make every cursor handed out so far unknown."""
        ...


def draft(content: CalendarEvent = CONTENT, *, external_id: str = "") -> WedSyncDraft:
    return WedSyncDraft(
        content=content, event_type=EventType.VENUE_VISIT, external_id=external_id or f"outlook:{new_id()}"
    )


async def read_all(wedsync: WedSync, cursor: str = "", **options: Any) -> tuple[list[WedSyncState], str]:
    events: list[WedSyncState] = []
    while True:
        page = await wedsync.changes(USER, cursor=cursor, **options)
        events += page.events
        cursor = page.cursor
        if not page.more:
            return events, cursor


class WedSyncContract:
    """Needs the fixtures ``wedsync`` and ``planner``."""

    @pytest.fixture
    async def made(self, wedsync: WedSync) -> WedSyncState:
        return await wedsync.create(USER, wedsync.compose(draft()), idempotency_key=new_id())

    async def test_a_created_event_comes_back_as_it_was_meant(self, wedsync: WedSync) -> None:
        wanted = draft()
        made = await wedsync.create(USER, wedsync.compose(wanted), idempotency_key=new_id())
        assert made.content == CONTENT
        assert (made.event_type, made.source) == (EventType.VENUE_VISIT, Side.OUTLOOK)
        assert made.external_id == wanted.external_id
        assert not made.deleted
        assert await wedsync.event(USER, made.event_id) == made

    async def test_an_event_of_its_user_is_read(self, wedsync: WedSync, planner: User) -> None:
        added = await planner.add(type="wedding_ceremony", travelMinutes=40, url="https://wedsync.test/e/1")
        state = await wedsync.event(USER, added["id"])
        assert (state.event_type, state.travel_minutes, state.url) == (
            EventType.WEDDING_CEREMONY,
            40,
            "https://wedsync.test/e/1",
        )
        assert state.source is Side.WEDSYNC
        assert state.external_id is None
        assert state.version == added["version"]
        assert state.content.time == CONTENT.time

    async def test_a_repeated_key_or_external_id_makes_no_second_event(
        self, wedsync: WedSync, made: WedSyncState
    ) -> None:
        payload, key = wedsync.compose(draft()), new_id()
        first = await wedsync.create(USER, payload, idempotency_key=key)
        assert (await wedsync.create(USER, payload, idempotency_key=key)).event_id == first.event_id
        assert (await wedsync.create(USER, payload, idempotency_key=new_id())).event_id == first.event_id
        assert first.event_id != made.event_id

    async def test_an_event_is_found_by_its_external_id(self, wedsync: WedSync, made: WedSyncState) -> None:
        assert await wedsync.by_external_id(USER, made.external_id or "") == made
        assert await wedsync.by_external_id(USER, "outlook:unknown") is None
        await wedsync.delete(USER, event_id=made.event_id, version=made.version)
        assert await wedsync.by_external_id(USER, made.external_id or "") is None

    @pytest.mark.parametrize("field", list(Field))
    async def test_an_update_changes_the_named_field_alone(
        self, wedsync: WedSync, made: WedSyncState, field: Field
    ) -> None:
        other = CalendarEvent(
            title="Other", time=AllDay(start=date(2026, 8, 5), end=date(2026, 8, 7), zone="Asia/Tokyo"), description="x"
        )
        names = {Field.TIME: "time", Field.LOCATION: "location", Field.ATTENDEES: "attendees"}
        name = names.get(field, field.value)
        after = await wedsync.update(
            USER, event_id=made.event_id, version=made.version, fields=frozenset({field}), content=other
        )
        assert after.content == replace(made.content, **{name: getattr(other, name)})
        assert after.version > made.version

    async def test_an_older_version_is_refused(self, wedsync: WedSync, planner: User, made: WedSyncState) -> None:
        await planner.change(made.event_id, title="Edited meanwhile")
        with pytest.raises(VersionMismatch):
            await wedsync.update(
                USER, event_id=made.event_id, version=made.version, fields=frozenset({Field.TITLE}), content=CONTENT
            )
        with pytest.raises(VersionMismatch):
            await wedsync.delete(USER, event_id=made.event_id, version=made.version)

    async def test_a_deleted_event_is_gone(self, wedsync: WedSync, made: WedSyncState) -> None:
        await wedsync.delete(USER, event_id=made.event_id, version=made.version)
        with pytest.raises(EventGone):
            await wedsync.event(USER, made.event_id)
        with pytest.raises(EventGone):
            await wedsync.delete(USER, event_id=made.event_id, version=made.version)
        with pytest.raises(EventGone):
            await wedsync.update(
                USER, event_id=made.event_id, version=made.version, fields=frozenset({Field.TITLE}), content=CONTENT
            )

    async def test_a_snapshot_comes_in_pages_then_what_changed(self, wedsync: WedSync, planner: User) -> None:
        added = {(await planner.add(title=f"Call {number}"))["id"] for number in range(45)}
        events, cursor = await read_all(wedsync)
        assert {state.event_id for state in events} == added
        assert (await read_all(wedsync, cursor))[0] == []
        changed, removed, *_ = added
        await planner.change(changed, title="Later")
        await planner.remove(removed)
        later, _ = await read_all(wedsync, cursor)
        assert [(state.event_id, state.content.title, state.deleted) for state in later] == [
            (changed, "Later", False),
            (removed, later[1].content.title, True),
        ]

    async def test_a_window_shapes_the_snapshot_alone(self, wedsync: WedSync, planner: User) -> None:
        inside = await planner.add()
        outside = await planner.add(start="2028-01-01T10:00:00", end="2028-01-01T11:00:00")
        window = SyncWindow(start=START - timedelta(days=1), end=START + timedelta(days=1))
        events, cursor = await read_all(wedsync, window=window)
        assert [state.event_id for state in events] == [inside["id"]]
        await planner.change(outside["id"], title="x")
        later, _ = await read_all(wedsync, cursor, window=window)
        assert [state.event_id for state in later] == [outside["id"]]

    async def test_an_unknown_cursor_has_to_be_started_anew(self, wedsync: WedSync, planner: User) -> None:
        _, cursor = await read_all(wedsync)
        await planner.expire_cursors()
        with pytest.raises(CursorExpired):
            await wedsync.changes(USER, cursor=cursor)
