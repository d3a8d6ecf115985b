"""When a subscription is renewed, and whether it can be counted on."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.states import SubscriptionState
from shared.core.subscription import RENEW_BEFORE, next_try_after, renewal_at
from tests.support.values import NOON, subscription

HOUR = timedelta(hours=1)


@given(st.text(min_size=1), st.integers(1, 20_000), st.none() | st.integers(0, 20_000))
def test_a_renewal_is_well_before_the_end_and_well_after_the_beginning(
    name: str, life: int, granted: int | None
) -> None:
    kept = subscription(
        subscription_id=name,
        expires_at=NOON + timedelta(minutes=life),
        granted_at=None if granted is None else NOON,
    )
    at = renewal_at(kept)
    assert at < kept.expires_at
    if granted is not None:
        assert at >= NOON + timedelta(minutes=life) / 2
    if granted is None or life > 72 * 60:
        assert RENEW_BEFORE <= kept.expires_at - at < RENEW_BEFORE + 12 * HOUR


def test_ten_thousand_made_in_the_same_minute_are_renewed_over_twelve_hours() -> None:
    end = NOON + timedelta(days=7)
    made = [subscription(subscription_id=f"s{number}", expires_at=end, granted_at=NOON) for number in range(10_000)]
    hours = Counter((end - renewal_at(each)) // HOUR for each in made)
    assert hours.keys() == set(range(24, 36))
    assert max(hours.values()) < 1.2 * 10_000 / 12
    minutes = Counter((end - renewal_at(each)) // timedelta(minutes=5) for each in made)
    assert max(minutes.values()) < 2 * 10_000 / 144, "what one turn of the timer finds"


def test_one_that_should_have_been_renewed_by_now() -> None:
    kept = subscription(expires_at=NOON)
    assert not kept.ends_soon(NOON - RENEW_BEFORE - timedelta(seconds=1))
    assert kept.ends_soon(NOON - RENEW_BEFORE)
    assert kept.ends_soon(NOON + HOUR)


def test_one_that_was_granted_little_is_not_due_from_its_beginning() -> None:
    """Graph may grant less than was asked for: then the day before its end is before its beginning."""
    kept = subscription(expires_at=NOON + 2 * HOUR, granted_at=NOON)
    assert not kept.ends_soon(NOON + HOUR - timedelta(seconds=1))
    assert kept.ends_soon(NOON + HOUR)
    assert kept.ends_soon(renewal_at(kept))


@pytest.mark.parametrize(
    ("healthy", "changes"),
    [
        (True, {}),
        (False, {"state": SubscriptionState.LAPSED}),
        (False, {"expires_at": NOON}),
        (False, {"missed_at": NOON - HOUR}),
    ],
)
def test_healthy_is_active_not_over_and_not_silent(healthy: bool, changes: dict[str, object]) -> None:
    kept = replace(subscription(expires_at=NOON + HOUR), **changes)  # type: ignore[arg-type]
    assert kept.healthy(NOON) is healthy


def test_what_is_refused_is_asked_for_less_and_less_often() -> None:
    assert [next_try_after(refusals) // HOUR for refusals in range(1, 9)] == [1, 2, 4, 8, 16, 24, 24, 24]
