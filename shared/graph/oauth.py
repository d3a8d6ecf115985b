"""Consent and tokens: the authorization code flow, refresh tokens in the vault, access tokens in memory."""

import asyncio
import json
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from shared.core.integration import Account, Integration
from shared.errors import ConsentFault, OperatorFault, ReconnectNeeded, StoreFault, Throttled, Unavailable
from shared.graph.entra import (
    CLIENT_SECRET,
    SCOPES,
    SERVICE,
    EntraApp,
    consent_fault,
    missing_scopes,
    refresh_fault,
    transport_faults,
)
from shared.graph.grants import Grants, KeptGrant
from shared.log import log_action
from shared.ports import Clock, Grant, Secrets

T = TypeVar("T")
_MARGIN = timedelta(minutes=5)
_SAVE_AFTER = timedelta(days=1)
MOST_HELD = 30_000
"""Access tokens of so many connections are held in memory: about 3 KB each, so 90 MB of an instance's 2 GB.

It is what a busy instance serves in the quarter of an hour between two scheduled runs (16 at a time, half a second
each: ``docs/scaling.md``). Connections come up in the same order each time: with room for fewer, each would find that
its token has just made room for another's.
"""

_NO_TOKENS = "There is no permission on record."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An access token, when to stop using it, and the account that the connection had when it was got."""

    token: str
    until: datetime
    account: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refreshed:
    """What a refresh brought, what it was made with, and MSAL's cache after it."""

    token: str
    kept: KeptGrant
    cache: str


