"""Connect a user's Outlook: begin the consent, bind it to the browser, finish it, start the first run."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid5

from shared.core.integration import Account, CalendarInfo, Integration
from shared.core.jobs import RunKind, TriggeredBy
from shared.core.stagger import DAY, next_turn
from shared.core.states import INTEGRATION_MOVES, IntegrationState, move
from shared.errors import CalendarGone, ConsentFault, RowChanged, StateConflict, SyncFault
from shared.log import log_action
from shared.ports import (
    AuthRequest,
    AuthStates,
    Clock,
    Consent,
    Due,
    DueList,
    Ids,
    Integrations,
    Mappings,
    Outlook,
    Stored,
)
from shared.usecases.connect_state import connection_of
from shared.usecases.due_kinds import CHECK, PRUNE, RECONCILE, RENEWAL, SAFETY, TOKEN
from shared.usecases.request_sync import RequestSync
from shared.usecases.subscribe import Subscribe

_USERS = UUID("9d3f6f0a-2c57-5d61-9f0e-6b1f4a7c8e22")
STATE_LIFETIME = timedelta(minutes=10)
TICKET_LIFETIME = timedelta(minutes=1)
_DIFFERENT = (
    "Another Microsoft account is connected. Disconnect it first, then connect this one: the events that WedSync has "
    "put into the other account's calendar are removed by that."
)
_TRIES = 5
_LIVE = (IntegrationState.CONNECTED, IntegrationState.PAUSED, IntegrationState.NEEDS_RECONNECT)
_NOTICED_LOST = timedelta(minutes=10)
"""After which it is seen to once more that there is a subscription."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Where to send the browser. ``ticket`` (single use, one minute) leads there with the browser bound to it."""

    auth_url: str
    state: str
    ticket: str


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Where to send the browser that redeemed a ticket, and the cookie value that binds it."""

    auth_url: str
    cookie: str


@dataclass(frozen=True, kw_only=True)
class Connected:
    """The connection made, and the calendars that the user may choose from."""

    integration: Integration
    calendars: tuple[CalendarInfo, ...]


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """The browser that came back is not the one that was bound: the page has to complete, with the user's token."""

    answer: Mapping[str, str]


def integration_id_of(user_id: str) -> str:
    """Return the id of a user's only integration: the same at every attempt, so that a crash leaves no twin."""
    return str(uuid5(_USERS, user_id))


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class BeginConnect:
    """A user asks for the way to Microsoft's consent page."""

    consent: Consent
    states: AuthStates
    ids: Ids
    clock: Clock

    async def run(self, user_id: str) -> Begun:
        """Return the URL for a page that completes by POST, and a ticket for the browser's own way."""
        state, flow = await self._flow(user_id, binding="")
        ticket = self.ids.new_secret()
        await self.states.put(
            AuthRequest(key=f"ticket:{ticket}", user_id=user_id, expires_at=self.clock.now() + TICKET_LIFETIME)
        )
        return Begun(auth_url=flow, state=state, ticket=ticket)

    async def redeem(self, ticket: str) -> Bound:
        """Use up a ticket; raises ``ConsentFault`` ``ticket_expired`` for one that is unknown, used or too old."""
        request = await self.states.take(f"ticket:{ticket}") if ticket else None
        if request is None:
            raise ConsentFault("ticket_expired", "This link was used before or is older than a minute.")
        cookie = self.ids.new_secret()
        _, url = await self._flow(request.user_id, binding=_hash(cookie))
        return Bound(auth_url=url, cookie=cookie)

    async def _flow(self, user_id: str, *, binding: str) -> tuple[str, str]:
        state = self.ids.new_secret()
        flow = await self.consent.begin(state=state)
        await self.states.put(
            AuthRequest(
                key=state,
                user_id=user_id,
                expires_at=self.clock.now() + STATE_LIFETIME,
                flow=flow,
                binding_hash=binding,
            )
        )
        return state, str(flow["auth_uri"])


