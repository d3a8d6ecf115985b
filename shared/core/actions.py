"""What a decision may consist of, the rules that decide, and what they go by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.core.event import CalendarEvent, EventType, Field, Side
from shared.core.integration import Direction, Preferences, SyncWindow
from shared.core.mapping import EventMapping
from shared.core.merge import BOTH, NO_FIELDS
from shared.core.rules import ResolutionRule


class Rule(StrEnum):
    """The stable name of the rule that decided, as it stands in the history; ``EXPLAINED`` has the words."""

    # mapped events
    CARRY = "carry"
    AGREED = "agreed"
    ECHO = "echo"
    NOTHING_SEEN = "nothing_seen"
    REPLAY = "replay"
    CLASH = "clash"
    NO_COMMON_BASE = "no_common_base"
    HELD = "held"
    GUESTS = "guests"
    ATTENDEES = "attendees"
    DRIFT = "drift"
    DRIFT_WIDENED = "drift_widened"
    PREFIX_CHANGED = "prefix_changed"
    UNKNOWN_SIDE = "unknown_side"
    RUN_DIRECTION = "run_direction"
    SUPERSEDED = "superseded"
    RESOLVED = "resolved"
    RESOLUTION_RULE = "resolution_rule"
    FORCED = "forced"
    MEETING = "meeting"
    # deletions
    UNPROVED_ABSENCE = "unproved_absence"
    BOTH_GONE = "both_gone"
    EDITED_AND_DELETED = "edited_and_deleted"
    OUTLOOK_DELETE_ASK = "outlook_delete_ask"
    OUTLOOK_DELETE_UNLINK = "outlook_delete_unlink"
    OUTLOOK_DELETE_DELETE = "outlook_delete_delete"
    OUTLOOK_BORN_GONE = "outlook_born_gone"
    LEFT_CALENDAR = "left_calendar"
    WEDSYNC_DELETED = "wedsync_deleted"
    HIDDEN = "hidden"
    TRAVEL_REMOVED = "travel_removed"
    TRAVEL_GUESTS = "travel_guests"
    GUESTS_DELETE = "guests_delete"
    DRIFT_DELETED = "drift_deleted"
    LEFT_AND_DELETED = "left_and_deleted"
    DELETION_HELD = "deletion_held"
    DELETION_REJECTED = "deletion_rejected"
    UNDONE = "undone"
    RESTORED = "restored"
    # states, preferences
    QUARANTINED = "quarantined"
    PAUSED = "paused"
    OPEN_INTENT = "open_intent"
    OPTED_OUT = "opted_out"
    ENDED = "ended"
    TYPE_OFF = "type_off"
    TYPE_OFF_GUESTS = "type_off_guests"
    TYPE_OFF_HELD = "type_off_held"
    TYPE_ON = "type_on"
    TRAVEL_NEW = "travel_new"
    TRAVEL_OFF = "travel_off"
    # events without a mapping
    WEDSYNC_NEW = "wedsync_new"
    OUTLOOK_NEW = "outlook_new"
    OUTLOOK_COPY = "outlook_copy"
    EARLIER_COPY = "earlier_copy"
    ALREADY_GONE = "already_gone"
    OUTLOOK_BORN_LEFT = "outlook_born_left"
    DIRECTION = "direction"
    OUTSIDE_WINDOW = "outside_window"
    OTHER_CALENDAR = "other_calendar"
    SERIES_MASTER = "series_master"
    CANCELLED = "cancelled"
    IMPORT_NONE = "import_none"
    TRANSACTION_MATCH = "transaction_match"
    MARKER_MATCH = "marker_match"
    EXTERNAL_ID = "external_id"
    UNKNOWN_MARKER = "unknown_marker"
    ORPHAN = "orphan"
    REBUILT = "rebuilt"
    # another calendar
    CALENDAR_MOVED = "calendar_moved"
    CALENDAR_LEFT = "calendar_left"


EXPLAINED: Mapping[Rule, str] = {
    Rule.CARRY: "One side changed these fields, so they were carried to the other.",
    Rule.AGREED: "Both sides came to the same values by themselves.",
    Rule.ECHO: "Nothing differs from what was last seen.",
    Rule.NOTHING_SEEN: "Neither side was read.",
    Rule.REPLAY: "This state is older than one that is already accounted for.",
    Rule.CLASH: "Both sides changed the same field to different values.",
    Rule.NO_COMMON_BASE: "The two events were joined while this field differed.",
    Rule.HELD: "The field waits for the choice in its open conflict.",
    Rule.GUESTS: "The Outlook event has guests, who would be mailed; that needs your word.",
    Rule.ATTENDEES: "The people on the two events differ; a sync never writes them.",
    Rule.DRIFT: "This side may not change the other, so the difference is only noted.",
    Rule.DRIFT_WIDENED: "The sides differed already when the sync became two-way.",
    Rule.PREFIX_CHANGED: "The prefix of WedSync's events in Outlook was changed.",
    Rule.UNKNOWN_SIDE: "One side has to be read before anything can be said.",
    Rule.RUN_DIRECTION: "This run goes the other way only.",
    Rule.SUPERSEDED: "A side moved on, so the open conflict is over.",
    Rule.RESOLVED: "You chose this value in the conflict.",
    Rule.RESOLUTION_RULE: "Both sides changed this field; your rule for events of this type decided.",
    Rule.FORCED: "You had the event carried over as it is on one side, whatever the rules say.",
    Rule.MEETING: "You made, changed or cancelled this meeting yourself, and Outlook told its guests.",
    Rule.UNPROVED_ABSENCE: "The event was not found, and that alone proves nothing.",
    Rule.BOTH_GONE: "The event is gone on both sides.",
    Rule.EDITED_AND_DELETED: "One side changed the event and the other deleted it.",
    Rule.OUTLOOK_DELETE_ASK: "WedSync's event was removed from the Outlook calendar; you prefer to be asked.",
    Rule.OUTLOOK_DELETE_UNLINK: "WedSync's event was removed from the Outlook calendar; it stays out of it.",
    Rule.OUTLOOK_DELETE_DELETE: "WedSync's event was removed from the Outlook calendar; you want it deleted then.",
    Rule.OUTLOOK_BORN_GONE: "The event came from Outlook and was deleted there.",
    Rule.LEFT_CALENDAR: "The event came from Outlook and was moved to another calendar there.",
    Rule.WEDSYNC_DELETED: "The event came from WedSync and was deleted there.",
    Rule.HIDDEN: "The event came from Outlook and was deleted in WedSync; it stays in Outlook.",
    Rule.TRAVEL_REMOVED: "The travel block was removed in Outlook; it stays out.",
    Rule.TRAVEL_GUESTS: "The travel block has guests now, so it is left to its owner.",
    Rule.GUESTS_DELETE: "Deleting this Outlook event would mail its guests; that needs your word.",
    Rule.DRIFT_DELETED: "This side may not delete on the other, so the deletion is only noted.",
    Rule.LEFT_AND_DELETED: "The event is in another calendar of Outlook, and gone in WedSync; it stays where it is.",
    Rule.DELETION_HELD: "Many events are to be deleted at once; they wait for your word.",
    Rule.DELETION_REJECTED: "Its deletion was not meant, so you keep it.",
    Rule.UNDONE: "A run that changed this was undone.",
    Rule.RESTORED: "It was brought back by your word.",
    Rule.QUARANTINED: "It could not be synced and was set aside; it is tried again when it changes.",
    Rule.PAUSED: "The connection does not sync at present.",
    Rule.OPEN_INTENT: "Whether the event was created is not known yet; that is found out first.",
    Rule.OPTED_OUT: "This event was taken out of the sync and stays out until it is brought back.",
    Rule.ENDED: "This pair of events has ended.",
    Rule.TYPE_OFF: "Events of this type are not synced to Outlook.",
    Rule.TYPE_OFF_GUESTS: "Events of this type are not synced, but this one has guests and stays in Outlook.",
    Rule.TYPE_OFF_HELD: "Events of this type are not synced; this one waits for its open conflict.",
    Rule.TYPE_ON: "Events of this type are synced to Outlook again.",
    Rule.TRAVEL_NEW: "The event has travel time, so a busy block goes before it.",
    Rule.TRAVEL_OFF: "The event has no travel time that is shown in Outlook.",
    Rule.WEDSYNC_NEW: "A new event in WedSync.",
    Rule.OUTLOOK_NEW: "A new event in Outlook.",
    Rule.OUTLOOK_COPY: "A copy that somebody made of a synced event in Outlook: a new event.",
    Rule.EARLIER_COPY: "Another one was made in its place, and is synced now: this one is left alone.",
    Rule.ALREADY_GONE: "The event was deleted before it was ever synced.",
    Rule.OUTLOOK_BORN_LEFT: "The event came from Outlook and is not made there again.",
    Rule.DIRECTION: "The sync goes the other way only.",
    Rule.OUTSIDE_WINDOW: "The event is outside the time range that is synced.",
    Rule.OTHER_CALENDAR: "The event is in another calendar of the mailbox, which is not synced.",
    Rule.SERIES_MASTER: "A series comes in as its occurrences.",
    Rule.CANCELLED: "The meeting is cancelled.",
    Rule.IMPORT_NONE: "Outlook's own events are not imported.",
    Rule.TRANSACTION_MATCH: "This is the event that we created: its transactionId is ours.",
    Rule.MARKER_MATCH: "This is the event that we created: it carries our marker.",
    Rule.EXTERNAL_ID: "WedSync has this Outlook event already.",
    Rule.UNKNOWN_MARKER: "The event carries a marker of ours that nothing is known of; reconciliation looks into it.",
    Rule.ORPHAN: "A former copy of ours whose event WedSync does not have any more: it counts as Outlook's own.",
    Rule.REBUILT: "What was known of this pair was lost; the copy in Outlook told whose it is.",
    Rule.CALENDAR_MOVED: "You chose another calendar, so the copy was made there and removed from the earlier one.",
    Rule.CALENDAR_LEFT: "The event came from the calendar that was synced earlier; it stays in WedSync by itself.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the user prefers. ``run_direction`` narrows one run: what it leaves undone is left for the next.

    ``rules`` answer clashes at once that would be conflicts otherwise. ``searched``: all events of WedSync were
    compared with our copies in Outlook, so that a copy which is of none of them belongs to none.
    """

    preferences: Preferences = field(default_factory=Preferences)
    direction: Direction = Direction.BIDIRECTIONAL
    run_direction: Direction = Direction.BIDIRECTIONAL
    window: SyncWindow | None = None
    rules: tuple[ResolutionRule, ...] = ()
    searched: bool = False


