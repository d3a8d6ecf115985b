"""What is known of each side."""

from dataclasses import replace
from datetime import date

import pytest

from shared.core.actions import OpenConflict, Rule
from shared.core.conflicts import conflict_of
from shared.core.event import EventType, Field, OutlookKind, Place, Side
from shared.core.integration import ImportOutlookEvents, Preferences
from shared.core.mapping import EventMapping
from shared.core.states import ConflictState
from shared.core.views import (
    UNSEEN,
    Gone,
    Present,
    View,
    busy_view,
    content_of,
    holding,
    is_masked,
    is_replay,
    refreshed,
    settle_view,
)
from tests.core.strategies import EVENT, GUEST, HOUR, NOON, mapping_of, outlook_state, wedsync_state

THEIRS = mapping_of(born=Side.OUTLOOK, prefix="")
PRIVATE = replace(EVENT, private=True)
DELETION = conflict_of(
    OpenConflict(
        rule=Rule.OUTLOOK_DELETE_ASK,
        which=None,
        wedsync=replace(EVENT, title="Fitting"),
        outlook=None,
        base_w=EVENT,
        base_o=EVENT,
        absent=Side.OUTLOOK,
    ),
    mapping_of(),
    now=NOON,
)


@pytest.mark.parametrize(
    ("view", "settled"),
    [
        (UNSEEN, UNSEEN),
        (Gone(proved=False), Gone(proved=False)),
        (Present(wedsync_state(version=2)), UNSEEN),
        (Present(wedsync_state(version=2, deleted=True)), UNSEEN),
        (Present(wedsync_state(deleted=True)), Gone(proved=True)),
        (Present(outlook_state(cancelled=True)), Gone(proved=True)),
        (Present(outlook_state(kind=OutlookKind.MASTER)), Gone(proved=True)),
        (Present(wedsync_state(version=3)), Present(wedsync_state(version=3))),
        (Present(outlook_state(changed_at=NOON)), Present(outlook_state(changed_at=NOON))),
    ],
)
def test_replays_are_unseen_and_tombstones_gone(view: View, settled: View) -> None:
    assert settle_view(mapping_of(), view) == settled


def test_versions_are_refreshed_but_never_go_back() -> None:
    mapping = mapping_of()
    assert refreshed(mapping, Gone(proved=True)) == mapping
    assert refreshed(mapping, Present(wedsync_state(version=2))) == mapping
    newer = refreshed(mapping, Present(wedsync_state(version=9, event_type=EventType.DEADLINE)))
    assert (newer.w_version, newer.event_type) == (9, EventType.DEADLINE)
    day = date(2026, 6, 20)
    state = outlook_state(series_id="s1", occurrence_date=day, is_organizer=False)
    seen = refreshed(mapping, Present(state))
    assert (seen.o_etag, seen.o_changed_at, seen.series_id) == ("etag-4", NOON + HOUR, "s1")
    assert (seen.occurrence_date, seen.is_organizer) == (day, False)
    assert not is_replay(replace(mapping, o_changed_at=None), outlook_state(changed_at=NOON - HOUR))


def test_an_unread_side_is_its_base_with_what_conflicts_recorded() -> None:
    mapping = mapping_of()
    assert content_of(mapping, Side.WEDSYNC, UNSEEN) == EVENT
    assert content_of(mapping, Side.WEDSYNC, UNSEEN, (DELETION,)) == replace(EVENT, title="Fitting")
    assert content_of(mapping, Side.OUTLOOK, Gone(proved=True), (DELETION,)) == EVENT
    assert content_of(mapping_of(base_w=None), Side.WEDSYNC, UNSEEN, (DELETION,)) is None
    assert content_of(mapping, Side.OUTLOOK, Present(outlook_state(EVENT))) == EVENT


def test_what_a_mask_leaves() -> None:
    full = replace(PRIVATE, location=Place(name="Mill"), attendees=(GUEST,))
    assert busy_view(full) == replace(full, title="Busy", description="", location=Place())


@pytest.mark.parametrize(
    ("mapping", "imports", "private", "masked"),
    [
        (mapping_of(), ImportOutlookEvents.BUSY, True, False),
        (THEIRS, ImportOutlookEvents.BUSY, False, True),
        (THEIRS, ImportOutlookEvents.FULL, False, False),
        (THEIRS, ImportOutlookEvents.FULL, True, True),
        (replace(THEIRS, base_o=PRIVATE), ImportOutlookEvents.FULL, True, False),
        (replace(THEIRS, base_o=PRIVATE, masked=True), ImportOutlookEvents.FULL, True, True),
        (replace(THEIRS, masked=True), ImportOutlookEvents.FULL, False, False),
        (replace(THEIRS, masked=True), ImportOutlookEvents.NONE, False, True),
        (THEIRS, ImportOutlookEvents.NONE, False, False),
        (replace(THEIRS, base_o=None), ImportOutlookEvents.FULL, True, True),
    ],
)
def test_who_is_masked(mapping: EventMapping, imports: ImportOutlookEvents, private: bool, masked: bool) -> None:
    state = outlook_state(replace(EVENT, private=private))
    assert is_masked(mapping, state, Preferences(import_outlook_events=imports)) is masked


def test_conflicts_hold_until_they_are_applied() -> None:
    rows = [replace(DELETION, state=state) for state in ConflictState]
    assert [row.state for row in holding(rows)] == [ConflictState.OPEN, ConflictState.RESOLVED]
    assert Field.TITLE in set(Field)
