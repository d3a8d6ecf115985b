"""The other stores on tables: their contracts."""

from tests.contracts.confirmations import ConfirmationsContract
from tests.contracts.history import ChangesContract, ConflictsContract, RunsContract
from tests.contracts.integrations import IntegrationsContract
from tests.contracts.meetings import MeetingRequestsContract
from tests.contracts.rate_limits import RateLimitsContract
from tests.contracts.rules import ResolutionRulesContract
from tests.contracts.run_items import RunItemsContract
from tests.contracts.upkeep import AuthStatesContract, DueListContract, LeasesContract, SubscriptionRowsContract
from tests.store.on import OnAzurite, OnMemory, Stores


class TestIntegrationsOnMemory(OnMemory, Stores, IntegrationsContract):
    """In memory."""


class TestIntegrationsOnAzurite(OnAzurite, Stores, IntegrationsContract):
    """On the emulator."""


class TestConflictsOnMemory(OnMemory, Stores, ConflictsContract):
    """In memory."""


class TestConflictsOnAzurite(OnAzurite, Stores, ConflictsContract):
    """On the emulator."""


class TestResolutionRulesOnMemory(OnMemory, Stores, ResolutionRulesContract):
    """In memory."""


class TestResolutionRulesOnAzurite(OnAzurite, Stores, ResolutionRulesContract):
    """On the emulator."""


class TestMeetingRequestsOnMemory(OnMemory, Stores, MeetingRequestsContract):
    """In memory."""


class TestMeetingRequestsOnAzurite(OnAzurite, Stores, MeetingRequestsContract):
    """On the emulator."""


class TestConfirmationsOnMemory(OnMemory, Stores, ConfirmationsContract):
    """In memory."""


class TestConfirmationsOnAzurite(OnAzurite, Stores, ConfirmationsContract):
    """On the emulator."""


class TestRunsOnMemory(OnMemory, Stores, RunsContract):
    """In memory."""


class TestRunsOnAzurite(OnAzurite, Stores, RunsContract):
    """On the emulator."""


class TestChangesOnMemory(OnMemory, Stores, ChangesContract):
    """In memory."""


class TestChangesOnAzurite(OnAzurite, Stores, ChangesContract):
    """On the emulator."""


class TestSubscriptionRowsOnMemory(OnMemory, Stores, SubscriptionRowsContract):
    """In memory."""


class TestSubscriptionRowsOnAzurite(OnAzurite, Stores, SubscriptionRowsContract):
    """On the emulator."""


class TestAuthStatesOnMemory(OnMemory, Stores, AuthStatesContract):
    """In memory."""


class TestAuthStatesOnAzurite(OnAzurite, Stores, AuthStatesContract):
    """On the emulator."""


class TestLeasesOnMemory(OnMemory, Stores, LeasesContract):
    """In memory."""


class TestLeasesOnAzurite(OnAzurite, Stores, LeasesContract):
    """On the emulator."""


class TestDueListOnMemory(OnMemory, Stores, DueListContract):
    """In memory."""


class TestDueListOnAzurite(OnAzurite, Stores, DueListContract):
    """On the emulator."""


class TestRunItemsOnMemory(OnMemory, Stores, RunItemsContract):
    """In memory."""


class TestRunItemsOnAzurite(OnAzurite, Stores, RunItemsContract):
    """On the emulator."""


class TestRateLimitsOnMemory(OnMemory, Stores, RateLimitsContract):
    """In memory."""


class TestRateLimitsOnAzurite(OnAzurite, Stores, RateLimitsContract):
    """On the emulator."""
