"""The state machines: an enum and a table of moves each. An illegal move raises and changes nothing."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from shared.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)


class IntegrationState(StrEnum):
    """Where a user's connection stands."""

    AWAITING_CONSENT = "awaiting_consent"  # begun, no grant yet
    CONNECTED = "connected"  # syncing
    PAUSED = "paused"  # switched off by the user; grant and mappings kept
    NEEDS_RECONNECT = "needs_reconnect"  # the grant is dead, or the calendar is gone; mappings kept
    DISCONNECTING = "disconnecting"  # fenced; our events are being removed
    DISCONNECTED = "disconnected"  # nothing of ours is left at Microsoft


class MappingState(StrEnum):
    """Where the pair of events of one mapping stands."""

    INTENT = "intent"  # a create was decided and stored; whether it happened is not known yet
    LINKED = "linked"  # both ids are known
    UNLINKED = "unlinked"  # opted out: the user removed our copy in Outlook and wants it so
    HIDDEN = "hidden"  # Outlook-born, deleted in WedSync, kept in Outlook
    ENDED = "ended"  # gone on both sides


class SubscriptionState(StrEnum):
    """Where a Graph subscription stands."""

    REQUESTED = "requested"
    ACTIVE = "active"
    LAPSED = "lapsed"
    REMOVED = "removed"


class RunState(StrEnum):
    """Where a sync run stands."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ConflictState(StrEnum):
    """Where a conflict stands."""

    OPEN = "open"
    RESOLVED = "resolved"  # the user chose; not applied yet
    APPLIED = "applied"
    SUPERSEDED = "superseded"  # a side moved on; a new value is in play


class ConfirmationState(StrEnum):
    """Where the question about held deletions stands."""

    OPEN = "open"
    ACCEPTED = "accepted"  # the deletions are meant
    REJECTED = "rejected"  # they are not: what is missing comes back
    LAPSED = "lapsed"  # nobody answered


INTEGRATION_MOVES: Mapping[IntegrationState, frozenset[IntegrationState]] = {
    IntegrationState.AWAITING_CONSENT: frozenset({IntegrationState.CONNECTED, IntegrationState.DISCONNECTING}),
    IntegrationState.CONNECTED: frozenset(
        {IntegrationState.PAUSED, IntegrationState.NEEDS_RECONNECT, IntegrationState.DISCONNECTING}
    ),
    IntegrationState.PAUSED: frozenset(
        {IntegrationState.CONNECTED, IntegrationState.NEEDS_RECONNECT, IntegrationState.DISCONNECTING}
    ),
    IntegrationState.NEEDS_RECONNECT: frozenset({IntegrationState.CONNECTED, IntegrationState.DISCONNECTING}),
    IntegrationState.DISCONNECTING: frozenset({IntegrationState.DISCONNECTED}),
    IntegrationState.DISCONNECTED: frozenset({IntegrationState.AWAITING_CONSENT, IntegrationState.CONNECTED}),
}
MAPPING_MOVES: Mapping[MappingState, frozenset[MappingState]] = {
    MappingState.INTENT: frozenset({MappingState.LINKED, MappingState.ENDED}),
    MappingState.LINKED: frozenset(
        {MappingState.UNLINKED, MappingState.HIDDEN, MappingState.ENDED, MappingState.INTENT}
    ),
    MappingState.UNLINKED: frozenset({MappingState.INTENT, MappingState.LINKED, MappingState.ENDED}),
    MappingState.HIDDEN: frozenset({MappingState.INTENT, MappingState.LINKED, MappingState.ENDED}),
    MappingState.ENDED: frozenset(),
}
SUBSCRIPTION_MOVES: Mapping[SubscriptionState, frozenset[SubscriptionState]] = {
    SubscriptionState.REQUESTED: frozenset({SubscriptionState.ACTIVE, SubscriptionState.REMOVED}),
    SubscriptionState.ACTIVE: frozenset({SubscriptionState.LAPSED, SubscriptionState.REMOVED}),
    SubscriptionState.LAPSED: frozenset({SubscriptionState.ACTIVE, SubscriptionState.REMOVED}),
    SubscriptionState.REMOVED: frozenset(),
}
RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.IN_PROGRESS, RunState.CANCELLED, RunState.FAILED}),
    RunState.IN_PROGRESS: frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED}),
    RunState.COMPLETED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}
CONFLICT_MOVES: Mapping[ConflictState, frozenset[ConflictState]] = {
    ConflictState.OPEN: frozenset({ConflictState.RESOLVED, ConflictState.SUPERSEDED}),
    ConflictState.RESOLVED: frozenset({ConflictState.APPLIED, ConflictState.SUPERSEDED}),
    ConflictState.APPLIED: frozenset(),
    ConflictState.SUPERSEDED: frozenset(),
}
CONFIRMATION_MOVES: Mapping[ConfirmationState, frozenset[ConfirmationState]] = {
    ConfirmationState.OPEN: frozenset(
        {ConfirmationState.ACCEPTED, ConfirmationState.REJECTED, ConfirmationState.LAPSED}
    ),
    ConfirmationState.ACCEPTED: frozenset(),
    ConfirmationState.REJECTED: frozenset(),
    ConfirmationState.LAPSED: frozenset(),
}


def move(moves: Mapping[S, frozenset[S]], present: S, wanted: S) -> S:
    """Return ``wanted`` if the table allows the move; raise ``IllegalMove`` otherwise."""
    if wanted not in moves[present]:
        raise IllegalMove(f"{type(present).__name__}: {present} -> {wanted}")
    return wanted
