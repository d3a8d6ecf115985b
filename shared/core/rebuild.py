"""Find out again which of Outlook's events are copies of which of WedSync's, when the mappings are lost.

A mapping's id follows from the event's id, or from its ``externalId`` if it came from Outlook, and the
``transactionId`` of a copy from the mapping's id: nothing but the two calendars is needed. A user's copy of our copy
bears the marker but not the ``transactionId``, and is not ours.
"""

import re
from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING

from shared.core.actions import Agree, Policy, Skip
from shared.core.canon import has_prefix
from shared.core.decide import decide
from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.integration import Integration, Preferences
from shared.core.mapping import (
    MOST_GENERATIONS,
    EventMapping,
    Role,
    mapping_id_of,
    mapping_id_of_import,
    transaction_id,
    transaction_seed,
)
from shared.core.pair import NOTE_PREFIX_REMOVED
from shared.core.states import MappingState
from shared.core.travel import travel_block
from shared.core.views import Present

if TYPE_CHECKING:
    from hashlib import _Hash

_MOST_EPOCHS = 20
"""So many connections back a copy that was left in Outlook is known again."""

_BEGIN = 4
"""Bytes of an id that are compared before it is made: UUIDv5 changes none of them."""

_OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""UUIDv5 as ours are written (RFC 9562). Programs give random ones, of version 4, or no UUIDs at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A copy in Outlook, and whose it is: made by the ``generation``-th create of that mapping."""

    event: WedSyncState
    copy: OutlookState
    role: Role
    epoch: int
    mapping_id: str
    generation: int

    @property
    def born(self) -> Side:
        """Where the event comes from. Outlook's own has a copy only where it was made again by a person's word."""
        return Side.OUTLOOK if self.event.external_id else Side.WEDSYNC


def made_by_program(state: OutlookState) -> bool:
    """Whether a program made the event: Outlook itself gives no ``transactionId``, or one that begins like this.

    An occurrence has that of its series, and we make no series.
    """
    given = None if state.series_id else state.transaction_id
    return given is not None and not given.startswith("localevent:")


def tracing(
    events: Iterable[WedSyncState], copies: Iterable[OutlookState], *, integration_id: str, epoch: int
) -> Generator[None, None, tuple[Traced, ...]]:
    """Find the copies that are of these events, made by this connection or by one before it, in many small steps.

    Of several copies of one event the last that was made counts; the others were brought back by their owner. Where one
    program-made event is of none of these, everything that could have made it is gone through: hence the steps.
    """
    known = (copy for copy in copies if made_by_program(copy) and not copy.cancelled)
    wanted = {name: copy for copy in known if _OURS.fullmatch(name := str(copy.transaction_id))}
    begins = {bytes.fromhex(name[: 2 * _BEGIN]) for name in wanted}
    present = [event for event in events if not event.deleted]
    epochs = range(epoch, max(epoch - _MOST_EPOCHS, 0), -1)
    makers: dict[int, list[_Maker]] = {}
    found: dict[tuple[str, Role], Traced] = {}
    for generation, made_in in product(range(1, MOST_GENERATIONS + 1), epochs):
        if not wanted:
            break
        if made_in not in makers:
            makers[made_in] = [maker for event in present for maker in _makers(event, integration_id, made_in)]
        for maker in _candidates(makers[made_in], generation, begins):
            copy = wanted.pop(transaction_id(maker.mapping_id, generation), None)
            earlier = found.get((maker.event.event_id, maker.role))
            if copy and (earlier is None or made_in >= earlier.epoch):
                found[maker.event.event_id, maker.role] = Traced(
                    event=maker.event,
                    copy=copy,
                    role=maker.role,
                    mapping_id=maker.mapping_id,
                    epoch=made_in,
                    generation=generation,
                )
        yield
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Maker:
    """A mapping that an event had, or would have had; ``seed`` is what the ids of its creates have in common."""

    event: WedSyncState
    role: Role
    mapping_id: str
    seed: "_Hash"


def _candidates(makers: Iterable[_Maker], generation: int, begins: Collection[bytes]) -> Iterator[_Maker]:
    """Yield whose create of this generation has a ``transactionId`` that begins like a wanted one: millions are asked.

    Making the whole id of each would take six times as long.
    """
    digits = str(generation).encode()
    for maker in makers:
        seed = maker.seed.copy()
        seed.update(digits)
        if seed.digest()[:_BEGIN] in begins:
            yield maker


def _makers(event: WedSyncState, integration_id: str, epoch: int) -> list[_Maker]:
    """Return the mappings that an event may have: of one that came from Outlook, the one under that name."""
    if event.external_id:
        names = [(mapping_id_of_import(integration_id, epoch=epoch, external_id=event.external_id), Role.EVENT)]
    elif event.source is Side.OUTLOOK:
        names = []
    else:
        names = [
            (mapping_id_of(integration_id, epoch=epoch, wedsync_id=event.event_id, role=role), role) for role in Role
        ]
    return [
        _Maker(event=event, role=role, mapping_id=mapping_id, seed=transaction_seed(mapping_id))
        for mapping_id, role in names
    ]


def rebuilt(traced: Traced, integration: Integration, *, at: datetime) -> EventMapping:
    """Return the mapping of a copy that was traced. It has no bases: what differs is for a person to choose."""
    preferences, copy = integration.preferences, traced.copy
    prefix = _found_prefix(traced, preferences)
    removed = not prefix and bool(preferences.event_prefix) and traced.born is Side.WEDSYNC
    return EventMapping(
        mapping_id=traced.mapping_id,
        integration_id=integration.integration_id,
        epoch=integration.epoch,
        born=traced.born,
        state=MappingState.LINKED,
        calendar_id=integration.calendar_id,
        role=traced.role,
        wedsync_id=traced.event.event_id,
        outlook_id=copy.event_id,
        event_type=traced.event.event_type,
        generation=traced.generation,
        prefix=prefix,
        w_version=traced.event.version,
        o_etag=copy.etag,
        o_changed_at=copy.changed_at,
        is_organizer=copy.is_organizer,
        notes=(NOTE_PREFIX_REMOVED,) if removed else (),
        created_at=at,
    )


def agreed(mapping: EventMapping, *, wedsync: WedSyncState, outlook: OutlookState, policy: Policy) -> EventMapping:
    """Return a mapping without bases as it is once its events were compared, if nothing but that is to be done."""
    views = Present(wedsync), Present(outlook)
    decision = decide(mapping, wedsync=views[0], outlook=views[1], policy=policy, conflicts=())
    quiet = all(isinstance(action, Agree | Skip) for action in decision.actions)
    return decision.mapping if quiet else mapping


def _found_prefix(traced: Traced, preferences: Preferences) -> str:
    """Return the prefix that the copy bears: the present one, or the one that every connection begins with.

    Whatever else stands before the title may be its owner's edit, so that a person has to choose. A block's subject is
    nobody's but ours: there it is an earlier prefix. No prefix goes on an event that came from Outlook.
    """
    if traced.born is Side.OUTLOOK:
        return ""
    subject = traced.copy.content.title
    if traced.role is Role.TRAVEL:
        block = travel_block(traced.event, preferences)
        return subject.removesuffix(block.title) if block and subject.endswith(block.title) else ""
    known = (preferences.event_prefix, Preferences().event_prefix)
    return next((prefix for prefix in known if prefix and has_prefix(subject, prefix)), "")
