"""The JSON of the settings: what is taken, what is refused, and what the answer looks like."""

import json
from typing import Any

import pytest

from shared.core.event import EventType, Field, Side
from shared.core.integration import Direction, ImportOutlookEvents
from shared.core.rules import rule_of
from shared.core.settings_change import CopiesAffected, CopyLeft
from shared.core.states import IntegrationState
from shared.errors import InvalidInput, Unprocessable
from shared.triggers.http import Call
from shared.triggers.settings import presented, wanted_change
from shared.triggers.settings_shapes import SettingsRequest
from shared.usecases.change_settings import SettingsChanged
from tests.support import values
from tests.support.values import NOON


def request(**members: Any) -> SettingsRequest:
    return Call(query={}, headers={}, params={}, body=json.dumps(members).encode()).json(SettingsRequest)


def test_what_the_specifications_component_sends_is_taken() -> None:
    """It sends all preferences back, and the direction and the prefix among them."""
    shown = presented(answer(), reconnect_url="").integration.sync_preferences.model_dump(by_alias=True)
    change = wanted_change(request(syncPreferences={**shown, "syncDirection": "to_outlook", "eventPrefix": ""}))
    assert change.direction is Direction.TO_OUTLOOK
    assert change.preferences["event_prefix"] == ""
    assert change.preferences["notification_minutes"] == (15, 60)
    assert change.preferences["import_outlook_events"] is ImportOutlookEvents.FULL
    assert "sync_direction" not in change.preferences


def test_what_is_not_named_is_not_asked() -> None:
    nothing: tuple[dict[str, Any], ...] = (
        {},
        {"calendarId": None, "syncPreferences": None, "syncEnabled": None},
        {"syncPreferences": {}},
    )
    for empty in nothing:
        change = wanted_change(request(**empty))
        assert (change.calendar_id, change.direction, change.sync_enabled, change.webhooks) == (None,) * 4
        assert (change.preferences, change.remove_rules) == ({}, ())


def test_every_member_arrives() -> None:
    change = wanted_change(
        request(
            calendarId="x",
            syncDirection="from_outlook",
            syncEnabled=False,
            webhookEnabled=False,
            syncPreferences={"syncTravelTime": True, "guestUpdates": "send", "notificationMinutes": []},
            removeResolutionRules=["a", "b"],
        )
    )
    assert (change.calendar_id, change.direction) == ("x", Direction.FROM_OUTLOOK)
    assert (change.sync_enabled, change.webhooks, change.remove_rules) == (False, False, ("a", "b"))
    assert change.preferences == {"sync_travel_time": True, "guest_updates": "send", "notification_minutes": ()}


def test_two_directions_are_taken_if_they_agree() -> None:
    same = request(syncDirection="to_outlook", syncPreferences={"syncDirection": "to_outlook"})
    assert wanted_change(same).direction is Direction.TO_OUTLOOK
    with pytest.raises(Unprocessable):
        wanted_change(request(syncDirection="to_outlook", syncPreferences={"syncDirection": "bidirectional"}))


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"syncPreferences": {"eventPrefix": "x" * 51}}, "/syncPreferences/eventPrefix"),
        ({"syncPreferences": {"eventPrefix": "a\nb"}}, "/syncPreferences/eventPrefix"),
        ({"syncPreferences": {"notificationMinutes": [40_321]}}, "/syncPreferences/notificationMinutes/0"),
        ({"syncPreferences": {"notificationMinutes": [15, -1]}}, "/syncPreferences/notificationMinutes/1"),
        ({"syncPreferences": {"notificationMinutes": [1] * 11}}, "/syncPreferences/notificationMinutes"),
        ({"syncPreferences": {"notificationMinutes": [True]}}, "/syncPreferences/notificationMinutes/0"),
        ({"syncPreferences": {"syncDeadlines": "yes"}}, "/syncPreferences/syncDeadlines"),
        ({"syncPreferences": {"unknown": 1}}, "/syncPreferences/unknown"),
        ({"unknown": 1}, "/unknown"),
    ],
)
def test_what_is_refused_is_named(members: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        request(**members)
    assert [error["pointer"] for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize("minutes", [[], [0], [40_320], [5] * 10])
def test_reminders_at_the_edge_are_taken(minutes: list[int]) -> None:
    change = wanted_change(request(syncPreferences={"notificationMinutes": minutes}))
    assert change.preferences["notification_minutes"] == tuple(minutes)


def answer(**changes: Any) -> SettingsChanged:
    members = {
        "integration": values.integration(calendar_id="calendar"),
        "subscription_updated": False,
        "schedule_changed": False,
        "full_resync": False,
        "copies": CopiesAffected(),
        **changes,
    }
    return SettingsChanged(**members)


def wire(value: SettingsChanged) -> dict[str, Any]:
    shown = presented(value, reconnect_url="https://app.test/settings")
    written: dict[str, Any] = json.loads(shown.model_dump_json(by_alias=True, exclude_none=True))
    return written


def test_the_answer_to_a_change_that_comes_to_nothing() -> None:
    written = wire(answer())
    integration = written.pop("integration")
    assert (integration["webhookEnabled"], "moving" in integration) == (True, False)
    assert written == {
        "webhookSubscriptionUpdated": False,
        "syncScheduleChanged": False,
        "requiresFullResync": False,
        "copiesRemoved": 0,
        "copiesMoved": 0,
        "copiesLeft": [],
        "warnings": [],
    }


def test_the_answer_to_a_change_that_takes_copies_away() -> None:
    left = (CopyLeft(event_id="event", title="Tasting", reason="guests"),)
    copies = CopiesAffected(removed=3, moved=2, left=left)
    moving = values.integration(calendar_id="calendar", chosen_calendar_id="another")
    written = wire(answer(integration=moving, full_resync=True, copies=copies, unrepresentable=(60, 5), sync_id="run"))
    assert written["integration"]["moving"] is True
    assert (written["copiesRemoved"], written["copiesMoved"], written["syncId"]) == (3, 2, "run")
    assert written["copiesLeft"] == [{"eventId": "event", "title": "Tasting", "reason": "guests"}]
    (warning,) = written["warnings"]
    assert warning["code"] == "reminders_not_representable"
    assert "60, 5" in warning["detail"]


def test_the_answer_shows_the_integration_as_the_status_does() -> None:
    """The frontend puts it in the place of the one that it had."""
    waits = values.integration(state=IntegrationState.NEEDS_RECONNECT)
    rule = rule_of("i", which=Field.TITLE, event_type=EventType.DEADLINE, use=Side.OUTLOOK, at=NOON)
    integration = wire(answer(integration=waits, rules=(rule,)))["integration"]
    assert integration["reconnectUrl"] == "https://app.test/settings"
    assert [each["ruleId"] for each in integration["resolutionRules"]] == [rule.rule_id]
