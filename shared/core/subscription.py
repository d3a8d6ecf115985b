"""A Graph subscription: the channel on which notifications come."""

from dataclasses import dataclass
from datetime import datetime

from shared.core.states import SubscriptionState


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscription. ``client_state_hash`` is the SHA-256 hex of the secret that each notification must carry."""

    subscription_id: str
    integration_id: str
    calendar_id: str
    state: SubscriptionState
    client_state_hash: str
    expires_at: datetime
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSubscription:
    """A subscription as Graph returned it."""

    subscription_id: str
    resource: str
    expires_at: datetime
    notification_url: str = ""
