"""Values in the shapes of the API: optional members are absent, an absent side is null, strings are never missing."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from shared.core.event import AllDay, Attendee, Field, Place, Side, Timed
from shared.core.history import EventFailure, Tally
from shared.core.integration import Preferences
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.states import IntegrationState, MappingState, RunState
from shared.triggers import present
from shared.usecases.clear_outlook import LeftEvent, Removal
from shared.usecases.list_events import EventFilter, EventPage, MappedEvent
from shared.usecases.report_status import Counts, SyncStatus
from tests.support import values
from tests.support.values import NOON


def wire(model: BaseModel) -> dict[str, Any]:
    """Return the JSON as the border writes it."""
    written: dict[str, Any] = json.loads(model.model_dump_json(by_alias=True, exclude_none=True))
    return written


def nulls(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in nulls(item, f"{path}/{name}")]
    if isinstance(value, list):
        return [found for number, item in enumerate(value) for found in nulls(item, f"{path}/{number}")]
    return [path] if value is None else []


def test_a_fresh_connection_has_no_nulls_and_no_missing_strings() -> None:
    integration = values.integration(calendar_id="", state=IntegrationState.NEEDS_RECONNECT, reason="Consent again.")
    status = SyncStatus(
        integration=integration,
        counts=Counts(),
        next_sync_at=NOON,
        recent=(values.run(),),
        subscription=None,
        channel_works=False,
        renewal_needed=True,
    )
    written = wire(present.sync_status(status))
    assert nulls(written) == []
    assert (written["integration"]["status"], written["integration"]["reason"]) == ("needs_reconnect", "Consent again.")
    assert written["integration"]["syncEnabled"] is False
    assert "calendarId" not in written["integration"]
    assert written["syncStats"]["lastFullSync"] == ""
    assert written["webhookStatus"] == {"isActive": False, "renewalNeeded": True}
    assert written["recentSyncHistory"][0]["syncStatus"] == "in_progress"


def test_a_connection_that_waits_for_its_user_says_where_to_go() -> None:
    waits = values.integration(
        state=IntegrationState.NEEDS_RECONNECT,
        reason="An administrator has to approve.",
        reason_code="admin_approval_required",
        reason_link="https://login.test/adminconsent",
    )
    written = wire(present.integration(waits, reconnect_url="https://app.test/settings"))
    assert written["reasonCode"] == "admin_approval_required"
    assert written["reconnectUrl"] == "https://app.test/settings"
    assert written["adminConsentUrl"] == "https://login.test/adminconsent"
    well = wire(present.integration(values.integration(), reconnect_url="https://app.test/settings"))
    assert not {"reason", "reasonCode", "reconnectUrl", "adminConsentUrl"} & set(well)


def test_the_events_of_a_connection_are_counted_once_each() -> None:
    """``totalEvents`` is the sum of its parts."""
    status = SyncStatus(
        integration=values.integration(),
        counts=Counts(total=15, synced=1, pending=2, conflicted=4, failed=8),
        next_sync_at=None,
        recent=(),
        subscription=values.subscription(subscription_id="s", expires_at=NOON),
        channel_works=True,
        renewal_needed=False,
    )
    written = wire(present.sync_status(status))
    assert written["syncStats"] == {
        "totalEvents": 15,
        "syncedEvents": 1,
        "pendingEvents": 2,
        "conflictedEvents": 4,
        "errorEvents": 8,
        "lastFullSync": "",
        "nextScheduledSync": "",
    }
    assert written["webhookStatus"] == {
        "isActive": True,
        "subscriptionId": "s",
        "expiresAt": "2026-06-20T12:00:00Z",
        "renewalNeeded": False,
    }


def test_a_run_that_two_clocks_have_timed_took_no_less_than_nothing() -> None:
    early = values.run(state=RunState.COMPLETED, started_at=NOON, completed_at=NOON - timedelta(seconds=2))
    assert wire(present.history_item(early))["syncDurationMs"] == 0


def test_preferences_have_the_specifications_names() -> None:
    written = wire(present.preferences(Preferences()))
    assert {"syncClientMeetings", "eventPrefix", "onOutlookDelete", "guestUpdates"} <= set(written)
    assert "syncDirection" not in written


def test_a_run_that_ended_tells_how_long_it_took_and_what_failed() -> None:
    failure = EventFailure(event_id="e", event_type="deadline", code="Rejected", message="Refused.", retryable=False)
    run = values.run(
        state=RunState.COMPLETED,
        started_at=NOON,
        completed_at=NOON + timedelta(seconds=90, milliseconds=5),
        tally=Tally(total=4, created=1, updated=2, errors=1),
        failures=(failure,),
    )
    written = wire(present.history_item(run))
    assert (written["syncStatus"], written["syncDurationMs"]) == ("completed", 90_005)
    assert written["completedAt"].endswith("Z")
    assert written["errors"] == [
        {
            "eventId": "e",
            "eventType": "deadline",
            "errorCode": "Rejected",
            "errorMessage": "Refused.",
            "retryable": False,
        }
    ]
    assert "eventsRepaired" not in written
    job = wire(present.sync_job(run))
    assert (job["syncId"], job["status"], job["progress"]["errorEvents"]) == (run.run_id, "completed", 1)


@pytest.mark.parametrize(
    ("purpose", "repaired", "shown"),
    [
        (RunPurpose.RECONCILE, 3, 3),
        (RunPurpose.RECONCILE, 0, 0),
        (RunPurpose.SYNC, 2, 2),
        (RunPurpose.SYNC, 0, None),
    ],
)
def test_repairs_are_shown_where_there_were_or_might_have_been_some(
    purpose: RunPurpose, repaired: int, shown: int | None
) -> None:
    request = RunRequest(kind=RunKind.FULL, triggered_by=TriggeredBy.SCHEDULED, purpose=purpose)
    run = values.run(request=request, state=RunState.COMPLETED, tally=Tally(repaired=repaired))
    assert wire(present.history_item(run)).get("eventsRepaired") == shown


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (Field.TITLE, "Tasting"),
        (Field.DESCRIPTION, "Bring the list"),
        (Field.LOCATION, {"name": "Mill", "address": "High Street"}),
        (Field.ATTENDEES, [{"email": "a@example.test", "name": "A"}]),
        (Field.PRIVATE, False),
        (None, "Tasting"),
        (
            Field.TIME,
            {
                "start": "2026-06-20T13:00:00",
                "end": "2026-06-20T14:00:00",
                "timeZone": "Europe/London",
                "allDay": False,
            },
        ),
    ],
)
def test_field_values(field: Field | None, expected: object) -> None:
    event = values.content(
        description="Bring the list",
        location=Place(name="Mill", address="High Street"),
        attendees=(Attendee(email="a@example.test", name="A"),),
    )
    assert present.field_value(event, field) == expected
    assert present.field_value(None, field) is None


def test_an_all_day_events_days_are_days() -> None:
    event = values.content(time=AllDay(start=date(2026, 6, 20), end=date(2026, 6, 22), zone="Europe/London"))
    shown = present.field_value(event, Field.TIME)
    assert shown == {"start": "2026-06-20", "end": "2026-06-22", "timeZone": "Europe/London", "allDay": True}


@pytest.mark.parametrize("absent", list(Side))
def test_a_conflict_about_a_deletion_has_null_for_the_absent_side(absent: Side) -> None:
    changes = {absent.value: None}
    written = wire(present.conflict(values.conflict(field=None, absent=absent, **changes)))
    assert (written["field"], written["conflictType"], written["kind"]) == ("event", "date_time", "deleted")
    gone, left = ("wedSyncValue", "outlookValue") if absent is Side.WEDSYNC else ("outlookValue", "wedSyncValue")
    assert gone in written
    assert written[gone] is None
    assert written[left]


def test_a_conflict_about_a_field_has_both_values_and_no_kind() -> None:
    written = wire(present.conflict(values.conflict()))
    assert (written["wedSyncValue"], written["outlookValue"]) == ("Tasting at noon", "Tasting, late")
    assert written["base"] == "Tasting"
    assert "kind" not in written


def test_a_mapped_event_shows_the_prefix_where_outlook_does() -> None:
    mapping = values.mapping(state=MappingState.LINKED, outlook_id="o", prefix="WedSync: ", base_o=values.content())
    written = wire(present.mapped_event(MappedEvent(mapping=mapping, status="synced"), syncing=True))
    assert (written["wedSyncEventTitle"], written["outlookEventTitle"]) == ("Tasting", "WedSync: Tasting")
    assert written["wedSyncEventId"] == mapping.wedsync_id
    assert nulls(written) == []
    assert "reason" not in written


@pytest.mark.parametrize("elsewhere", [True, False])
@pytest.mark.parametrize("syncing", [True, False])
def test_an_event_can_be_synced_again_where_a_forced_sync_is_not_refused(elsewhere: bool, syncing: bool) -> None:
    """Not in an earlier calendar, and not while nothing is carried."""
    mapping = values.mapping(state=MappingState.LINKED, outlook_id="o")
    event = MappedEvent(mapping=mapping, status="synced", elsewhere=elsewhere)
    page = EventPage(events=(event,), page=1, total_pages=1, total_events=1, syncing=syncing)
    (written,) = wire(present.event_page(page, EventFilter()))["events"]
    assert written["canResync"] is (syncing and not elsewhere)


def test_an_event_that_is_on_one_side_only_has_empty_strings_for_the_other() -> None:
    mapping = replace(values.mapping(), wedsync_id=None, base_w=None)
    written = wire(present.mapped_event(MappedEvent(mapping=mapping, status="pending"), syncing=True))
    assert (written["wedSyncEventId"], written["wedSyncEventTitle"]) == (mapping.mapping_id, "")
    assert (written["outlookEventId"], written["outlookEventTitle"], written["outlookEventDate"]) == ("", "", "")
    assert written["reason"] == "intent"


def test_a_page_of_events_repeats_its_filters() -> None:
    page = EventPage(events=(), page=1, total_pages=1, total_events=0, syncing=True)
    wanted = EventFilter(statuses=("conflict",), start=date(2026, 6, 1), end=date(2026, 6, 30))
    written = wire(present.event_page(page, wanted))
    assert written["pagination"] == {"page": 1, "totalPages": 1, "totalEvents": 0}
    assert written["filters"]["dateRange"] == {"start": "2026-06-01", "end": "2026-06-30"}
    assert "dateRange" not in wire(present.event_page(page, EventFilter()))["filters"]


def test_times_of_a_timed_event_are_those_of_its_zone() -> None:
    event = values.content(time=Timed(start=NOON, end=NOON, zone="America/New_York"))
    assert present.field_value(event, Field.TIME)["start"] == "2026-06-20T08:00:00"


def test_how_long_a_run_will_take_is_told_while_that_is_known() -> None:
    """At the pace that it has had so far."""
    begun = values.run(
        state=RunState.IN_PROGRESS, started_at=NOON, completed_at=None, tally=Tally(total=100, handled=25)
    )
    later = NOON + timedelta(seconds=10)
    assert wire(present.sync_job(begun, now=later))["estimatedTimeRemaining"] == 30
    for run in (
        replace(begun, tally=Tally(total=100)),
        replace(begun, tally=Tally(total=100, handled=100)),
        replace(begun, state=RunState.COMPLETED, completed_at=later),
        replace(begun, state=RunState.QUEUED, started_at=None),
    ):
        assert "estimatedTimeRemaining" not in wire(present.sync_job(run, now=later))


def test_a_disconnect_names_what_it_left_once_it_has_ended() -> None:
    left = tuple(LeftEvent(event_id=f"event-{number}", title=f"Tasting {number}") for number in range(101))
    removal = Removal(sync_id="run", events_left=len(left), left=left)
    assert "leftEvents" not in wire(present.removal(removal))
    written = wire(present.removal(replace(removal, finished=True)))
    assert (written["status"], written["eventsLeft"], len(written["leftEvents"])) == ("completed", 101, 100)
    assert written["leftEvents"][0] == {"eventId": "event-0", "title": "Tasting 0"}
    assert wire(present.removal(Removal(sync_id="run", finished=True)))["leftEvents"] == []
