"""What the frontend shows: the state of the connection, its counts, its recent runs, its channel."""

import asyncio
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.confirmation import Question, waiting
from shared.core.history import SyncRun
from shared.core.integration import Integration
from shared.core.mapping import EventMapping, Role
from shared.core.pair import is_deletion_held
from shared.core.rules import ResolutionRule
from shared.core.states import IntegrationState, MappingState, SubscriptionState
from shared.core.subscription import Subscription
from shared.ports import (
    Clock,
    Confirmations,
    Conflicts,
    Integrations,
    Mappings,
    ResolutionRules,
    Runs,
    SubscriptionRows,
)
from shared.usecases.connect_state import connection_of


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many events there are in each of the specification's sync statuses."""

    total: int = 0
    synced: int = 0
    pending: int = 0
    conflicted: int = 0
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class SyncStatus:
    """The specification's ``OutlookSyncStatusResponse`` in values. ``next_sync_at`` None: none comes by itself."""

    integration: Integration
    counts: Counts
    next_sync_at: datetime | None
    recent: tuple[SyncRun, ...]
    subscription: Subscription | None
    channel_works: bool
    renewal_needed: bool
    question: Question | None = None
    rules: tuple[ResolutionRule, ...] = ()


def status_of(mapping: EventMapping, *, in_conflict: bool = False) -> str:
    """Return the specification's ``syncStatus`` of one mapping; ``in_conflict``: it has an open conflict."""
    if mapping.quarantine:
        return "error"
    if in_conflict or mapping.held:
        return "conflict"
    return "synced" if mapping.state is MappingState.LINKED and not is_deletion_held(mapping) else "pending"


def counts_of(mappings: Sequence[EventMapping], *, at_odds: Container[str]) -> Counts:
    """Count events, not travel blocks and not what has ended; ``at_odds``: ids of mappings with an open conflict."""
    found = {"synced": 0, "pending": 0, "conflict": 0, "error": 0}
    for mapping in mappings:
        if mapping.role is Role.EVENT and mapping.state is not MappingState.ENDED:
            found[status_of(mapping, in_conflict=mapping.mapping_id in at_odds)] += 1
    return Counts(
        total=sum(found.values()),
        synced=found["synced"],
        pending=found["pending"],
        conflicted=found["conflict"],
        failed=found["error"],
    )


@dataclass(frozen=True, kw_only=True)
class ReportStatus:
    """Read it all at once; nothing is asked of Graph or WedSync."""

    integrations: Integrations
    mappings: Mappings
    conflicts: Conflicts
    rules: ResolutionRules
    confirmations: Confirmations
    runs: Runs
    rows: SubscriptionRows
    clock: Clock
    safety_sync_minutes: int

    async def run(self, user_id: str) -> SyncStatus:
        """Return the status of the user's connection; ``NotFound`` if there is none."""
        integration = (await connection_of(self.integrations, user_id)).value
        home, now = integration.integration_id, self.clock.now()
        recent, rows, ledger, rules, at_odds, mappings = await asyncio.gather(
            self.runs.history(home, 10),
            self.rows.of_integration(home),
            self.confirmations.ledger(home),
            self.rules.of_integration(home),
            self.conflicts.open_all(home),
            self._mappings(home),
        )
        active = [stored.value for stored in rows if stored.value.state is SubscriptionState.ACTIVE]
        held = waiting(ledger.value, now=now)
        subscription = active[0] if active else None
        works = subscription is not None and subscription.healthy(now)
        return SyncStatus(
            integration=integration,
            rules=rules,
            counts=counts_of(mappings, at_odds={conflict.mapping_id for conflict in at_odds}),
            next_sync_at=self._next_sync(integration, now),
            recent=tuple(stored.value for stored in recent),
            subscription=subscription,
            channel_works=works,
            renewal_needed=integration.webhooks and (subscription is None or not works or subscription.ends_soon(now)),
            question=Question.about(held, mappings) if held else None,
        )

    def _next_sync(self, integration: Integration, now: datetime) -> datetime | None:
        if integration.state is not IntegrationState.CONNECTED:
            return None
        return max(now, (integration.last_sync_at or now) + timedelta(minutes=self.safety_sync_minutes))

    async def _mappings(self, integration_id: str) -> list[EventMapping]:
        return [stored.value async for stored in self.mappings.all(integration_id)]
