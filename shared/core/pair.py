"""Everything that is known of one pair of events while it is judged, in one value."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from shared.core.actions import TOWARD, Action, Decision, OpenConflict, Policy, Rule, Skip, Supersede, Update
from shared.core.canon import with_prefix
from shared.core.event import CalendarEvent, Field, OutlookState, Side, WedSyncState
from shared.core.history import Conflict
from shared.core.integration import Direction
from shared.core.mapping import EventMapping, Role
from shared.core.merge import advance, taken_over
from shared.core.views import (
    UNSEEN,
    Gone,
    Present,
    Unseen,
    View,
    changed_at,
    content_of,
    holding,
    is_masked,
    lost_prefix,
    refreshed,
    settle_view,
)

NOTE_PREFIX_REMOVED = "prefix_removed"
"""In ``EventMapping.notes``: the user took our prefix off, so none is put back."""

NOTE_TYPE_OFF = "type_off"
"""In ``EventMapping.notes`` of an unlinked mapping: not an opt-out; the event returns with its type."""


NOTE_FORCED = "forced"
"""In ``EventMapping.notes``: the user wanted this event in Outlook although its type is not synced."""

NOTE_MEETING = "meeting"
"""In ``EventMapping.notes``: a person made it as a meeting, here. It is theirs, and no copy of ours, whoever is still
invited to it: it stays where it is."""


def stays_put(mapping: EventMapping) -> bool:
    """Whether its Outlook event is a meeting, as far as is known: there are guests, or were when it was made here."""
    return NOTE_MEETING in mapping.notes or bool(mapping.base_o and mapping.base_o.attendees)


def worn_prefix(mapping: EventMapping, preferred: str) -> str:
    """Return the prefix of a copy's subject: none on Outlook's own events, none where the user removed it."""
    if mapping.born is Side.OUTLOOK or NOTE_PREFIX_REMOVED in mapping.notes:
        return ""
    return preferred


def note_gone(side: Side) -> str:
    """Return the note that a side deleted the event and was not allowed to carry that over."""
    return f"gone:{side}"


def note_held(side: Side) -> str:
    """Return the note that the event's deletion on a side waits for a person's word, or lapsed without one."""
    return f"deletion_held:{side}"


def is_deletion_held(mapping: EventMapping) -> bool:
    """Whether the event is missing on one side and its deletion on the other waits for a person's word."""
    return any(note_held(side) in mapping.notes for side in Side)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A mapping with what was seen of both sides. ``views`` are settled: no replays, cancelled is gone.

    ``assumed`` are sides that were not read and are taken to be still gone.
    """

    mapping: EventMapping
    wedsync: View
    outlook: View
    policy: Policy
    conflicts: tuple[Conflict, ...]
    replayed: bool
    assumed: frozenset[Side] = frozenset()

    @classmethod
    def of(
        cls, mapping: EventMapping, *, wedsync: View, outlook: View, policy: Policy, conflicts: Sequence[Conflict]
    ) -> "Pair":
        """Bring views, mask and prefix up to date with what was read."""
        open_now = holding(conflicts)
        seen = {Side.WEDSYNC: settle_view(mapping, wedsync), Side.OUTLOOK: settle_view(mapping, outlook)}
        missing = {conflict.absent for conflict in open_now if conflict.field is None}
        gone = {side for side in Side if side in missing or note_gone(side) in mapping.notes}
        assumed = frozenset(side for side in gone if seen[side] == UNSEEN)
        seen |= dict.fromkeys(assumed, Gone(proved=True))
        given = (wedsync, outlook)
        return cls(
            mapping=_as_seen(mapping, seen[Side.WEDSYNC], seen[Side.OUTLOOK], policy),
            wedsync=seen[Side.WEDSYNC],
            outlook=seen[Side.OUTLOOK],
            policy=policy,
            conflicts=open_now,
            assumed=assumed,
            replayed=any(isinstance(view, Present) for view in given) and all(_absent(seen[side]) for side in Side),
        )

    def view(self, side: Side) -> View:
        """Return the view of a side."""
        return self.wedsync if side is Side.WEDSYNC else self.outlook

    def content(self, side: Side) -> CalendarEvent | None:
        """Return a side's content, read or last seen."""
        return content_of(self.mapping, side, self.view(side), self.conflicts)

    @cached_property
    def toward(self) -> frozenset[Side]:
        """The sides that a change may be carried to, as long as nobody narrows the run."""
        toward = TOWARD[self.policy.direction]
        if not self.mapping.is_organizer:  # fact C23: others' meetings are theirs
            toward &= TOWARD[Direction.FROM_OUTLOOK]
        if self.mapping.role is Role.TRAVEL:
            toward &= TOWARD[Direction.TO_OUTLOOK]
        return toward

    @property
    def run_toward(self) -> frozenset[Side]:
        """The sides that this run may write to."""
        return TOWARD[self.policy.run_direction]

    @property
    def is_meeting(self) -> bool:
        """Whether writing to the Outlook event would mail somebody, by what is known of it."""
        content = self.content(Side.OUTLOOK)
        return content is not None and bool(content.attendees)

    @property
    def type_off(self) -> bool:
        """Whether the event comes from WedSync and its type is not synced."""
        state = self.wedsync.state if isinstance(self.wedsync, Present) else None
        event_type = state.event_type if isinstance(state, WedSyncState) else self.mapping.event_type
        exempt = self.mapping.born is not Side.WEDSYNC or NOTE_FORCED in self.mapping.notes
        return not exempt and not self.policy.preferences.includes(event_type)

    @property
    def w_version(self) -> int:
        """The version that a write to WedSync is conditional on."""
        return refreshed(self.mapping, self.wedsync).w_version

    @property
    def o_etag(self) -> str:
        """The etag that a write to Outlook is conditional on."""
        return refreshed(self.mapping, self.outlook).o_etag

    def seen_mapping(self, *sides: Side) -> EventMapping:
        """Return the mapping with the versions of these sides as seen, and notes of absence that are over removed.

        The guests come along with Outlook's version: whoever writes on condition of ``o_etag`` reads in ``base_o``
        whom that would mail.
        """
        mapping = self.mapping
        for side in sides:
            mapping = refreshed(mapping, self.view(side))
        outlook = self.content(Side.OUTLOOK)
        if Side.OUTLOOK in sides and mapping.base_o is not None and outlook is not None:
            mapping = replace(mapping, base_o=advance(mapping.base_o, outlook, {Field.ATTENDEES}))
        there = [side for side in Side if isinstance(self.view(side), Present)]
        back = {note_gone(side) for side in there} | {note_held(side.other) for side in there}
        return replace(mapping, notes=tuple(note for note in mapping.notes if note not in back))

    def opening(self, rule: Rule, which: Field | None = None, absent: Side | None = None) -> OpenConflict:
        """Return the conflict about one field, or about the event that ``absent`` lacks."""
        return OpenConflict(
            rule=rule,
            which=which,
            wedsync=None if absent is Side.WEDSYNC else self.content(Side.WEDSYNC),
            outlook=None if absent is Side.OUTLOOK else self.content(Side.OUTLOOK),
            base_w=self.mapping.base_w,
            base_o=self.mapping.base_o,
            absent=absent,
            wedsync_at=changed_at(self.wedsync),
            outlook_at=changed_at(self.outlook),
            elsewhere=absent is Side.OUTLOOK and isinstance(self.outlook, Gone) and self.outlook.left_calendar,
        )

    @property
    def contents(self) -> tuple[CalendarEvent, CalendarEvent]:
        """WedSync's and Outlook's content; ``ValueError`` unless both are known."""
        wedsync, outlook = self.content(Side.WEDSYNC), self.content(Side.OUTLOOK)
        if wedsync is None or outlook is None:
            raise ValueError("what both sides were read for is carried by a person's word")
        return wedsync, outlook

    def taking_over(self, fields: frozenset[Field], rule: Rule) -> Update:
        """Return the write that brings these fields of Outlook's event to WedSync."""
        wedsync, outlook = self.contents
        content = taken_over(wedsync=wedsync, outlook=outlook, fields=fields)
        return Update(
            side=Side.WEDSYNC,
            rule=rule,
            fields=fields,
            content=content,
            title=content.title,
            source=outlook,
            settles=fields,
            version=self.w_version,
            replaces=wedsync,
        )

    def superseding(self, conflicts: Sequence[Conflict]) -> tuple[Supersede, ...]:
        """Return the action that closes these conflicts, if there are any."""
        ids = tuple(conflict.conflict_id for conflict in conflicts)
        return (Supersede(conflict_ids=ids),) if ids else ()


