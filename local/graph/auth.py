"""Access tokens: RS256 JWTs checked against the tenant's published keys (S13)."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import jwt

from local.graph.errors import GraphError, mailbox_not_enabled
from local.simkit.people import ACCOUNTS, Account

AUDIENCES = ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000")
_REMEMBERED = 2000
_AGAIN_SECONDS = 1.0
_SOUGHT_KEPT = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who calls: the account, the app, and the scopes granted to it."""

    account: Account
    app_id: str
    scopes: frozenset[str]
    expires: float

    def require(self, *scopes: str) -> None:
        """Answer 403 ErrorAccessDenied unless one of the scopes was granted (S13)."""
        if self.scopes.isdisjoint(scopes):
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


class KeySet(Protocol):
    """Where the public keys come from."""

    async def key(self, key_id: str) -> Any | None:
        """Return the public key of that ``kid``, or None."""


class RemoteKeys:
    """The keys that Entra publishes; fetched again at once for a ``kid`` that was never looked for, so that nobody is
    refused after a rollover, and at most once in ``_AGAIN_SECONDS`` for one that was not found."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client
        self._keys: dict[str, Any] = {}
        self._lock = asyncio.Lock()
        self.sought: dict[str, float] = {}

    async def key(self, key_id: str) -> Any | None:
        """Return the public key of that ``kid``, or None."""
        if key_id not in self._keys:
            async with self._lock:
                await self._look_for(key_id)
        return self._keys.get(key_id)

    async def _look_for(self, key_id: str) -> None:
        """Fetch, unless somebody did meanwhile or this key was just missing. A fetch that failed does not count."""
        if key_id in self._keys or time.monotonic() - self.sought.get(key_id, float("-inf")) < _AGAIN_SECONDS:
            return
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
        except httpx.HTTPError:
            return
        self._keys = {key.key_id or "": key.key for key in jwt.PyJWKSet.from_dict(answer.json()).keys}
        self.sought.pop(key_id, None)
        self.sought[key_id] = time.monotonic()
        if len(self.sought) > _SOUGHT_KEPT:
            del self.sought[next(iter(self.sought))]


class Tokens:
    """Checks bearer tokens; a token that was good is remembered until it expires."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys
        self._known: dict[str, Caller] = {}

    async def caller(self, authorization: str, now: float) -> Caller:
        """Return the caller of an ``Authorization`` header, or 401 InvalidAuthenticationToken."""
        scheme, _, token = authorization.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise _refused("Access token is empty.")
        known = self._known.get(token)
        if known is None:
            known = await self._checked(token, now)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        if known.expires <= now:
            raise _refused("Lifetime validation failed, the token is expired.")
        return known

    def forget(self) -> None:
        """Check every token anew."""
        self._known.clear()

    async def _checked(self, token: str, now: float) -> Caller:
        if token.count(".") != 2:
            raise _refused("IDX14100: JWT is not well formed, there are no dots (.).")
        try:
            header = jwt.get_unverified_header(token)
            key = await self._keys.key(str(header.get("kid", "")))
            if key is None:
                raise _refused("Signing key is invalid.")
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=list(AUDIENCES),
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidAudienceError:
            raise _refused("Invalid audience.") from None
        except jwt.InvalidSignatureError:
            raise _refused("Signature is invalid.") from None
        except jwt.PyJWTError:
            raise _refused("IDX14100: JWT is not well formed.") from None
        if float(claims.get("nbf", 0)) > now + 300:
            raise _refused("Lifetime validation failed, the token is not yet valid.")
        return _caller(claims)


def _caller(claims: dict[str, Any]) -> Caller:
    for account in ACCOUNTS:
        if account.oid == claims.get("oid") and account.tid == claims.get("tid"):
            return Caller(
                account=account,
                app_id=str(claims.get("appid", "")),
                scopes=frozenset(str(claims.get("scp", "")).split()),
                expires=float(claims.get("exp", 0)),
            )
    raise mailbox_not_enabled()


def _refused(message: str) -> GraphError:
    return GraphError(401, "InvalidAuthenticationToken", message)
