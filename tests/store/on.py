"""Where the contracts run: on tables in memory, and on tables of the emulator."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from local.azurite import Azurite
from shared.ports import Clock
from shared.store.auth_states import TableAuthStates
from shared.store.confirmations import TableConfirmations
from shared.store.conflicts import TableConflicts
from shared.store.due import TableDueList
from shared.store.history import TableChanges, TableRuns
from shared.store.integrations import TableIntegrations
from shared.store.leases import TableLeases
from shared.store.mappings import TableMappings
from shared.store.meetings import TableMeetingRequests
from shared.store.memory import MemoryTables
from shared.store.rate_limits import TableRateLimits
from shared.store.rows import Tables
from shared.store.rules import TableResolutionRules
from shared.store.run_items import TableRunItems
from shared.store.subscriptions import TableSubscriptionRows
from shared.store.tables import AzureTables
from tests.support.values import StandingClock


class OnMemory:
    """Runs a contract on ``MemoryTables``."""

    @pytest.fixture
    def operations(self) -> list[str]:
        return []

    @pytest.fixture
    def tables(self, operations: list[str]) -> Tables:
        return MemoryTables(on_operation=lambda operation, _table: operations.append(operation))


@pytest.mark.azurite
class OnAzurite:
    """Runs a contract on ``AzureTables`` against the emulator, in tables of the test's own."""

    @pytest.fixture
    def operations(self) -> list[str]:
        return []

    @pytest.fixture
    async def tables(self, azurite: Azurite, operations: list[str]) -> AsyncIterator[Tables]:
        tables = AzureTables(
            connection_string=azurite.connection_string,
            prefix=f"T{uuid4().hex[:12]}",
            on_operation=lambda operation, _table: operations.append(operation),
        )
        yield tables
        await tables.close()


class Stores:
    """The stores on whatever ``tables`` are."""

    @pytest.fixture
    def clock(self) -> StandingClock:
        return StandingClock()

    @pytest.fixture
    def mappings(self, tables: Tables) -> TableMappings:
        return TableMappings(tables)

    @pytest.fixture
    def integrations(self, tables: Tables) -> TableIntegrations:
        return TableIntegrations(tables)

    @pytest.fixture
    def conflicts(self, tables: Tables) -> TableConflicts:
        return TableConflicts(tables)

    @pytest.fixture
    def meeting_requests(self, tables: Tables) -> TableMeetingRequests:
        return TableMeetingRequests(tables)

    @pytest.fixture
    def rules(self, tables: Tables) -> TableResolutionRules:
        return TableResolutionRules(tables)

    @pytest.fixture
    def confirmations(self, tables: Tables) -> TableConfirmations:
        return TableConfirmations(tables)

    @pytest.fixture
    def runs(self, tables: Tables) -> TableRuns:
        return TableRuns(tables)

    @pytest.fixture
    def run_items(self, tables: Tables) -> TableRunItems:
        return TableRunItems(tables)

    @pytest.fixture
    def changes(self, tables: Tables) -> TableChanges:
        return TableChanges(tables)

    @pytest.fixture
    def subscriptions(self, tables: Tables) -> TableSubscriptionRows:
        return TableSubscriptionRows(tables)

    @pytest.fixture
    def auth_states(self, tables: Tables, clock: Clock) -> TableAuthStates:
        return TableAuthStates(tables, clock)

    @pytest.fixture
    def leases(self, tables: Tables, clock: Clock) -> TableLeases:
        return TableLeases(tables, clock)

    @pytest.fixture
    def due_list(self, tables: Tables) -> TableDueList:
        return TableDueList(tables)

    @pytest.fixture
    def rate_limits(self, tables: Tables) -> TableRateLimits:
        return TableRateLimits(tables)
