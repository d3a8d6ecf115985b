"""The plan of a run: one decision for each event, from what was seen."""

from dataclasses import replace

import pytest

from shared.core.actions import Create, Delete, Hold, Link, OpenConflict, Policy, Rule, Skip, Update
from shared.core.event import EventType, Field, OutlookState, Side, WedSyncState
from shared.core.integration import OnOutlookDelete, Preferences, SyncWindow
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping, transaction_id
from shared.core.plan import NewSeen, PairSeen, SyncPlan, decide_seen, plan
from shared.core.pulled import Pulled
from shared.core.states import MappingState
from shared.core.views import Gone, Present, Views
from tests.support.values import NOON, content, integration, mapping

WINDOW = SyncWindow.around(NOON, past_days=180, future_days=1460)
POLICY = Policy(window=WINDOW)
HOME = integration(calendar_id="calendar")


def pair(**changes: object) -> EventMapping:
    base = content()
    given = {"base_w": base, "base_o": base, "w_version": 1, "o_etag": "1", "o_changed_at": NOON, "prefix": "WedSync: "}
    return mapping(
        **{**given, "state": MappingState.LINKED, "intent": None, "wedsync_id": "w", "outlook_id": "o"} | changes
    )


def here(event_id: str = "w", **changes: object) -> WedSyncState:
    state = WedSyncState(
        event_id=event_id,
        version=2,
        updated_at=NOON,
        content=content(),
        event_type=EventType.CLIENT_MEETING,
        source=Side.WEDSYNC,
    )
    return replace(state, **changes)  # type: ignore[arg-type]


def there(event_id: str = "o", **changes: object) -> OutlookState:
    return replace(
        OutlookState(event_id=event_id, etag="2", changed_at=NOON, content=content()),
        **changes,  # type: ignore[arg-type]
    )


def planned(*pairs: PairSeen, new: tuple[NewSeen, ...] = ()) -> SyncPlan:
    return plan(pairs, new, integration=HOME, policy=POLICY, conflicts={})


def test_an_edit_is_carried() -> None:
    edited = here(content=content(title="Moved"))
    found = planned(PairSeen(mapping=pair(), views=Views(wedsync=Present(edited))))
    (update,) = [action for action in found.actions() if isinstance(action, Update)]
    assert (update.side, set(update.fields)) == (Side.OUTLOOK, {Field.TITLE})
    assert (found.total, found.pairs[0].idle, found.pairs[0].missing) == (1, False, None)


def test_an_echo_is_idle_once_its_version_is_known() -> None:
    known = pair(w_version=2, event_type=EventType.CLIENT_MEETING)
    found = planned(PairSeen(mapping=known, views=Views(wedsync=Present(here()))))
    assert found.pairs[0].idle
    aside = replace(known, quarantine="It cannot be stored.")
    assert not planned(PairSeen(mapping=aside, views=Views(wedsync=Present(here())))).pairs[0].idle
    assert not planned(PairSeen(mapping=pair(), views=Views(wedsync=Present(here())))).pairs[0].idle


def test_what_has_to_be_read_first_is_named() -> None:
    found = planned(PairSeen(mapping=pair(base_o=None), views=Views(wedsync=Present(here()))))
    assert isinstance(found.pairs[0].decision.actions[0], Hold)
    assert (found.pairs[0].missing, found.pairs[0].whereabouts) == (Side.OUTLOOK, False)


def test_open_conflicts_are_taken_by_mapping() -> None:
    known = pair()
    seen = PairSeen(mapping=known, views=Views(outlook=Gone(proved=True)))
    (first,) = [each for each in planned(seen).actions() if isinstance(each, OpenConflict)]
    assert first.rule is Rule.OUTLOOK_DELETE_ASK


def test_a_copy_without_an_id_is_asked_about_whatever_is_preferred() -> None:
    policy = replace(POLICY, preferences=Preferences(on_outlook_delete=OnOutlookDelete.DELETE))
    lost = decide_seen(pair(outlook_id=None), Views(wedsync=Present(here())), policy=policy)
    assert isinstance(lost.actions[0], OpenConflict)
    gone = decide_seen(pair(), Views(outlook=Gone(proved=True)), policy=policy)
    assert isinstance(gone.actions[0], Delete)


