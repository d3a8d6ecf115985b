"""Secrets in Azure Key Vault.

Soft delete is mandatory there: a deleted name stays taken until it is purged or recovered, and many vaults forbid
purging (purge protection, or a role without it).
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.errors import OperatorFault, Rejected, RowChanged, RowExists, StoreFault, Unavailable
from shared.ports import Clock
from shared.store.azure import DEADLINE_SECONDS, client_options, fault_of

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.keyvault.secrets.aio import SecretClient

SERVICE_SECRETS = frozenset({"azure-client-secret", "wedsync-service-token", "wedsync-webhook-secret"})
_REMEMBERED = timedelta(minutes=10)
_MAX_BYTES = 25 * 1024
_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    value: str
    until: datetime


class VaultSecrets:
    """``Secrets`` in a vault. The service's own secrets, which change with a rotation, are remembered for ten minutes.

    ``verify_challenge_resource`` is off only where the vault does not live under ``vault.azure.net``.
    """

    def __init__(
        self,
        *,
        vault_url: str,
        credential: "Callable[[], AsyncTokenCredential]",
        clock: Clock,
        verify_challenge_resource: bool = True,
        ca_file: str = "",
        retries: int = 3,
    ) -> None:
        self._vault_url = vault_url
        self._credential = credential
        self._clock = clock
        self._verify_challenge_resource = verify_challenge_resource
        self._ca_file = ca_file
        self._retries = retries
        self._kept: dict[str, _Kept] = {}
        self._client: SecretClient | None = None

    async def get(self, name: str) -> str | None:
        """Return the latest value, or None."""
        check_secret(name)
        kept = self._kept.get(name)
        if kept is not None and self._clock.now() < kept.until:
            return kept.value
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                value = (await self._open().get_secret(name)).value
        except Exception as error:
            if _status(error) == 404:
                return None
            raise _fault(error) from error
        if value is not None and name in SERVICE_SECRETS:
            self._kept[name] = _Kept(value=value, until=self._clock.now() + _REMEMBERED)
        return value

    async def put(self, name: str, value: str) -> None:
        """Store a new version; a name that is soft-deleted is recovered first."""
        check_secret(name, value)
        self._kept.pop(name, None)
        try:
            await self._set(name, value)
        except Exception as error:
            if _status(error) != 409:
                raise _fault(error) from error
        else:
            return
        await self._recover(name)
        try:
            await self._set(name, value)
        except Exception as error:
            raise _fault(error) from error

    async def remove(self, name: str) -> None:
        """Delete, and purge where the vault allows; quiet when there is none."""
        check_secret(name)
        self._kept.pop(name, None)
        client = self._open()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await client.delete_secret(name)
        except Exception as error:
            # What is deleted already may still wait for its purge; what is being deleted needs nothing more.
            if _status(error) not in (404, 409):
                raise _fault(error) from error
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await client.purge_deleted_secret(name)
        except Exception as error:
            if _status(error) not in (400, 403, 404, 409):
                raise _fault(error) from error

    async def close(self) -> None:
        """Close the connections; the next call opens them again."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _set(self, name: str, value: str) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self._open().set_secret(name, value)

    async def _recover(self, name: str) -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._open().recover_deleted_secret(name)
        except Exception as error:
            if _status(error) not in (404, 409):  # purged, or recovered by another, since we were refused
                raise _fault(error) from error

    def _open(self) -> "SecretClient":
        if self._client is None:
            from azure.keyvault.secrets.aio import SecretClient  # noqa: PLC0415 - heavy, so at first use

            self._client = SecretClient(
                vault_url=self._vault_url,
                credential=self._credential(),
                verify_challenge_resource=self._verify_challenge_resource,
                **client_options(retries=self._retries, ca_file=self._ca_file),
            )
        return self._client


def check_secret(name: str, value: str = "") -> None:
    """Raise ``StoreFault`` for a name or a value that the vault would refuse."""
    if not _NAME.fullmatch(name):
        raise StoreFault("a secret's name has 1 to 127 letters, digits and hyphens")
    if len(value.encode()) > _MAX_BYTES:
        raise StoreFault(f"a secret takes up to {_MAX_BYTES} bytes")


def _status(error: Exception) -> int:
    return int(getattr(error, "status_code", 0) or 0)


def _fault(error: Exception) -> Exception:
    """Return the error of ours. A conflict passes: the name is being deleted, recovered or purged."""
    if isinstance(error, ValueError):  # how the client says that the vault asks for tokens of another domain
        return OperatorFault("keyvault", code="challenge_mismatch")
    fault = fault_of(error, "keyvault")
    match fault:
        case RowExists():
            return Unavailable("keyvault", status=409)
        case StoreFault():
            return Rejected("keyvault", status=404 if isinstance(fault, RowChanged) else 400)
    return fault
