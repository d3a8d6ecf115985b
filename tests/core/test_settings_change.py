"""What a change of settings comes to."""

from dataclasses import replace
from typing import Any

import pytest

from shared.core.event import Attendee, EventType, Field, Side
from shared.core.integration import Direction, ImportOutlookEvents, Integration, OnOutlookDelete, Preferences
from shared.core.mapping import EventMapping, Role
from shared.core.pair import NOTE_FORCED, NOTE_MEETING
from shared.core.settings_change import (
    CopiesAffected,
    CopyLeft,
    SettingsChange,
    consequences,
    copies_affected,
    copies_to_move,
)
from shared.core.states import IntegrationState, MappingState
from shared.errors import StateConflict, Unprocessable
from tests.support.values import content, integration, mapping

CONNECTED = integration(calendar_id="first", delta_link="link", wedsync_cursor="cursor")
PAUSED = replace(CONNECTED, state=IntegrationState.PAUSED)
SEPARATE = replace(
    CONNECTED,
    calendar_id="ours",
    separate_calendar_id="ours",
    chosen_calendar_id="first",
    preferences=Preferences(create_separate_calendar=True),
)
TO, FROM, BOTH = Direction.TO_OUTLOOK, Direction.FROM_OUTLOOK, Direction.BIDIRECTIONAL
FULL, BUSY, NONE = ImportOutlookEvents.FULL, ImportOutlookEvents.BUSY, ImportOutlookEvents.NONE


def asked(**preferences: Any) -> SettingsChange:
    return SettingsChange(preferences=preferences)


def test_nothing_asked_is_nothing_done() -> None:
    found = consequences(CONNECTED, SettingsChange())
    assert found.integration == CONNECTED
    assert not any((found.full, found.run, found.resumed, found.paused, found.subscription, found.moves))


@pytest.mark.parametrize(
    ("change", "full"),
    [
        (asked(sync_client_meetings=False), True),
        (asked(sync_wedding_events=False), True),
        (asked(sync_deadlines=False), True),
        (asked(sync_travel_time=True), True),
        (asked(event_prefix=""), True),
        (asked(import_outlook_events=BUSY), True),
        (asked(import_outlook_events=NONE), False),
        (asked(on_outlook_delete=OnOutlookDelete.DELETE), False),
        (asked(notification_minutes=(5,)), False),
        (asked(event_prefix="WedSync: ", sync_deadlines=True), False),
        (asked(create_separate_calendar=True), True),
        (SettingsChange(calendar_id="second"), True),
        (SettingsChange(calendar_id="first"), False),
        (SettingsChange(direction=TO), False),
        (SettingsChange(webhooks=False), False),
    ],
)
def test_what_asks_for_a_full_sync(change: SettingsChange, full: bool) -> None:
    found = consequences(CONNECTED, change)
    assert (found.full, found.run) == (full, full)
    assert found.integration.settings_version == CONNECTED.settings_version + full
    paused = consequences(PAUSED, change)
    assert (paused.full, paused.run) == (full, False)


@pytest.mark.parametrize(
    ("before", "after", "full"),
    [
        (BOTH, TO, False),
        (BOTH, FROM, False),
        (TO, TO, False),
        (TO, BOTH, True),
        (FROM, BOTH, True),
        (TO, FROM, True),
        (FROM, TO, True),
    ],
)
def test_a_direction_that_opens_asks_for_a_full_sync(before: Direction, after: Direction, full: bool) -> None:
    found = consequences(replace(CONNECTED, direction=before), SettingsChange(direction=after))
    assert (found.integration.direction, found.full) == (after, full)


@pytest.mark.parametrize(("before", "after"), [(NONE, FULL), (NONE, BUSY), (BUSY, FULL)])
def test_imports_that_widen_ask_for_a_full_sync(before: ImportOutlookEvents, after: ImportOutlookEvents) -> None:
    narrow = replace(CONNECTED, preferences=Preferences(import_outlook_events=before))
    assert consequences(narrow, asked(import_outlook_events=after)).full


# --- On and off -----------------------------------------------------------------------------------------------------


def test_pausing_and_resuming() -> None:
    off = consequences(CONNECTED, SettingsChange(sync_enabled=False))
    assert (off.integration.state, off.paused, off.run, off.full) == (IntegrationState.PAUSED, True, False, False)
    on = consequences(PAUSED, SettingsChange(sync_enabled=True))
    assert (on.integration.state, on.resumed, on.run, on.full) == (IntegrationState.CONNECTED, True, True, False)


@pytest.mark.parametrize(
    "paused",
    [replace(PAUSED, delta_link=""), replace(PAUSED, wedsync_cursor=""), replace(PAUSED, settings_version=1)],
)
def test_resuming_reads_everything_where_changes_alone_would_not_do(paused: Integration) -> None:
    assert consequences(paused, SettingsChange(sync_enabled=True)).full


def test_a_connection_that_needs_its_user_is_off_already() -> None:
    broken = replace(CONNECTED, state=IntegrationState.NEEDS_RECONNECT, reason="Sign in again.")
    assert not consequences(broken, SettingsChange(sync_enabled=False)).paused
    with pytest.raises(StateConflict, match="Sign in again"):
        consequences(broken, SettingsChange(sync_enabled=True))
    with pytest.raises(StateConflict, match="switched on"):
        consequences(replace(broken, reason=""), SettingsChange(sync_enabled=True))


