"""What is known of each side when a pair of events is judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.canon import BUSY_TITLE, has_prefix, same, without_prefix
from shared.core.event import CalendarEvent, Field, OutlookKind, OutlookState, Place, Side, WedSyncState
from shared.core.history import Conflict
from shared.core.integration import ImportOutlookEvents, Preferences
from shared.core.mapping import EventMapping
from shared.core.merge import advance
from shared.core.states import ConflictState


@dataclass(frozen=True, slots=True)
class Unseen:
    """Nothing was read: the event is assumed to be as it was last seen. A write is conditional on that."""


@dataclass(frozen=True, slots=True)
class Present:
    """The event as it was read just now."""

    state: WedSyncState | OutlookState


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The event was not found.

    ``proved``: a 404 or 410 for the event while its calendar answered in the same job, or WedSync's tombstone.
    ``left_calendar``: it is there, in another calendar (proof of that, too, is ``proved``).
    """

    proved: bool
    left_calendar: bool = False


View = Unseen | Present | Gone

UNSEEN = Unseen()


@dataclass(frozen=True, kw_only=True)
class Views:
    """What is known of both sides at the start."""

    wedsync: View = UNSEEN
    outlook: View = UNSEEN

    def seen(self, side: Side, view: View) -> "Views":
        """Return the views with one of them read anew."""
        return replace(self, wedsync=view) if side is Side.WEDSYNC else replace(self, outlook=view)

    def of(self, side: Side) -> View:
        """Return the view of a side."""
        return self.wedsync if side is Side.WEDSYNC else self.outlook


_HOLDING = frozenset({ConflictState.OPEN, ConflictState.RESOLVED})  # resolved: chosen, and not applied yet


def is_replay(mapping: EventMapping, state: WedSyncState | OutlookState) -> bool:
    """Whether a state is older than the newest that the mapping has accounted for."""
    if isinstance(state, WedSyncState):
        return state.version < mapping.w_version
    return mapping.o_changed_at is not None and state.changed_at < mapping.o_changed_at


def settle_view(mapping: EventMapping, view: View) -> View:
    """Return the view without replays, and with tombstones and cancelled meetings as what they are: gone.

    So is a single event that was made a series: its id names the whole series now, which no edit of one may reach.
    """
    if not isinstance(view, Present):
        return view
    if is_replay(mapping, view.state):
        return UNSEEN
    if isinstance(view.state, WedSyncState):
        gone = view.state.deleted
    else:
        gone = view.state.cancelled or view.state.kind is OutlookKind.MASTER
    return Gone(proved=True) if gone else view


def refreshed(mapping: EventMapping, view: View) -> EventMapping:
    """Return the mapping with the versions of a state that was seen, unless it knows newer ones."""
    if not isinstance(view, Present) or is_replay(mapping, view.state):
        return mapping
    return versioned(mapping, view.state)


def versioned(mapping: EventMapping, state: WedSyncState | OutlookState) -> EventMapping:
    """Return the mapping with the versions of a state that is the newest there is, such as the answer to a write."""
    if isinstance(state, WedSyncState):
        return replace(mapping, w_version=state.version, event_type=state.event_type)
    return replace(
        mapping,
        o_etag=state.etag,
        o_changed_at=state.changed_at,
        is_organizer=state.is_organizer,
        series_id=state.series_id or mapping.series_id,
        occurrence_date=state.occurrence_date or mapping.occurrence_date,
    )


def busy_view(content: CalendarEvent) -> CalendarEvent:
    """Return what a masked mapping keeps of Outlook's content.

    The private flag and the people stay: the first tells when the mask may go, the second that a write would mail.
    """
    return replace(content, title=BUSY_TITLE, description="", location=Place())


def is_masked(mapping: EventMapping, outlook: OutlookState, preferences: Preferences) -> bool:
    """Whether WedSync may see the busy time only: preferred so, or made private in Outlook (not by our own write).

    What was hidden stays so when nothing more is to be imported.
    """
    if mapping.born is Side.WEDSYNC:
        return False
    imports = preferences.import_outlook_events
    if imports is ImportOutlookEvents.BUSY or (imports is ImportOutlookEvents.NONE and mapping.masked):
        return True
    base = mapping.base_o
    made_private = base is None or not same(Field.PRIVATE, base, outlook.content)
    return outlook.content.private and (mapping.masked or made_private)


def outlook_content(mapping: EventMapping, state: OutlookState) -> CalendarEvent:
    """Return the content without the mapping's prefix, and without what its mask hides."""
    title = without_prefix(state.content.title, mapping.prefix)
    content = replace(state.content, title=title)
    return busy_view(content) if mapping.masked else content


def lost_prefix(mapping: EventMapping, state: OutlookState) -> bool:
    """Whether the user took the prefix off that we wrote."""
    return bool(mapping.prefix) and not has_prefix(state.content.title, mapping.prefix)


def content_of(
    mapping: EventMapping, side: Side, view: View, conflicts: Sequence[Conflict] = ()
) -> CalendarEvent | None:
    """Return a side's content: as read, else as last seen (its base, and what open conflicts recorded since)."""
    if isinstance(view, Present):
        if isinstance(view.state, WedSyncState):
            return view.state.content
        return outlook_content(mapping, view.state)
    content = mapping.base_w if side is Side.WEDSYNC else mapping.base_o
    for conflict in conflicts:
        recorded = conflict.wedsync if side is Side.WEDSYNC else conflict.outlook
        if content is not None and recorded is not None:
            content = advance(content, recorded, {conflict.field} if conflict.field else Field)
    return content


def changed_at(view: View) -> datetime | None:
    """Return when a side that was read says that it changed."""
    if not isinstance(view, Present):
        return None
    return view.state.updated_at if isinstance(view.state, WedSyncState) else view.state.changed_at


def holding(conflicts: Sequence[Conflict]) -> tuple[Conflict, ...]:
    """Return the conflicts that hold their field (open, or resolved and not applied yet), the newest last."""
    held = [conflict for conflict in conflicts if conflict.state in _HOLDING]
    return tuple(sorted(held, key=lambda conflict: (conflict.opened_at, conflict.conflict_id)))
