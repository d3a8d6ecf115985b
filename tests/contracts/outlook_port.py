"""What every implementation of ``ports.Outlook`` has to do."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import pytest

from shared.core.canon import canonical
from shared.core.event import AllDay, CalendarEvent, Field, OutlookKind, OutlookState, Place, Timed
from shared.core.integration import SyncWindow
from shared.core.mapping import transaction_id
from shared.errors import (
    CalendarGone,
    CursorExpired,
    DuplicateTransaction,
    EventGone,
    StateConflict,
    VersionMismatch,
)
from shared.ports import BatchCreate, BatchDelete, BatchUpdate, DeltaPage, Outlook, OutlookDraft, OutlookPatch
from tests.support.values import new_id

INTEGRATION = "integration-of-rose"
WINDOW = SyncWindow(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC))
START = datetime(2026, 8, 4, 14, tzinfo=UTC)
CONTENT = CalendarEvent(
    title="Venue visit",
    time=Timed(start=START, end=START + timedelta(hours=1), zone="Europe/Rome"),
    description="Bring the plan.\n\n  1. Terrace <outside>\n  2. Cellar & kitchen",
    location=Place(name="Villa Aurora", address="Via Roma 1, 50100 Firenze"),
)
SERIES = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"], "firstDayOfWeek": "monday"},
    "range": {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 4},
}


class Owner(Protocol):
    """The mailbox's owner, who uses Outlook."""

    async def add(self, **members: Any) -> dict[str, Any]:
        """Add an event, in Graph's words, and return it with its immutable id as ``id``."""
        ...

    async def change(self, event_id: str, **members: Any) -> None:
        """Edit an event."""
        ...

    async def remove(self, event_id: str) -> None:
        """Delete an event."""
        ...

    async def move(self, event_id: str) -> None:
        """Move an event to another calendar of the mailbox."""
        ...

    async def drop_calendar(self) -> str:
        """Make a calendar, delete it again, and return its id."""
        ...

    async def expire_cursors(self) -> None:
        """Make every delta link handed out so far unknown."""
        ...


@dataclass(frozen=True)
class Round:
    """All pages of one round of delta."""

    pages: tuple[DeltaPage, ...]

    @property
    def events(self) -> dict[str, OutlookState]:
        return {state.event_id: state for page in self.pages for state in page.events}

    @property
    def occurrences(self) -> dict[str, OutlookState]:
        return {state.event_id: state for page in self.pages for state in page.occurrences}

    @property
    def removed(self) -> set[str]:
        return {event_id for page in self.pages for event_id in page.removed}

    @property
    def link(self) -> str:
        return self.pages[-1].delta_link


async def read_round(outlook: Outlook, calendar_id: str, link: str = "") -> Round:
    pages: list[DeltaPage] = []
    while True:
        page = await outlook.delta(INTEGRATION, calendar_id=calendar_id, window=WINDOW, link=link)
        pages.append(page)
        assert bool(page.next_link) != bool(page.delta_link)
        if page.delta_link:
            return Round(tuple(pages))
        link = page.next_link


def draft(content: CalendarEvent = CONTENT, *, mapping_id: str = "", **changes: Any) -> OutlookDraft:
    mapping_id = mapping_id or new_id()
    made = OutlookDraft(
        mapping_id=mapping_id,
        transaction_id=transaction_id(mapping_id, 1),
        content=content,
        title=f"WedSync: {content.title}",
        reminder_minutes=15,
    )
    return replace(made, **changes)


def patch(content: CalendarEvent, *fields: Field) -> OutlookPatch:
    return OutlookPatch(fields=frozenset(fields), content=content, title=content.title)


