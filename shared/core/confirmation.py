"""The deletions of one integration: what was carried out lately, what is held, and what was answered about it.

Pure. All of it is one value, the ``DeletionLedger``, so that one conditional write counts a deletion or holds it,
whichever lane and whichever process it comes from.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.core.event import Side
from shared.core.guard import GUARD_PERIOD, HALF_FROM, Deletion, deletion_key, weigh
from shared.core.mapping import EventMapping, Role
from shared.core.pair import note_held
from shared.core.states import CONFIRMATION_MOVES, ConfirmationState, MappingState, move

OPEN_FOR = timedelta(days=7)
"""After so long without an answer a ``Confirmation`` lapses: what it held is not confirmed."""

_CARRIED_OUT_WITHIN = timedelta(hours=1)
"""A rejected deletion whose run has not come by then is asked about again."""

_REMEMBERED = 50
"""How many earlier ids of a question are known as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDeletion:
    """A deletion that waits for a person's word. ``side`` is where the event would be deleted, and still is.

    ``event_id`` is what the frontend knows it by; ``key`` is what the guard counts. What the event is called stands
    in its mapping alone.
    """

    mapping_id: str
    side: Side
    key: str
    event_id: str
    held_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The question whether these deletions are meant. It names each one: only what was asked about is confirmed.

    When more are held, the question gets another id, so that nobody confirms what they never saw; ``earlier`` are the
    ids that it had before.
    """

    confirmation_id: str
    integration_id: str
    state: ConfirmationState
    opened_at: datetime
    expires_at: datetime
    reason: str
    held: tuple[HeldDeletion, ...]
    closed_at: datetime | None = None
    earlier: tuple[str, ...] = ()

    def ended(self, state: ConfirmationState, *, at: datetime) -> "Confirmation":
        """Return it as answered or lapsed."""
        return replace(self, state=move(CONFIRMATION_MOVES, self.state, state), closed_at=at)

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides on which events would be deleted."""
        return tuple(side for side in Side if any(each.side is side for each in self.held))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The open confirmation as a person is asked it; ``titles`` are by mapping id."""

    confirmation: Confirmation
    titles: Mapping[str, str]

    @classmethod
    def about(cls, confirmation: Confirmation, mappings: Iterable[EventMapping]) -> "Question":
        """Take the titles of the held events from their mappings."""
        held = {each.mapping_id for each in confirmation.held}
        contents = {each.mapping_id: each.base_w or each.base_o for each in mappings if each.mapping_id in held}
        return cls(confirmation=confirmation, titles={key: event.title for key, event in contents.items() if event})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionLedger:
    """What is known of an integration's deletions.

    ``wedsync`` and ``outlook`` are those carried out there in the guard's period; ``answered`` are confirmations whose
    run has not ended yet. ``mapped`` is how many events there were when they were last counted, at ``mapped_at``.
    """

    integration_id: str
    wedsync: tuple[Deletion, ...] = ()
    outlook: tuple[Deletion, ...] = ()
    open: Confirmation | None = None
    answered: tuple[Confirmation, ...] = field(default=())
    mapped: int = 0
    mapped_at: datetime | None = None

    def of(self, side: Side) -> tuple[Deletion, ...]:
        """Return what was carried out on a side."""
        return self.wedsync if side is Side.WEDSYNC else self.outlook

    def asked(self, mapping_id: str) -> bool:
        """Whether the open confirmation names the mapping."""
        return self.open is not None and any(each.mapping_id == mapping_id for each in self.open.held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A deletion that was decided on and that nobody asked for."""

    mapping: EventMapping
    side: Side

    @property
    def key(self) -> str:
        """What the guard counts."""
        return deletion_key(self.mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The ledger after weighing, the mappings whose deletion is held, and the confirmation that has lapsed."""

    ledger: DeletionLedger
    held: frozenset[str]
    lapsed: Confirmation | None = None


def mapped_keys(mappings: Iterable[EventMapping]) -> frozenset[str]:
    """Return the events that are synced, as the guard counts them: a series once, and no travel blocks."""
    linked = (mapping for mapping in mappings if mapping.state is MappingState.LINKED)
    return frozenset(deletion_key(mapping) for mapping in linked if mapping.role is Role.EVENT)


def has_to_count(ledger: DeletionLedger, wanted: Sequence[Wanted], *, now: datetime) -> bool:
    """Whether the answer depends on how many events there are, and that is not known."""
    if ledger.mapped_at is not None and now - ledger.mapped_at < GUARD_PERIOD:
        return False
    fresh = [each for each in wanted if _answer(ledger, each, now) is None]
    return any(
        len({*_lately(ledger, side, now), *(each.key for each in fresh if each.side is side)}) >= HALF_FROM
        for side in {each.side for each in fresh}
    )


def counted(ledger: DeletionLedger, mapped: Collection[str], *, now: datetime) -> DeletionLedger:
    """Return the ledger with the number of events that were mapped before the deletions of the period."""
    gone = {each.key for side in Side for each in ledger.of(side) if now - each.at < GUARD_PERIOD}
    return replace(ledger, mapped=len(gone.union(mapped)), mapped_at=now)


def weighed(
    ledger: DeletionLedger,
    wanted: Sequence[Wanted],
    *,
    now: datetime,
    empty_sides: Collection[Side] = (),
    new_id: Callable[[], str],
) -> Weighed:
    """Weigh what is wanted together with what was done lately; enter each into the ledger as done or as held.

    What has its answer keeps it: held is held until a person answers, allowed is allowed for as long as it counts.
    ``empty_sides`` were read to the end and show not one of the mapped events.
    """
    lapsed = ledger.open if ledger.open is not None and ledger.open.expires_at <= now else None
    after = replace(ledger, open=None) if lapsed else ledger
    held: set[str] = set()
    for side in Side:
        mine = [each for each in wanted if each.side is side]
        held |= {each.mapping.mapping_id for each in mine if _answer(after, each, now) is False}
        fresh = [each for each in mine if _answer(after, each, now) is None]
        after, more = _weigh_fresh(after, side, fresh, now=now, empty=side.other in empty_sides, new_id=new_id)
        held |= more
    closed = lapsed.ended(ConfirmationState.LAPSED, at=now) if lapsed else None
    return Weighed(ledger=after, held=frozenset(held), lapsed=closed)


def withdrawn(ledger: DeletionLedger, mapping_ids: Collection[str]) -> DeletionLedger:
    """Return the ledger without these: their events are back, or somebody has decided about them."""
    if ledger.open is None:
        return ledger
    held = tuple(each for each in ledger.open.held if each.mapping_id not in mapping_ids)
    return replace(ledger, open=replace(ledger.open, held=held) if held else None)


def answered(ledger: DeletionLedger, *, accept: bool, now: datetime) -> DeletionLedger:
    """Return the ledger after the open question was answered; what was answered waits for its run."""
    if ledger.open is None:
        raise ValueError("there is no open question")
    state = ConfirmationState.ACCEPTED if accept else ConfirmationState.REJECTED
    return replace(ledger, open=None, answered=(*ledger.answered, ledger.open.ended(state, at=now)))


def finished(ledger: DeletionLedger, confirmation_id: str) -> DeletionLedger:
    """Return the ledger after the run of an answer has ended: what it could not do is asked about anew."""
    left = tuple(each for each in ledger.answered if each.confirmation_id != confirmation_id)
    return replace(ledger, answered=left)


def waiting(ledger: DeletionLedger, *, now: datetime) -> Confirmation | None:
    """Return the question that is open, unless it has lapsed."""
    return ledger.open if ledger.open is not None and now < ledger.open.expires_at else None


def _answer(ledger: DeletionLedger, wanted: Wanted, now: datetime) -> bool | None:
    """Return whether the deletion is allowed, by what the ledger says of it already; None if nothing."""
    mapping_id = wanted.mapping.mapping_id
    for answer in reversed(ledger.answered):
        if any(each.mapping_id == mapping_id and each.side is wanted.side for each in answer.held):
            if answer.state is ConfirmationState.ACCEPTED:
                return True
            if answer.closed_at is not None and now - answer.closed_at < _CARRIED_OUT_WITHIN:
                return False
    if waiting(ledger, now=now) is not None and ledger.asked(mapping_id):
        return False
    if note_held(wanted.side) in wanted.mapping.notes:  # asked about before, and never confirmed
        return None
    lately = (each.key for each in ledger.of(wanted.side) if now - each.at < GUARD_PERIOD)
    return True if wanted.key in lately else None


def _lately(ledger: DeletionLedger, side: Side, now: datetime) -> dict[str, Deletion]:
    """Return what was wanted on a side in the guard's period, carried out or held: both make the flood."""
    held = () if ledger.open is None else ledger.open.held
    done = (*ledger.of(side), *(Deletion(key=each.key, at=each.held_at) for each in held if each.side is side))
    return {each.key: each for each in done if now - each.at < GUARD_PERIOD}


def _weigh_fresh(
    ledger: DeletionLedger,
    side: Side,
    fresh: Sequence[Wanted],
    *,
    now: datetime,
    empty: bool,
    new_id: Callable[[], str],
) -> tuple[DeletionLedger, set[str]]:
    if not fresh:
        return ledger, set()
    keys = list(dict.fromkeys(each.key for each in fresh))
    lately = _lately(ledger, side, now)
    others = ledger.mapped - len(lately.keys() - set(keys))
    verdict = weigh(keys, recent=tuple(lately.values()), now=now, mapped=others, source_empty=empty)
    again = [each for each in fresh if note_held(side) in each.mapping.notes]
    waits = fresh if verdict.held else again
    passing = {each.key: Deletion(key=each.key, at=now) for each in fresh if each not in waits}
    done = {each.key: each for each in ledger.of(side) if now - each.at < GUARD_PERIOD}
    entered = tuple((passing | done).values())
    ledger = replace(ledger, wedsync=entered) if side is Side.WEDSYNC else replace(ledger, outlook=entered)
    if waits:
        reason = verdict.reason or "These deletions were held before, and nobody has confirmed them."
        ledger = replace(ledger, open=_opened(ledger, waits, reason=reason, now=now, new_id=new_id))
    return ledger, {each.mapping.mapping_id for each in waits}


def _opened(
    ledger: DeletionLedger, waits: Sequence[Wanted], *, reason: str, now: datetime, new_id: Callable[[], str]
) -> Confirmation:
    entries = tuple(_entry(each, now) for each in waits)
    if ledger.open is not None:
        return replace(
            ledger.open,
            confirmation_id=new_id(),
            earlier=(*ledger.open.earlier, ledger.open.confirmation_id)[-_REMEMBERED:],
            expires_at=now + OPEN_FOR,
            held=(*ledger.open.held, *entries),
            reason=reason,
        )
    return Confirmation(
        confirmation_id=new_id(),
        integration_id=ledger.integration_id,
        state=ConfirmationState.OPEN,
        opened_at=now,
        expires_at=now + OPEN_FOR,
        reason=reason,
        held=entries,
    )


def _entry(wanted: Wanted, now: datetime) -> HeldDeletion:
    mapping = wanted.mapping
    return HeldDeletion(
        mapping_id=mapping.mapping_id,
        side=wanted.side,
        key=wanted.key,
        event_id=mapping.wedsync_id or mapping.mapping_id,
        held_at=now,
    )