class EntraTokens:
    """Access tokens for Graph; implements the client's ``TokenSource``. One per process.

    One refresh at a time per integration. Two processes may refresh at once: what each of them saves, ``Grants``
    guards.
    """

    def __init__(
        self, app: EntraApp, *, grants: Grants, secrets: Secrets, clock: Clock, most_held: int = MOST_HELD
    ) -> None:
        self._app = app
        self._grants = grants
        self._secrets = secrets
        self._clock = clock
        self._most_held = most_held
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._accounts: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def access_token(self, integration_id: str, *, refused: str = "") -> str:
        """Return an access token that is good for some minutes and is not the ``refused`` one."""
        if token := self._good(integration_id, refused):
            return token
        async with self._lock(integration_id):
            return self._good(integration_id, refused) or await self._refreshed(integration_id)

    def belongs(self, integration: Integration) -> None:
        """Note whose the connection is, as its row has just been read.

        A connection that was ended and made anew keeps its id. What another process still holds of the account that it
        had before must not open that one's mailbox.
        """
        integration_id, account = integration.integration_id, (integration.tenant_id, integration.account_id)
        held = self._held.get(integration_id)
        if held is not None and held.account != account:
            self._held.pop(integration_id, None)
        self._remember(self._accounts, integration_id, account)

    async def keep(self, integration_id: str, token_cache: str) -> None:
        """Store a new grant, and use it from now on."""
        async with self._lock(integration_id):
            self._held.pop(integration_id, None)
            await self._grants.keep(integration_id, token_cache)

    async def forget(self, integration_id: str) -> None:
        """Delete the tokens here and in the vault."""
        async with self._lock(integration_id):
            self._held.pop(integration_id, None)
            await self._grants.forget(integration_id)

    async def renew(self, integration_id: str, *, saved_before: datetime) -> bool:
        """Refresh and save the rotated token if the stored one is that old; return whether that was done.

        Unlike a refresh in passing, this one fails if the vault does not save.
        """
        async with self._lock(integration_id):
            kept = await self._kept(integration_id)
            if kept.saved_at >= saved_before:
                return False
            refreshed = await self._refresh(integration_id, kept)
            return await self._grants.rotate(integration_id, refreshed.kept, refreshed.cache)

    async def client_secret(self) -> str:
        """Return the app's own secret; ``OperatorFault`` if the vault has none."""
        secret = await self._secrets.get(CLIENT_SECRET)
        if not secret:
            raise OperatorFault(SERVICE, code="NoClientSecret")
        return secret

    def _lock(self, integration_id: str) -> asyncio.Lock:
        lock = self._locks.get(integration_id)
        if lock is None:
            lock = self._locks[integration_id] = asyncio.Lock()
        return lock

    def _good(self, integration_id: str, refused: str) -> str:
        held = self._held.get(integration_id)
        if held is None or held.token == refused or held.until <= self._clock.now():
            return ""
        self._held.move_to_end(integration_id)
        return held.token

    async def _kept(self, integration_id: str) -> KeptGrant:
        kept = await self._grants.read(integration_id)
        if kept is None:
            raise ReconnectNeeded(_NO_TOKENS, code="no_tokens")
        return kept

    async def _refreshed(self, integration_id: str) -> str:
        refreshed = await self._refresh(integration_id, await self._kept(integration_id))
        if self._clock.now() - refreshed.kept.saved_at >= _SAVE_AFTER:
            await self._save_rotated(integration_id, refreshed)
        return refreshed.token

    async def _refresh(self, integration_id: str, kept: KeptGrant) -> _Refreshed:
        """Refresh and hold the access token.

        A grant that is dead may have been replaced since it was read: then the user has just connected again, and is
        not to be asked for it.
        """
        try:
            answer, cache = await self._ask(integration_id, kept)
        except ReconnectNeeded:
            newer = await self._grants.read(integration_id)
            if newer is None or newer.secret == kept.secret:
                raise
            kept = newer
            answer, cache = await self._ask(integration_id, kept)
        self._hold(integration_id, answer)
        return _Refreshed(token=str(answer["access_token"]), kept=kept, cache=cache)

    async def _ask(self, integration_id: str, kept: KeptGrant) -> tuple[Mapping[str, Any], str]:
        secret = await self.client_secret()
        answer, cache = await asyncio.to_thread(_refresh, self._app, secret, kept.cache)
        if "access_token" not in answer:
            log_action("token_refresh_failed", integration=integration_id, error_code=str(answer.get("error", "")))
            raise refresh_fault(self._app, answer)
        return answer, cache

    def _hold(self, integration_id: str, answer: Mapping[str, Any]) -> None:
        lifetime = timedelta(seconds=max(0, int(answer.get("expires_in", 0))))
        until = self._clock.now() + lifetime - min(_MARGIN, lifetime / 5)
        account = self._accounts.get(integration_id, ("", ""))
        held = _Held(token=str(answer["access_token"]), until=until, account=account)
        self._remember(self._held, integration_id, held)

    def _remember(self, kept: "OrderedDict[str, T]", integration_id: str, value: T) -> None:
        """Keep it, in place of what was not asked for the longest."""
        kept[integration_id] = value
        kept.move_to_end(integration_id)
        if len(kept) > self._most_held:
            kept.popitem(last=False)

    async def _save_rotated(self, integration_id: str, refreshed: _Refreshed) -> None:
        """Save the refresh token that came back. The old one stays good for weeks, so that a failure can wait."""
        try:
            saved = await self._grants.rotate(integration_id, refreshed.kept, refreshed.cache)
        except (Unavailable, Throttled, StoreFault) as fault:
            log_action("token_save_failed", integration=integration_id, reason=type(fault).__name__)
        else:
            log_action("token_rotated", integration=integration_id, saved=saved)


