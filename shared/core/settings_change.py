"""What a change of settings comes to: what it makes of the connection, and what has to be done because of it.

Pure: the caller saves the connection, starts the run and sees to the subscription.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.core.actions import TOWARD
from shared.core.calendar_move import moves
from shared.core.event import Side
from shared.core.integration import Direction, ImportOutlookEvents, Integration, Preferences
from shared.core.mapping import EventMapping, Role
from shared.core.pair import NOTE_FORCED, NOTE_MEETING
from shared.core.states import INTEGRATION_MOVES, IntegrationState, MappingState, move
from shared.errors import StateConflict, Unprocessable

LONGEST_REMINDER = 40_320
"""Minutes: four weeks, the longest that Outlook offers."""

MOST_REMINDERS = 10
_SHOWN = ("sync_client_meetings", "sync_wedding_events", "sync_deadlines", "sync_travel_time", "event_prefix")
"""Preferences of which every event that is synced has to be looked at when they change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange:
    """What the user asks for; None, and a preference that is not named, stay as they are.

    ``remove_rules`` are ids of ``ResolutionRule``s.
    """

    calendar_id: str | None = None
    direction: Direction | None = None
    sync_enabled: bool | None = None
    webhooks: bool | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)
    remove_rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """The connection after a change, and what follows.

    ``full``: only a full sync can carry the change out. ``resumed``, ``paused``: syncing was switched.
    ``subscription``: Graph's subscription is made, removed or replaced. ``moves``: copies move to another calendar.
    """

    integration: Integration
    full: bool = False
    resumed: bool = False
    paused: bool = False
    subscription: bool = False
    moves: bool = False

    @property
    def run(self) -> bool:
        """Whether a run has something to do now; what changes during a pause waits for its end."""
        return self.integration.syncing and (self.full or self.resumed)


def consequences(before: Integration, change: SettingsChange) -> Consequences:
    """Return what the change comes to; ``StateConflict`` or ``Unprocessable`` for one that cannot be."""
    preferences = replace(before.preferences, **change.preferences)
    after = replace(
        before,
        state=_state(before, change.sync_enabled),
        direction=change.direction or before.direction,
        preferences=preferences,
        webhooks=before.webhooks if change.webhooks is None else change.webhooks,
        chosen_calendar_id=_chosen(before, preferences, change.calendar_id),
    )
    resumed, paused = after.syncing and not before.syncing, before.syncing and not after.syncing
    moves = after.wanted_calendar_id != before.wanted_calendar_id
    new = moves or _widens(before.direction, after.direction) or _shows_otherwise(before.preferences, preferences)
    if new:
        after = replace(after, settings_version=before.settings_version + 1)
    lost = resumed and not (after.delta_link and after.wedsync_cursor)
    return Consequences(
        integration=after,
        full=new or lost or (resumed and after.unsettled),
        resumed=resumed,
        paused=paused,
        subscription=before.webhooks != after.webhooks or (moves and after.webhooks),
        moves=moves,
    )


def _state(before: Integration, enabled: bool | None) -> IntegrationState:
    """A connection that needs its user is off already, and is not switched on here."""
    if enabled is None or enabled is before.syncing:
        return before.state
    if not before.granted:
        raise StateConflict(before.state.value, before.reason or "The connection cannot be switched on now.")
    return move(INTEGRATION_MOVES, before.state, IntegrationState.CONNECTED if enabled else IntegrationState.PAUSED)


def _chosen(before: Integration, after: Preferences, wanted: str | None) -> str:
    """Return the calendar to sync when there is no separate one: it is remembered while there is."""
    present = before.chosen_calendar_id or before.calendar_id
    if wanted in (None, present):
        return present if after.create_separate_calendar else before.chosen_calendar_id
    if not after.create_separate_calendar:
        return str(wanted)
    if wanted in (before.calendar_id, before.separate_calendar_id):
        return present
    raise Unprocessable("separate_calendar", "Switch createSeparateCalendar off to choose another calendar.")


def _widens(before: Direction, after: Direction) -> bool:
    return bool(TOWARD[after] - TOWARD[before])


def _shows_otherwise(before: Preferences, after: Preferences) -> bool:
    """Whether events that are synced, or are not, have to be looked at again. Reminders are for new copies only."""
    imports = after.import_outlook_events
    imported = imports is not before.import_outlook_events and imports is not ImportOutlookEvents.NONE
    return imported or any(getattr(before, name) != getattr(after, name) for name in _SHOWN)


# --- What becomes of the copies in Outlook ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyLeft:
    """A copy that a change leaves where it is; ``reason`` is ``guests``, ``meeting`` (made as one) or ``conflict``."""

    event_id: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiesAffected:
    """How many copies a change removes from Outlook for good, and moves to another calendar, and which it leaves."""

    removed: int = 0
    moved: int = 0
    left: tuple[CopyLeft, ...] = ()


def copies_affected(change: Consequences, before: Integration, mappings: Iterable[EventMapping]) -> CopiesAffected:
    """Return what the change does to our copies, as far as is known without asking Outlook."""
    after = change.integration
    removed = moved = 0
    left: list[CopyLeft] = []
    for mapping in mappings:
        if mapping.born is not Side.WEDSYNC or mapping.state is not MappingState.LINKED or not mapping.outlook_id:
            continue
        off = _shown(mapping, before.preferences) and not _shown(mapping, after.preferences)
        goes = off and Side.OUTLOOK in TOWARD[after.direction]
        if not goes and not change.moves:
            continue
        reason = _staying(mapping, removed=goes)
        if reason:
            left.append(_left(mapping, reason))
        removed += goes and not reason
        moved += not goes and not reason
    return CopiesAffected(removed=removed, moved=moved, left=tuple(left))


def copies_to_move(integration: Integration, mappings: Iterable[EventMapping]) -> int:
    """Return how many copies the next run first moves to another calendar.

    As far as is known without asking Outlook.
    """
    if not integration.moves:
        return 0
    wanted = integration.wanted_calendar_id
    return sum(moves(each, wanted) and not _staying(each, removed=False) for each in mappings)


def _shown(mapping: EventMapping, preferences: Preferences) -> bool:
    wanted = preferences.includes(mapping.event_type) or NOTE_FORCED in mapping.notes
    return wanted and (mapping.role is Role.EVENT or preferences.sync_travel_time)


def _staying(mapping: EventMapping, *, removed: bool) -> str:
    if mapping.base_o is not None and mapping.base_o.attendees:
        return "guests"
    if NOTE_MEETING in mapping.notes:
        return "meeting"
    return "conflict" if removed and mapping.held else ""


def _left(mapping: EventMapping, reason: str) -> CopyLeft:
    content = mapping.base_w or mapping.base_o
    return CopyLeft(
        event_id=mapping.wedsync_id or mapping.mapping_id, title=content.title if content else "", reason=reason
    )
