"""What the vault keeps of each user's grant, and the guard that lets several processes write it.

Key Vault knows no conditional write: whoever saves last has it. Refreshing needs no guard, because using a refresh
token does not spend it (https://learn.microsoft.com/entra/identity-platform/refresh-tokens). Saving does: a rotated
token that arrives late must never replace the grant of a user who has connected again meanwhile, nor bring back one
that a disconnect has removed. So every write of a grant holds a lease of its own, and a rotated token is saved only in
place of the very secret that it was made from.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.errors import Unavailable
from shared.ports import Clock, LeaseHold, Leases, Secrets

_IN_MEMORY_ONLY = ("AccessToken", "IdToken")
_SAVE_WITHIN = 20.0
_SAVING = timedelta(seconds=30)
_USER = "user"
_USERS_TURN = timedelta(minutes=2)
_LOOK_AGAIN = 0.25
_LOOKS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptGrant:
    """What the vault holds for an integration: MSAL's cache without access tokens, and since when."""

    cache: str
    saved_at: datetime
    secret: str


def secret_name(integration_id: str) -> str:
    """Return the name of the vault secret that holds an integration's refresh token."""
    return f"outlook-token-{integration_id}"


class Grants:
    """The grants in the vault. ``new_id`` names the one who saves, ``leases`` are none but these writes'."""

    def __init__(
        self,
        *,
        secrets: Secrets,
        leases: Leases,
        clock: Clock,
        new_id: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._secrets = secrets
        self._leases = leases
        self._clock = clock
        self._new_id = new_id
        self._sleep = sleep

    async def read(self, integration_id: str) -> KeptGrant | None:
        """Return the grant, or None where there is none or nobody can read it."""
        return _parse(await self._secrets.get(secret_name(integration_id)))

    async def keep(self, integration_id: str, cache: str) -> None:
        """Store a new grant in place of whatever is there."""
        hold = await self._turn(integration_id)
        try:
            await self._put(integration_id, cache)
        finally:
            await self._leases.release(hold)

    async def forget(self, integration_id: str) -> None:
        """Delete the grant, and what guarded it; quiet when there is none."""
        hold = await self._turn(integration_id)
        give_back = self._leases.release
        try:
            await self._secrets.remove(secret_name(integration_id))
            give_back = self._leases.remove
        finally:
            await give_back(hold)

    async def rotate(self, integration_id: str, kept: KeptGrant, cache: str) -> bool:
        """Store what a refresh with ``kept`` brought back; return whether that was done.

        Not if the secret is another one by now, or somebody is writing it: what came back is as good as what they have,
        or worth nothing any more.
        """
        hold = await self._leases.acquire(integration_id, owner=self._new_id(), until=self._clock.now() + _SAVING)
        if hold is None:
            return False
        give_back = self._leases.release
        try:
            async with asyncio.timeout(_SAVE_WITHIN):
                present = await self._secrets.get(secret_name(integration_id))
                if present is None:  # the connection has ended: of a grant that is gone nothing is left to guard
                    give_back = self._leases.remove
                if present != kept.secret:
                    return False
                await self._put(integration_id, cache)
                return True
        except TimeoutError:
            raise Unavailable("keyvault", code="TimeoutError") from None
        finally:
            await give_back(hold)

    async def _turn(self, integration_id: str) -> LeaseHold:
        """Wait for whoever saves a rotated token; that takes seconds, and ends with its lease if it has died."""
        for _ in range(_LOOKS):
            until = self._clock.now() + _USERS_TURN
            if hold := await self._leases.acquire(integration_id, owner=_USER, until=until):
                return hold
            await self._sleep(_LOOK_AGAIN)
        raise Unavailable("keyvault", code="GrantContended")

    async def _put(self, integration_id: str, cache: str) -> None:
        kept = {"savedAt": self._clock.now().isoformat(), "cache": _without_access(cache)}
        await self._secrets.put(secret_name(integration_id), json.dumps(kept, separators=(",", ":")))


def _without_access(cache: str) -> Mapping[str, Any]:
    """Return MSAL's cache without what lives in memory only."""
    return {section: rows for section, rows in json.loads(cache).items() if section not in _IN_MEMORY_ONLY}


def _parse(text: str | None) -> KeptGrant | None:
    try:
        kept = json.loads(text or "")
        saved_at = datetime.fromisoformat(kept["savedAt"])
        return KeptGrant(cache=json.dumps(kept["cache"]), saved_at=saved_at.astimezone(UTC), secret=text or "")
    except (ValueError, TypeError, KeyError):
        return None
