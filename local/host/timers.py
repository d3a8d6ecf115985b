"""Timer triggers: schedule, status blob, past-due and the singleton.

Read in TimerListener.cs, ScheduleMonitor.cs and StorageScheduleMonitor.cs of the WebJobs extensions.
"""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from local.host.functions import Function
from local.host.invoker import Call, Run
from local.host.leases import Singleton, ensure_blob
from local.host.schedule import Schedule
from local.host.values import json_text

_SET_BACK = timedelta(seconds=2)
_NEVER = datetime.min.replace(tzinfo=UTC)
_LOOK_SECONDS = 0.25
_logger = logging.getLogger("Host.Triggers.Timer")


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the status blob holds. ``last`` is the start of .NET's calendar until the timer has fired once."""

    last: datetime
    next: datetime
    last_updated: datetime

    def to_json(self) -> dict[str, str]:
        """Return the blob's members."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }


class StatusStore:
    """The blob ``timers/{hostId}/Host.Functions.{name}/status``."""

    def __init__(self, container: ContainerClient, *, host_id: str, function: str) -> None:
        self._container = container
        self._path = f"timers/{host_id}/Host.Functions.{function}/status"

    async def read(self) -> Status | None:
        """Return the recorded status, or None when there is none that can be read."""
        try:
            stream = await self._container.get_blob_client(self._path).download_blob()
            members = json.loads(await stream.readall())
            moments = [_moment(members[name]) for name in ("Last", "Next", "LastUpdated")]
        except (ResourceNotFoundError, ValueError, KeyError):
            return None
        return Status(last=moments[0], next=moments[1], last_updated=moments[2])

    async def write(self, status: Status) -> None:
        """Record a status; the schedule goes on if storage does not answer."""
        try:
            blob = await ensure_blob(self._container, self._path)
            await blob.upload_blob(json.dumps(status.to_json()).encode(), overwrite=True)
        except AzureError as error:
            _logger.error("could not record the timer status %s: %s", self._path, error)


@dataclass(frozen=True, kw_only=True)
class TimerOptions:
    """What the trigger's binding says. ``monitored`` is false where the schedule fires within a minute."""

    schedule: Schedule
    run_on_startup: bool
    monitored: bool


class TimerListener:
    """Runs one timer function: while it holds the singleton's lease, one invocation at a time."""

    def __init__(
        self,
        function: Function,
        *,
        options: TimerOptions,
        singleton: Singleton,
        statuses: StatusStore,
        run: Run,
    ) -> None:
        self.function = function
        self._options = options
        self._singleton = singleton
        self._statuses = statuses
        self._run = run
        self._stopping = asyncio.Event()
        self._status: Status | None = None

    def start(self) -> None:
        """Allow firing (again) for the next ``run``."""
        self._stopping.clear()

    def stop(self) -> None:
        """Fire no more; a running invocation is finished and the lease given back."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep the schedule until stopped; a lost lease is asked for again."""
        while not self._stopping.is_set():
            try:
                async with self._singleton.held(self._stopping) as got:
                    if got:
                        await self._keep_schedule()
            except AzureError as error:
                _logger.error("the listener of '%s' starts again: %s", self.function.name, error)
                await asyncio.sleep(1)

    async def _keep_schedule(self) -> None:
        upcoming = await self._start()
        _logger.info("The next occurrence of the '%s' schedule will be: %s", self.function.name, upcoming.isoformat())
        while not self._has_ended():
            upcoming = await self._wait_until(upcoming)
            if self._has_ended():
                return
            fired = datetime.now(UTC)
            await self.fire(past_due=False)
            upcoming = await self._record(max(fired, upcoming))

    def _has_ended(self) -> bool:
        return self._stopping.is_set() or self._singleton.lost.is_set()

    async def _start(self) -> datetime:
        now = datetime.now(UTC)
        schedule = self._options.schedule
        upcoming = schedule.next_after(now)
        past_due = False
        if self._options.monitored:
            upcoming = await self._recorded_next(now)
            past_due = now > upcoming
        if past_due or self._options.run_on_startup:
            if past_due:
                _logger.info("Function 'Functions.%s' is past due on startup. Executing now.", self.function.name)
            await self.fire(past_due=past_due)
            upcoming = await self._record(now)
        return upcoming

    async def _recorded_next(self, now: datetime) -> datetime:
        """Return the next occurrence on record; a first start or a changed schedule computes and records it."""
        schedule = self._options.schedule
        known = await self._statuses.read()
        if known is None:
            self._status = Status(last=_NEVER, next=schedule.next_after(now), last_updated=now)
            await self._statuses.write(self._status)
            return self._status.next
        base = known.last_updated if known.last == _NEVER else known.last
        expected = schedule.next_after(base)
        self._status = known
        if known.next == expected:
            return known.next
        changed = schedule.next_after(known.last_updated)
        self._status = Status(
            last=known.last, next=schedule.next_after(now) if changed < now else changed, last_updated=now
        )
        await self._statuses.write(self._status)
        return self._status.next

    async def _record(self, base: datetime) -> datetime:
        upcoming = self._options.schedule.next_after(base)
        if self._options.monitored:
            self._status = Status(last=base, next=upcoming, last_updated=base)
            await self._statuses.write(self._status)
        return upcoming

    async def fire(self, *, past_due: bool) -> None:
        """Run the function once, with its retries."""
        payload: dict[str, Any] = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": self._status.to_json() if self._options.monitored and self._status else None,
            "IsPastDue": past_due,
        }
        moment = datetime.now(UTC).isoformat()
        call = Call(value=json_text(json.dumps(payload)), reason=f"Timer fired at {moment}")
        await self._run(self.function, call)

    async def _wait_until(self, moment: datetime) -> datetime:
        """Wait for a moment of the wall clock, or until stopped or the lease was lost; return the moment.

        The clock is looked at four times a second, so that a machine that slept, or whose clock was moved, fires on
        time. A clock that was set back, so that an earlier occurrence lies ahead again, begins the schedule anew.
        """
        while not self._has_ended():
            now = datetime.now(UTC)
            if self._options.schedule.next_after(now) + _SET_BACK < moment:
                moment = await self._record(now)
            left = (moment - now).total_seconds()
            if left <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min(left, _LOOK_SECONDS))
        return moment


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
