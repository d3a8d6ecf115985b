"""WedSync's access tokens of its users: JWTs, checked against the keys that WedSync publishes."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.errors import NotSignedIn, Unavailable
from shared.ports import Clock
from shared.wedsync.client import WedSyncClient

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS = ("ES256", "RS256")
"""Fixed here and never taken from the token: neither ``none`` nor a key used as an HMAC secret (RFC 8725)."""
LEEWAY = timedelta(seconds=30)
_KEYS_LAST = timedelta(hours=1)
_REFETCH_AFTER = timedelta(seconds=30)
_LONGEST_TOKEN = 8192


class JwtUserTokens:
    """Implements ``ports.UserTokens``. Keys are kept for an hour; an unknown ``kid`` fetches them anew, rarely."""

    def __init__(self, client: WedSyncClient, *, jwks_url: str, issuer: str, audience: str, clock: Clock) -> None:
        self._client = client
        self._jwks_url = jwks_url
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._keys: Mapping[str, PyJWK] = {}
        self._fetched_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def user_of(self, token: str) -> str:
        """Return ``sub`` of a valid token."""
        import jwt  # noqa: PLC0415 - loads cryptography, which no cold start needs

        if not token or len(token) > _LONGEST_TOKEN:
            raise NotSignedIn("not_signed_in", "The access token is missing or malformed.")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise NotSignedIn("not_signed_in", "The access token is signed in a way that is not accepted.")
            key = await self._key(header.get("kid"))
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key,
                algorithms=[algorithm for algorithm in ALGORITHMS if algorithm == key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,  # by our own clock, below
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError:
            raise NotSignedIn("not_signed_in", "The access token is not valid.") from None
        self._check_times(claims)
        user_id = claims["sub"]
        if not isinstance(user_id, str) or not user_id:
            raise NotSignedIn("not_signed_in", "The access token names no user.")
        return user_id

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._clock.now().timestamp(), LEEWAY.total_seconds()
        expires, begins = claims["exp"], claims.get("nbf", 0)
        if not isinstance(expires, int | float) or not isinstance(begins, int | float):
            raise NotSignedIn("not_signed_in", "The access token is not valid.")
        if now >= expires + leeway:
            raise NotSignedIn("token_expired", "The access token has expired.")
        if now < begins - leeway:
            raise NotSignedIn("not_signed_in", "The access token is not valid yet.")

    async def _key(self, key_id: object) -> "PyJWK":
        if not isinstance(key_id, str) or not key_id:
            raise NotSignedIn("not_signed_in", "The access token does not say which key signed it.")
        if key_id not in self._keys or self._older_than(_KEYS_LAST):
            async with self._lock:
                await self._refresh(key_id)
        key = self._keys.get(key_id)
        if key is None:
            raise NotSignedIn("not_signed_in", "The access token is signed with an unknown key.")
        return key

    async def _refresh(self, key_id: str) -> None:
        """Fetch the keys unless somebody just did. Keys at hand serve on while WedSync does not answer."""
        if not self._older_than(_REFETCH_AFTER if key_id not in self._keys else _KEYS_LAST):
            return
        try:
            document = await self._client.fetch(self._jwks_url)
        except Unavailable:
            if not self._keys:
                raise
            self._fetched_at = self._clock.now()
            return
        self._keys = _usable(document)
        self._fetched_at = self._clock.now()

    def _older_than(self, age: timedelta) -> bool:
        return self._fetched_at is None or self._clock.now() - self._fetched_at >= age


def _usable(document: object) -> Mapping[str, "PyJWK"]:
    """Return the public signing keys by ``kid``; what is not one is left out."""
    import jwt  # noqa: PLC0415

    listed = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str, PyJWK] = {}
    for item in listed if isinstance(listed, list) else []:
        try:
            key = jwt.PyJWK.from_dict(item)
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
            continue
        named = isinstance(item.get("kid"), str) and item.get("use", "sig") == "sig"
        if named and key.key_type in ("EC", "RSA") and key.algorithm_name in ALGORITHMS:
            keys[item["kid"]] = key
    return keys
