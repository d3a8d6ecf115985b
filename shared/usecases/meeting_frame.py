"""What changing and cancelling a meeting have in common: finding it, and saying whom that mails."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from shared.core.event import CalendarEvent, Field, Side, WedSyncState
from shared.core.history import Tally
from shared.core.integration import GuestUpdates, Integration
from shared.core.jobs import EventJob, Glance, UpkeepJob, UpkeepKind
from shared.core.mapping import EventMapping, Role
from shared.core.meeting import MeetingState, cancelled, carried
from shared.core.pair import Pair
from shared.core.states import MappingState
from shared.core.views import Gone, Present, View, Views, outlook_content
from shared.errors import (
    NotFound,
    Rejected,
    RowChanged,
    RowExists,
    StateConflict,
    SyncFault,
    Unprocessable,
    VersionMismatch,
)
from shared.ports import Changes, Conflicts, Integrations, JobQueue, Mappings, Meetings, Outlook, Ports, Stored
from shared.usecases.choices import GuestsWouldBeMailed
from shared.usecases.explain_event import find_mapping
from shared.usecases.look import Look
from shared.usecases.moving import assert_arrived
from shared.usecases.record_jobs import Recording, RecordJobs
from shared.usecases.settle_pair import SettlePair, policy_of

MOVED_ON: tuple[type[SyncFault], ...] = (VersionMismatch, RowChanged, RowExists)
"""Somebody else is at the meeting as well."""

LOOK_AFTER_SECONDS = 60.0
_ROUNDS = 4
_Done = TypeVar("_Done")


class MeetingMails(GuestsWouldBeMailed):
    """Outlook would mail ``addresses``, and the user has not said that this is what they want."""

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__(len(addresses))
        self.addresses = tuple(addresses)


@dataclass(kw_only=True)
class MeetingWork:
    """What the rounds of one call have done so far: a later round finds it done.

    ``mail_guests``: the user agrees that Outlook mails; ``agreed`` are those whom they know of, in lower case. Where
    the user names nobody, these are the ones whom the first round found.
    """

    recording: Recording
    mail_guests: bool = False
    agreed: frozenset[str] | None = None
    mailed: tuple[str, ...] = ()
    fields: frozenset[Field] = frozenset()
    online: bool = False
    removed: bool = False


@dataclass(frozen=True, kw_only=True)
class MeetingFrame:
    """What changing and cancelling have in common."""

    integrations: Integrations
    mappings: Mappings
    meetings: Meetings
    outlook: Outlook
    conflicts: Conflicts
    changes: Changes
    look: Look
    pair: SettlePair
    record: RecordJobs
    jobs: JobQueue

    @classmethod
    def on(cls, ports: Ports, *, pair: SettlePair) -> Self:
        """Return the use case, put together on the ports and what events and runs have in common."""
        return cls(
            integrations=ports.integrations,
            mappings=ports.mappings,
            meetings=ports.meetings,
            outlook=ports.outlook,
            conflicts=ports.conflicts,
            changes=ports.changes,
            look=pair.look,
            pair=pair,
            record=RecordJobs(runs=ports.runs, ids=ports.ids, clock=ports.clock),
            jobs=ports.jobs,
        )

    @staticmethod
    async def in_rounds(
        once: Callable[[], Awaitable[_Done]], *, refusal: str, moved_on: tuple[type[SyncFault], ...] = MOVED_ON
    ) -> _Done:
        """Do it, looking anew at what is there when somebody else is at it as well.

        ``Unprocessable`` with the ``refusal`` where a far end does not take it; ``StateConflict`` where there is no end
        to it.
        """
        for _ in range(_ROUNDS):
            try:
                return await once()
            except moved_on:
                continue
            except Rejected as fault:
                raise Unprocessable("meeting_refused", refusal) from fault
        raise StateConflict("event_busy", "The event keeps changing; try again.")

    def work_of(self, integration: Integration, *, mail_guests: bool, mails: Iterable[str]) -> MeetingWork:
        """Return the work of one call; ``mails`` are those whom the user names as the ones to be mailed, if any."""
        return MeetingWork(
            recording=self.record.of_user(integration), mail_guests=mail_guests, agreed=lower_case(mails) or None
        )

    async def mapping_of(self, integration: Integration, event_id: str, done: MeetingWork) -> Stored[EventMapping]:
        """Return the linked mapping of an event; ``NotFound`` if there is none."""
        stored = await find_mapping(self.mappings, integration, event_id)
        if stored is not None and stored.value.state is MappingState.INTENT:
            stored = await self.pair.settle_intent(integration, stored, done.recording.trace)
        if stored is None or stored.value.state is not MappingState.LINKED or stored.value.outlook_id is None:
            raise NotFound("meeting_not_found", "No synced event has this id.")
        assert_arrived(stored.value)
        if stored.value.role is Role.TRAVEL:
            raise StateConflict("travel_block", "A travel block follows its event, and has no guests.")
        return stored

    async def carry(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        views: Views,
        fields: frozenset[Field],
        done: MeetingWork,
    ) -> Tally:
        """Bring these fields of Outlook's event to WedSync, whatever the direction: a person has said so."""
        mapping = stored.value
        conflicts = await self.conflicts.open_of(integration.integration_id, mapping.mapping_id)
        pair = Pair.of(
            mapping,
            wedsync=views.wedsync,
            outlook=views.outlook,
            policy=policy_of(integration),
            conflicts=conflicts,
        )
        return await self.pair.carry_out(
            integration, stored, carried(pair, fields), views=views, trace=done.recording.trace, conflicts=conflicts
        )

    async def remove_here(
        self, integration: Integration, stored: Stored[EventMapping], here: View, done: MeetingWork
    ) -> Tally:
        """Delete WedSync's event of a meeting that is gone in Outlook; questions about it are over."""
        mapping = stored.value
        state = here.state if isinstance(here, Present) else None
        version = state.version if isinstance(state, WedSyncState) else mapping.w_version
        conflicts = await self.conflicts.open_of(integration.integration_id, mapping.mapping_id)
        return await self.pair.carry_out(
            integration,
            stored,
            cancelled(mapping, version=version, conflict_ids=[row.conflict_id for row in conflicts]),
            views=Views(wedsync=here, outlook=Gone(proved=True)),
            trace=done.recording.trace,
            conflicts=conflicts,
        )

    async def finish_later(self, mapping: EventMapping, kind: UpkeepKind, subject: str) -> None:
        """Have it looked at in a minute whether what is about to be done in Outlook has come to WedSync."""
        job = UpkeepJob(integration_id=mapping.integration_id, kind=kind, subject=subject)
        await self.jobs.put(job, delay_seconds=LOOK_AFTER_SECONDS)

    async def look_later(self, mapping: EventMapping) -> None:
        """Have the pair looked at: what else has moved on either side is the rules' to judge."""
        if mapping.wedsync_id:
            glance = Glance(event_id=mapping.wedsync_id)
            await self.jobs.put(EventJob(integration_id=mapping.integration_id, side=Side.WEDSYNC, events=(glance,)))


def assert_organizer(meeting: MeetingState) -> None:
    """Raise ``StateConflict`` for a meeting to which somebody else has invited."""
    if not meeting.event.is_organizer:
        raise StateConflict("not_organizer", "Somebody else invited to this event; only they can change it.")


def assert_told(integration: Integration, addresses: Sequence[str], done: MeetingWork) -> None:
    """Raise ``MeetingMails`` unless the user knows whom Outlook mails, or always wants that.

    Who was invited after the user had agreed is somebody whom they do not know of.
    """
    if not addresses or integration.preferences.guest_updates is GuestUpdates.SEND:
        return
    named = lower_case(addresses)
    if done.mail_guests and done.agreed is None:
        done.agreed = named
    if not done.mail_guests or not named <= (done.agreed or frozenset()):
        raise MeetingMails(addresses)


def lower_case(addresses: Iterable[str]) -> frozenset[str]:
    """Return addresses as they are compared."""
    return frozenset(address.casefold() for address in addresses)


def unprefixed(mapping: EventMapping, meeting: MeetingState) -> CalendarEvent:
    """Return the meeting's content without our prefix; its owner may see all of it."""
    return outlook_content(replace(mapping, masked=False), meeting.event)
