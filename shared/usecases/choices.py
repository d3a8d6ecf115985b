"""Choices in conflicts as they come in, and what may be said against them before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.canon import canonical
from shared.core.conflicts import CUSTOM
from shared.core.event import AllDay, Attendee, CalendarEvent, EventTime, Field, Place, Side, Timed
from shared.core.history import Conflict
from shared.core.integration import GuestUpdates, Preferences
from shared.core.mapping import EventMapping
from shared.core.rules import RULED_FIELDS
from shared.errors import NotFound, StateConflict, Unprocessable

EVENT = "event"
"""The wire's name for the field of a conflict about the event as such."""

CustomValue = str | Place | EventTime


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One field's choice: ``use`` is ``wedsync``, ``outlook`` or ``custom``."""

    field: str
    use: str
    custom: CustomValue | None = None
    conflict_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """A choice with the conflict that it answers."""

    choice: Choice
    conflict: Conflict


class ConflictSuperseded(StateConflict):
    """What was chosen from is not there any more; ``conflict`` is what there is to choose from now, if anything."""

    def __init__(self, conflict: Conflict | None = None) -> None:
        super().__init__("conflict_superseded", "A side has changed since; look at the new values.")
        self.conflict = conflict


class GuestsWouldBeMailed(StateConflict):
    """Graph mails all guests when a meeting is written to, which takes the user's word."""

    def __init__(self, guests: int, advice: str = "send mailGuests true if that is what you want.") -> None:
        people = "1 guest" if guests == 1 else f"{guests} guests"
        super().__init__("guests_would_be_mailed", f"Outlook would mail {people}; {advice}")
        self.guests = guests


class GuestsStay(GuestsWouldBeMailed):
    """The same where no word can make it happen."""

    def __init__(self, guests: int) -> None:
        super().__init__(guests, "a forced sync never does that. Change the meeting in Outlook, or resolve it.")


def name_of(conflict: Conflict) -> str:
    """Return the wire's name for what the conflict is about."""
    return conflict.field.value if conflict.field else EVENT


def match(choices: Sequence[Choice], conflicts: Sequence[Conflict]) -> list[Matched]:
    """Return each choice with its conflict; ``NotFound``, or ``ConflictSuperseded`` where another one was meant."""
    by_name = {name_of(conflict): conflict for conflict in conflicts}
    found = []
    for choice in choices:
        conflict = by_name.get(choice.field)
        if choice.conflict_id and (conflict is None or conflict.conflict_id != choice.conflict_id):
            if any(each.conflict_id == choice.conflict_id for each in conflicts):
                raise Unprocessable("wrong_conflict", f"conflictId is not that of the conflict in {choice.field!r}.")
            if conflict is not None or EVENT in by_name:
                raise ConflictSuperseded(conflict or by_name[EVENT])
        if conflict is None:
            raise NotFound("conflict_not_found", f"There is no open conflict in {choice.field!r}.")
        found.append(Matched(choice=choice, conflict=conflict))
    return found


def check(matched: Sequence[Matched], mapping: EventMapping, *, set_as_default: bool) -> None:
    """Raise ``Unprocessable`` for what cannot be chosen."""
    for each in matched:
        if each.choice.use == CUSTOM:
            _check_custom(each)
        if each.conflict.field is Field.ATTENDEES and each.choice.use != Side.OUTLOOK:
            raise Unprocessable("attendees_are_read_only", "A sync never writes guests; choose outlook.")
        if set_as_default:
            _check_default(each, mapping)


_CUSTOM_KINDS: dict[Field, tuple[type, ...]] = {
    Field.TITLE: (str,),
    Field.DESCRIPTION: (str,),
    Field.LOCATION: (Place,),
    Field.TIME: (Timed, AllDay),
}


def _check_custom(each: Matched) -> None:
    which = each.conflict.field
    if which is None:
        raise Unprocessable("no_custom_value", "A deletion is carried out or taken back; there is no third way.")
    if which is not Field.ATTENDEES and which not in _CUSTOM_KINDS:
        raise Unprocessable("no_custom_value", f"There is no custom value for {which.value}.")
    if which in _CUSTOM_KINDS and not isinstance(each.choice.custom, _CUSTOM_KINDS[which]):
        raise Unprocessable("custom_value", f"customValue is not what {which.value} takes.")


def _check_default(each: Matched, mapping: EventMapping) -> None:
    if each.choice.use == CUSTOM:
        raise Unprocessable("no_rule", "A value of your own cannot be a rule; choose a side.")
    if each.conflict.field not in RULED_FIELDS:
        raise Unprocessable("no_rule", f"No rule can decide {name_of(each.conflict)!r}.")
    if mapping.masked:
        raise Unprocessable("no_rule", "No rule can be made of an event that is private in Outlook.")
    if each.choice.use == Side.WEDSYNC and guests_of(mapping, each.conflict):
        raise Unprocessable("no_rule", "No rule can decide that guests are mailed.")


def guests_of(mapping: EventMapping, conflict: Conflict) -> tuple[Attendee, ...]:
    """Return the people on the Outlook event as it was last seen."""
    known = mapping.base_o or conflict.outlook
    return known.attendees if known else ()


def mails(each: Matched) -> bool:
    """Whether carrying the choice out writes to the Outlook event that is there, or deletes it."""
    return each.choice.use != Side.OUTLOOK and each.conflict.absent is not Side.OUTLOOK


def consent(
    matched: Sequence[Matched], mapping: EventMapping, preferences: Preferences, *, mail_guests: bool
) -> tuple[str, ...]:
    """Return the addresses that may be mailed; ``GuestsWouldBeMailed`` if the user has not said so."""
    guests = {
        person.email or person.name for each in matched if mails(each) for person in guests_of(mapping, each.conflict)
    }
    if guests and not mail_guests and preferences.guest_updates is not GuestUpdates.SEND:
        raise GuestsWouldBeMailed(len(guests))
    return tuple(sorted(guests))


def custom_content(each: Matched, mapping: EventMapping) -> CalendarEvent | None:
    """Return a content whose field has the custom value, in canonical form; None for another choice."""
    which, value = each.conflict.field, each.choice.custom
    present = each.conflict.wedsync or mapping.base_w
    if each.choice.use != CUSTOM or which is None or value is None or present is None:
        return None
    part = {Field.TITLE: "title", Field.DESCRIPTION: "description", Field.LOCATION: "location", Field.TIME: "time"}
    return canonical(replace(present, **{part[which]: value}))  # type: ignore[arg-type]
