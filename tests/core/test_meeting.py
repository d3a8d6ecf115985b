"""Meetings by their owner's word: whom they mail, and what becomes of the pair."""

from dataclasses import replace

import pytest

from shared.core.actions import Apply, Delete, Policy, Rule, Skip, Update
from shared.core.event import Attendee, CalendarEvent, EventType, Field, OutlookState, Place, Side, Timed, WedSyncState
from shared.core.force import unbound
from shared.core.history import Conflict
from shared.core.integration import Preferences
from shared.core.mapping import EventMapping
from shared.core.meeting import (
    Guest,
    MeetingRequest,
    WantedChange,
    addresses_of,
    as_meeting,
    cancelled,
    carried,
    mailed,
    people_of,
    request_id_of,
    wished_fields,
)
from shared.core.pair import NOTE_FORCED, NOTE_MEETING, NOTE_PREFIX_REMOVED, Pair, stays_put
from shared.core.settle import settled
from shared.core.states import ConflictState
from shared.core.views import UNSEEN, Present
from tests.core.strategies import EVENT, GUEST, HOUR, NOON, mapping_of, outlook_state, wedsync_state

BEN = Attendee(email="ben@example.com", name="Ben")
MEETING = replace(EVENT, attendees=(GUEST, BEN), location=Place(name="Mill House"))
MAPPING = mapping_of(MEETING, born=Side.OUTLOOK, prefix="")


def wedsync(content: CalendarEvent = MEETING) -> WedSyncState:
    return wedsync_state(content, source=Side.OUTLOOK)


def outlook(content: CalendarEvent) -> OutlookState:
    return outlook_state(content, prefix="")


def pair(
    there: CalendarEvent,
    here: CalendarEvent = MEETING,
    mapping: EventMapping = MAPPING,
    conflicts: tuple[Conflict, ...] = (),
    policy: Policy | None = None,
) -> Pair:
    views = {"wedsync": Present(wedsync(here)), "outlook": Present(outlook(there))}
    return Pair.of(mapping, policy=policy or Policy(), conflicts=conflicts, **views)


def conflict(which: Field) -> Conflict:
    return Conflict(
        conflict_id=f"about-{which}",
        integration_id="i",
        mapping_id="m",
        field=which,
        wedsync=MEETING,
        outlook=MEETING,
        base=MEETING,
        opened_at=NOON,
        state=ConflictState.OPEN,
        reason=Rule.CLASH,
    )


# --- who is mailed ----------------------------------------------------------------------------------------------------

ANN, CLEO = GUEST.email, "cleo@example.com"


@pytest.mark.parametrize(
    ("before", "after", "fields", "told"),
    [
        ([ANN], [ANN], {Field.TITLE}, (ANN,)),
        ([ANN], [ANN, CLEO], {Field.TITLE, Field.ATTENDEES}, (ANN, CLEO)),
        ([ANN, BEN.email], [ANN, CLEO], {Field.ATTENDEES}, (BEN.email, CLEO)),
        ([ANN], ["ANN@Example.com"], {Field.ATTENDEES}, ()),
        ([], [], {Field.TIME}, ()),
        ([ANN], [ANN], set(), ()),
        (["", ANN], [ANN], {Field.TIME}, (ANN,)),
        (["ANN@Example.com"], [ANN], {Field.ATTENDEES}, ()),
        (["ANN@Example.com"], [ANN], {Field.TIME}, (ANN,)),
    ],
)
def test_guests_are_told_of_a_change_and_of_other_guests_only_who_comes_or_goes(
    before: list[str], after: list[str], fields: set[Field], told: tuple[str, ...]
) -> None:
    assert mailed(before, after, fields) == told


def test_who_has_no_address_is_named() -> None:
    assert addresses_of(replace(MEETING, attendees=(GUEST, Attendee(email="", name="The florist")))) == (
        GUEST.email,
        "The florist",
    )
    assert addresses_of(None) == ()
    assert people_of([Guest(email=ANN, name="Ann", optional=True)]) == (GUEST,)


# --- the request ------------------------------------------------------------------------------------------------------


