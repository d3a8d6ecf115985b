"""All that the inside asks of the outside. Each port has one contract suite in ``tests/contracts``.

Methods raise the errors of ``shared.errors``; which ones, each port says. Ids are case-sensitive strings. Times are
aware UTC datetimes.

The modules are for reading; whoever needs a port imports it from here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from shared.ports.basics import Clock, Ids, RequestMeter, Stored
from shared.ports.history import Changes, Pruned, RunItems, Runs
from shared.ports.meetings import MeetingRequests, Meetings, Schedules
from shared.ports.outlook import (
    BatchCreate,
    BatchDelete,
    BatchItem,
    BatchUpdate,
    DeltaPage,
    Outlook,
    OutlookDraft,
    OutlookPatch,
    Subscriptions,
)
from shared.ports.pairs import Confirmations, Conflicts, Integrations, Mappings, ResolutionRules
from shared.ports.sign_in import AuthRequest, AuthStates, Consent, Grant, Secrets, UserTokens
from shared.ports.upkeep import Due, DueList, JobQueue, LeaseHold, Leases, RateLimits, SubscriptionRows
from shared.ports.wedsync import WedSync, WedSyncDraft, WedSyncPage

__all__ = [
    "AuthRequest",
    "AuthStates",
    "BatchCreate",
    "BatchDelete",
    "BatchItem",
    "BatchUpdate",
    "Changes",
    "Clock",
    "Confirmations",
    "Conflicts",
    "Consent",
    "DeltaPage",
    "Due",
    "DueList",
    "Grant",
    "Ids",
    "Integrations",
    "JobQueue",
    "LeaseHold",
    "Leases",
    "Mappings",
    "MeetingRequests",
    "Meetings",
    "Outlook",
    "OutlookDraft",
    "OutlookPatch",
    "Ports",
    "Pruned",
    "RateLimits",
    "RequestMeter",
    "ResolutionRules",
    "RunItems",
    "Runs",
    "Schedules",
    "Secrets",
    "Stored",
    "SubscriptionRows",
    "Subscriptions",
    "UserTokens",
    "WedSync",
    "WedSyncDraft",
    "WedSyncPage",
]


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Everything outside, as the use cases take it."""

    clock: Clock
    ids: Ids
    secrets: Secrets
    outlook: Outlook
    meter: RequestMeter
    schedules: Schedules
    meetings: Meetings
    subscriptions: Subscriptions
    consent: Consent
    wedsync: WedSync
    user_tokens: UserTokens
    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    rules: ResolutionRules
    meeting_requests: MeetingRequests
    confirmations: Confirmations
    runs: Runs
    run_items: RunItems
    changes: Changes
    rows: SubscriptionRows
    states: AuthStates
    leases: Leases
    due: DueList
    limits: RateLimits
    jobs: JobQueue
    probes: Mapping[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)
    """What tells of each dependency, by its name, whether it answers; raises where it does not."""
    closers: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What ends the connections, for a process that ends by itself."""
