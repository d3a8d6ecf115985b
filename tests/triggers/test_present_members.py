"""Each value goes into the member that is named for it: what is alike is told apart here by having other values."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from shared.core.event import EventType, Field, Side, Timed
from shared.core.history import Tally
from shared.core.integration import CalendarInfo
from shared.core.rules import rule_of
from shared.core.states import IntegrationState, MappingState, RunState
from shared.triggers import present
from shared.usecases.clear_outlook import Removal
from shared.usecases.list_events import EventFilter, EventPage, MappedEvent
from shared.usecases.report_status import Counts, SyncStatus
from tests.support import values
from tests.support.values import NOON

SOON, LATER = NOON + timedelta(minutes=1), NOON + timedelta(hours=1)
TALLY = Tally(
    total=1000, handled=500, created=1, updated=2, deleted=3, conflicts=4, errors=5, repaired=6, held=7, noted=8
)


def wire(model: BaseModel) -> dict[str, Any]:
    """Return the JSON as the border writes it."""
    written: dict[str, Any] = json.loads(model.model_dump_json(by_alias=True, exclude_none=True))
    return written


def test_the_counts_of_a_run() -> None:
    run = values.run(state=RunState.COMPLETED, started_at=NOON, completed_at=SOON, tally=TALLY)
    shown = wire(present.history_item(run))
    assert {name: shown[name] for name in shown if name.startswith("events") or name == "conflictsDetected"} == {
        "eventsProcessed": 500,
        "eventsCreated": 1,
        "eventsUpdated": 2,
        "eventsDeleted": 3,
        "conflictsDetected": 4,
        "eventsRepaired": 6,
    }
    assert wire(present.sync_job(run))["progress"] == {
        "totalEvents": 1000,
        "processedEvents": 500,
        "createdEvents": 1,
        "updatedEvents": 2,
        "deletedEvents": 3,
        "errorEvents": 5,
    }


@pytest.mark.parametrize(
    ("members", "started", "completed", "spent"),
    [
        ({}, "2026-06-20T12:00:00Z", None, 0),
        ({"started_at": SOON}, "2026-06-20T12:01:00Z", None, 0),
        ({"started_at": SOON, "completed_at": LATER}, "2026-06-20T12:01:00Z", "2026-06-20T13:00:00Z", 3_540_000),
        ({"completed_at": SOON}, "2026-06-20T12:00:00Z", "2026-06-20T12:01:00Z", 60_000),
    ],
)
def test_the_times_of_a_run(members: dict[str, Any], started: str, completed: str | None, spent: int) -> None:
    """One that nobody has begun yet shows when it was queued."""
    run = values.run(queued_at=NOON, **members)
    shown, alone = wire(present.history_item(run)), wire(present.sync_job(run))
    assert (shown["startedAt"], shown.get("completedAt"), shown["syncDurationMs"]) == (started, completed, spent)
    assert (alone["startedAt"], alone.get("completedAt")) == (started, completed)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (RunState.QUEUED, "in_progress"),
        (RunState.IN_PROGRESS, "in_progress"),
        (RunState.COMPLETED, "completed"),
        (RunState.FAILED, "failed"),
        (RunState.CANCELLED, "cancelled"),
    ],
)
def test_the_state_of_a_run(state: RunState, shown: str) -> None:
    run = values.run(state=state)
    assert (present.history_item(run).sync_status, present.sync_job(run).status) == (shown, shown)


def test_the_last_second_of_a_run_is_a_second() -> None:
    run = values.run(state=RunState.IN_PROGRESS, started_at=NOON, tally=Tally(total=1000, handled=999))
    assert present.remaining_seconds(run, NOON + timedelta(milliseconds=5)) == 1
    half = values.run(state=RunState.IN_PROGRESS, started_at=NOON, tally=Tally(total=3, handled=2))
    assert present.remaining_seconds(half, NOON + timedelta(seconds=3)) == 2


def test_the_times_of_the_status() -> None:
    status = SyncStatus(
        integration=values.integration(last_sync_at=SOON, last_full_sync_at=NOON),
        counts=Counts(),
        next_sync_at=LATER,
        recent=(),
        subscription=values.subscription(expires_at=LATER),
        channel_works=False,
        renewal_needed=True,
    )
    shown = wire(present.sync_status(status))
    assert shown["integration"]["lastSyncAt"] == "2026-06-20T12:01:00Z"
    assert shown["syncStats"]["lastFullSync"] == "2026-06-20T12:00:00Z"
    assert shown["syncStats"]["nextScheduledSync"] == shown["webhookStatus"]["expiresAt"] == "2026-06-20T13:00:00Z"
    assert (shown["webhookStatus"]["isActive"], shown["webhookStatus"]["renewalNeeded"]) == (False, True)


@pytest.mark.parametrize("state", IntegrationState)
def test_only_what_carries_changes_is_enabled_and_only_who_is_needed_is_sent_somewhere(state: IntegrationState) -> None:
    shown = wire(present.integration(values.integration(state=state), reconnect_url="https://app.test"))
    assert (shown["status"], shown["syncEnabled"]) == (state.value, state is IntegrationState.CONNECTED)
    assert ("reconnectUrl" in shown) == (state is IntegrationState.NEEDS_RECONNECT)


def test_a_calendar_and_its_owner() -> None:
    info = CalendarInfo(
        calendar_id="c",
        name="Weddings",
        color="lightBlue",
        is_default=True,
        can_edit=False,
        owner_name="Rose",
        owner_address="rose@example.test",
    )
    (shown,) = present.calendars((info,))
    assert wire(shown) == {
        "id": "c",
        "name": "Weddings",
        "color": "lightBlue",
        "isDefaultCalendar": True,
        "canEdit": False,
        "owner": {"name": "Rose", "address": "rose@example.test"},
    }


@pytest.mark.parametrize("use", list(Side))
def test_a_rule(use: Side) -> None:
    rule = rule_of("i", which=Field.LOCATION, event_type=EventType.DEADLINE, use=use, at=NOON)
    assert wire(present.resolution_rule(rule)) == {
        "ruleId": rule.rule_id,
        "field": "location",
        "eventType": "deadline",
        "use": use.value,
        "createdAt": "2026-06-20T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("sides", "side"),
    [
        ((Side.WEDSYNC, Side.WEDSYNC), "wedsync"),
        ((Side.OUTLOOK,), "outlook"),
        ((Side.OUTLOOK, Side.WEDSYNC), "both"),
        ((Side.WEDSYNC, Side.OUTLOOK), "both"),
    ],
)
def test_a_question_about_deletions(sides: tuple[Side, ...], side: str) -> None:
    asked = present.confirmation(values.question(*sides))
    assert asked is not None
    shown = wire(asked)
    assert (shown["side"], shown["count"], shown["reason"]) == (side, len(sides), "many")
    assert (shown["openedAt"], shown["expiresAt"]) == ("2026-06-20T12:00:00Z", "2026-06-20T13:00:00Z")
    first = {"eventId": "e0", "title": "Tasting", "side": sides[0].value, "heldAt": "2026-06-20T12:01:00Z"}
    assert shown["events"][0] == first
    assert [event["side"] for event in shown["events"]] == [each.value for each in sides]
    assert all(event["title"] == "" for event in shown["events"][1:])


def test_a_question_names_two_hundred_and_counts_all() -> None:
    asked = present.confirmation(values.question(*[Side.OUTLOOK] * 201))
    assert asked is not None
    assert (asked.count, len(asked.events)) == (201, 200)


def test_a_conflict_says_when_each_side_changed() -> None:
    shown = wire(present.conflict(values.conflict(wedsync_at=NOON, outlook_at=SOON, opened_at=LATER)))
    assert shown["wedSyncChangedAt"] == "2026-06-20T12:00:00Z"
    assert shown["outlookChangedAt"] == "2026-06-20T12:01:00Z"
    assert shown["openedAt"] == "2026-06-20T13:00:00Z"
    assert (shown["state"], shown["suggestedResolution"], "choice" in shown) == ("open", "manual_review", False)


def test_an_event_shows_each_side_s_own() -> None:
    ours = values.content(title="Ours")
    tomorrow = NOON + timedelta(days=1)
    later = values.content(title="Theirs", time=Timed(start=tomorrow, end=tomorrow, zone="Europe/London"))
    mapping = values.mapping(
        state=MappingState.LINKED, outlook_id="o", base_w=ours, base_o=later, last_synced_at=SOON, prefix=""
    )
    shown = wire(present.mapped_event(MappedEvent(mapping=mapping, status="synced"), syncing=True))
    assert (shown["wedSyncEventTitle"], shown["wedSyncEventDate"]) == ("Ours", "2026-06-20")
    assert (shown["outlookEventTitle"], shown["outlookEventDate"]) == ("Theirs", "2026-06-21")
    assert (shown["outlookEventId"], shown["lastSynced"]) == ("o", "2026-06-20T12:01:00Z")
    assert (shown["wedSyncEventType"], shown["syncStatus"]) == ("client_meeting", "synced")


def test_an_event_that_is_not_in_outlook_yet_has_no_title_there() -> None:
    shown = wire(present.mapped_event(MappedEvent(mapping=values.mapping(), status="pending"), syncing=True))
    assert (shown["wedSyncEventTitle"], shown["outlookEventTitle"], shown["outlookEventDate"]) == ("Tasting", "", "")


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (EventFilter(start=date(2026, 6, 1)), {"start": "2026-06-01", "end": ""}),
        (EventFilter(end=date(2026, 6, 30)), {"start": "", "end": "2026-06-30"}),
    ],
)
def test_a_range_of_dates_that_is_open_at_one_end(wanted: EventFilter, shown: dict[str, str]) -> None:
    page = EventPage(events=(), page=2, total_pages=3, total_events=4, syncing=True)
    written = wire(present.event_page(page, wanted))
    assert written["filters"] == {"eventTypes": [], "syncStatuses": [], "dateRange": shown}
    assert written["pagination"] == {"page": 2, "totalPages": 3, "totalEvents": 4}


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("unsubscribed", [True, False])
def test_a_removal(finished: bool, unsubscribed: bool) -> None:
    removal = Removal(
        sync_id="run",
        events_deleted=1,
        mappings_deleted=2,
        events_left=3,
        webhook_unsubscribed=unsubscribed,
        finished=finished,
    )
    shown = wire(present.removal(removal))
    assert shown == {
        "success": True,
        "eventsDeleted": 1,
        "mappingsDeleted": 2,
        "eventsLeft": 3,
        "webhookUnsubscribed": unsubscribed,
        "status": "completed" if finished else "in_progress",
        "syncId": "run",
    } | ({"leftEvents": []} if finished else {})
