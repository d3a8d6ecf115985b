"""Values that the rest is made of: states and their moves, ids, preferences, the window."""

from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID

import pytest

from shared.core.event import EventType, Side
from shared.core.integration import Integration, Preferences, SyncWindow
from shared.core.mapping import Intent, external_id, transaction_id
from shared.core.states import (
    CONFIRMATION_MOVES,
    CONFLICT_MOVES,
    INTEGRATION_MOVES,
    MAPPING_MOVES,
    RUN_MOVES,
    SUBSCRIPTION_MOVES,
    IntegrationState,
    SubscriptionState,
    move,
)
from shared.core.subscription import GraphSubscription, Subscription
from shared.errors import IllegalMove
from tests.core.strategies import GUEST, HOUR, NOON, mapping_of, outlook_state

TABLES = [INTEGRATION_MOVES, MAPPING_MOVES, SUBSCRIPTION_MOVES, RUN_MOVES, CONFLICT_MOVES, CONFIRMATION_MOVES]


@pytest.mark.parametrize("moves", TABLES)
def test_every_pair_of_states_is_a_move_or_refused(moves: dict[StrEnum, frozenset[StrEnum]]) -> None:
    states = list(type(next(iter(moves))))
    assert set(moves) == set(states)
    for present in states:
        for wanted in states:
            if wanted in moves[present]:
                assert move(moves, present, wanted) is wanted
            else:
                with pytest.raises(IllegalMove, match=str(present)):
                    move(moves, present, wanted)


def test_a_transaction_id_is_the_same_for_every_retry_and_new_for_every_generation() -> None:
    mapping = mapping_of()
    assert mapping.transaction_id == transaction_id("m1", 1)
    assert mapping.transaction_id != replace(mapping, generation=2).transaction_id
    assert UUID(mapping.transaction_id).version == 5


def test_an_idempotency_key_is_the_same_for_every_retry_and_new_for_every_intent() -> None:
    intent = Intent(toward=Side.WEDSYNC, payload="{}", stored_at=NOON)
    mapping = mapping_of(intent=intent)
    assert mapping.idempotency_key == replace(mapping, o_etag="seen since").idempotency_key
    keys = {
        mapping.idempotency_key,
        replace(mapping, generation=2).idempotency_key,
        replace(mapping, intent=replace(intent, stored_at=NOON + HOUR)).idempotency_key,
        replace(mapping, intent=None).idempotency_key,
    }
    assert len(keys) == 4
    assert {UUID(key).version for key in keys} == {5}


def test_earlier_creates_are_known() -> None:
    assert mapping_of().earlier_transaction_ids == ()
    assert mapping_of(generation=3).earlier_transaction_ids == (transaction_id("m1", 1), transaction_id("m1", 2))


def test_external_ids_name_the_account_and_the_occurrence() -> None:
    named = partial(external_id, tenant_id="t", account_id="o", outlook_id="AAMk=")
    assert named() == "outlook:t:o:AAMk="
    assert named(occurrence_date=date(2026, 6, 20)) == "outlook:t:o:AAMk=:2026-06-20"


@pytest.mark.parametrize("kind", EventType)
def test_each_type_follows_one_preference(kind: EventType) -> None:
    only = [
        Preferences(sync_client_meetings=True, sync_wedding_events=False, sync_deadlines=False),
        Preferences(sync_client_meetings=False, sync_wedding_events=True, sync_deadlines=False),
        Preferences(sync_client_meetings=False, sync_wedding_events=False, sync_deadlines=True),
    ]
    assert sum(preferences.includes(kind) for preferences in only) == 1


def test_an_integration_syncs_while_it_is_connected() -> None:
    integration = Integration(
        integration_id="i", user_id="u", state=IntegrationState.CONNECTED, tenant_id="t", account_id="o"
    )
    assert integration.syncing
    assert not integration.personal
    paused = replace(integration, state=IntegrationState.PAUSED, tenant_id="9188040d-6c67-4c5b-b112-36a304b66dad")
    assert not paused.syncing
    assert paused.personal


def test_the_window_is_of_whole_days() -> None:
    window = SyncWindow.around(NOON + timedelta(minutes=7), past_days=180, future_days=1460)
    assert window.end - window.start == timedelta(days=1640)
    assert window.start.hour == window.start.minute == 0


def test_sides_and_meetings() -> None:
    assert Side.WEDSYNC.other is Side.OUTLOOK
    assert Side.OUTLOOK.other is Side.WEDSYNC
    state = outlook_state()
    assert not state.is_meeting
    assert replace(state, content=replace(state.content, attendees=(GUEST,))).is_meeting


def test_subscriptions_are_values() -> None:
    row = Subscription(
        subscription_id="s",
        integration_id="i",
        calendar_id="c",
        state=SubscriptionState.ACTIVE,
        client_state_hash="0",
        expires_at=NOON,
    )
    assert row == replace(row)
    assert GraphSubscription(subscription_id="s", resource="r", expires_at=NOON).notification_url == ""
