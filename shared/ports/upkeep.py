"""What keeps a connection alive and work going: subscriptions, leases, what is due, queues, counted calls."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.core.jobs import Message
from shared.core.rate_limit import Spent
from shared.core.subscription import Subscription
from shared.ports.basics import Stored


class SubscriptionRows(Protocol):
    """Our record of subscriptions. Table ``OutlookSubscriptions``."""

    async def get(self, subscription_id: str) -> Stored[Subscription] | None:
        """Return the subscription by Graph's id. One read: it is on the path of every notification."""
        ...

    async def of_integration(self, integration_id: str) -> tuple[Stored[Subscription], ...]:
        """Return all subscriptions of the integration, the newest first."""
        ...

    async def put(self, subscription: Subscription) -> Stored[Subscription]:
        """Insert or replace."""
        ...

    async def remove(self, subscription_id: str) -> None:
        """Remove; quiet when there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseHold:
    """A lease in hand. ``fence`` rises with each new owner."""

    integration_id: str
    owner: str
    fence: int
    expires_at: datetime


class Leases(Protocol):
    """One run per integration at a time: a row with owner, expiry, fencing number."""

    async def acquire(self, integration_id: str, *, owner: str, until: datetime) -> LeaseHold | None:
        """Take the lease if it is free, expired or already the owner's; None if another owner has it."""
        ...

    async def renew(self, hold: LeaseHold, *, until: datetime) -> LeaseHold:
        """Prolong; ``RowChanged`` if somebody else has taken it."""
        ...

    async def release(self, hold: LeaseHold) -> None:
        """Give back; quiet if it is not ours any more."""
        ...

    async def remove(self, hold: LeaseHold) -> None:
        """Give back and leave nothing behind; quiet if it is not ours any more. Numbers begin anew."""
        ...

    async def held(self, integration_id: str) -> bool:
        """Return whether somebody holds the lease now. One read."""
        ...

    async def forget_before(self, integration_id: str, before: datetime) -> bool:
        """Remove the row if its last hold ended before then; return whether that was done. Numbers begin anew."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something to be done at a time, for one integration."""

    kind: str
    integration_id: str
    at: datetime
    subject: str = ""


class DueList(Protocol):
    """What is due when, by time bucket and shard. Table ``OutlookDue``."""

    async def put(self, due: Due) -> None:
        """Enter; replaces an earlier entry of the same kind, integration and subject."""
        ...

    def hand_out(self, kind: str, now: datetime, *, again_after: timedelta) -> AsyncIterator[tuple[Due, ...]]:
        """Yield pages of what has come due since this was last read to its end, oldest minute first.

        What was handed out and still stands is handed out again once ``again_after`` has passed; one reader at a time.
        """
        ...

    async def stands(self, due: Due) -> bool:
        """Return whether the entry is still the one of its kind, integration and subject; one that is not is removed.

        One read; two for an entry that no other is known in the place of, which stands as long as it is there.
        """
        ...

    async def done(self, due: Due) -> None:
        """Remove the entry; quiet when it is gone."""
        ...


class JobQueue(Protocol):
    """The three queues: ``outlook-event-jobs``, ``outlook-run-jobs``, ``outlook-upkeep-jobs``."""

    async def put(self, job: Message, *, delay_seconds: float = 0) -> None:
        """Enqueue on the queue of the job's kind, invisible for the delay. ``Unavailable`` if it did not work.

        An ``EventJob`` of more than 100 events or 40 KiB is split.
        """
        ...

    def parse(self, text: str) -> Message:
        """Return the job in a message's text; ``InvalidInput`` if it is none."""
        ...


class RateLimits(Protocol):
    """What users have used of their limits, one row for each user and limit. Table ``OutlookRateLimits``."""

    async def get(self, user_id: str, limit: str) -> Stored[Spent] | None:
        """Return what was used, or None. One read."""
        ...

    async def put(self, spent: Spent, *, replaces: Stored[Spent] | None) -> Stored[Spent]:
        """Insert, or replace what was read; ``RowExists`` or ``RowChanged`` if another call came between."""
        ...

    async def forget_full(self, before: datetime, *, limit: int = 1000) -> int:
        """Remove rows whose whole burst was there again before then, ``limit`` at the most; return how many."""
        ...
