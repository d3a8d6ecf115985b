"""What is done about an event whose deletion was rejected."""

from dataclasses import replace

import pytest

from shared.core.actions import Create, Decision, Hide, Policy, Rule, Unlink
from shared.core.event import OutlookState, Side
from shared.core.integration import Direction
from shared.core.keeping import kept
from shared.core.mapping import EventMapping, Role
from shared.core.pair import note_held
from shared.core.states import MappingState
from shared.core.views import UNSEEN, Gone, Present, View, Views
from tests.core.strategies import EVENT, PREFIX, mapping_of, outlook_state, wedsync_state

NOTED = (note_held(Side.WEDSYNC), note_held(Side.OUTLOOK), "other")
OURS, THEIRS = mapping_of(notes=NOTED), mapping_of(born=Side.OUTLOOK, prefix="", notes=NOTED)
BOTH, FROM, TO = (
    Policy(direction=way) for way in (Direction.BIDIRECTIONAL, Direction.FROM_OUTLOOK, Direction.TO_OUTLOOK)
)
HERE, THERE = Present(wedsync_state(EVENT)), Present(outlook_state(EVENT))
GONE, MOVED = Gone(proved=True), Gone(proved=True, left_calendar=True)
CANCELLED = Present(replace(outlook_state(EVENT), cancelled=True))


def keep(mapping: EventMapping, outlook: View = GONE, policy: Policy = BOTH) -> Decision | None:
    return kept(mapping, Side.WEDSYNC, Views(wedsync=HERE, outlook=outlook), policy=policy)


@pytest.mark.parametrize(("mapping", "prefix"), [(OURS, PREFIX), (THEIRS, "")])
def test_the_missing_copy_is_made_again_in_outlook(mapping: EventMapping, prefix: str) -> None:
    decision = keep(mapping)
    assert decision is not None
    (create,) = decision.actions
    assert isinstance(create, Create)
    assert (create.side, create.rule, create.prefix) == (Side.OUTLOOK, Rule.DELETION_REJECTED, prefix)
    assert (create.content, create.title) == (EVENT, f"{prefix}{EVENT.title}")
    assert decision.mapping.notes == (note_held(Side.OUTLOOK), "other")


@pytest.mark.parametrize(
    ("mapping", "outlook", "policy"),
    [
        (OURS, MOVED, BOTH),  # there would be two
        (THEIRS, CANCELLED, BOTH),
        (THEIRS, UNSEEN, BOTH),
        (THEIRS, GONE, FROM),  # it may not be written
        (replace(THEIRS, is_organizer=False), GONE, BOTH),
        (replace(THEIRS, masked=True), GONE, BOTH),  # it would be nothing but busy time
    ],
)
def test_where_a_new_copy_would_do_harm_the_wedsync_event_stays_alone(
    mapping: EventMapping, outlook: View, policy: Policy
) -> None:
    decision = keep(mapping, outlook, policy)
    assert decision is not None
    assert decision.actions == (Unlink(side=Side.OUTLOOK, rule=Rule.DELETION_REJECTED),)
    assert decision.mapping.state is MappingState.UNLINKED


def test_an_event_missing_in_wedsync_is_imported_anew_or_hidden_where_that_may_not_be() -> None:
    views = Views(wedsync=GONE, outlook=THERE)
    assert isinstance(THERE.state, OutlookState)
    assert kept(OURS, Side.OUTLOOK, views, policy=BOTH) is None
    for mapping, policy in ((OURS, TO), (replace(OURS, role=Role.TRAVEL), BOTH)):
        decision = kept(mapping, Side.OUTLOOK, views, policy=policy)
        assert decision is not None
        assert decision.actions == (Hide(rule=Rule.DELETION_REJECTED),)
        assert (decision.mapping.state, decision.mapping.held) == (MappingState.HIDDEN, frozenset())


def test_views_are_told_by_their_side() -> None:
    views = Views(wedsync=GONE, outlook=THERE)
    assert (views.of(Side.WEDSYNC), views.of(Side.OUTLOOK)) == (GONE, THERE)
    assert views.seen(Side.WEDSYNC, HERE).of(Side.WEDSYNC) == HERE