TOWARD: Mapping[Direction, frozenset[Side]] = {
    Direction.BIDIRECTIONAL: BOTH,
    Direction.TO_OUTLOOK: frozenset({Side.OUTLOOK}),
    Direction.FROM_OUTLOOK: frozenset({Side.WEDSYNC}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Create the event on ``side``. For Outlook ``title`` carries ``prefix``; a mapping that exists is used again."""

    side: Side
    rule: Rule
    content: CalendarEvent
    title: str
    event_type: EventType
    prefix: str = ""
    masked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Write ``fields`` of ``content`` to ``side`` on condition of ``version`` (WedSync) or ``etag`` (Outlook).

    ``title`` is the subject with ``prefix``. ``source`` is the other side's content, and ``settles`` are the fields
    whose base becomes what the write returns: ``core.settle.settled`` uses both. ``replaces`` is the content that the
    side has had until now: what is overwritten of it stays in the history. ``because`` names the rule of each field
    that has another than ``rule``.
    """

    side: Side
    rule: Rule
    fields: frozenset[Field]
    content: CalendarEvent
    title: str
    source: CalendarEvent
    settles: frozenset[Field]
    replaces: CalendarEvent | None = None
    prefix: str = ""
    version: int = 0
    etag: str = ""
    because: Mapping[Field, Rule] = field(default_factory=dict)

    def only(self, which: Field) -> "Update":
        """Return the part of the update that writes one of its fields."""
        return replace(self, fields=frozenset({which}), settles=(self.settles - self.fields) | {which})

    def fields_by_rule(self) -> Mapping[Rule, frozenset[Field]]:
        """Return the fields under the rule that decided each."""
        found: dict[Rule, frozenset[Field]] = {}
        for which in self.fields:
            rule = self.because.get(which, self.rule)
            found[rule] = found.get(rule, NO_FIELDS) | {which}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete the event on ``side``, on condition of ``version`` or ``etag``, once the guard lets it pass.

    ``asked``: the user wanted it (a type switched off), so the guard does not count it. ``before`` is what the side
    held, for the history: None means its base. ``hides``: the other side's event left its calendar and is still there,
    so the mapping stays, hidden.
    """

    side: Side
    rule: Rule
    version: int = 0
    etag: str = ""
    asked: bool = False
    before: CalendarEvent | None = None
    hides: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """This event belongs to the mapping named, or (``mapping_id`` None) a new mapping joins the two events."""

    side: Side
    rule: Rule
    mapping_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Nothing is left on either side: the mapping's work is done."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlink:
    """The pair is taken out of the sync and stays out; ``side`` is where the event is missing."""

    side: Side
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Hide:
    """Outlook-born, deleted in WedSync: stays in Outlook and is not imported again."""

    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConflict:
    """A person has to choose; ``core.conflicts.conflict_of`` makes the row. ``which`` None: the event as such.

    ``use``: a rule of the user's has chosen already. The row keeps what is about to be overwritten; nobody is asked.
    ``elsewhere``: Outlook's event is absent because it is in another calendar.
    """

    rule: Rule
    which: Field | None
    wedsync: CalendarEvent | None
    outlook: CalendarEvent | None
    base_w: CalendarEvent | None
    base_o: CalendarEvent | None
    absent: Side | None = None
    wedsync_at: datetime | None = None
    outlook_at: datetime | None = None
    use: Side | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Close these conflicts: what was chosen in them is on both sides now."""

    conflict_ids: tuple[str, ...]
    rule: Rule = Rule.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersede:
    """Close these open conflicts: the values that they offer are not in play any more."""

    conflict_ids: tuple[str, ...]
    rule: Rule = Rule.SUPERSEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """``side`` changed these fields, or (no fields) deleted the event, and may not carry it over: note it."""

    side: Side
    fields: frozenset[Field] = NO_FIELDS
    rule: Rule = Rule.DRIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree:
    """Both sides have the same values of these fields; only the bases move (in ``Decision.mapping``)."""

    fields: frozenset[Field]
    rule: Rule = Rule.AGREED


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Do nothing yet: settle the intent first, or read ``side`` and decide again.

    ``whereabouts``: an Outlook event may be in another calendar by now, so that is asked as well.
    """

    rule: Rule
    side: Side | None = None
    whereabouts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Nothing to do, and why."""

    rule: Rule


Action = (
    Create
    | Update
    | Delete
    | Link
    | End
    | Unlink
    | Hide
    | OpenConflict
    | Apply
    | Supersede
    | Drift
    | Agree
    | Hold
    | Skip
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Actions in the order in which they have to be carried out; the first that fails ends it.

    ``mapping`` is the mapping as it is to be saved once all of them are done; every write is entered into it by
    ``core.settle`` first. When a write failed, it is not saved at all: its versions say that everything seen is
    accounted for. It equals the mapping that was given where nothing needs saving.
    """

    actions: tuple[Action, ...]
    mapping: EventMapping

    @property
    def rule(self) -> Rule:
        """The rule to name when asked why: the first action's."""
        return self.actions[0].rule
