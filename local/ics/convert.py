"""The conversion as a whole: a pure function from a file's text to events, refusals and remarks."""

from local.ics.content import content_of, unused_in
from local.ics.outcome import Conversion, Json, Owner, Remark, Taken, Unrepresentable
from local.ics.reading import Vevent, read
from local.ics.series import Plan, override, plan
from local.ics.times import Note, times_of


def convert(source: str | bytes, owner: Owner) -> Conversion:
    """Return the Graph events that the file holds, and each VEVENT that it was not possible to take.

    Unreadable when the file does not parse as a whole. Nothing depends on the clock or on the order of UIDs.
    """
    vevents = read(source, home=owner.zone)
    outcome = Conversion(vevents=len(vevents))
    groups: dict[tuple[int, str], list[Vevent]] = {}
    for vevent in vevents:
        groups.setdefault(vevent.group, []).append(vevent)
        outcome.unused += unused_in(vevent)
    for members in groups.values():
        _Group(outcome, owner).take(members)
    for remarks in (outcome.taken, outcome.refusals, outcome.notes):
        remarks.sort(key=_position)
    return outcome


def _position(item: Taken | Remark) -> int:
    return item.position


class _Group:
    """The VEVENTs of one UID: masters are taken first, then edited occurrences are laid over them."""

    def __init__(self, outcome: Conversion, owner: Owner) -> None:
        self._outcome = outcome
        self._owner = owner
        self._plans: list[Plan] = []

    def take(self, members: list[Vevent]) -> None:
        """Take each member or record why not."""
        for vevent in self._latest([item for item in members if "RECURRENCE-ID" not in item.component]):
            try:
                self._plans.append(plan(vevent, self._owner, self._note(vevent)))
            except Unrepresentable as reason:
                self._refuse(vevent, reason)
        for vevent in self._latest([item for item in members if "RECURRENCE-ID" in item.component]):
            try:
                event = self._edit(vevent)
            except Unrepresentable as reason:
                self._refuse(vevent, reason)
            else:
                if event is not None:
                    self._accept(vevent, event)
        for made in self._plans:
            for event in made.events():
                self._accept(made.vevent, event)

    def _edit(self, vevent: Vevent) -> Json | None:
        note = self._note(vevent)
        if self._plans:
            fitting = (made for made in self._plans if made.holds(vevent))
            return override(next(fitting, self._plans[-1]), vevent, self._owner, note)
        note("its series was not taken from this file; taken as a single event")
        times = times_of(vevent, note)
        return content_of(vevent, times, self._owner) | times.graph()

    def _latest(self, vevents: list[Vevent]) -> list[Vevent]:
        """Drop revisions: of VEVENTs for the same occurrence the latest counts."""
        newest: dict[str, tuple[int, bytes]] = {}
        for vevent in vevents:
            key = vevent.occurrence_key()
            newest[key] = max(newest.get(key, (0, b"")), vevent.revision())
        kept = []
        for vevent in vevents:
            if vevent.revision() < newest[vevent.occurrence_key()]:
                self._note(vevent)("superseded by a later revision of the same event")
            else:
                kept.append(vevent)
        return kept

    def _note(self, vevent: Vevent) -> Note:
        def note(reason: str) -> None:
            remark = Remark(position=vevent.position, uid=vevent.uid, reason=reason)
            if remark not in self._outcome.notes:
                self._outcome.notes.append(remark)

        return note

    def _refuse(self, vevent: Vevent, reason: Unrepresentable) -> None:
        self._outcome.refusals.append(Remark(position=vevent.position, uid=vevent.uid, reason=str(reason)))

    def _accept(self, vevent: Vevent, event: Json) -> None:
        self._outcome.taken.append(Taken(position=vevent.position, uid=vevent.uid, event=event))
