"""Consent and tokens: the authorization code flow, refresh tokens in the vault, access tokens in memory."""

import asyncio
import json
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from shared.core.integration import Account
from shared.errors import ConsentFault, OperatorFault, ReconnectNeeded, Throttled, Unavailable
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
from shared.log import log_action
from shared.ports import Clock, Grant, Secrets

_MARGIN = timedelta(minutes=5)
_SAVE_AFTER = timedelta(days=1)
_MOST_HELD = 2000
_IN_MEMORY_ONLY = ("AccessToken", "IdToken")
_NO_TOKENS = "There is no permission on record."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """An access token and when to stop using it."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What the vault holds for an integration: MSAL's cache without access tokens, and since when."""

    cache: str
    saved_at: datetime


def secret_name(integration_id: str) -> str:
    """Return the name of the vault secret that holds an integration's refresh token."""
    return f"outlook-token-{integration_id}"


class EntraTokens:
    """Access tokens for Graph; implements the client's ``TokenSource``. One per process.

    One refresh at a time per integration. Two processes may refresh at once: using a refresh token does not spend it
    (section 1.4), and the vault keeps whichever saved last.
    """

    def __init__(self, app: EntraApp, *, secrets: Secrets, clock: Clock) -> None:
        self._app = app
        self._secrets = secrets
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def access_token(self, integration_id: str, *, refused: str = "") -> str:
        """Return an access token that is good for some minutes and is not the ``refused`` one."""
        if token := self._good(integration_id, refused):
            return token
        async with self._lock(integration_id):
            return self._good(integration_id, refused) or await self._refreshed(integration_id)

    async def keep(self, integration_id: str, token_cache: str) -> None:
        """Store a new grant, and use it from now on."""
        async with self._lock(integration_id):
            self._held.pop(integration_id, None)
            await self._save(integration_id, token_cache)

    async def forget(self, integration_id: str) -> None:
        """Delete the tokens here and in the vault."""
        async with self._lock(integration_id):
            self._held.pop(integration_id, None)
            await self._secrets.remove(secret_name(integration_id))

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

    async def _refreshed(self, integration_id: str) -> str:
        kept = _parse(await self._secrets.get(secret_name(integration_id)))
        if kept is None:
            raise ReconnectNeeded(_NO_TOKENS, code="no_tokens")
        secret = await self.client_secret()
        answer, cache = await asyncio.to_thread(_refresh, self._app, secret, kept.cache)
        if "access_token" not in answer:
            log_action("token_refresh_failed", integration=integration_id, error_code=str(answer.get("error", "")))
            raise refresh_fault(answer)
        self._hold(integration_id, answer)
        if self._clock.now() - kept.saved_at >= _SAVE_AFTER:
            await self._save_rotated(integration_id, cache)
        return str(answer["access_token"])

    def _hold(self, integration_id: str, answer: Mapping[str, Any]) -> None:
        lifetime = timedelta(seconds=max(0, int(answer.get("expires_in", 0))))
        until = self._clock.now() + lifetime - min(_MARGIN, lifetime / 5)
        self._held[integration_id] = _Held(token=str(answer["access_token"]), until=until)
        self._held.move_to_end(integration_id)
        if len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)

    async def _save_rotated(self, integration_id: str, cache: str) -> None:
        """Save the refresh token that came back. The old one stays good for weeks, so that a failure can wait."""
        try:
            await self._save(integration_id, cache)
        except (Unavailable, Throttled) as fault:
            log_action("token_save_failed", integration=integration_id, reason=type(fault).__name__)

    async def _save(self, integration_id: str, cache: str) -> None:
        kept = {"savedAt": self._clock.now().isoformat(), "cache": _without_access(cache)}
        await self._secrets.put(secret_name(integration_id), json.dumps(kept, separators=(",", ":")))


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


def _without_access(cache: str) -> dict[str, Any]:
    """Return MSAL's cache without what lives in memory only."""
    return {section: rows for section, rows in json.loads(cache).items() if section not in _IN_MEMORY_ONLY}


def _parse(text: str | None) -> _Kept | None:
    try:
        kept = json.loads(text or "")
        saved_at = datetime.fromisoformat(kept["savedAt"])
        return _Kept(cache=json.dumps(kept["cache"]), saved_at=saved_at.astimezone(UTC))
    except (ValueError, TypeError, KeyError):
        return None
