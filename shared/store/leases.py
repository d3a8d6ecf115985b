"""The integration's lease: a row beside the integration's pointer with owner, expiry and fencing number.

The row stays when the lease is given back, so that the number only ever rises.
"""

from dataclasses import replace
from datetime import datetime

from shared.errors import RowChanged, RowExists
from shared.ports import Clock, LeaseHold
from shared.store.codec import columns_of, key_text, value_of
from shared.store.rows import Insert, Operation, Replace, Row, Table, Tables

_TABLE = Table.INTEGRATIONS
_ROW = "lease"
_ATTEMPTS = 3


class TableLeases:
    """``Leases`` on tables."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def acquire(self, integration_id: str, *, owner: str, until: datetime) -> LeaseHold | None:
        """Take the lease if it is free, expired or already the owner's; None if another owner has it."""
        for _ in range(_ATTEMPTS):
            row = await self._row(integration_id)
            present = value_of(LeaseHold, row) if row else None
            if present and present.owner not in ("", owner) and present.expires_at > self._clock.now():
                return None
            hold = _next(present, integration_id=integration_id, owner=owner, until=until)
            try:
                await self._tables.write(_TABLE, _write(hold, row))
                return hold
            except (RowChanged, RowExists):
                continue  # somebody else moved it: look who has it now
        return None

    async def renew(self, hold: LeaseHold, *, until: datetime) -> LeaseHold:
        """Prolong; ``RowChanged`` if somebody else has taken it."""
        row = await self._own(hold)
        if row is None:
            raise RowChanged
        renewed = replace(hold, expires_at=until)
        await self._tables.write(_TABLE, _write(renewed, row))
        return renewed

    async def release(self, hold: LeaseHold) -> None:
        """Give back; quiet if it is not ours any more."""
        row = await self._own(hold)
        if row is None:
            return
        try:
            await self._tables.write(_TABLE, _write(replace(hold, owner=""), row))
        except RowChanged:
            return

    async def _own(self, hold: LeaseHold) -> Row | None:
        row = await self._row(hold.integration_id)
        if row is None:
            return None
        present = value_of(LeaseHold, row)
        return row if (present.owner, present.fence) == (hold.owner, hold.fence) else None

    async def _row(self, integration_id: str) -> Row | None:
        return await self._tables.get(_TABLE, _partition(integration_id), _ROW)


def _next(present: LeaseHold | None, *, integration_id: str, owner: str, until: datetime) -> LeaseHold:
    """Return the hold that follows: the fence rises with each new owner."""
    fence = present.fence if present else 0
    if present is None or present.owner != owner:
        fence += 1
    return LeaseHold(integration_id=integration_id, owner=owner, fence=fence, expires_at=until)


def _write(hold: LeaseHold, row: Row | None) -> Operation:
    written = Row(partition=_partition(hold.integration_id), key=_ROW, columns=columns_of(hold))
    return Replace(written, row.tag) if row else Insert(written)


def _partition(integration_id: str) -> str:
    return f"i|{key_text(integration_id)}"
