"""``MemoryTables`` and ``AzureTables``: the contract."""

from tests.contracts.tables import TablesContract
from tests.store.on import OnAzurite, OnMemory


class TestMemoryTables(OnMemory, TablesContract):
    """In memory."""


class TestAzureTables(OnAzurite, TablesContract):
    """On the emulator."""
