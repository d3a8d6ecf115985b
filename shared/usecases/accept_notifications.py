"""Graph's notifications and lifecycle notices become jobs. A notice is a hint to look, never content."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from shared.core.event import Side
from shared.core.jobs import EventJob, Glance, LooksJob, RunKind, RunRequest, TriggeredBy, UpkeepJob, UpkeepKind
from shared.core.states import SUBSCRIPTION_MOVES, SubscriptionState, move
from shared.core.subscription import Subscription
from shared.log import log_action
from shared.ports import Clock, Ids, Integrations, JobQueue, SubscriptionRows
from shared.usecases.at_once import some_at_once
from shared.usecases.request_sync import RequestSync
from shared.usecases.subscribe import client_state_hash

EVENTS_PER_JOB = 100
_AT_ONCE = 16
"""Subscriptions of one POST that are worked on together: Graph waits three seconds, whoever else is in the POST."""
APART = 10
"""Up to so many looks of one POST go to the queue by themselves, which is the shortest way."""

_TOGETHER = 8
STRANGERS = 100
"""So many subscriptions that nobody knows, and none before them that somebody does, are no POST of Graph's: the rest of
it is not looked up. Were it Graph's, the safety sync would find what it told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One item of a notification POST: which event to look at, and the etag (short form) that it had, if known."""

    subscription_id: str
    client_state: str
    event_id: str
    etag: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleNotice:
    """One item of a lifecycle POST; ``event`` is Graph's ``lifecycleEvent``."""

    subscription_id: str
    client_state: str
    event: str


AnyNotice = TypeVar("AnyNotice", Notice, LifecycleNotice)


@dataclass(frozen=True, kw_only=True)
class AcceptNotifications:
    """Check who sends, fold what was sent, enqueue; the caller answers 202."""

    rows: SubscriptionRows
    integrations: Integrations
    jobs: JobQueue
    request_sync: RequestSync
    ids: Ids
    clock: Clock

    async def changes(self, notices: Sequence[Notice]) -> int:
        """Enqueue a look at each named event; return how many notices were taken. Strangers are dropped."""
        correlation = self.ids.new_id()

        looks: list[EventJob] = []

        async def look(subscription: Subscription, honest: list[Notice]) -> None:
            looks.extend(_looks(subscription, honest, correlation))
            await self._tend(subscription)

        taken = await self._each_subscription(notices, look)
        await some_at_once([partial(self.jobs.put, job) for job in _gathered(looks)], _AT_ONCE)
        log_action("notification_accepted", count=taken, correlation=correlation)
        return taken

    async def lifecycle(self, notices: Sequence[LifecycleNotice]) -> int:
        """Enqueue what each lifecycle event asks for; return how many notices were taken."""

        async def answer(subscription: Subscription, honest: list[LifecycleNotice]) -> None:
            for event in dict.fromkeys(notice.event for notice in honest):
                await self._answer(subscription, event)

        return await self._each_subscription(notices, answer)

    async def _each_subscription(
        self, notices: Sequence[AnyNotice], act: Callable[[Subscription, list[AnyNotice]], Awaitable[None]]
    ) -> int:
        """Act on what each subscription has sent; return how many notices were honest."""
        by_subscription: dict[str, list[AnyNotice]] = {}
        for notice in notices:
            by_subscription.setdefault(notice.subscription_id, []).append(notice)
        taken: list[int] = []
        passed_over: list[int] = []
        rejected: dict[str, int] = {}

        async def take(subscription_id: str, group: list[AnyNotice]) -> None:
            if len(taken) >= STRANGERS and not any(taken):
                passed_over.append(len(group))
                return
            subscription = await self._known(subscription_id)
            honest = [notice for notice in group if subscription and _is_ours(subscription, notice.client_state)]
            if len(honest) < len(group):
                rejected[subscription_id] = len(group) - len(honest)
            if subscription and honest:
                await act(subscription, honest)
            taken.append(len(honest))

        await some_at_once([partial(take, *each) for each in by_subscription.items()], _AT_ONCE)
        if rejected:  # one line, whatever came: anybody may send a POST, and no line is sampled
            count = sum(rejected.values()) + sum(passed_over)
            log_action("notification_rejected", subscription=min(rejected), subscriptions=len(rejected), count=count)
        return sum(taken)

    async def _known(self, subscription_id: str) -> Subscription | None:
        stored = await self.rows.get(subscription_id)
        return stored.value if stored else None

    async def _tend(self, subscription: Subscription) -> None:
        """What has just delivered is healthy; where it should have been renewed by now, see to that as well."""
        if subscription.missed_at is not None:
            await self.rows.put(replace(subscription, missed_at=None))
        if subscription.ends_soon(self.clock.now()):
            await self.jobs.put(UpkeepJob(integration_id=subscription.integration_id, kind=UpkeepKind.SUBSCRIBE))

    async def _answer(self, subscription: Subscription, event: str) -> None:
        log_action("lifecycle_notice", integration=subscription.integration_id, event=event)
        if event == "missed":
            stored = await self.integrations.get(subscription.integration_id)
            if stored and stored.value.syncing:
                request = RunRequest(
                    kind=RunKind.FULL, triggered_by=TriggeredBy.WEBHOOK, direction=stored.value.direction
                )
                await self.request_sync.again(stored.value, request)
            return
        if event == "subscriptionRemoved" and subscription.state is SubscriptionState.ACTIVE:
            # The row stays until the job has made a new one, so that an attempt that breaks off is found again.
            lapsed = move(SUBSCRIPTION_MOVES, subscription.state, SubscriptionState.LAPSED)
            await self.rows.put(replace(subscription, state=lapsed))
        # Of an event that we do not know, only that something may be wrong with the subscription: that is looked into.
        kind = UpkeepKind.RENEW if event == "reauthorizationRequired" else UpkeepKind.SUBSCRIBE
        await self.jobs.put(UpkeepJob(integration_id=subscription.integration_id, kind=kind))


def _looks(subscription: Subscription, notices: list[Notice], correlation: str) -> list[EventJob]:
    """One look per event. The hint of the last notice counts only if all of them say the same."""
    looks: dict[str, Glance] = {}
    for notice in notices:
        known = looks.get(notice.event_id)
        agreed = known is None or known.hint == notice.etag
        looks[notice.event_id] = Glance(
            event_id=notice.event_id,
            hint=notice.etag if agreed else "",
            removed=notice.removed or (known is not None and known.removed),
        )
    glances = tuple(looks.values())
    return [
        EventJob(
            integration_id=subscription.integration_id,
            side=Side.OUTLOOK,
            events=glances[start : start + EVENTS_PER_JOB],
            correlation=correlation,
        )
        for start in range(0, len(glances), EVENTS_PER_JOB)
    ]


def _gathered(looks: Sequence[EventJob]) -> Sequence[EventJob | LooksJob]:
    """Put many looks together, to be handed out by a worker: each message takes a part of the time that Graph waits."""
    if len(looks) <= APART:
        return looks
    return [LooksJob(jobs=tuple(looks[start : start + _TOGETHER])) for start in range(0, len(looks), _TOGETHER)]


def _is_ours(subscription: Subscription, client_state: str) -> bool:
    return hmac.compare_digest(subscription.client_state_hash, client_state_hash(client_state))
