"""Conflicts: rows, ids, what is suggested, and when they are over."""

from dataclasses import replace

import pytest
from hypothesis import given

from shared.core.actions import EXPLAINED, OpenConflict, Rule
from shared.core.conflicts import (
    advise,
    applied,
    conflict_id_of,
    conflict_of,
    conflict_type,
    is_superseded,
    superseded,
)
from shared.core.event import CalendarEvent, EventType, Field, Place, Side
from shared.core.history import Suggestion
from shared.core.states import ConflictState
from shared.errors import IllegalMove
from tests.core.strategies import EVENT, HOUR, LAWS, NOON, events, mapping_of

FITTING, GOWN = replace(EVENT, title="Fitting"), replace(EVENT, title="Gown")
CLASH = OpenConflict(rule=Rule.CLASH, which=Field.TITLE, wedsync=FITTING, outlook=GOWN, base_w=EVENT, base_o=EVENT)


def suggested(**changes: object) -> Suggestion:
    return advise(replace(CLASH, **changes), EventType.CLIENT_MEETING)[0]  # type: ignore[arg-type]


def test_the_row_holds_all_that_a_person_needs() -> None:
    row = conflict_of(replace(CLASH, wedsync_at=NOON, outlook_at=NOON + HOUR), mapping_of(), now=NOON)
    assert (row.state, row.field, row.base, row.opened_at) == (ConflictState.OPEN, Field.TITLE, EVENT, NOON)
    assert (row.wedsync, row.outlook, row.wedsync_at, row.outlook_at) == (FITTING, GOWN, NOON, NOON + HOUR)
    assert row.suggestion is Suggestion.USE_OUTLOOK
    assert row.reason == f"{EXPLAINED[Rule.CLASH]} Outlook's event was changed later."
    assert conflict_of(CLASH, mapping_of(), now=NOON, conflict_id="mine").conflict_id == "mine"


@LAWS
@given(events(), events())
def test_an_id_follows_from_the_values_at_odds(a: CalendarEvent, b: CalendarEvent) -> None:
    one, two = replace(CLASH, wedsync=a), replace(CLASH, wedsync=b)
    assert (conflict_id_of(one, "m") == conflict_id_of(two, "m")) == (a.title == b.title)
    assert conflict_id_of(one, "m") != conflict_id_of(one, "n")
    assert conflict_id_of(replace(one, which=None, absent=Side.OUTLOOK, outlook=None), "m") != conflict_id_of(one, "m")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Suggestion.MANUAL_REVIEW),
        ({"wedsync_at": NOON}, Suggestion.MANUAL_REVIEW),
        ({"wedsync_at": NOON, "outlook_at": NOON}, Suggestion.MANUAL_REVIEW),
        ({"wedsync_at": NOON, "outlook_at": NOON + HOUR}, Suggestion.USE_OUTLOOK),
        ({"wedsync_at": NOON, "outlook_at": NOON - HOUR}, Suggestion.USE_WEDSYNC),
        ({"outlook": replace(EVENT, title="Fit")}, Suggestion.USE_WEDSYNC),
        ({"wedsync": replace(EVENT, title="")}, Suggestion.USE_OUTLOOK),
        ({"which": Field.DESCRIPTION, "outlook": replace(EVENT, description="")}, Suggestion.USE_WEDSYNC),
        ({"which": Field.LOCATION, "outlook": replace(EVENT, location=Place(name="Mill"))}, Suggestion.USE_OUTLOOK),
        ({"which": Field.PRIVATE}, Suggestion.MANUAL_REVIEW),
        ({"outlook": None}, Suggestion.MANUAL_REVIEW),
        ({"rule": Rule.GUESTS}, Suggestion.USE_WEDSYNC),
        ({"rule": Rule.ATTENDEES, "which": Field.ATTENDEES}, Suggestion.USE_OUTLOOK),
        ({"which": None, "rule": Rule.EDITED_AND_DELETED, "absent": Side.WEDSYNC}, Suggestion.USE_OUTLOOK),
        ({"which": None, "rule": Rule.EDITED_AND_DELETED, "absent": Side.OUTLOOK}, Suggestion.USE_WEDSYNC),
        ({"which": None, "rule": Rule.OUTLOOK_DELETE_ASK, "absent": Side.OUTLOOK}, Suggestion.MANUAL_REVIEW),
    ],
)
def test_what_is_suggested(changes: dict[str, object], expected: Suggestion) -> None:
    assert suggested(**changes) is expected


@pytest.mark.parametrize("rule", [Rule.OUTLOOK_DELETE_ASK, Rule.EDITED_AND_DELETED, Rule.LEFT_CALENDAR])
def test_a_question_about_what_is_in_another_calendar_says_so(rule: Rule) -> None:
    opening = replace(CLASH, which=None, absent=Side.OUTLOOK, outlook=None, rule=rule)
    _, reason = advise(replace(opening, elsewhere=True), EventType.VENUE_VISIT)
    assert reason.count("another calendar") == 1
    assert rule is Rule.LEFT_CALENDAR or "another calendar" not in advise(opening, EventType.VENUE_VISIT)[1]


def test_nobody_is_told_when_a_wedding_is() -> None:
    clash = replace(CLASH, which=Field.TIME, wedsync_at=NOON, outlook_at=NOON + HOUR)
    assert advise(clash, EventType.WEDDING_CEREMONY)[0] is Suggestion.MANUAL_REVIEW
    assert advise(clash, EventType.VENUE_VISIT)[0] is Suggestion.USE_OUTLOOK


def test_every_field_has_a_type_on_the_wire_and_every_rule_its_words() -> None:
    names = {conflict_type(which) for which in (*Field, None)}
    assert names == {"date_time", "title", "description", "attendees", "location"}
    assert conflict_type(None) == "date_time"
    assert set(EXPLAINED) == set(Rule)


@pytest.mark.parametrize(
    ("which", "wedsync", "outlook", "over"),
    [
        (Field.TITLE, FITTING, GOWN, False),
        (Field.TITLE, replace(FITTING, description="new"), GOWN, False),
        (Field.TITLE, FITTING, FITTING, True),
        (Field.TITLE, FITTING, None, True),
        (None, FITTING, GOWN, False),
        (None, replace(FITTING, description="new"), GOWN, True),
    ],
)
def test_a_conflict_is_over_when_a_value_that_it_offers_is_not_there(
    which: Field | None, wedsync: CalendarEvent | None, outlook: CalendarEvent | None, over: bool
) -> None:
    row = conflict_of(replace(CLASH, which=which), mapping_of(), now=NOON)
    assert is_superseded(row, wedsync=wedsync, outlook=outlook) is over


def test_an_absent_side_that_stays_absent_is_no_news() -> None:
    row = conflict_of(replace(CLASH, which=None, outlook=None, absent=Side.OUTLOOK), mapping_of(), now=NOON)
    assert not is_superseded(row, wedsync=FITTING, outlook=None)
    assert is_superseded(row, wedsync=FITTING, outlook=GOWN)


def test_a_conflict_ends_as_applied_or_superseded_and_stays_so() -> None:
    row = conflict_of(CLASH, mapping_of(), now=NOON)
    done, over = applied(row, at=NOON), superseded(row, at=NOON)
    assert (done.state, done.closed_at) == (ConflictState.APPLIED, NOON)
    assert (over.state, over.closed_at) == (ConflictState.SUPERSEDED, NOON)
    for closed in (done, over):
        with pytest.raises(IllegalMove):
            applied(closed, at=NOON)
