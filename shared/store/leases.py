"""The integration's lease: a row beside the integration's pointer with owner, expiry and fencing number.

The row stays when the lease is given back, so that the number only ever rises; it goes when nobody has held the lease
for as long as history is kept.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from shared.errors import RowChanged, RowExists
from shared.ports import Clock, LeaseHold
from shared.store.codec import columns_of, key_text, value_of
from shared.store.rows import Delete, Insert, Operation, Replace, Row, Table, Tables

_TABLE = Table.INTEGRATIONS
_ATTEMPTS = 3


class TableLeases:
    """``Leases`` on tables."""

    def __init__(self, tables: Tables, clock: Clock, *, row: str = "lease") -> None:
        """``row`` tells leases of different things apart: a run's, and the right to write an integration's grant."""
        self._tables = tables
        self._clock = clock
        self._key = row

    async def acquire(self, integration_id: str, *, owner: str, until: datetime) -> LeaseHold | None:
        """Take the lease if it is free, expired or already the owner's; None if another owner has it."""
        for _ in range(_ATTEMPTS):
            row = await self._row(integration_id)
            present = value_of(LeaseHold, row) if row else None
            if present and present.owner not in ("", owner) and present.expires_at > self._clock.now():
                return None
            hold = _next(present, integration_id=integration_id, owner=owner, until=until)
            try:
                await self._tables.write(_TABLE, self._written(hold, row))
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
        await self._tables.write(_TABLE, self._written(renewed, row))
        return renewed

    async def release(self, hold: LeaseHold) -> None:
        """Give back; quiet if it is not ours any more."""
        row = await self._own(hold)
        if row is None:
            return
        with suppress(RowChanged):
            await self._tables.write(_TABLE, self._written(replace(hold, owner=""), row))

    async def remove(self, hold: LeaseHold) -> None:
        """Give back and leave nothing behind; quiet if it is not ours any more."""
        row = await self._own(hold)
        if row is None:
            return
        with suppress(RowChanged):
            await self._tables.write(_TABLE, Delete(row, row.tag))

    async def held(self, integration_id: str) -> bool:
        """Return whether somebody holds the lease now. One read."""
        row = await self._row(integration_id)
        present = value_of(LeaseHold, row) if row else None
        return present is not None and present.owner != "" and present.expires_at > self._clock.now()

    async def forget_before(self, integration_id: str, before: datetime) -> bool:
        """Remove the row if its last hold ended before then; return whether that was done."""
        row = await self._row(integration_id)
        if row is None or value_of(LeaseHold, row).expires_at >= before:
            return False
        try:
            await self._tables.write(_TABLE, Delete(row, row.tag))
        except RowChanged:
            return False
        return True

    async def _own(self, hold: LeaseHold) -> Row | None:
        row = await self._row(hold.integration_id)
        if row is None:
            return None
        present = value_of(LeaseHold, row)
        return row if (present.owner, present.fence) == (hold.owner, hold.fence) else None

    async def _row(self, integration_id: str) -> Row | None:
        return await self._tables.get(_TABLE, _partition(integration_id), self._key)

    def _written(self, hold: LeaseHold, row: Row | None) -> Operation:
        written = Row(partition=_partition(hold.integration_id), key=self._key, columns=columns_of(hold))
        return Replace(written, row.tag) if row else Insert(written)


def _next(present: LeaseHold | None, *, integration_id: str, owner: str, until: datetime) -> LeaseHold:
    """Return the hold that follows: the fence rises with each new owner."""
    fence = present.fence if present else 0
    if present is None or present.owner != owner:
        fence += 1
    return LeaseHold(integration_id=integration_id, owner=owner, fence=fence, expires_at=until)


def _partition(integration_id: str) -> str:
    return f"i|{key_text(integration_id)}"