def test_new_events_become_creates_and_what_is_not_for_this_sync_stays_out() -> None:
    found = planned(
        new=(
            NewSeen(state=here("w1")),
            NewSeen(state=there("o1")),
            NewSeen(state=here("w2", deleted=True)),
            NewSeen(state=there("o2", cancelled=True)),
        )
    )
    assert [(each.seen.side, type(each.action)) for each in found.new] == [
        (Side.WEDSYNC, Create),
        (Side.OUTLOOK, Create),
    ]
    assert [action.side for action in found.actions() if isinstance(action, Create)] == [Side.OUTLOOK, Side.WEDSYNC]


def test_a_marker_that_nothing_is_known_of_is_left_alone() -> None:
    lost = there(marker="unknown", transaction_id=transaction_id("unknown", 1))
    assert planned(new=(NewSeen(state=lost),)).total == 0


def test_an_event_is_linked_to_the_intent_that_made_it() -> None:
    intent = pair(state=MappingState.INTENT, outlook_id=None)
    ours = there(transaction_id=transaction_id(intent.mapping_id, 1), marker=intent.mapping_id)
    (only,) = planned(new=(NewSeen(state=ours, candidate=intent),)).new
    assert isinstance(only.action, Link)
    assert only.decision is None


def test_joining_two_events_says_what_follows() -> None:
    twin = here(content=content(title="Another"), external_id="outlook:x")
    found = planned(new=(NewSeen(state=there(), counterpart=twin),))
    assert isinstance(found.new[0].action, Link)
    (opened,) = [action for action in found.actions() if isinstance(action, OpenConflict)]
    assert (opened.which, opened.rule) == (Field.TITLE, Rule.NO_COMMON_BASE)


def test_plans_add_up() -> None:
    left = planned(PairSeen(mapping=pair(), views=Views(wedsync=Present(here()))))
    right = planned(new=(NewSeen(state=here("w1")),))
    assert (left + right).total == 2
    assert not any(isinstance(action, Skip) for action in right.actions())


def test_a_reading_is_finished_when_nothing_is_left_to_be_read() -> None:
    reading = Pulled(window=WINDOW, complete=True, wedsync_read=True, delta_link="next", series=frozenset())
    assert reading.finished
    for part in ({"wedsync_read": False}, {"delta_link": ""}, {"series": None}, {"series": frozenset({"s"})}):
        assert not replace(reading, **part).finished


def request(kind: RunKind = RunKind.INCREMENTAL, **members: object) -> RunRequest:
    return RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL, **members)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("alive", "other", "covered"),
    [
        (request(), request(), True),
        (request(RunKind.FULL), request(), True),
        (request(), request(RunKind.FULL), False),
        (request(RunKind.FULL, purpose=RunPurpose.RECONCILE), request(RunKind.FULL), True),
        (request(RunKind.FULL), request(RunKind.FULL, purpose=RunPurpose.RECONCILE), False),
        (request(RunKind.FULL), request(purpose=RunPurpose.UNDO, subject="run"), False),
        (request(purpose=RunPurpose.UNDO, subject="run"), request(purpose=RunPurpose.UNDO, subject="run"), True),
        (request(purpose=RunPurpose.UNDO, subject="run"), request(purpose=RunPurpose.UNDO, subject="2"), False),
        (request(purpose=RunPurpose.UNDO, subject="run"), request(), False),
        (request(RunKind.FULL), request(purpose=RunPurpose.MOVE_CALENDAR, subject="c"), False),
        (request(RunKind.FULL), request(purpose=RunPurpose.CONFIRM, subject="c"), False),
        (request(RunKind.FULL), request(purpose=RunPurpose.SPECIFIC, specific_events=("a",)), False),
        (
            request(purpose=RunPurpose.SPECIFIC, specific_events=("a", "b")),
            request(purpose=RunPurpose.SPECIFIC, specific_events=("a",)),
            True,
        ),
        (
            request(purpose=RunPurpose.SPECIFIC, specific_events=("a",)),
            request(purpose=RunPurpose.SPECIFIC, specific_events=("b",)),
            False,
        ),
    ],
)
def test_which_run_does_the_work_of_another(alive: RunRequest, other: RunRequest, covered: bool) -> None:
    assert alive.covers(other) is covered
