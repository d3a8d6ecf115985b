"""Keep one active Graph subscription per integration: create, renew, adopt, recreate."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.integration import Integration
from shared.core.jobs import RunJob, UpkeepJob, UpkeepKind
from shared.core.states import SUBSCRIPTION_MOVES, SubscriptionState, move
from shared.core.subscription import GraphSubscription, Subscription
from shared.errors import EventGone, StateConflict, SubscriptionTooLong, Unavailable
from shared.log import log_action
from shared.ports import Clock, Due, DueList, Ids, JobQueue, Stored, SubscriptionRows, Subscriptions
from shared.usecases.due_kinds import RENEWAL

_RENEW_BEFORE = timedelta(hours=24)
_ON_ITS_WAY = timedelta(seconds=70)
"""The request takes 30 seconds at most, and so does the row that follows it."""


def client_state_hash(secret: str) -> str:
    """Return what is stored of a ``clientState``."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Subscribe:
    """See to it that notifications come."""

    subscriptions: Subscriptions
    rows: SubscriptionRows
    due: DueList
    jobs: JobQueue
    ids: Ids
    clock: Clock
    minutes: int

    async def enqueue(self, integration_id: str, *, then_run: str = "") -> None:
        """Have it done soon; ``then_run`` is put on the queue as soon as notifications can come."""
        await self.jobs.put(UpkeepJob(integration_id=integration_id, kind=UpkeepKind.SUBSCRIBE, subject=then_run))

    async def ensure(self, integration: Integration, *, then_run: str = "", renew: bool = False) -> None:
        """Return with an active subscription in place: the present one or a new one.

        The present one is renewed if it is near its end, or in any case with ``renew`` (which also answers Graph's
        ``reauthorizationRequired``: https://learn.microsoft.com/graph/change-notifications-lifecycle-events).
        """
        try:
            await self._ensure(integration, renew=renew)
        finally:
            if then_run:
                await self.jobs.put(RunJob(integration_id=integration.integration_id, run_id=then_run))

    async def remove_all(self, integration_id: str, *, at_graph: bool) -> bool:
        """Remove every subscription of the integration; return whether Graph was told about all of them."""
        for stored in await self.rows.of_integration(integration_id):
            if at_graph:
                await self.subscriptions.delete(integration_id, stored.value.subscription_id)
            await self._forget(stored.value)
        await self._first_look_done(integration_id)
        return at_graph

    async def _first_look_done(self, integration_id: str) -> None:
        """Remove what connecting entered, so that a first subscription that failed for good is tried again."""
        entry = Due(kind=RENEWAL, integration_id=integration_id, at=self.clock.now())
        await self.due.put(entry)  # in place of the one that connecting, or a timer, has put somewhere
        await self.due.done(entry)

    async def _ensure(self, integration: Integration, *, renew: bool) -> None:
        if not integration.webhooks:
            await self.remove_all(integration.integration_id, at_graph=True)
            return
        kept = False
        for stored in await self.rows.of_integration(integration.integration_id):
            usable = (
                not kept
                and stored.value.calendar_id == integration.calendar_id
                and stored.value.state is SubscriptionState.ACTIVE
            )
            if usable:
                kept = await self._renewed(stored, renew=renew)
            else:
                await self._drop(stored.value)
        if not kept:
            await self._create(integration)
        await self._first_look_done(integration.integration_id)

    async def _renewed(self, stored: Stored[Subscription], *, renew: bool) -> bool:
        now = self.clock.now()
        subscription = stored.value
        if subscription.expires_at - now > _RENEW_BEFORE and not renew:
            return True

        async def asked(expires_at: datetime) -> GraphSubscription:
            return await self.subscriptions.renew(
                subscription.integration_id, subscription_id=subscription.subscription_id, expires_at=expires_at
            )

        try:
            answer = await self._for_as_long_as_may_be(asked)
        except EventGone:
            log_action("subscription_lapsed", integration=subscription.integration_id)
            await self._forget(subscription)
            return False
        renewed = replace(subscription, expires_at=answer.expires_at)
        await self.rows.put(renewed)
        await self.due.put(self._renewal(renewed))
        log_action("subscription_renewed", integration=subscription.integration_id)
        return True

    async def _create(self, integration: Integration) -> None:
        secret = self.ids.new_secret()
        newest = self.clock.now()

        async def created(expires_at: datetime) -> GraphSubscription:
            nonlocal newest
            newest = expires_at
            return await self.subscriptions.create(
                integration.integration_id,
                calendar_id=integration.calendar_id,
                client_state=secret,
                expires_at=expires_at,
            )

        try:
            made = await self._for_as_long_as_may_be(created)
        except StateConflict:
            await self._clear_strays(integration.integration_id, newest)
            try:
                made = await self._for_as_long_as_may_be(created)
            except StateConflict:  # somebody else is at it: the next attempt finds what they have made
                raise Unavailable("graph", code="SubscriptionContended") from None
        subscription = Subscription(
            subscription_id=made.subscription_id,
            integration_id=integration.integration_id,
            calendar_id=integration.calendar_id,
            state=move(SUBSCRIPTION_MOVES, SubscriptionState.REQUESTED, SubscriptionState.ACTIVE),
            client_state_hash=client_state_hash(secret),
            expires_at=made.expires_at,
            created_at=self.clock.now(),
        )
        await self.rows.put(subscription)
        await self.due.put(self._renewal(subscription))
        log_action("subscription_created", integration=integration.integration_id)

    async def _for_as_long_as_may_be(
        self, ask: Callable[[datetime], Awaitable[GraphSubscription]]
    ) -> GraphSubscription:
        """Ask for the life that is set, or for what Graph grants where it refuses that: the limit has moved before."""
        try:
            return await ask(self.clock.now() + timedelta(minutes=self.minutes))
        except SubscriptionTooLong as fault:
            log_action("subscription_shorter", minutes=fault.minutes)
            return await ask(self.clock.now() + timedelta(minutes=fault.minutes))

    async def _clear_strays(self, integration_id: str, newest: datetime) -> None:
        """One that we made and forgot blocks a new one, and its ``clientState`` is lost: delete it at Graph.

        ``newest`` is the end of one that is made now. One that ends then has just been made by another worker, who
        may be about to note it: it is left until that must have happened.
        """
        found = await self.subscriptions.list(integration_id)
        known = {stored.value.subscription_id for stored in await self.rows.of_integration(integration_id)}
        strays = [each for each in found if each.subscription_id not in known]
        if any(abs(newest - each.expires_at) < _ON_ITS_WAY for each in strays):
            raise Unavailable("graph", code="SubscriptionContended")
        for each in strays:
            await self.subscriptions.delete(integration_id, each.subscription_id)
            await self.rows.remove(each.subscription_id)

    async def _drop(self, subscription: Subscription) -> None:
        await self.subscriptions.delete(subscription.integration_id, subscription.subscription_id)
        await self._forget(subscription)

    async def _forget(self, subscription: Subscription) -> None:
        """Remove the due entry, then the row, by which an interrupted attempt is found again."""
        renewal = self._renewal(subscription)
        await self.due.put(renewal)  # in place of the one that a timer may have moved on
        await self.due.done(renewal)
        await self.rows.remove(subscription.subscription_id)

    def _renewal(self, subscription: Subscription) -> Due:
        """A day before the end; one that was granted for no more than two days is renewed half-way."""
        ahead = min(_RENEW_BEFORE, (subscription.expires_at - self.clock.now()) / 2)
        return Due(
            kind=RENEWAL,
            integration_id=subscription.integration_id,
            at=subscription.expires_at - ahead,
            subject=subscription.subscription_id,
        )