def test_a_key_stands_for_one_request_of_one_connection() -> None:
    first = request_id_of("i", epoch=1, key="k")
    assert first == request_id_of("i", epoch=1, key="k")
    assert len({first, *(request_id_of(*given, epoch=epoch, key=key) for given, epoch, key in OTHERS)}) == 4


OTHERS = ((("i",), 2, "k"), (("j",), 1, "k"), (("i",), 1, "l"))


def test_a_request_is_made_when_nothing_is_left_to_send() -> None:
    request = MeetingRequest(
        request_id="r",
        integration_id="i",
        calendar_id="c",
        fingerprint="f",
        payload="{}",
        event_type=EventType.CLIENT_MEETING,
        requested_at=NOON,
    )
    assert not request.made
    assert replace(request, payload="").made


def test_a_meeting_is_wedsyncs_own_without_our_prefix_and_without_a_mask() -> None:
    found = as_meeting(replace(MAPPING, masked=True, prefix="Us: ", notes=("other",)), EventType.VENUE_VISIT)
    assert (found.born, found.masked, found.prefix, found.event_type) == (
        Side.WEDSYNC,
        False,
        "",
        EventType.VENUE_VISIT,
    )
    assert found.notes == ("other", NOTE_PREFIX_REMOVED, NOTE_FORCED, NOTE_MEETING)
    assert as_meeting(found, EventType.VENUE_VISIT) == found


def test_a_meeting_stays_one_when_its_guests_have_left() -> None:
    alone = replace(MAPPING, base_o=EVENT)
    assert [stays_put(each) for each in (MAPPING, alone, replace(alone, base_o=None))] == [True, False, False]
    made = as_meeting(alone, EventType.CLIENT_MEETING)
    assert stays_put(made)
    assert stays_put(unbound(made, Preferences()))
    none_of_it = Policy(preferences=Preferences(sync_client_meetings=False))
    assert not pair(EVENT, mapping=made, policy=none_of_it).type_off
    assert not pair(EVENT, mapping=unbound(made, Preferences()), policy=none_of_it).type_off


# --- a change ---------------------------------------------------------------------------------------------------------


def test_the_fields_in_which_a_wish_differs() -> None:
    wished = replace(MEETING, title="Another", attendees=(GUEST,), private=True)
    assert wished_fields(MEETING, wished) == {Field.TITLE, Field.ATTENDEES}
    assert wished_fields(MEETING, MEETING) == frozenset()


def test_the_named_fields_are_carried_people_too_and_others_are_left_to_the_rules() -> None:
    there = replace(MEETING, title="Wine tasting", description="Their words", attendees=(GUEST,))
    found = carried(pair(there), frozenset({Field.TITLE, Field.ATTENDEES}))
    (update,) = found.actions
    assert isinstance(update, Update)
    assert (update.side, update.rule, update.version) == (Side.WEDSYNC, Rule.MEETING, 4)
    assert update.fields == update.settles == {Field.TITLE, Field.ATTENDEES}
    assert update.content == replace(MEETING, title="Wine tasting", attendees=(GUEST,))
    after = settled(found.mapping, update, replace(wedsync(update.content), version=5))
    assert after.base_o == replace(MEETING, title="Wine tasting", attendees=(GUEST,))
    assert after.base_w == update.content
    assert (after.w_version, after.o_etag) == (5, "etag-4")


def test_what_is_equal_already_is_noted() -> None:
    there = replace(MEETING, title="Wine tasting")
    mapping = replace(MAPPING, held=frozenset({Field.TITLE}), drifted=frozenset({Field.TITLE, Field.LOCATION}))
    found = carried(pair(there, there, mapping), frozenset({Field.TITLE}))
    assert found.actions == (Skip(rule=Rule.MEETING),)
    assert found.mapping.base_w == found.mapping.base_o == there
    assert found.mapping.held == frozenset()
    assert found.mapping.drifted == {Field.LOCATION}


def test_what_is_named_is_no_drift_and_no_question_any_more() -> None:
    """They are named, and so over, whether the sides differ in them or not; the write settles the rest."""
    there = replace(MEETING, title="Wine tasting")
    named = frozenset({Field.TITLE, Field.LOCATION})
    mapping = replace(MAPPING, held=named, drifted=named)
    found = carried(pair(there, mapping=mapping, conflicts=(conflict(Field.LOCATION),)), named)
    assert (found.mapping.held, found.mapping.drifted) == (frozenset(), frozenset())
    assert found.actions[1:] == (Apply(conflict_ids=("about-location",), rule=Rule.MEETING),)