def test_notifications_switched() -> None:
    off = consequences(CONNECTED, SettingsChange(webhooks=False))
    assert (off.integration.webhooks, off.subscription, off.run) == (False, True, False)
    assert not consequences(off.integration, SettingsChange(webhooks=False)).subscription
    assert consequences(off.integration, SettingsChange(webhooks=True)).subscription
    assert consequences(CONNECTED, SettingsChange(calendar_id="second")).subscription
    assert not consequences(off.integration, SettingsChange(calendar_id="second")).subscription


# --- Calendars ------------------------------------------------------------------------------------------------------


def test_another_calendar_is_wanted_before_it_is_synced() -> None:
    found = consequences(CONNECTED, SettingsChange(calendar_id="second"))
    after = found.integration
    assert found.moves
    assert (after.calendar_id, after.wanted_calendar_id, after.moves) == ("first", "second", True)
    back = consequences(after, SettingsChange(calendar_id="first"))
    assert (back.moves, back.integration.moves) == (True, False)


def test_a_separate_calendar_and_back() -> None:
    on = consequences(CONNECTED, asked(create_separate_calendar=True))
    assert (on.moves, on.integration.wanted_calendar_id, on.integration.moves) == (True, "", True)
    off = consequences(SEPARATE, asked(create_separate_calendar=False))
    assert (off.moves, off.integration.wanted_calendar_id) == (True, "first")
    again = consequences(replace(off.integration, calendar_id="first"), asked(create_separate_calendar=True))
    assert (again.moves, again.integration.wanted_calendar_id) == (True, "ours")
    elsewhere = consequences(SEPARATE, SettingsChange(calendar_id="x", preferences={"create_separate_calendar": False}))
    assert elsewhere.integration.wanted_calendar_id == "x"


@pytest.mark.parametrize("named", ["ours", "first"])
def test_a_calendar_that_is_known_may_be_named_beside_the_separate_one(named: str) -> None:
    assert consequences(SEPARATE, SettingsChange(calendar_id=named)).integration == SEPARATE


def test_another_calendar_is_not_chosen_beside_the_separate_one() -> None:
    with pytest.raises(Unprocessable):
        consequences(SEPARATE, SettingsChange(calendar_id="second"))


def test_a_move_under_way_is_one() -> None:
    assert replace(CONNECTED, moving_to="second").moves
    assert not CONNECTED.moves


# --- Copies ---------------------------------------------------------------------------------------------------------


def copy(**changes: Any) -> EventMapping:
    made = mapping(state=MappingState.LINKED, intent=None, outlook_id="copy", wedsync_id="event", base_o=content())
    return replace(made, **changes)


MEETING = copy(base_o=content(attendees=(Attendee(email="mia@example.com", name="Mia"),)))
OFF = asked(sync_client_meetings=False)


def test_copies_that_the_next_run_moves_are_those_without_guests() -> None:
    mappings = (copy(), copy(calendar_id="second"), MEETING)
    assert copies_to_move(replace(CONNECTED, chosen_calendar_id="second"), mappings) == 1
    assert copies_to_move(CONNECTED, mappings) == 0


@pytest.mark.parametrize(
    ("known", "removed", "left"),
    [
        (copy(), 1, ""),
        (copy(base_o=None), 1, ""),
        (copy(role=Role.TRAVEL), 0, ""),
        (copy(event_type=EventType.DEADLINE), 0, ""),
        (copy(born=Side.OUTLOOK), 0, ""),
        (copy(state=MappingState.UNLINKED), 0, ""),
        (copy(outlook_id=None), 0, ""),
        (copy(notes=(NOTE_FORCED,)), 0, ""),  # it was asked for by itself, whatever its type
        (copy(held=frozenset({Field.TITLE})), 0, "conflict"),
        (MEETING, 0, "guests"),
    ],
)
def test_what_a_type_takes_with_it(known: EventMapping, removed: int, left: str) -> None:
    found = copies_affected(consequences(CONNECTED, OFF), CONNECTED, [known])
    assert (found.removed, found.moved) == (removed, 0)
    assert found.left == ((CopyLeft(event_id="event", title="Tasting", reason=left),) if left else ())


def test_travel_blocks_go_with_the_wish_for_them() -> None:
    travelling = replace(CONNECTED, preferences=Preferences(sync_travel_time=True))
    known = [copy(), copy(role=Role.TRAVEL)]
    assert copies_affected(consequences(travelling, asked(sync_travel_time=False)), travelling, known).removed == 1
    assert copies_affected(consequences(travelling, OFF), travelling, known).removed == 2


def test_nothing_is_removed_where_nothing_is_carried_to_outlook() -> None:
    passive = replace(CONNECTED, direction=FROM)
    assert copies_affected(consequences(passive, OFF), passive, [copy()]) == CopiesAffected()


def test_copies_move_with_the_calendar_and_meetings_stay() -> None:
    nameless = replace(MEETING, wedsync_id=None, base_w=None, base_o=MEETING.base_o)
    change = consequences(CONNECTED, SettingsChange(calendar_id="second", preferences={"sync_deadlines": False}))
    held = copy(held=frozenset({Field.TITLE}))
    gone = copy(event_type=EventType.DEADLINE)
    alone = copy(notes=(NOTE_MEETING,))
    found = copies_affected(change, CONNECTED, [copy(), held, gone, nameless, alone])
    assert (found.removed, found.moved) == (1, 2)
    assert found.left == (
        CopyLeft(event_id=nameless.mapping_id, title="Tasting", reason="guests"),
        CopyLeft(event_id="event", title="Tasting", reason="meeting"),
    )


def test_a_copy_without_any_content_has_no_title() -> None:
    unknown = copy(base_w=None, base_o=None, held=frozenset({Field.TITLE}))
    (left,) = copies_affected(consequences(CONNECTED, OFF), CONNECTED, [unknown]).left
    assert left.title == ""