@dataclass(frozen=True, kw_only=True)
class FinishConnect:
    """Microsoft has sent the browser back: redeem the code and start syncing."""

    consent: Consent
    states: AuthStates
    integrations: Integrations
    mappings: Mappings
    outlook: Outlook
    subscribe: Subscribe
    request_sync: RequestSync
    due: DueList
    clock: Clock
    safety_sync_minutes: int

    async def by_browser(self, answer: Mapping[str, str], cookie: str) -> Connected | HandOver:
        """Complete if the cookie matches the state; otherwise leave the state alone and hand over to the page."""
        request = await self._known(answer)
        if request is None:
            raise ConsentFault("state_expired", "This sign-in was used before or is older than ten minutes.")
        if not request.binding_hash or not hmac.compare_digest(request.binding_hash, _hash(cookie)):
            return HandOver(answer=answer)
        return await self._complete(await self._take(request.key), answer)

    async def by_post(self, user_id: str, answer: Mapping[str, str]) -> Connected:
        """Complete for the signed-in user; another user's state is left alone and answered like an unknown one."""
        request = await self._known(answer)
        if request is None or request.user_id != user_id:
            raise ConsentFault("state_expired", "This sign-in is not known, was used before or is too old.")
        return await self._complete(await self._take(request.key), answer)

    async def _known(self, answer: Mapping[str, str]) -> AuthRequest | None:
        """Return the request that the answer belongs to. A ticket is none: it leads to a flow and has none itself."""
        request = await self.states.peek(answer.get("state", ""))
        return request if request and request.flow else None

    async def _take(self, state: str) -> AuthRequest:
        request = await self.states.take(state)
        if request is None:
            raise ConsentFault("state_expired", "This sign-in was used before.")
        return request

    async def _complete(self, request: AuthRequest, answer: Mapping[str, str]) -> Connected:
        grant = await self.consent.finish(request.flow, answer)
        integration_id = integration_id_of(request.user_id)
        present = await self.integrations.get(integration_id)
        await self._claim(grant.account, integration_id, present)
        try:
            await self.consent.keep(integration_id, grant)
            calendars = await self.outlook.calendars(integration_id)
            wanted = await self._wanted(request.user_id, grant.account, present, calendars)
            await self._prepare(wanted)
            stored = await self._save(wanted, present, grant.account)
        except SyncFault:
            await self._give_back(grant.account, integration_id)
            raise
        run = await self.request_sync.start(
            stored.value, kind=RunKind.FULL, triggered_by=TriggeredBy.AUTO, delay_seconds=5
        )
        await self.subscribe.enqueue(integration_id, then_run=run.run_id)
        log_action("connected", integration=integration_id, personal=stored.value.personal)
        return Connected(integration=stored.value, calendars=calendars)

    async def _claim(self, account: Account, integration_id: str, present: Stored[Integration] | None) -> None:
        if present and present.value.state is IntegrationState.DISCONNECTING:
            raise StateConflict("disconnecting", "The earlier connection is still being removed.")
        if present and present.value.state is not IntegrationState.DISCONNECTED:
            same = (present.value.tenant_id, present.value.account_id) == (account.tenant_id, account.account_id)
            if not same:
                raise StateConflict("different_account", _DIFFERENT)
        holder = await self.integrations.take_account(account, integration_id)
        if holder != integration_id:
            raise StateConflict("account_in_use", "This Microsoft account is connected to another WedSync user.")

    async def _give_back(self, account: Account, integration_id: str) -> None:
        """An attempt that failed half way must not keep the account or the tokens, unless they are in use.

        What is in use is read anew: another attempt, or a disconnect, may have ended in between.
        """
        now = await self.integrations.get(integration_id)
        live = now is not None and now.value.state is not IntegrationState.DISCONNECTED
        if now and live and (now.value.tenant_id, now.value.account_id) == (account.tenant_id, account.account_id):
            return
        await self.consent.forget(integration_id)
        await self.integrations.release_account(account, integration_id)

    async def _wanted(
        self,
        user_id: str,
        account: Account,
        present: Stored[Integration] | None,
        calendars: tuple[CalendarInfo, ...],
    ) -> Integration:
        """Return the connection to be: a fresh one of a new epoch, or the present one with its calendar."""
        integration_id = integration_id_of(user_id)
        if present is None or present.value.state is IntegrationState.DISCONNECTED:
            chosen = default_calendar(calendars)
            return Integration(
                integration_id=integration_id,
                user_id=user_id,
                state=IntegrationState.CONNECTED,
                tenant_id=account.tenant_id,
                account_id=account.account_id,
                email=account.email,
                display_name=account.display_name,
                calendar_id=chosen.calendar_id,
                calendar_name=chosen.name,
                epoch=max(await self.mappings.epoch(integration_id), present.value.epoch if present else 0) + 1,
                created_at=self.clock.now(),
            )
        if present.value.calendar_id not in {calendar.calendar_id for calendar in calendars}:
            raise StateConflict(
                "calendar_gone", "The calendar that was synced is not there any more; disconnect, then connect again."
            )
        return _reconnected(present.value, account)

    async def _prepare(self, wanted: Integration) -> None:
        """Before the row says connected: the epoch that creates depend on, and what finds whatever is lost later."""
        await self.mappings.raise_epoch(wanted.integration_id, wanted.epoch)
        now = self.clock.now()
        safety = now + timedelta(minutes=self.safety_sync_minutes)
        await self.due.put(Due(kind=SAFETY, integration_id=wanted.integration_id, at=safety))
        await self.due.put(Due(kind=RENEWAL, integration_id=wanted.integration_id, at=now + _NOTICED_LOST))
        turn = next_turn(wanted.integration_id, now)
        for kind in (RECONCILE, TOKEN, PRUNE):
            await self.due.put(Due(kind=kind, integration_id=wanted.integration_id, at=turn))
        turn = next_turn(wanted.integration_id, now, every=DAY)
        await self.due.put(Due(kind=CHECK, integration_id=wanted.integration_id, at=turn))

    async def _save(
        self, wanted: Integration, present: Stored[Integration] | None, account: Account
    ) -> Stored[Integration]:
        """Save; what a run has noted meanwhile in a connection that lives on is kept: the code is spent by now."""
        if present is None:
            return await self.integrations.insert(wanted)
        lives = present.value.state is not IntegrationState.DISCONNECTED
        for _ in range(_TRIES):
            try:
                return await self.integrations.save(Stored(value=wanted, tag=present.tag))
            except RowChanged:
                now = await self.integrations.get(wanted.integration_id)
                if not lives or now is None or now.value.state not in _LIVE:
                    raise
                present, wanted = now, _reconnected(now.value, account)
        raise RowChanged


