"""When the planner is free on a day: working hours, less all that both calendars and the people invited hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shared.core.availability import (
    Engagement,
    Span,
    day_of,
    free_periods,
    own_calendars,
    slots_in,
    taken_by,
    takes_time,
    within,
    working_spans,
)
from shared.core.event import Field, WedSyncState
from shared.core.integration import Integration, SyncWindow
from shared.core.states import MappingState
from shared.errors import Rejected, Unprocessable
from shared.ports import Clock, Integrations, Mappings, Outlook, Ports, Schedules, WedSync
from shared.usecases.at_once import both
from shared.usecases.connect_state import connection_of

MOST_PEOPLE = 19
"""Graph tells of 20 people at once, and the planner is one of them."""

_AROUND = timedelta(days=3)
_FARTHEST = timedelta(days=1460)


@dataclass(frozen=True, kw_only=True)
class Availability:
    """The day as it is left. ``unknown`` are people of whom Graph tells nothing: they are not counted as busy."""

    day: date
    zone: str
    duration: timedelta
    working: tuple[Span, ...]
    free: tuple[Span, ...]
    slots: tuple[Span, ...]
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Times:
    """What Outlook holds, and of whom it tells."""

    taken: tuple[Span, ...]
    known: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FindAvailability:
    """Reads all calendars of the mailbox, WedSync's day, and other people's free and busy times. Writes nothing."""

    integrations: Integrations
    mappings: Mappings
    outlook: Outlook
    schedules: Schedules
    wedsync: WedSync
    clock: Clock

    async def run(self, user_id: str, day: date, duration: timedelta, attendees: Sequence[str] = ()) -> Availability:
        """Return the free times; ``NotFound`` without a connection, ``InvalidInput`` for a day out of reach."""
        integration = (await connection_of(self.integrations, user_id)).value
        self._assert_near(day)
        hours = await self.schedules.working_hours(integration.integration_id)
        limits, working = day_of(day, hours.mailbox_zone), working_spans(hours, day)
        people = tuple(dict.fromkeys(attendees))
        if working:
            times, ours = await both(self._outlook(integration, limits, people), self._wedsync(integration, limits))
        else:
            times, ours = _Times(taken=()), ()
        free = free_periods(working, [*times.taken, *ours], duration=duration, now=self.clock.now())
        return Availability(
            day=day,
            zone=hours.mailbox_zone,
            duration=duration,
            working=working,
            free=free,
            slots=slots_in(free, duration=duration, zone=hours.mailbox_zone),
            known=times.known,
            unknown=tuple(person for person in people if person not in times.known),
        )

    def _assert_near(self, day: date) -> None:
        """Refuse what no calendar of ours reaches, and the ends of time, where zones have no meaning."""
        if abs(day - self.clock.now().date()) > _FARTHEST:
            raise Unprocessable("date_too_far", "date is more than four years away.")

    # --- Outlook --------------------------------------------------------------------------------------------------

    async def _outlook(self, integration: Integration, limits: Span, people: tuple[str, ...]) -> _Times:
        """getSchedule tells of default calendars, and lacks personal accounts; what it does not tell is read here."""
        calendars, asked = await both(
            self.outlook.calendars(integration.integration_id), self._free_busy(integration, limits, people)
        )
        own = asked.get(integration.email)
        unread = [each for each in own_calendars(calendars) if own is None or not each.is_default]
        views = await asyncio.gather(
            *(self.schedules.calendar_view(integration.integration_id, each.calendar_id, limits) for each in unread)
        )
        told = {person: times for person in people if (times := asked.get(person)) is not None}
        everything = [*views, *([own] if own else []), *told.values()]
        return _Times(taken=_taken(everything), known=tuple(told))

    async def _free_busy(
        self, integration: Integration, limits: Span, people: tuple[str, ...]
    ) -> dict[str, tuple[Engagement, ...] | None]:
        """Return what getSchedule tells. That it refuses is no reason to send anybody through consent (fact C11)."""
        if integration.personal or not integration.email:
            return {}
        asked = (integration.email, *(person for person in people if person != integration.email))
        try:
            return dict(await self.schedules.free_busy(integration.integration_id, asked, limits))
        except Rejected:
            return {}

    # --- WedSync --------------------------------------------------------------------------------------------------

    async def _wedsync(self, integration: Integration, limits: Span) -> tuple[Span, ...]:
        """Return the ways to WedSync's events, and those events that Outlook does not hold."""
        taken: list[Span] = []
        window = SyncWindow(start=limits.start - _AROUND, end=limits.end + _AROUND)
        page = await self.wedsync.changes(integration.user_id, window=window)
        while True:
            for state in page.events:
                taken += await self._taken_by(integration, state, limits)
            if not page.more:
                return tuple(taken)
            page = await self.wedsync.changes(integration.user_id, cursor=page.cursor)

    async def _taken_by(self, integration: Integration, state: WedSyncState, limits: Span) -> tuple[Span, ...]:
        """Whether Outlook holds the event is asked only where that makes a difference to the day."""
        if not within(taken_by(state, in_outlook=False), limits):
            return ()
        return within(taken_by(state, in_outlook=await self._in_outlook(integration, state)), limits)

    async def _in_outlook(self, integration: Integration, state: WedSyncState) -> bool:
        """Whether Outlook shows it at the same time: not while a question about the time is open, or it may differ."""
        stored = await self.mappings.by_wedsync(integration.integration_id, state.event_id)
        if stored is None:
            return bool(state.external_id)
        mapping = stored.value
        agreed = Field.TIME not in mapping.held | mapping.drifted and not mapping.quarantine
        return mapping.state is MappingState.LINKED and agreed


def _taken(everything: Sequence[Sequence[Engagement]]) -> tuple[Span, ...]:
    return tuple(each.span for times in everything for each in times if takes_time(each.show_as))


def finding_availability(ports: Ports) -> FindAvailability:
    """Return the use case on the ports."""
    return FindAvailability(
        integrations=ports.integrations,
        mappings=ports.mappings,
        outlook=ports.outlook,
        schedules=ports.schedules,
        wedsync=ports.wedsync,
        clock=ports.clock,
    )
