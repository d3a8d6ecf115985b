"""Make a meeting with guests, exactly once, whatever crashes in between.

In this order: the request is stored under its key, a look for later is enqueued, Graph makes the meeting and mails its
guests, the mapping's intent is stored, WedSync makes its event, the mapping is linked, the request is marked as made.
Until Graph has answered nothing exists. After that the caller's repetition, the look that waits, and a sync that finds
the meeting first all lead to the same pair: Graph answers a ``transactionId`` that it knows with its event, WedSync an
``externalId``, and the look asks for the meeting by its mark. The look mails nobody: what was never made stays so.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.core.actions import Create, Rule
from shared.core.event import CalendarEvent, EventType, Side
from shared.core.history import Tally
from shared.core.integration import Integration
from shared.core.jobs import UpkeepJob, UpkeepKind
from shared.core.mapping import EventMapping
from shared.core.meeting import (
    Guest,
    MeetingDraft,
    MeetingRequest,
    MeetingState,
    addresses_of,
    as_meeting,
    request_id_of,
)
from shared.core.pair import NOTE_MEETING
from shared.core.states import MappingState
from shared.core.views import Present, Views
from shared.errors import (
    CalendarGone,
    DuplicateTransaction,
    EventGone,
    Rejected,
    RowChanged,
    RowExists,
    StateConflict,
    Unavailable,
    Unprocessable,
)
from shared.log import log_action
from shared.ports import Changes, Clock, Ids, Integrations, JobQueue, Mappings, MeetingRequests, Meetings, Ports, Stored
from shared.usecases.connect_state import syncing_connection_of
from shared.usecases.create_event import CreateEvent
from shared.usecases.journal import Trace
from shared.usecases.meeting_frame import LOOK_AFTER_SECONDS
from shared.usecases.record_jobs import Recording, RecordJobs
from shared.usecases.settle_pair import SettlePair, policy_of

_GIVEN_UP_AFTER = timedelta(hours=1)
_ROUNDS = 4
_READS_FOR_LINK = 2


@dataclass(frozen=True, kw_only=True)
class MeetingWish:
    """What a person wants to be made."""

    content: CalendarEvent
    guests: tuple[Guest, ...]
    event_type: EventType = EventType.CLIENT_MEETING
    online: bool = False

    @property
    def fingerprint(self) -> str:
        """The hash of all of it."""
        return hashlib.sha256(repr(self).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class MadeMeeting:
    """The meeting, whom Outlook mailed about it, and whether an earlier call with the same key had made it."""

    event_id: str
    meeting: MeetingState
    mailed: tuple[str, ...]
    event_type: EventType
    repeated: bool = False
    online_wanted: bool = False


@dataclass(frozen=True, kw_only=True)
class MakeMeeting:
    """The one use case that invites people."""

    integrations: Integrations
    mappings: Mappings
    meetings: Meetings
    requests: MeetingRequests
    changes: Changes
    create: CreateEvent
    pair: SettlePair
    record: RecordJobs
    jobs: JobQueue
    ids: Ids
    clock: Clock

    async def run(self, user_id: str, wish: MeetingWish, *, key: str = "") -> MadeMeeting:
        """Make it; ``Unprocessable`` if Outlook refuses it, or if the key stands for another meeting."""
        integration = await syncing_connection_of(self.integrations, user_id)
        request, repeated = await self._request(integration, wish, key or self.ids.new_id())
        try:
            if request.made:
                state = await self.meetings.read(integration.integration_id, request.outlook_id)
            else:
                state = await self._send(integration, request)
        except EventGone:
            raise StateConflict("meeting_gone", "The meeting was made, and is not there any more.") from None
        except CalendarGone:
            if request.calendar_id == integration.calendar_id:
                raise
            raise StateConflict("meeting_gone", "The calendar of this meeting is not there any more.") from None
        mapping = (await self._paired(integration, request, state)).value
        state = await self._with_link(integration, state, wanted=wish.online)
        return MadeMeeting(
            event_id=mapping.wedsync_id or mapping.mapping_id,
            meeting=state,
            mailed=addresses_of(state.event.content),
            event_type=mapping.event_type,
            repeated=repeated and request.made,
            online_wanted=wish.online,
        )

    async def finish(self, integration: Integration, request_id: str) -> None:
        """Look after a request whose caller may have got no answer. ``Unavailable`` to come again."""
        request = await self.requests.get(integration.integration_id, request_id)
        if request is None or request.made or not integration.granted:
            return
        try:
            state = await self.meetings.find(integration.integration_id, request.calendar_id, request_id)
        except CalendarGone:
            if request.calendar_id == integration.calendar_id:
                raise
            return  # a calendar that is not synced any more, and is gone with whatever was made in it
        if state is not None:
            with suppress(StateConflict, EventGone):  # a disconnect or its owner has just ended it
                await self._paired(integration, request, state)
        elif self.clock.now() - request.requested_at < _GIVEN_UP_AFTER:
            raise Unavailable("graph", code="MeetingNotSeen")  # lists may lag behind what was written (fact S64)
        else:
            log_action("meeting_never_made", integration=integration.integration_id, request=request_id)

    # --- the request ----------------------------------------------------------------------------------------------

    async def _request(self, integration: Integration, wish: MeetingWish, key: str) -> tuple[MeetingRequest, bool]:
        """Return the request that the key stands for, and whether it is known already."""
        home = integration.integration_id
        request_id = request_id_of(home, epoch=integration.epoch, key=key)
        known = await self.requests.get(home, request_id)
        if known is None:
            if wish.online and not await self.meetings.can_meet_online(home, integration.calendar_id):
                raise Unprocessable("online_meeting_unavailable", "This Outlook account has no online meetings.")
            fresh = self._composed(integration, wish, request_id)
            try:
                await self.requests.insert(fresh)
                return fresh, False
            except RowExists:
                known = await self.requests.get(home, request_id)
        if known is None:
            raise Unavailable("tables", code="MeetingRequestGone")  # a disconnect came between
        if known.fingerprint != wish.fingerprint:
            raise Unprocessable("idempotency_key_reused", "This Idempotency-Key stands for another meeting.")
        if known.made and not known.outlook_id:
            raise _refused()
        return known, True

    def _composed(self, integration: Integration, wish: MeetingWish, request_id: str) -> MeetingRequest:
        """A type other than the usual goes along as a category, for a sync that finds the meeting first."""
        usual = wish.event_type is EventType.CLIENT_MEETING
        draft = MeetingDraft(
            transaction_id=request_id,
            content=wish.content,
            guests=wish.guests,
            online=wish.online,
            reminder_minutes=next(iter(integration.preferences.notification_minutes), None),
            categories=() if usual else (wish.event_type.value.replace("_", " ").capitalize(),),
        )
        return MeetingRequest(
            request_id=request_id,
            integration_id=integration.integration_id,
            calendar_id=integration.calendar_id,
            fingerprint=wish.fingerprint,
            payload=self.meetings.compose(draft),
            event_type=wish.event_type,
            requested_at=self.clock.now(),
        )

    async def _send(self, integration: Integration, request: MeetingRequest) -> MeetingState:
        """Have Graph make it, or find what it has made of this request before."""
        home = integration.integration_id
        later = UpkeepJob(integration_id=home, kind=UpkeepKind.MEETING, subject=request.request_id)
        await self.jobs.put(later, delay_seconds=LOOK_AFTER_SECONDS)
        try:
            return await self.meetings.create(home, request.calendar_id, request.payload)
        except DuplicateTransaction as fault:  # made before, and changed since
            if fault.event_id:
                return await self.meetings.read(home, fault.event_id)
            found = await self.meetings.find(home, request.calendar_id, request.request_id)
            if found is None:
                raise EventGone("graph") from None
            return found
        except Rejected as fault:
            await self.requests.put(replace(request, payload=""))
            raise _refused() from fault

    # --- the pair -------------------------------------------------------------------------------------------------

    async def _paired(
        self, integration: Integration, request: MeetingRequest, state: MeetingState
    ) -> Stored[EventMapping]:
        """Return the linked mapping of the meeting, however far it has come, and mark the request as made."""
        recording = self.record.of_user(integration)
        trace = replace(recording.trace, rule=Rule.MEETING.value)
        for _ in range(_ROUNDS):
            try:
                stored = await self._linked(integration, request, state, trace, recording)
            except (RowExists, RowChanged):
                await self._assert_connected(integration)
                continue  # a sync has found the meeting as well: see how far it has come
            if not request.made:
                await self.requests.put(replace(request, payload="", outlook_id=state.event.event_id))
            return stored
        raise Unavailable("tables", code="MeetingBusy")

    async def _assert_connected(self, integration: Integration) -> None:
        if await self.mappings.epoch(integration.integration_id) != integration.epoch:
            raise StateConflict("disconnecting", "The calendar is being disconnected.")

    async def _linked(
        self,
        integration: Integration,
        request: MeetingRequest,
        state: MeetingState,
        trace: Trace,
        recording: Recording,
    ) -> Stored[EventMapping]:
        stored = await self.mappings.by_outlook(integration.integration_id, state.event.event_id)
        if stored is None:
            stored = await self._make(integration, request, state, trace)
            await self.record.end(recording, Tally(handled=1, created=1))
        elif stored.value.state is MappingState.INTENT:
            settled = await self.pair.settle_intent(integration, stored, trace)
            if settled is None:
                raise RowChanged
            stored = settled
        if NOTE_MEETING in stored.value.notes:
            return stored
        mapping = as_meeting(stored.value, request.event_type)
        if not stored.value.masked:
            return await self.pair.journal.save(stored, mapping)
        return await self._unmasked(integration, stored, mapping, state, trace)

    async def _make(
        self, integration: Integration, request: MeetingRequest, state: MeetingState, trace: Trace
    ) -> Stored[EventMapping]:
        """Have WedSync make its event, with an ``externalId``: no sync makes such an event in Outlook once more."""
        content = state.event.content
        action = Create(
            side=Side.WEDSYNC,
            rule=Rule.MEETING,
            content=content,
            title=content.title,
            event_type=request.event_type,
        )
        intent = as_meeting(self.create.intend_wedsync(integration, state.event, action), request.event_type)
        intent = replace(intent, calendar_id=request.calendar_id)  # which need not be the one that is synced by now
        stored, linked = await self.create.first(integration, await self.create.store(intent))
        await self.changes.append([self.pair.journal.created(linked, toward=Side.WEDSYNC, trace=trace)])
        return await self.pair.journal.save(stored, linked)

    async def _unmasked(
        self,
        integration: Integration,
        stored: Stored[EventMapping],
        mapping: EventMapping,
        state: MeetingState,
        trace: Trace,
    ) -> Stored[EventMapping]:
        """Tell WedSync what a sync had to mask, and only then note whose meeting it is.

        In one with what was told: a process that dies in between leaves the import, which is taken over as before.
        """
        meant = Stored(value=mapping, tag=stored.tag)
        views = Views(outlook=Present(state.event))
        await self.pair.run(integration, meant, views, policy=policy_of(integration), trace=trace)
        kept = await self.mappings.get(integration.integration_id, mapping.mapping_id)
        if kept is not None and kept.tag == stored.tag:  # nothing was hidden
            return await self.pair.journal.save(kept, mapping)
        if kept is None or NOTE_MEETING not in kept.value.notes:
            raise RowChanged  # somebody else was at it: what was told was told of an import
        return kept

    async def _with_link(self, integration: Integration, state: MeetingState, *, wanted: bool) -> MeetingState:
        """The link may come with a later read only (fact S35)."""
        for _ in range(_READS_FOR_LINK):
            if not wanted or state.join_url or not state.event.online_meeting:
                break
            state = await self.meetings.read(integration.integration_id, state.event.event_id)
        return state


def _refused() -> Unprocessable:
    return Unprocessable("meeting_refused", "Outlook does not take this meeting; nobody was invited.")


def making_meetings(ports: Ports, *, pair: SettlePair) -> MakeMeeting:
    """Return the use case, put together on the ports and what events and runs have in common."""
    return MakeMeeting(
        integrations=ports.integrations,
        mappings=ports.mappings,
        meetings=ports.meetings,
        requests=ports.meeting_requests,
        changes=ports.changes,
        create=pair.create,
        pair=pair,
        record=RecordJobs(runs=ports.runs, ids=ports.ids, clock=ports.clock),
        jobs=ports.jobs,
        ids=ports.ids,
        clock=ports.clock,
    )