def _reconnected(present: Integration, account: Account) -> Integration:
    """Return the connection with its user's consent renewed; mappings, cursors and settings are kept."""
    state = present.state
    if state is not IntegrationState.CONNECTED:
        state = move(INTEGRATION_MOVES, state, IntegrationState.CONNECTED)
    return replace(
        present,
        state=state,
        reason="",
        reason_code="",
        reason_link="",
        email=account.email,
        display_name=account.display_name,
    )


def default_calendar(calendars: tuple[CalendarInfo, ...]) -> CalendarInfo:
    """Return the default calendar if it can be written, else the first that can."""
    writable = [calendar for calendar in calendars if calendar.can_edit]
    if not writable:
        raise CalendarGone("graph", code="no_writable_calendar")
    return next((calendar for calendar in writable if calendar.is_default), writable[0])


@dataclass(frozen=True, kw_only=True)
class ListCalendars:
    """The calendars that the user may choose from."""

    integrations: Integrations
    outlook: Outlook

    async def run(self, user_id: str) -> tuple[Integration, tuple[CalendarInfo, ...]]:
        """Return the integration and the mailbox's calendars; ``NotFound`` without a connection."""
        integration = await connection_of(self.integrations, user_id)
        return integration.value, await self.outlook.calendars(integration.value.integration_id)
