"""Who calls, and what Microsoft was allowed by them: tokens, consent, sign-ins under way, secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.core.integration import Account


class UserTokens(Protocol):
    """WedSync's access tokens of its users."""

    async def user_of(self, token: str) -> str:
        """Return ``sub`` of a valid JWT; raise ``NotSignedIn`` otherwise, ``Unavailable`` if the keys cannot be had."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a finished consent gave: who it was, and MSAL's serialized cache, to be kept as a secret."""

    account: Account
    token_cache: str


class Consent(Protocol):
    """Entra ID's authorization code flow. ``ConsentFault`` names what went wrong; ``OperatorFault`` ours."""

    async def begin(self, *, state: str) -> Mapping[str, object]:
        """Return MSAL's flow (JSON-able, secret: it holds the PKCE verifier and nonce) with ``auth_uri`` in it."""
        ...

    async def finish(self, flow: Mapping[str, object], answer: Mapping[str, str]) -> Grant:
        """Redeem the code in ``answer`` (the redirect's query); checks state, nonce and granted scopes."""
        ...

    async def keep(self, integration_id: str, grant: Grant) -> None:
        """Store the grant's tokens in the vault and use them from now on."""
        ...

    async def forget(self, integration_id: str) -> None:
        """Delete the tokens here and in the vault, and purge where the vault allows; quiet when there are none."""
        ...

    async def renew(self, integration_id: str, *, saved_before: datetime) -> bool:
        """Refresh and save the rotated token if the stored one is that old; return whether that was done.

        ``ReconnectNeeded`` if the grant is dead, ``Unavailable`` also if the vault did not save.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthRequest:
    """One use of the authorization code flow, or a ticket that leads to one.

    ``key`` is the OAuth ``state``, or the ticket; ``flow`` is MSAL's. ``binding_hash`` is the SHA-256 hex of the
    cookie that the browser got, empty when it got none.
    """

    key: str
    user_id: str
    expires_at: datetime
    flow: Mapping[str, object] = field(default_factory=dict)
    binding_hash: str = ""


class AuthStates(Protocol):
    """One-time states and tickets of the consent flow. Table ``OutlookAuthStates``; keys are stored as hashes."""

    async def put(self, request: AuthRequest) -> None:
        """Insert."""
        ...

    async def peek(self, key: str) -> AuthRequest | None:
        """Return the request without using it up."""
        ...

    async def take(self, key: str) -> AuthRequest | None:
        """Return the request, once: a second call, or one that races, gets None."""
        ...

    async def forget_expired(self, *, limit: int = 1000) -> int:
        """Remove requests that have expired, ``limit`` at the most; return how many."""
        ...


class Secrets(Protocol):
    """Key Vault. ``Unavailable`` and ``Throttled`` apply."""

    async def get(self, name: str) -> str | None:
        """Return the latest value, or None."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Store a new version."""
        ...

    async def remove(self, name: str) -> None:
        """Delete, and purge where the vault allows; quiet when there is none."""
        ...
