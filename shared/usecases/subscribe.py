"""Keep one active Graph subscription per integration: create, renew, adopt, recreate, compare with what Graph has."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.core.integration import Integration
from shared.core.jobs import RunJob, UpkeepJob, UpkeepKind
from shared.core.states import SUBSCRIPTION_MOVES, SubscriptionState, move
from shared.core.subscription import GraphSubscription, Subscription, renewal_at
from shared.errors import EventGone, Rejected, StateConflict, SubscriptionTooLong, Unavailable
from shared.log import log_action
from shared.ports import Clock, Due, DueList, Ids, JobQueue, Stored, SubscriptionRows, Subscriptions
from shared.usecases.due_kinds import RENEWAL

_CLOCKS_APART = timedelta(minutes=30)
"""Our clock may be ahead of Graph's, which would take the longest life for a longer one."""

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

    async def ensure(self, integration: Integration, *, then_run: str = "", renew: bool = False) -> bool:
        """Return with an active subscription in place; whether it is another one than before: something may be missed.

        The present one is renewed if it is near its end, or in any case with ``renew`` (which also answers Graph's
        ``reauthorizationRequired``: https://learn.microsoft.com/graph/change-notifications-lifecycle-events).
        """
        try:
            return await self._ensure(integration, renew=renew)
        finally:
            if then_run:
                await self.jobs.put(RunJob(integration_id=integration.integration_id, run_id=then_run))

    async def check(self, integration: Integration, *, afresh: bool = False) -> bool:
        """Compare our rows with Graph's list and heal what differs; return what ``ensure`` does.

        The list may be stale (docs issues 906 and 4644), so that what is missing from it is only asked for by renewing
        it. ``afresh``: notifications fail to come though everything looks right, so a new subscription is made.
        """
        integration_id = integration.integration_id
        known = await self.rows.of_integration(integration_id)
        if not integration.webhooks or not known:
            return await self._ensure(integration, renew=False)
        found = {each.subscription_id: each for each in await self.subscriptions.list(integration_id)}
        await self._delete_strays(integration_id, found, known)
        for stored in known:
            if afresh:
                await self._drop(stored.value)
            elif there := found.get(stored.value.subscription_id):
                await self._keep(replace(stored.value, expires_at=there.expires_at))
        doubtful = any(each.value.subscription_id not in found or each.value.missed_at for each in known)
        return await self._ensure(integration, renew=doubtful)

    async def remove_all(self, integration_id: str, *, at_graph: bool) -> bool:
        """Remove every subscription of the integration; return whether Graph has removed all of them as well.

        One that it refuses to remove ends by itself within days, and what it delivers until then is dropped.
        """
        removed = at_graph
        for stored in await self.rows.of_integration(integration_id):
            if at_graph:
                removed = await self._deleted(stored.value) and removed
            await self._forget(stored.value)
        await self._first_look_done(integration_id)
        return removed

    async def _deleted(self, subscription: Subscription) -> bool:
        try:
            await self.subscriptions.delete(subscription.integration_id, subscription.subscription_id)
        except Rejected as fault:
            log_action("subscription_left", integration=subscription.integration_id, fault_code=fault.code)
            return False
        return True

    async def _first_look_done(self, integration_id: str) -> None:
        """Remove what connecting entered, so that a first subscription that failed for good is tried again."""
        entry = Due(kind=RENEWAL, integration_id=integration_id, at=self.clock.now())
        await self.due.put(entry)  # in place of the one that connecting, or a timer, has put somewhere
        await self.due.done(entry)

    async def _ensure(self, integration: Integration, *, renew: bool) -> bool:
        if not integration.webhooks:
            await self.remove_all(integration.integration_id, at_graph=True)
            return False
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
        return not kept

    async def _renewed(self, stored: Stored[Subscription], *, renew: bool) -> bool:
        subscription = stored.value
        if not renew and not subscription.ends_soon(self.clock.now()):
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
        await self._keep(replace(subscription, expires_at=answer.expires_at, granted_at=self.clock.now()))
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
            adopted = await self._to_adopt(integration)
            if adopted is None:
                await self._clear_strays(integration, newest)
                try:
                    made = await self._for_as_long_as_may_be(created)
                except StateConflict:  # somebody else is at it: the next attempt finds what they have made
                    raise Unavailable("graph", code="SubscriptionContended") from None
            else:
                made, secret = adopted, adopted.client_state
                log_action("subscription_adopted", integration=integration.integration_id)
        subscription = Subscription(
            subscription_id=made.subscription_id,
            integration_id=integration.integration_id,
            calendar_id=integration.calendar_id,
            state=move(SUBSCRIPTION_MOVES, SubscriptionState.REQUESTED, SubscriptionState.ACTIVE),
            client_state_hash=client_state_hash(secret),
            expires_at=made.expires_at,
            created_at=self.clock.now(),
            granted_at=self.clock.now(),
        )
        await self._keep(subscription)
        log_action("subscription_in_place", integration=integration.integration_id)

    async def _keep(self, subscription: Subscription) -> None:
        await self.rows.put(subscription)
        await self.due.put(self._renewal(subscription))

    async def _for_as_long_as_may_be(
        self, ask: Callable[[datetime], Awaitable[GraphSubscription]]
    ) -> GraphSubscription:
        """Ask for the life that is set, or for what Graph grants where it refuses that: the limit has moved before."""
        try:
            return await ask(self.clock.now() + timedelta(minutes=self.minutes))
        except SubscriptionTooLong as fault:
            log_action("subscription_shorter", minutes=fault.minutes)
            return await ask(self.clock.now() + timedelta(minutes=fault.minutes) - _CLOCKS_APART)

    async def _to_adopt(self, integration: Integration) -> GraphSubscription | None:
        """Return the one that is in the way, if it is ours and its ``clientState`` can be read back.

        Its maker died, or is about to note the very same. Graph tells the ``clientState`` to who reads one subscription
        (https://github.com/microsoftgraph/microsoft-graph-docs/issues/5248), but not in every tenant.
        """
        for each in await self.subscriptions.list(integration.integration_id):
            if not self._is_ours(each) or not _is_about(each, integration):
                continue
            found = await self.subscriptions.get(integration.integration_id, each.subscription_id)
            if found is not None and found.client_state:
                return found
        return None

    def _is_ours(self, found: GraphSubscription) -> bool:
        return found.notification_url == self.subscriptions.notification_url

    async def _delete_strays(
        self,
        integration_id: str,
        found: Mapping[str, GraphSubscription],
        known: Sequence[Stored[Subscription]],
    ) -> None:
        """Delete what is delivered to us and not known here, but for one that may have been made this minute."""
        newest = self.clock.now() + timedelta(minutes=self.minutes)
        noted = {stored.value.subscription_id for stored in known}
        for each in found.values():
            new = abs(newest - each.expires_at) < _ON_ITS_WAY
            if each.subscription_id not in noted and self._is_ours(each) and not new:
                await self.subscriptions.delete(integration_id, each.subscription_id)
                log_action("subscription_stray_deleted", integration=integration_id)

    async def _clear_strays(self, integration: Integration, newest: datetime) -> None:
        """One that we made and forgot blocks a new one, and its ``clientState`` is lost: delete it at Graph.

        ``newest`` is the end of one that is made now. One that ends then has just been made by another worker, who
        may be about to note it: it is left until that must have happened.
        """
        integration_id = integration.integration_id
        found = await self.subscriptions.list(integration_id)
        known = {stored.value.subscription_id for stored in await self.rows.of_integration(integration_id)}
        strays = [
            each
            for each in found
            if each.subscription_id not in known and (self._is_ours(each) or _is_about(each, integration))
        ]
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
        return Due(
            kind=RENEWAL,
            integration_id=subscription.integration_id,
            at=renewal_at(subscription),
            subject=subscription.subscription_id,
        )


def _is_about(found: GraphSubscription, integration: Integration) -> bool:
    return f"/{integration.calendar_id}/" in found.resource
