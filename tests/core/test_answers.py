"""Choices and rules worked into a merge; then the life of a conflict, whatever users, looks and crashes do."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import (
    Action,
    Agree,
    Apply,
    Decision,
    Hold,
    OpenConflict,
    Policy,
    Rule,
    Skip,
    Supersede,
    Update,
)
from shared.core.answers import could_be_ruled
from shared.core.canon import canonical
from shared.core.conflicts import applied, asked_again, chosen, conflict_of, is_chosen, resolved, superseded
from shared.core.decide import decide
from shared.core.event import CalendarEvent, EventType, Field, Place, Side, Timed
from shared.core.history import Conflict
from shared.core.integration import Direction, GuestUpdates, Preferences
from shared.core.mapping import EventMapping
from shared.core.merge import advance, holds
from shared.core.rules import RULED_FIELDS, ResolutionRule, rule_of, ruling
from shared.core.settle import settled
from shared.core.states import CONFLICT_MOVES, ConflictState
from shared.core.views import UNSEEN, Present, View
from shared.errors import IllegalMove
from tests.core.strategies import EVENT, GUEST, HOUR, MANY, NOON, mapping_of, outlook_state, wedsync_state

CAKE, WINE, OWN = (replace(EVENT, title=title) for title in ("Cake", "Wine", "Own"))
TITLE = frozenset({Field.TITLE})
TWO_WAY = Policy()


def rule(use: Side, which: Field = Field.TITLE, event_type: EventType = EventType.CLIENT_MEETING) -> ResolutionRule:
    return rule_of("i1", which=which, event_type=event_type, use=use, at=NOON)


def decided(
    w: CalendarEvent | View,
    o: CalendarEvent | View,
    *conflicts: Conflict,
    mapping: EventMapping | None = None,
    policy: Policy = TWO_WAY,
) -> Decision:
    mapping = mapping or mapping_of()
    return decide(
        mapping,
        wedsync=Present(wedsync_state(w)) if isinstance(w, CalendarEvent) else w,
        outlook=Present(outlook_state(o, prefix=mapping.prefix)) if isinstance(o, CalendarEvent) else o,
        policy=policy,
        conflicts=conflicts,
    )


def updates(decision: Decision) -> dict[Side, Update]:
    return {action.side: action for action in decision.actions if isinstance(action, Update)}


def of_kind(decision: Decision, kind: type[Action]) -> list[Action]:
    return [action for action in decision.actions if isinstance(action, kind)]


def clash(**changes: object) -> tuple[Conflict, EventMapping]:
    """The conflict over two titles, and the mapping that waits for it."""
    decision = decided(CAKE, WINE)
    (opening,) = of_kind(decision, OpenConflict)
    assert isinstance(opening, OpenConflict)
    return conflict_of(opening, mapping_of(), now=NOON), replace(decision.mapping, **changes)  # type: ignore[arg-type]


# --- choices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ("wedsync", {Side.OUTLOOK: "Cake"}),
        ("outlook", {Side.WEDSYNC: "Wine"}),
        ("custom", {Side.WEDSYNC: "Own", Side.OUTLOOK: "Own"}),
    ],
)
def test_a_choice_is_carried_without_reading_either_side(choice: str, written: dict[Side, str]) -> None:
    conflict, mapping = clash()
    decision = decided(UNSEEN, UNSEEN, resolved(conflict, choice=choice, custom=OWN), mapping=mapping)
    found = updates(decision)
    assert {side: update.content.title for side, update in found.items()} == written
    assert {update.fields for update in found.values()} == {TITLE}
    assert {rule for update in found.values() for rule in update.fields_by_rule()} == {Rule.RESOLVED}
    assert {side: update.replaces.title for side, update in found.items() if update.replaces} == {
        side: "Cake" if side is Side.WEDSYNC else "Wine" for side in written
    }
    assert decision.actions[-1] == Apply(conflict_ids=(conflict.conflict_id,))
    assert decision.mapping.held == frozenset()


def test_what_is_on_both_sides_already_is_agreed() -> None:
    conflict, mapping = clash()
    decision = decided(CAKE, CAKE, resolved(conflict, choice="wedsync"), mapping=mapping)
    assert decision.actions == (Agree(fields=TITLE), Apply(conflict_ids=(conflict.conflict_id,)))
    assert decision.mapping.base_o is not None
    assert decision.mapping.base_o.title == "Cake"


def test_the_second_of_two_writes_follows_a_crash_between_them() -> None:
    conflict, mapping = clash()
    decision = decided(OWN, UNSEEN, resolved(conflict, choice="custom", custom=OWN), mapping=mapping)
    assert set(updates(decision)) == {Side.OUTLOOK}


def test_a_choice_between_values_of_yesterday_is_not_carried() -> None:
    conflict, mapping = clash()
    decision = decided(CAKE, OWN, resolved(conflict, choice="wedsync"), mapping=mapping)
    assert updates(decision) == {}
    (opening,) = of_kind(decision, OpenConflict)
    assert isinstance(opening, OpenConflict)
    assert opening.outlook == OWN
    assert Supersede(conflict_ids=(conflict.conflict_id,)) in decision.actions


def test_a_run_of_one_way_leaves_the_choice_for_the_next() -> None:
    conflict, mapping = clash()
    one_way = Policy(run_direction=Direction.TO_OUTLOOK)
    decision = decided(UNSEEN, UNSEEN, resolved(conflict, choice="custom", custom=OWN), mapping=mapping, policy=one_way)
    assert decision.actions == (Skip(rule=Rule.HELD),)
    assert decision.mapping.held == TITLE


@pytest.mark.parametrize(
    ("guests", "policy", "mailed"),
    [
        ((), Policy(), False),
        (("other@example.com",), Policy(), False),
        ((GUEST.email,), Policy(), True),
        ((), Policy(preferences=Preferences(guest_updates=GuestUpdates.SEND)), True),
    ],
)
@pytest.mark.parametrize("choice", ["wedsync", "custom"])
def test_guests_are_mailed_only_by_the_users_word(
    choice: str, guests: tuple[str, ...], policy: Policy, mailed: bool
) -> None:
    conflict, mapping = clash()
    theirs = replace(WINE, attendees=(GUEST,))
    row = resolved(conflict, choice=choice, custom=OWN, guests=guests)
    decision = decided(CAKE, theirs, row, mapping=mapping, policy=policy)
    assert (Side.OUTLOOK in updates(decision)) is mailed
    if mailed:
        return
    assert updates(decision) == {}
    opened = [act for act in of_kind(decision, OpenConflict) if isinstance(act, OpenConflict)]
    assert (Field.TITLE, Rule.GUESTS) in {(act.which, act.rule) for act in opened}
    assert Supersede(conflict_ids=(conflict.conflict_id,)) in decision.actions
    again = {conflict_of(act, mapping, now=NOON).conflict_id for act in opened}
    assert conflict.conflict_id not in again


def test_outlooks_value_needs_no_word() -> None:
    conflict, mapping = clash()
    row = resolved(conflict, choice="outlook")
    decision = decided(CAKE, replace(WINE, attendees=(GUEST,)), row, mapping=mapping)
    assert set(updates(decision)) == {Side.WEDSYNC}


def test_a_word_for_one_field_covers_no_other() -> None:
    conflict, mapping = clash()
    ours = replace(CAKE, location=Place(name="Mill"))
    row = resolved(conflict, choice="wedsync", guests=(GUEST.email,))
    decision = decided(ours, replace(WINE, attendees=(GUEST,)), row, mapping=mapping)
    assert updates(decision)[Side.OUTLOOK].fields == TITLE
    opened = {act.which: act.rule for act in decision.actions if isinstance(act, OpenConflict)}
    assert opened[Field.LOCATION] is Rule.GUESTS


def test_what_is_chosen_is_a_value_only_while_it_is_not_carried_out() -> None:
    conflict, _ = clash()
    assert chosen(conflict) is None
    assert not is_chosen([conflict])
    assert is_chosen([conflict, resolved(conflict, choice="outlook")])
    assert chosen(resolved(conflict, choice="outlook")) == WINE
    assert chosen(applied(conflict, at=NOON, choice="outlook")) is None
    assert applied(resolved(conflict, choice="custom", custom=OWN), at=NOON).choice == "custom"
    again = asked_again(resolved(conflict, choice="custom", custom=OWN), conflict_id="new")
    assert again == replace(conflict, conflict_id="new")
    with pytest.raises(IllegalMove):
        resolved(superseded(conflict, at=NOON), choice="outlook")


# --- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", Side)
def test_a_rule_answers_a_clash_at_once_and_keeps_what_loses(use: Side) -> None:
    decision = decided(CAKE, WINE, policy=Policy(rules=(rule(use),)))
    (update,) = updates(decision).values()
    assert update.side is use.other
    assert update.fields_by_rule() == {Rule.RESOLUTION_RULE: TITLE}
    opening, closing = decision.actions[0], decision.actions[-1]
    assert isinstance(opening, OpenConflict)
    row = conflict_of(opening, decision.mapping, now=NOON)
    assert (row.state, row.choice) == (ConflictState.RESOLVED, use.value)
    assert closing == Apply(conflict_ids=(row.conflict_id,))
    assert decision.mapping.held == frozenset()


def test_a_carried_field_keeps_its_own_reason_beside_a_ruled_one() -> None:
    ours = replace(CAKE, location=Place(name="Mill"))
    decision = decided(ours, WINE, policy=Policy(rules=(rule(Side.WEDSYNC),)))
    (update,) = updates(decision).values()
    assert update.fields_by_rule() == {Rule.RESOLUTION_RULE: TITLE, Rule.CARRY: frozenset({Field.LOCATION})}


@pytest.mark.parametrize(
    ("mapping", "o", "policy"),
    [
        (mapping_of(), WINE, Policy(rules=(rule(Side.WEDSYNC, event_type=EventType.WEDDING_CEREMONY),))),
        (mapping_of(), WINE, Policy(rules=(rule(Side.WEDSYNC, Field.TIME),))),
        (mapping_of(), replace(WINE, attendees=(GUEST,)), Policy(rules=(rule(Side.WEDSYNC),))),
        (mapping_of(drifted=TITLE), WINE, Policy(rules=(rule(Side.WEDSYNC),))),
        (
            mapping_of(),
            WINE,
            Policy(rules=(rule(Side.WEDSYNC),), preferences=Preferences(sync_client_meetings=False)),
        ),
    ],
)
def test_what_a_rule_does_not_decide_is_asked(mapping: EventMapping, o: CalendarEvent, policy: Policy) -> None:
    decision = decided(CAKE, o, mapping=mapping, policy=policy)
    assert [act.use for act in decision.actions if isinstance(act, OpenConflict)][:1] == [None]
    assert updates(decision) == {}


def test_a_masked_event_is_decided_by_no_rule() -> None:
    later = replace(EVENT, time=Timed(start=NOON, end=NOON + 2 * HOUR, zone="Europe/London"))
    earlier = replace(EVENT, time=Timed(start=NOON - HOUR, end=NOON, zone="Europe/London"), private=True)
    mapping = mapping_of(born=Side.OUTLOOK, masked=True, prefix="", base_o=replace(EVENT, private=True))
    decision = decided(later, earlier, mapping=mapping, policy=Policy(rules=(rule(Side.OUTLOOK, Field.TIME),)))
    opened = [act for act in decision.actions if isinstance(act, OpenConflict)]
    assert [(act.which, act.use) for act in opened] == [(Field.TIME, None)]


def test_a_run_of_one_way_leaves_a_ruled_clash_for_the_next() -> None:
    policy = Policy(rules=(rule(Side.OUTLOOK),), run_direction=Direction.TO_OUTLOOK)
    decision = decided(CAKE, WINE, policy=policy)
    assert decision.actions == (Skip(rule=Rule.RUN_DIRECTION),)
    assert decision.mapping.w_version == mapping_of().w_version or decision.mapping.o_etag == mapping_of().o_etag
    assert updates(
        decided(CAKE, WINE, mapping=decision.mapping, policy=replace(policy, run_direction=Direction.BIDIRECTIONAL))
    )


def test_only_a_clash_is_worth_reading_rules_for() -> None:
    assert could_be_ruled(decided(CAKE, WINE))
    assert not could_be_ruled(decided(CAKE, EVENT))
    assert not could_be_ruled(decided(CAKE, WINE, mapping=mapping_of(drifted=TITLE)))


def test_rules_are_of_a_field_and_a_type() -> None:
    one = rule(Side.WEDSYNC)
    assert rule(Side.OUTLOOK).rule_id == one.rule_id
    assert rule(Side.WEDSYNC, Field.TIME).rule_id != one.rule_id
    assert ruling([one], Field.TITLE, EventType.CLIENT_MEETING) == one
    assert ruling([one], Field.TITLE, EventType.DEADLINE) is None
    assert {Field.ATTENDEES, Field.PRIVATE}.isdisjoint(RULED_FIELDS)
    with pytest.raises(ValueError, match="attendees"):
        rule(Side.WEDSYNC, Field.ATTENDEES)


def test_a_drift_that_is_about_to_be_overwritten_is_read_first() -> None:
    one_way = Policy(direction=Direction.TO_OUTLOOK)
    decision = decided(CAKE, UNSEEN, mapping=mapping_of(drifted=TITLE), policy=one_way)
    assert decision.actions == (Hold(rule=Rule.UNKNOWN_SIDE, side=Side.OUTLOOK),)
    (update,) = updates(decided(CAKE, WINE, mapping=mapping_of(drifted=TITLE), policy=one_way)).values()
    assert update.replaces is not None
    assert update.replaces.title == "Wine"


# --- the life of a conflict -----------------------------------------------------------------------------------------


class Died(Exception):
    """The process is gone; nothing after this happened."""


@dataclass
class Life:
    """Both calendars, the mapping and the rows of one pair, as far ends and storage would hold them."""

    policy: Policy
    mapping: EventMapping = field(default_factory=mapping_of)
    contents: dict[Side, CalendarEvent] = field(default_factory=lambda: dict.fromkeys(Side, EVENT))
    number: int = 10
    rows: dict[str, Conflict] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def edit(self, side: Side, which: Field, source: CalendarEvent) -> None:
        self.contents[side] = advance(self.contents[side], source, {which})
        self.number += 1

    def view(self, side: Side) -> View:
        if side is Side.WEDSYNC:
            return Present(wedsync_state(self.contents[side], version=self.number))
        state = outlook_state(self.contents[side], prefix=self.mapping.prefix)
        return Present(replace(state, etag=f"etag-{self.number}", changed_at=NOON + self.number * HOUR))

    def waiting(self) -> list[Conflict]:
        return [row for row in self.rows.values() if row.state in (ConflictState.OPEN, ConflictState.RESOLVED)]

    def put(self, row: Conflict) -> None:
        known = self.rows.get(row.conflict_id)
        if known is not None and known.state is not row.state:
            over = (ConflictState.SUPERSEDED, ConflictState.APPLIED)
            assert row.state in CONFLICT_MOVES[known.state] or known.state in over, (known.state, row.state)
        self.rows[row.conflict_id] = row

    def choose(self, pick: int, use: str, own: CalendarEvent) -> None:
        asked = [row for row in self.waiting() if row.state is ConflictState.OPEN and row.field in RULED_FIELDS]
        if asked:
            row = asked[pick % len(asked)]
            assert row.field is not None
            custom = canonical(advance(EVENT, own, {row.field})) if use == "custom" else None
            self.put(resolved(row, choice=use, custom=custom))

    def look(self, *, dies_after: int | None = None) -> Decision:
        """Read both sides, decide, and carry it out; or die after some of the actions."""
        decision = decide(
            self.mapping,
            wedsync=self.view(Side.WEDSYNC),
            outlook=self.view(Side.OUTLOOK),
            policy=self.policy,
            conflicts=self.waiting(),
        )
        mapping = decision.mapping
        for done, action in enumerate(decision.actions):
            if dies_after is not None and done >= dies_after:
                raise Died
            mapping = self._act(action, mapping)
        if dies_after is not None:
            raise Died
        self.mapping = mapping
        return decision

    def _act(self, action: Action, mapping: EventMapping) -> EventMapping:
        match action:
            case OpenConflict():
                self.put(conflict_of(action, mapping, now=NOON + self.number * HOUR))
            case Apply() | Supersede():
                end: Callable[..., Conflict] = applied if isinstance(action, Apply) else superseded
                for row in [row for row in self.waiting() if row.conflict_id in action.conflict_ids]:
                    self.put(end(row, at=NOON))
            case Update():
                assert action.replaces == self.contents[action.side]
                self.edit(action.side, next(iter(action.fields)), action.content)
                self.contents[action.side] = advance(self.contents[action.side], action.content, action.fields)
                view = self.view(action.side)
                assert isinstance(view, Present)
                return settled(mapping, action, view.state)
        return mapping


FIELDS = (Field.TITLE, Field.LOCATION)
VALUES = [replace(EVENT, title=f"T{n}", location=Place(name=f"L{n}")) for n in range(4)]
STEPS = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(Side), st.sampled_from(FIELDS), st.integers(0, 3)),
    st.tuples(
        st.just("choose"), st.integers(0, 5), st.sampled_from(["wedsync", "outlook", "custom"]), st.integers(0, 3)
    ),
    st.tuples(st.just("look")),
    st.tuples(st.just("die"), st.integers(0, 5)),
)
RULES = st.sampled_from([(), (rule(Side.WEDSYNC),), (rule(Side.OUTLOOK), rule(Side.WEDSYNC, Field.LOCATION))])


@MANY
@given(st.lists(STEPS, max_size=25), RULES)
def test_the_life_of_a_conflict(steps: list[tuple[object, ...]], rules: tuple[ResolutionRule, ...]) -> None:
    life = Life(policy=Policy(rules=rules))
    for step in steps:
        match step:
            case ("edit", Side() as side, Field() as which, int(n)):
                life.edit(side, which, VALUES[n])
            case ("choose", int(pick), str(use), int(n)):
                life.choose(pick, use, VALUES[n])
            case ("die", int(after)):
                with pytest.raises(Died):
                    life.look(dies_after=after)
            case _:
                life.look()
                _assert_one_question_a_field(life)
    life.look()
    life.look()  # what a crash left half done may open a question that the first look answers
    _assert_one_question_a_field(life)
    held = {row.field for row in life.waiting()}
    ours, theirs = life.contents[Side.WEDSYNC], life.contents[Side.OUTLOOK]
    for which in FIELDS:
        assert which in held or holds(which, theirs, ours, prefix=life.mapping.prefix), which
    assert all(row.state is ConflictState.OPEN for row in life.waiting())
    assert life.mapping.held == held
    before = life.mapping
    assert not [act for act in life.look().actions if not isinstance(act, Skip | Agree)]
    assert life.mapping == before


def _assert_one_question_a_field(life: Life) -> None:
    asked = [row.field for row in life.waiting()]
    assert len(asked) == len(set(asked)), asked