def test_a_pair_without_bases_gets_them() -> None:
    there = replace(MEETING, title="Wine tasting")
    found = carried(pair(there, there, replace(MAPPING, base_w=None, base_o=None)), frozenset({Field.TITLE}))
    assert found.mapping.base_w == found.mapping.base_o == there


def test_conflicts_in_the_named_fields_are_over() -> None:
    rows = (conflict(Field.TITLE), conflict(Field.LOCATION))
    there = replace(MEETING, title="Wine tasting")
    found = carried(pair(there, conflicts=rows), frozenset({Field.TITLE}))
    assert found.actions[1:] == (Apply(conflict_ids=("about-title",), rule=Rule.MEETING),)


def test_of_a_private_event_wedsync_learns_the_time_alone() -> None:
    there = replace(
        MEETING,
        title="Surgery",
        private=True,
        time=Timed(start=NOON, end=NOON + 2 * HOUR, zone="Europe/London"),
    )
    found = carried(pair(there, mapping=replace(MAPPING, masked=True)), frozenset({Field.TITLE, Field.TIME}))
    (update,) = found.actions
    assert isinstance(update, Update)
    assert update.fields == {Field.TIME}
    assert update.content.title == MEETING.title


def test_both_sides_have_to_be_read() -> None:
    unread = Pair.of(
        replace(MAPPING, base_w=None, base_o=None), wedsync=UNSEEN, outlook=UNSEEN, policy=Policy(), conflicts=()
    )
    with pytest.raises(ValueError, match="read"):
        carried(unread, frozenset({Field.TITLE}))


def test_what_is_cancelled_is_deleted_in_wedsync_and_its_questions_are_over() -> None:
    found = cancelled(MAPPING, version=7, conflict_ids=["a", "b"])
    delete, apply = found.actions
    assert delete == Delete(side=Side.WEDSYNC, rule=Rule.MEETING, version=7, asked=True)
    assert apply == Apply(conflict_ids=("a", "b"), rule=Rule.MEETING)
    assert cancelled(MAPPING, version=7, conflict_ids=[]).actions == (delete,)


# --- what a change was about to write ---------------------------------------------------------------------------------

WISHED = replace(MEETING, title="Wine tasting", description="Two glasses")
WANTED = WantedChange.of(MAPPING, WISHED, frozenset({Field.TITLE, Field.DESCRIPTION}))


def test_what_was_wanted_is_named_without_its_content() -> None:
    assert WantedChange.parse(WANTED.text) == WANTED
    assert "Wine" not in WANTED.text
    assert WANTED.is_in(replace(WISHED, location=Place(name="Barn")))
    assert not WANTED.is_in(replace(WISHED, description="Three"))
    assert not WANTED.is_in(None)


def test_what_outlook_cuts_off_of_a_title_is_not_waited_for() -> None:
    long = replace(MEETING, title="x" * 300)
    wanted = WantedChange.of(replace(MAPPING, prefix="Us: "), long, frozenset({Field.TITLE}))
    assert wanted.is_in(replace(MEETING, title="x" * 251))


@pytest.mark.parametrize(
    ("here", "there", "mapping", "missing"),
    [
        (MEETING, WISHED, MAPPING, True),
        (replace(MEETING, location=Place(name="Barn")), WISHED, MAPPING, True),  # another field is the rules' affair
        (MEETING, replace(WISHED, title="Theirs"), MAPPING, False),
        (WISHED, WISHED, MAPPING, False),
        (replace(MEETING, title="Mine"), WISHED, MAPPING, False),
        (MEETING, WISHED, replace(MAPPING, base_w=None), False),
    ],
)
def test_what_was_wanted_is_missing_in_wedsync_where_nobody_has_written_since(
    here: CalendarEvent, there: CalendarEvent, mapping: EventMapping, missing: bool
) -> None:
    assert WANTED.is_missing(mapping, wedsync=here, outlook=there) is missing
