"""Who may ask: the challenge, and the check of the bearer token against Entra's published keys."""

import ssl
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from local.keyvault.errors import VaultError, unauthorized
from local.simkit.clock import Clock
from local.simkit.people import WORK_TENANT

RESOURCE = "https://vault.azure.net"
ISSUER = f"https://sts.windows.net/{WORK_TENANT}/"
CHALLENGE = f'Bearer authorization="https://login.windows.net/{WORK_TENANT}", resource="{RESOURCE}"'
"""As captured in terraform-provider-azurerm #19749, with the vault's own tenant."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whom the token names."""

    appid: str
    oid: str

    def __str__(self) -> str:
        return f"appid={self.appid};oid={self.oid};iss={ISSUER}"


class Doorkeeper:
    """Checks tokens. Keys are fetched when a token names one not seen yet, so a rollover needs no restart."""

    def __init__(self, *, jwks_url: str, trust: ssl.SSLContext, clock: Clock) -> None:
        self._jwks_url = jwks_url
        self._trust = trust
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}

    async def admit(self, header: str | None) -> Caller:
        """Return the caller; 401 for anything but a valid token of the vault's tenant for Key Vault."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() not in ("bearer", "pop") or not token:
            raise unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
        claims = await self._verified(token)
        if str(claims.get("aud", "")).rstrip("/") != RESOURCE:
            raise unauthorized(f"AKV10022: Invalid audience. Expected {RESOURCE}, found: {claims.get('aud')}.")
        if claims.get("iss") != ISSUER:
            raise unauthorized(f"AKV10032: Invalid issuer. Expected one of {ISSUER}, found {claims.get('iss')}.")
        now = self._clock.timestamp()
        if now >= float(claims.get("exp", 0)) or now < float(claims.get("nbf", 0)) - 300:
            raise unauthorized("Error validating token: IDX10223: the token is expired or not yet valid.")
        return Caller(appid=str(claims.get("appid")), oid=str(claims.get("oid")))

    async def _verified(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose signature holds; times are checked by the stand's own clock."""
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise unauthorized("AKV10046: Unable to validate the token's signature.") from error
        return claims

    async def _key(self, kid: str) -> jwt.PyJWK:
        if kid not in self._keys:
            await self._fetch()
        if kid not in self._keys:
            raise jwt.InvalidTokenError("unknown key")
        return self._keys[kid]

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(verify=self._trust, trust_env=False, timeout=10) as web:
                response = await web.get(self._jwks_url)
                response.raise_for_status()
        except httpx.HTTPError as error:
            raise VaultError(500, "InternalServerError", "The token's signing keys cannot be read.") from error
        self._keys = {key.key_id or "": key for key in jwt.PyJWKSet.from_dict(response.json()).keys}
