"""A decision as an answer: which rule comes first, how each field stands, what comes next."""

from dataclasses import replace

import pytest

from shared.core.actions import (
    EXPLAINED,
    Agree,
    Create,
    Decision,
    Delete,
    Drift,
    End,
    Hide,
    Hold,
    Link,
    OpenConflict,
    Rule,
    Skip,
    Supersede,
    Unlink,
    Update,
)
from shared.core.conflicts import conflict_of
from shared.core.event import EventType, Field, Side
from shared.core.explain import FieldStanding, Standing, deciding_rule, next_step, standings
from shared.core.pair import note_held
from shared.core.states import MappingState
from tests.core.strategies import EVENT, NOON, mapping_of

OURS = mapping_of()
CAKES = replace(EVENT, title="Cake tasting")
OPENING = OpenConflict(rule=Rule.CLASH, which=Field.TITLE, wedsync=EVENT, outlook=CAKES, base_w=EVENT, base_o=EVENT)


def decided(*actions: object, **mapping: object) -> Decision:
    return Decision(actions=actions, mapping=replace(OURS, **mapping))  # type: ignore[arg-type]


def update(side: Side, *fields: Field) -> Update:
    return Update(
        side=side,
        rule=Rule.CARRY,
        fields=frozenset(fields),
        content=EVENT,
        title=EVENT.title,
        source=EVENT,
        settles=frozenset(fields),
    )


ECHO = decided(Skip(rule=Rule.ECHO))
DELETE = decided(Delete(side=Side.OUTLOOK, rule=Rule.TYPE_OFF, asked=True))
HELD_BACK = replace(OURS, notes=(note_held(Side.WEDSYNC),))


def test_what_keeps_an_event_from_syncing_comes_first() -> None:
    assert deciding_rule(replace(OURS, quarantine="Refused."), ECHO, syncing=True) is Rule.QUARANTINED
    assert deciding_rule(HELD_BACK, ECHO, syncing=False) is Rule.DELETION_HELD
    assert deciding_rule(HELD_BACK, DELETE, syncing=True) is Rule.TYPE_OFF
    assert deciding_rule(OURS, ECHO, syncing=False) is Rule.PAUSED
    assert deciding_rule(OURS, DELETE, syncing=True) is Rule.TYPE_OFF
    assert deciding_rule(OURS, ECHO, syncing=True) is Rule.ECHO
    drifted = decided(Skip(rule=Rule.ECHO), drifted=frozenset({Field.TITLE}))
    assert deciding_rule(OURS, drifted, syncing=True) is Rule.DRIFT


def test_a_wanted_deletion_that_is_held_stays_held() -> None:
    wanted = decided(Delete(side=Side.WEDSYNC, rule=Rule.OUTLOOK_BORN_GONE))
    assert deciding_rule(HELD_BACK, wanted, syncing=True) is Rule.DELETION_HELD


def test_each_field_stands_as_its_action_says() -> None:
    decision = decided(
        replace(OPENING, which=Field.TIME),
        update(Side.OUTLOOK, Field.TITLE),
        update(Side.WEDSYNC, Field.LOCATION),
        Drift(side=Side.OUTLOOK, fields=frozenset({Field.DESCRIPTION})),
        Agree(fields=frozenset({Field.ATTENDEES})),
        drifted=frozenset({Field.PRIVATE}),
    )
    told = {each.field: (each.standing, each.rule) for each in standings(decision, ())}
    assert told == {
        Field.TIME: (Standing.HELD, Rule.CLASH),
        Field.TITLE: (Standing.TO_OUTLOOK, Rule.CARRY),
        Field.LOCATION: (Standing.TO_WEDSYNC, Rule.CARRY),
        Field.DESCRIPTION: (Standing.DRIFTED, Rule.DRIFT),
        Field.ATTENDEES: (Standing.AGREED, Rule.AGREED),
        Field.PRIVATE: (Standing.DRIFTED, Rule.DRIFT),
    }


def test_an_open_conflict_holds_its_field_until_it_is_closed() -> None:
    waiting = conflict_of(OPENING, OURS, now=NOON)
    (title, *others) = standings(ECHO, (waiting,))
    assert title == FieldStanding(field=Field.TITLE, standing=Standing.HELD, rule=Rule.CLASH, reason=waiting.reason)
    assert {each.standing for each in others} == {Standing.AGREED}
    assert standings(ECHO, (replace(waiting, rule=""),))[0].rule == Rule.HELD
    assert standings(ECHO, (replace(waiting, field=None),))[0].standing is Standing.AGREED
    closing = decided(Supersede(conflict_ids=(waiting.conflict_id,)))
    assert standings(closing, (waiting,))[0].standing is Standing.AGREED


def test_a_pair_that_is_not_synced_has_no_fields_to_tell_of() -> None:
    assert standings(decided(Skip(rule=Rule.OPTED_OUT), state=MappingState.UNLINKED), ()) == ()


@pytest.mark.parametrize(
    "action",
    [
        Create(side=Side.OUTLOOK, rule=Rule.WEDSYNC_NEW, content=EVENT, title="", event_type=EventType.DEADLINE),
        update(Side.OUTLOOK, Field.TITLE),
        Delete(side=Side.OUTLOOK, rule=Rule.WEDSYNC_DELETED),
        Link(side=Side.OUTLOOK, rule=Rule.EXTERNAL_ID),
        OPENING,
        Unlink(side=Side.OUTLOOK, rule=Rule.OUTLOOK_DELETE_UNLINK),
        Hide(rule=Rule.LEFT_AND_DELETED),
        Hold(rule=Rule.OPEN_INTENT),
    ],
)
def test_what_happens_by_itself_is_said(action: object) -> None:
    said = next_step(action.rule, (Supersede(conflict_ids=("c",)), action))  # type: ignore[attr-defined, arg-type]
    assert said
    assert said != next_step(Rule.ECHO, (Skip(rule=Rule.ECHO),))


def test_what_the_user_can_do_is_said() -> None:
    said = {rule: next_step(rule, ()) for rule in EXPLAINED}
    nothing = next_step(Rule.BOTH_GONE, (End(rule=Rule.BOTH_GONE),))
    helpful = {rule for rule, words in said.items() if words != nothing}
    assert {Rule.OPTED_OUT, Rule.HIDDEN, Rule.TYPE_OFF, Rule.HELD, Rule.QUARANTINED, Rule.PAUSED} <= helpful