def decision(mapping: EventMapping, *actions: Action) -> Decision:
    """Return the decision of these actions."""
    return Decision(actions=actions, mapping=mapping)


def skip(mapping: EventMapping, rule: Rule) -> Decision:
    """Return the decision to leave everything as it is."""
    return decision(mapping, Skip(rule=rule))


def _absent(view: View) -> bool:
    return isinstance(view, Unseen)


def _titles(mapping: EventMapping, wedsync: View) -> tuple[str, ...]:
    """Return the titles that the copy may have from us: as last agreed, and as it is in WedSync now."""
    now = wedsync.state.content if isinstance(wedsync, Present) else None
    return tuple(content.title for content in (mapping.base_w, mapping.base_o, now) if content is not None)


def _as_seen(mapping: EventMapping, wedsync: View, outlook: View, policy: Policy) -> EventMapping:
    if not isinstance(outlook, Present) or not isinstance(outlook.state, OutlookState):
        return mapping
    worn = worn_prefix(mapping, policy.preferences.event_prefix)
    if any(outlook.state.content.title == with_prefix(title, worn) for title in _titles(mapping, wedsync)):
        mapping = replace(mapping, prefix=worn)  # maybe written by us just before a crash, so that nobody noted it
    if lost_prefix(mapping, outlook.state):
        notes = tuple(dict.fromkeys((*mapping.notes, NOTE_PREFIX_REMOVED)))
        mapping = replace(mapping, prefix="", notes=notes)
    masked = is_masked(mapping, outlook.state, policy.preferences)
    return replace(mapping, masked=masked, is_organizer=outlook.state.is_organizer)