class OutlookContract:
    """Needs the fixtures ``outlook``, ``calendar_id`` and ``owner``."""

    @pytest.fixture
    async def made(self, outlook: Outlook, calendar_id: str) -> OutlookState:
        return await outlook.create(INTEGRATION, calendar_id, outlook.compose(draft()))

    async def test_the_default_calendar_comes_first(self, outlook: Outlook, calendar_id: str) -> None:
        calendars = await outlook.calendars(INTEGRATION)
        assert calendars[0].is_default
        assert not any(calendar.is_default for calendar in calendars[1:])
        assert calendars[0].calendar_id == calendar_id
        assert calendars[0].can_edit

    async def test_a_calendar_of_ours_is_found_by_its_marker(self, outlook: Outlook) -> None:
        marker = new_id()
        assert await outlook.marked_calendars(INTEGRATION, marker) == ()
        made = await outlook.create_calendar(INTEGRATION, name="WedSync", marker=marker)
        assert (made.name, made.is_default, made.can_edit) == ("WedSync", False, True)
        assert await outlook.marked_calendars(INTEGRATION, marker) == (made,)
        assert made in await outlook.calendars(INTEGRATION)
        assert await outlook.marked_calendars(INTEGRATION, new_id()) == ()
        event = await outlook.create(INTEGRATION, made.calendar_id, outlook.compose(draft()))
        assert await outlook.calendar_of(INTEGRATION, event.event_id) == made.calendar_id

    async def test_a_calendar_is_not_made_beside_one_of_its_name(self, outlook: Outlook) -> None:
        await outlook.create_calendar(INTEGRATION, name="WedSync", marker=new_id())
        with pytest.raises(StateConflict) as refused:
            await outlook.create_calendar(INTEGRATION, name="WedSync", marker=new_id())
        assert refused.value.code == "calendar_exists"

    async def test_a_created_event_comes_back_as_it_was_meant(self, outlook: Outlook, made: OutlookState) -> None:
        wanted = canonical(replace(CONTENT, title=f"WedSync: {CONTENT.title}"))
        assert made.content.time == wanted.time
        assert (made.content.title, made.content.location) == (wanted.title, wanted.location)
        assert made.content.description.split() == wanted.description.split()
        assert made.kind is OutlookKind.SINGLE
        assert made.etag
        assert not made.is_meeting

    async def test_what_is_read_by_id_is_what_the_write_returned(self, outlook: Outlook, made: OutlookState) -> None:
        found = await outlook.event(INTEGRATION, made.event_id)
        assert replace(found, marker=None) == made

    async def test_the_marker_names_the_mapping(self, outlook: Outlook, calendar_id: str, owner: Owner) -> None:
        await owner.add()
        mapping_id = new_id()
        made = await outlook.create(INTEGRATION, calendar_id, outlook.compose(draft(mapping_id=mapping_id)))
        assert (await outlook.event(INTEGRATION, made.event_id)).marker == mapping_id
        found = await outlook.find_marked(INTEGRATION, calendar_id, mapping_id)
        assert [(state.event_id, state.marker) for state in found] == [(made.event_id, mapping_id)]
        assert await outlook.find_marked(INTEGRATION, calendar_id, new_id()) == ()

    async def test_all_marked_events_are_found_and_no_others(
        self, outlook: Outlook, calendar_id: str, owner: Owner
    ) -> None:
        await owner.add()
        wanted = {new_id() for _ in range(3)}
        for mapping_id in wanted:
            await outlook.create(INTEGRATION, calendar_id, outlook.compose(draft(mapping_id=mapping_id)))
        found = [state.marker async for state in outlook.all_marked(INTEGRATION, calendar_id)]
        assert sorted(marker or "" for marker in found) == sorted(wanted)

    async def test_the_same_body_again_makes_no_second_event(
        self, outlook: Outlook, calendar_id: str, made: OutlookState
    ) -> None:
        payload = outlook.compose(draft())
        first = await outlook.create(INTEGRATION, calendar_id, payload)
        again = await outlook.create(INTEGRATION, calendar_id, payload)
        assert again.event_id == first.event_id != made.event_id

    async def test_a_used_transaction_id_with_another_body_is_refused(self, outlook: Outlook, calendar_id: str) -> None:
        first = draft()
        await outlook.create(INTEGRATION, calendar_id, outlook.compose(first))
        other = replace(first, title="Something else")
        with pytest.raises(DuplicateTransaction):
            await outlook.create(INTEGRATION, calendar_id, outlook.compose(other))

    async def test_an_update_changes_the_named_fields_alone(self, outlook: Outlook, made: OutlookState) -> None:
        days = AllDay(start=START.date(), end=date(2026, 8, 6))
        wanted = replace(CONTENT, title="Moved", description="Gone", time=days)
        after = await outlook.update(
            INTEGRATION, event_id=made.event_id, etag=made.etag, patch=patch(wanted, Field.TITLE, Field.TIME)
        )
        assert after.content == replace(made.content, title="Moved", time=canonical(wanted).time)
        assert after.etag != made.etag
        assert after.changed_at >= made.changed_at

    @pytest.mark.parametrize("field", [Field.TITLE, Field.DESCRIPTION, Field.TIME, Field.LOCATION, Field.PRIVATE])
    async def test_each_field_can_be_written(self, outlook: Outlook, made: OutlookState, field: Field) -> None:
        wanted = CalendarEvent(
            title="Other",
            time=Timed(start=START + timedelta(days=1), end=START + timedelta(days=1, minutes=5), zone="Asia/Kolkata"),
            description="Other words",
            location=Place(name="Elsewhere"),
            private=True,
        )
        after = await outlook.update(INTEGRATION, event_id=made.event_id, etag=made.etag, patch=patch(wanted, field))
        values = {
            Field.TITLE: (after.content.title, "Other"),
            Field.DESCRIPTION: (after.content.description, "Other words"),
            Field.TIME: (after.content.time, wanted.time),
            Field.LOCATION: (after.content.location, wanted.location),
            Field.PRIVATE: (after.content.private, True),
        }
        assert values[field][0] == values[field][1]

    async def test_an_update_of_an_older_state_is_refused(self, outlook: Outlook, made: OutlookState) -> None:
        change = patch(replace(CONTENT, title="One"), Field.TITLE)
        await outlook.update(INTEGRATION, event_id=made.event_id, etag=made.etag, patch=change)
        with pytest.raises(VersionMismatch):
            await outlook.update(INTEGRATION, event_id=made.event_id, etag=made.etag, patch=change)

    async def test_a_deleted_event_is_gone(self, outlook: Outlook, made: OutlookState) -> None:
        await outlook.delete(INTEGRATION, event_id=made.event_id, etag=made.etag)
        with pytest.raises(EventGone):
            await outlook.delete(INTEGRATION, event_id=made.event_id)
        with pytest.raises(EventGone):
            await outlook.event(INTEGRATION, made.event_id)
        with pytest.raises(EventGone):
            await outlook.update(INTEGRATION, event_id=made.event_id, etag=made.etag, patch=patch(CONTENT, Field.TITLE))
        with pytest.raises(EventGone):
            await outlook.calendar_of(INTEGRATION, made.event_id)

    async def test_a_delete_of_an_older_state_is_refused(self, outlook: Outlook, made: OutlookState) -> None:
        change = patch(replace(CONTENT, title="One"), Field.TITLE)
        await outlook.update(INTEGRATION, event_id=made.event_id, etag=made.etag, patch=change)
        with pytest.raises(VersionMismatch):
            await outlook.delete(INTEGRATION, event_id=made.event_id, etag=made.etag)

    async def test_proof_of_a_deletion_is_an_answering_calendar(
        self, outlook: Outlook, calendar_id: str, owner: Owner
    ) -> None:
        await outlook.calendar_answers(INTEGRATION, calendar_id)
        gone = await owner.drop_calendar()
        with pytest.raises(CalendarGone):
            await outlook.calendar_answers(INTEGRATION, gone)
        with pytest.raises(CalendarGone):
            await outlook.create(INTEGRATION, gone, outlook.compose(draft()))
        with pytest.raises(CalendarGone):
            await read_round(outlook, gone)

    async def test_a_moved_event_keeps_its_id_and_names_its_new_calendar(
        self, outlook: Outlook, calendar_id: str, owner: Owner, made: OutlookState
    ) -> None:
        assert await outlook.calendar_of(INTEGRATION, made.event_id) == calendar_id
        await owner.move(made.event_id)
        assert (await outlook.event(INTEGRATION, made.event_id)).event_id == made.event_id
        assert await outlook.calendar_of(INTEGRATION, made.event_id) != calendar_id

    async def test_a_round_of_delta_shows_everything_then_what_changed(
        self, outlook: Outlook, calendar_id: str, owner: Owner, made: OutlookState
    ) -> None:
        foreign = await owner.add(subject="Dentist")
        first = await read_round(outlook, calendar_id)
        assert set(first.events) == {made.event_id, foreign["id"]}
        assert first.events[made.event_id] == made
        quiet = await read_round(outlook, calendar_id, first.link)
        assert not quiet.events
        assert not quiet.removed
        await owner.change(foreign["id"], subject="Dentist, again")
        await owner.remove(made.event_id)
        changes = await read_round(outlook, calendar_id, quiet.link)
        assert changes.events[foreign["id"]].content.title == "Dentist, again"
        assert made.event_id in changes.removed

    async def test_many_events_come_in_pages(self, outlook: Outlook, calendar_id: str, owner: Owner) -> None:
        wanted = {(await owner.add(subject=f"Call {number}"))["id"] for number in range(45)}
        found = await read_round(outlook, calendar_id)
        assert set(found.events) == wanted
        assert len(found.pages) > 1

    async def test_an_old_cursor_has_to_be_started_anew(self, outlook: Outlook, calendar_id: str, owner: Owner) -> None:
        link = (await read_round(outlook, calendar_id)).link
        await owner.expire_cursors()
        with pytest.raises(CursorExpired):
            await outlook.delta(INTEGRATION, calendar_id=calendar_id, window=WINDOW, link=link)

    async def test_a_foreign_link_is_never_followed(self, outlook: Outlook, calendar_id: str) -> None:
        link = (await read_round(outlook, calendar_id)).link
        elsewhere = f"https://evil.example/{link.split('/', 3)[3]}"
        with pytest.raises(CursorExpired):
            await outlook.delta(INTEGRATION, calendar_id=calendar_id, window=WINDOW, link=elsewhere)

    async def test_a_series_comes_as_its_occurrences(self, outlook: Outlook, calendar_id: str, owner: Owner) -> None:
        clock = {"dateTime": "2026-08-04T23:30:00", "timeZone": "Pacific Standard Time"}
        ended = {"dateTime": "2026-08-04T23:45:00", "timeZone": "Pacific Standard Time"}
        room = {"displayName": "X"}
        master = await owner.add(subject="Weekly", start=clock, end=ended, recurrence=SERIES, location=room)
        found = await read_round(outlook, calendar_id)
        assert found.events[master["id"]].kind is OutlookKind.MASTER
        dates = [date(2026, 8, 4) + timedelta(weeks=week) for week in range(4)]
        assert sorted(state.occurrence_date or date.min for state in found.occurrences.values()) == dates
        for state in found.occurrences.values():
            assert (state.content.title, state.content.location.name, state.series_id) == ("Weekly", "X", master["id"])
            assert state.content.time.zone == "America/Los_Angeles"
            assert state.kind is OutlookKind.OCCURRENCE
        instances = await outlook.instances(INTEGRATION, series_id=master["id"], window=WINDOW)
        assert [(state.event_id, state.occurrence_date, state.content) for state in instances] == [
            (state.event_id, state.occurrence_date, state.content)
            for state in sorted(found.occurrences.values(), key=lambda state: state.occurrence_date or date.min)
        ]

    async def test_an_occurrence_is_edited_and_deleted_by_its_own_id(
        self, outlook: Outlook, calendar_id: str, owner: Owner
    ) -> None:
        master = await owner.add(subject="Weekly", recurrence=SERIES)
        first, second, *_ = await outlook.instances(INTEGRATION, series_id=master["id"], window=WINDOW)
        later = Timed(start=START + timedelta(days=1), end=START + timedelta(days=1, hours=2), zone="UTC")
        edited = await outlook.update(
            INTEGRATION,
            event_id=first.event_id,
            etag=first.etag,
            patch=patch(replace(CONTENT, title="Once", time=later), Field.TITLE, Field.TIME),
        )
        assert (edited.kind, edited.occurrence_date) == (OutlookKind.EXCEPTION, first.occurrence_date)
        await outlook.delete(INTEGRATION, event_id=second.event_id)
        left = await outlook.instances(INTEGRATION, series_id=master["id"], window=WINDOW)
        assert [state.occurrence_date for state in left] == [date(2026, 8, 4), date(2026, 8, 18), date(2026, 8, 25)]
        assert left[0].content.title == "Once"

    async def test_all_day_events_keep_their_dates_in_every_zone(
        self, outlook: Outlook, calendar_id: str, owner: Owner
    ) -> None:
        for zone in ("Tokyo Standard Time", "America/Los_Angeles", "UTC", "Pacific/Kiritimati"):
            made = await owner.add(
                isAllDay=True,
                start={"dateTime": "2026-03-28T00:00:00", "timeZone": zone},
                end={"dateTime": "2026-03-30T00:00:00", "timeZone": zone},
            )
            time = (await outlook.event(INTEGRATION, made["id"])).content.time
            assert isinstance(time, AllDay)
            assert (time.start, time.end) == (date(2026, 3, 28), date(2026, 3, 30))

    async def test_people_on_the_event_make_it_a_meeting(self, outlook: Outlook, owner: Owner) -> None:
        guest = {"emailAddress": {"address": "Guest@Example.com", "name": "A Guest"}, "type": "required"}
        made = await owner.add(attendees=[guest])
        state = await outlook.event(INTEGRATION, made["id"])
        assert state.is_meeting
        assert [(person.email, person.name) for person in state.content.attendees] == [("guest@example.com", "A Guest")]

    async def test_a_batch_answers_each_item_in_order(
        self, outlook: Outlook, calendar_id: str, owner: Owner, made: OutlookState
    ) -> None:
        foreign = await owner.add()
        retitled = patch(replace(CONTENT, title="T"), Field.TITLE)
        answers = await outlook.batch(
            INTEGRATION,
            [
                BatchCreate(calendar_id=calendar_id, payload=outlook.compose(draft(replace(CONTENT, title="New")))),
                BatchUpdate(event_id=made.event_id, etag=made.etag, patch=retitled),
                BatchUpdate(event_id=made.event_id, etag='W/"c3RhbGU="', patch=patch(CONTENT, Field.TITLE)),
                BatchDelete(event_id=foreign["id"]),
                BatchUpdate(event_id=foreign["id"][:-9] + "AAAAAAAA=", etag="", patch=patch(CONTENT, Field.TITLE)),
            ],
        )
        created, updated, stale, deleted, unknown = answers
        assert isinstance(created, OutlookState)
        assert created.content.title == "WedSync: New"
        assert isinstance(updated, OutlookState)
        assert updated.content.title == "T"
        assert isinstance(stale, VersionMismatch)
        assert deleted is None
        assert isinstance(unknown, EventGone)

    async def test_an_empty_batch_asks_nothing(self, outlook: Outlook) -> None:
        assert await outlook.batch(INTEGRATION, []) == ()

    async def test_twenty_creates_are_one_batch(self, outlook: Outlook, calendar_id: str) -> None:
        items = [BatchCreate(calendar_id=calendar_id, payload=outlook.compose(draft())) for _ in range(20)]
        answers = await outlook.batch(INTEGRATION, items)
        assert len({state.event_id for state in answers if isinstance(state, OutlookState)}) == 20
