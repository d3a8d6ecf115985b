"""How a mapping looks while its copy moves to another calendar."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.calendar_move import (
    arrived,
    can_be_copied,
    changed_since,
    departing,
    ends,
    is_open_elsewhere,
    moves,
    next_transaction,
    returned,
    settled_there,
)
from shared.core.event import Attendee, Field, OutlookKind, OutlookState, Side
from shared.core.mapping import EventMapping, Intent
from shared.core.states import MappingState
from tests.support.values import NOON, content, mapping


def linked(**changes: Any) -> EventMapping:
    made = mapping(
        state=MappingState.LINKED,
        intent=None,
        calendar_id="here",
        outlook_id="old",
        base_o=content(),
        o_etag="1",
        o_changed_at=NOON,
        prefix="W: ",
    )
    return replace(made, **changes)


def copy(event_id: str = "old", etag: str = "1", **changes: Any) -> OutlookState:
    made = OutlookState(event_id=event_id, etag=etag, changed_at=NOON, content=content(title="W: Tasting"))
    return replace(made, **changes)


def on_its_way() -> EventMapping:
    return departing(linked(), copy(), target="there", payload="{}", at=NOON)


@pytest.mark.parametrize(
    ("known", "yes"),
    [
        (linked(), True),
        (linked(calendar_id="there"), False),
        (linked(born=Side.OUTLOOK), False),
        (linked(state=MappingState.UNLINKED), False),
        (linked(outlook_id=None), False),
        (linked(is_organizer=False), False),
    ],
)
def test_what_moves(known: EventMapping, yes: bool) -> None:
    assert moves(known, "there") is yes


@pytest.mark.parametrize(
    ("known", "yes"),
    [
        (mapping(calendar_id="here"), True),
        (mapping(calendar_id="there"), False),
        (mapping(born=Side.OUTLOOK), False),
        (mapping(intent=Intent(toward=Side.WEDSYNC, payload="", stored_at=NOON)), False),
        (linked(), False),
    ],
)
def test_what_is_not_known_to_be_there_yet(known: EventMapping, yes: bool) -> None:
    assert is_open_elsewhere(known, "there") is yes


@pytest.mark.parametrize(
    ("state", "born", "yes"),
    [
        (MappingState.LINKED, Side.OUTLOOK, True),
        (MappingState.INTENT, Side.OUTLOOK, True),
        (MappingState.HIDDEN, Side.OUTLOOK, False),
        (MappingState.UNLINKED, Side.OUTLOOK, False),
        (MappingState.LINKED, Side.WEDSYNC, False),
    ],
)
def test_what_ends(state: MappingState, born: Side, yes: bool) -> None:
    assert ends(linked(state=state, born=born), "there") is yes
    assert not ends(linked(state=state, born=born), "here")


def test_what_another_event_can_stand_for() -> None:
    assert can_be_copied(copy())
    assert not can_be_copied(copy(content=content(attendees=(Attendee(email="mia@example.com"),))))
    assert not can_be_copied(copy(kind=OutlookKind.MASTER))
    assert not can_be_copied(copy(cancelled=True))
    assert not can_be_copied(copy(online_meeting=True))


def test_there_and_settled() -> None:
    away = on_its_way()
    assert (away.state, away.calendar_id, away.outlook_id) == (MappingState.INTENT, "there", None)
    assert (away.moved_from, away.moved_etag, away.generation) == ("old", "1", 2)
    assert away.transaction_id == next_transaction(linked(mapping_id=away.mapping_id))
    assert (away.base_w, away.base_o) == (linked().base_w, linked().base_o)

    there = arrived(away, copy("new", "7", changed_at=NOON + timedelta(hours=1)))
    assert (there.state, there.outlook_id, there.o_etag, there.intent) == (MappingState.LINKED, "new", "7", None)
    assert there.moved_from == "old"
    assert there.base_o == linked().base_o
    done = settled_there(there)
    assert (done.moved_from, done.moved_etag) == (None, "")


@pytest.mark.parametrize("known", [on_its_way(), arrived(on_its_way(), copy("new", "7"))])
def test_and_back_again(known: EventMapping) -> None:
    back = returned(known, copy("old", "3"), calendar_id="here")
    assert (back.state, back.outlook_id, back.calendar_id, back.o_etag) == (MappingState.LINKED, "old", "here", "3")
    assert (back.moved_from, back.intent) == (None, None)


def test_what_was_changed_after_it_was_copied() -> None:
    known = arrived(on_its_way(), copy("new", "7"))
    edited = copy(content=content(title="W: Tasting at ten"))
    assert changed_since(known, old=edited, new=copy("new")) == {Field.TITLE}
    assert changed_since(known, old=copy(), new=copy("new", content=content(title="W: In the new one"))) == set()
    assert changed_since(replace(known, base_o=None), old=edited, new=copy("new")) == {Field.TITLE}
    guests = copy(content=content(title="W: Tasting", attendees=(Attendee(email="mia@example.com"),)))
    assert changed_since(known, old=guests, new=copy("new")) == set()


def test_what_nobody_had_read_of_it_is_held_until_both_sides_are_read() -> None:
    edited = copy("new", "7", content=content(title="W: Tasting", description="Bring money", private=True))
    assert arrived(on_its_way(), edited).held == {Field.DESCRIPTION}
    assert returned(on_its_way(), edited, calendar_id="here").held == {Field.DESCRIPTION}
    assert arrived(replace(on_its_way(), base_o=None), edited).held == frozenset()
