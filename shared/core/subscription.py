"""A Graph subscription: the channel on which notifications come."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.core.stagger import share_of
from shared.core.states import SubscriptionState

RENEW_BEFORE = timedelta(hours=24)
"""So long before its end a subscription is renewed at the latest."""

_SPREAD = timedelta(hours=12)
"""By so much some are renewed earlier than others, so that those made in the same minute part ways."""


_FIRST_TRY, _LAST_TRY = timedelta(hours=1), timedelta(hours=24)
"""Between these lies the time until a subscription that was refused for good is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription. ``client_state_hash`` is the SHA-256 hex of the secret that each notification must carry.

    ``granted_at``: when Graph last gave it an end. ``missed_at``: when a run came upon a change that no notification
    had told of; None again once one has come.
    """

    subscription_id: str
    integration_id: str
    calendar_id: str
    state: SubscriptionState
    client_state_hash: str
    expires_at: datetime
    created_at: datetime | None = None
    granted_at: datetime | None = None
    missed_at: datetime | None = None

    def ends_soon(self, now: datetime) -> bool:
        """Whether it should have been renewed by now: a day before its end, or in the second half of a shorter life."""
        life = self.expires_at - self.granted_at if self.granted_at else 2 * RENEW_BEFORE
        return self.expires_at - now <= min(RENEW_BEFORE, life / 2)

    def healthy(self, now: datetime) -> bool:
        """Whether notifications can be counted on, as far as we know."""
        return self.state is SubscriptionState.ACTIVE and self.expires_at > now and self.missed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSubscription:
    """A subscription as Graph returned it. ``client_state`` is empty where it was left out, as in every list."""

    subscription_id: str
    resource: str
    expires_at: datetime
    notification_url: str = ""
    client_state: str = field(default="", repr=False)


def renewal_at(subscription: Subscription) -> datetime:
    """Return when to renew: 24 to 36 hours before the end, but not in the first half of what was granted."""
    ahead = RENEW_BEFORE + share_of(subscription.subscription_id, _SPREAD)
    if subscription.granted_at is not None:
        ahead = min(ahead, (subscription.expires_at - subscription.granted_at) / 2)
    return subscription.expires_at - ahead


def next_try_after(refusals: int) -> timedelta:
    """Return how long to wait after so many refusals in a row: 1, 2, 4, 8, 16 hours, then a day."""
    return min(_FIRST_TRY * (1 << min(refusals - 1, 5)), _LAST_TRY)
