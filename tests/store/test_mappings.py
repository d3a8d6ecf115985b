"""``TableMappings``: the contract, and a service that fails."""

from tests.contracts.mappings import MappingsContract
from tests.store.on import OnAzurite, OnMemory, Stores


class TestOnMemory(OnMemory, Stores, MappingsContract):
    """In memory."""


class TestOnAzurite(OnAzurite, Stores, MappingsContract):
    """On the emulator."""