class EntraConsent:
    """Implements ``ports.Consent``."""

    def __init__(self, app: EntraApp, *, tokens: EntraTokens, redirect_uri: str) -> None:
        self._app = app
        self._tokens = tokens
        self._redirect_uri = redirect_uri

    async def begin(self, *, state: str) -> Mapping[str, object]:
        """Return MSAL's flow, with PKCE, nonce and the account picker."""
        secret = await self._tokens.client_secret()
        return await asyncio.to_thread(_initiate, self._app, secret, self._redirect_uri, state)

    async def finish(self, flow: Mapping[str, object], answer: Mapping[str, str]) -> Grant:
        """Redeem the code, once, and check what was granted."""
        if not answer.get("state") or answer["state"] != flow.get("state"):
            raise ConsentFault("state_mismatch")
        if "error" in answer:
            raise consent_fault(self._app, answer)
        secret = await self._tokens.client_secret()
        tokens, cache = await asyncio.to_thread(_redeem, self._app, secret, dict(flow), dict(answer))
        if "access_token" not in tokens:
            raise consent_fault(self._app, tokens)
        if missing_scopes(str(tokens.get("scope", ""))):
            raise ConsentFault("missing_scope")
        if not json.loads(cache or "{}").get("RefreshToken"):
            raise ConsentFault("missing_refresh_token")
        return Grant(account=_account(tokens.get("id_token_claims") or {}), token_cache=cache)

    async def keep(self, integration_id: str, grant: Grant) -> None:
        """Store the grant's tokens."""
        await self._tokens.keep(integration_id, grant.token_cache)

    async def forget(self, integration_id: str) -> None:
        """Delete the tokens."""
        await self._tokens.forget(integration_id)

    async def renew(self, integration_id: str, *, saved_before: datetime) -> bool:
        """Refresh and save the rotated token if the stored one is that old; return whether that was done."""
        return await self._tokens.renew(integration_id, saved_before=saved_before)


# --- In a thread --------------------------------------------------------------------------------------------------


@contextmanager
def _opened(app: EntraApp, secret: str, cache_text: str = "") -> Iterator[Any]:
    """Open MSAL's application and close its connections afterwards; what Entra fails to answer is ``Unavailable``."""
    import msal  # noqa: PLC0415 - 80 ms that no cold start needs

    cache = msal.SerializableTokenCache()
    if cache_text:
        cache.deserialize(cache_text)
    try:
        opened = app.open(secret, cache)
    except transport_faults() as error:
        raise Unavailable(SERVICE, code=type(error).__name__) from None
    except (ValueError, KeyError):  # the tenant or the host is not what the settings say
        raise OperatorFault(SERVICE, code="authority") from None
    try:
        yield opened
    except transport_faults() as error:
        raise Unavailable(SERVICE, code=type(error).__name__) from None
    finally:
        opened.http_client.close()


def _initiate(app: EntraApp, secret: str, redirect_uri: str, state: str) -> Mapping[str, object]:
    with _opened(app, secret) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MSAL prefers form_post, which would lose the SameSite=Lax cookie
        flow: dict[str, object] = opened.initiate_auth_code_flow(
            list(SCOPES), redirect_uri=redirect_uri, state=state, prompt="select_account"
        )
    return flow


def _refresh(app: EntraApp, secret: str, cache_text: str) -> tuple[Mapping[str, Any], str]:
    with _opened(app, secret, cache_text) as opened:
        accounts = opened.get_accounts()
        if not accounts:
            raise ReconnectNeeded(_NO_TOKENS, code="no_account")
        try:
            answer = opened.acquire_token_silent_with_error(list(SCOPES), account=accounts[0], force_refresh=True)
        except ValueError:  # an answer that is no JSON
            raise Unavailable(SERVICE, code="unreadable") from None
        if answer is None:
            raise ReconnectNeeded(_NO_TOKENS, code="no_refresh_token")
        return answer, opened.token_cache.serialize()


def _redeem(
    app: EntraApp, secret: str, flow: dict[str, object], answer: dict[str, str]
) -> tuple[Mapping[str, Any], str]:
    with _opened(app, secret) as opened:
        try:
            tokens = opened.acquire_token_by_auth_code_flow(flow, answer)
        except transport_faults():
            raise
        except RuntimeError:  # the nonce in the id token is not this flow's
            raise ConsentFault("state_mismatch") from None
        except ValueError:  # an answer that cannot be read
            raise ConsentFault("consent_failed") from None
        return tokens, opened.token_cache.serialize()


# --- Values -------------------------------------------------------------------------------------------------------


def _account(claims: Mapping[str, Any]) -> Account:
    """Return who consented (fact C3); the address is for showing alone."""
    tenant_id, account_id = claims.get("tid"), claims.get("oid")
    if not tenant_id or not account_id:
        raise ConsentFault("account_unsupported")
    return Account(
        tenant_id=str(tenant_id),
        account_id=str(account_id),
        email=str(claims.get("email") or claims.get("preferred_username") or ""),
        display_name=str(claims.get("name") or ""),
    )
