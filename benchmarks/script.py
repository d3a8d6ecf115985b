"""A scripted planner: what a person does in both calendars and in the service, again and again, in a seeded order.

The number of events that the script keeps stays level, so that whatever grows is not the calendars. Faults of other
people's timing (an event that the sync has just deleted) are counted, not raised: a soak goes on.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import httpx

from tests.journeys.planner import Planner, eventually

EVENTS_HELD = 12
"""How many events of its own the script keeps on each side."""
_ZONE = "Europe/London"
_PAUSE_AFTER_DELETE = 60.0
"""Seconds between two deletions on one side: more in ten minutes would rightly be held for confirmation."""

Act = Callable[[], Awaitable[bool]]
"""Does something if there is something to do, and says whether there was."""


WEIGHTS: Mapping[str, int] = {
    "edit in WedSync": 4,
    "edit in Outlook": 4,
    "move in WedSync": 2,
    "move in Outlook": 2,
    "replace in WedSync": 2,
    "replace in Outlook": 2,
    "edit both": 1,
    "resolve": 1,
    "look": 2,
    "sync": 1,
}
"""The acts, and how often each comes up."""


class ScriptedPlanner:
    """One planner at work.

    ``done`` counts what was done (an act for which there was nothing to do is none), ``refused`` what did not work, by
    act and reason.
    """

    def __init__(self, planner: Planner, *, seed: int) -> None:
        self.planner = planner
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._number = 0
        self._wedsync: list[str] = []
        self._outlook: list[str] = []
        self._deleted_at = {"wedsync": float("-inf"), "outlook": float("-inf")}

    async def work(self, *, until: float, pause: float, stay: float) -> None:
        """Act until a ``time.monotonic()``; disconnect and connect again after every ``stay`` seconds."""
        acts: Mapping[str, Act] = {
            "edit in WedSync": self._edit_in_wedsync,
            "edit in Outlook": self._edit_in_outlook,
            "move in WedSync": self._move_in_wedsync,
            "move in Outlook": self._move_in_outlook,
            "replace in WedSync": self._replace_in_wedsync,
            "replace in Outlook": self._replace_in_outlook,
            "edit both": self._edit_both,
            "resolve": self._resolve,
            "look": self._look,
            "sync": self._sync,
        }
        await self._try("connect", self._connect)
        since = time.monotonic()
        while time.monotonic() < until:
            if time.monotonic() - since > stay:
                await self._try("reconnect", self._reconnect)
                since = time.monotonic()
            name = self._random.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
            await self._try(name, acts[name])
            await asyncio.sleep(self._random.uniform(0.5, 1.5) * pause)

    async def _try(self, name: str, act: Act) -> None:
        try:
            self.done[name] += await act()
        except (AssertionError, httpx.HTTPError) as error:
            self.refused[f"{name}: {type(error).__name__} {str(error)[:120]}"] += 1

    # --- the service ----------------------------------------------------------------------------------------------

    async def _connect(self) -> bool:
        await self.planner.connect()
        await self.planner.first_run_ended()
        return True

    async def _reconnect(self) -> bool:
        answer = await self.planner.call("DELETE", "calendar/outlook/integration")
        assert answer.status_code in (200, 202), answer.text

        async def gone() -> bool:
            return (await self.planner.call("GET", "calendar/outlook/sync")).status_code == 404

        await eventually(gone, "the disconnect ends")
        return await self._connect()

    async def _look(self) -> bool:
        await self.planner.status()
        listed = await self.planner.call("GET", "calendar/outlook/events?pageSize=50")
        assert listed.status_code == 200, listed.text
        return True

    async def _sync(self) -> bool:
        await self.planner.sync("incremental")
        return True

    async def _resolve(self) -> bool:
        conflicts = (await self.planner.conflicts())[:5]
        for event in conflicts:
            choice = {"useValue": self._random.choice(("wedsync", "outlook"))}
            answer = await self.planner.call(
                "POST",
                f"calendar/outlook/events/{event['wedSyncEventId']}/resolve",
                json={"resolutions": {conflict["field"]: choice for conflict in event["syncConflicts"]}},
            )
            assert answer.status_code == 200, answer.text
        return bool(conflicts)

    # --- both calendars ------------------------------------------------------------------------------------------

    async def _edit_in_wedsync(self) -> bool:
        if self._wedsync:
            chosen = self._random.choice(self._wedsync)
            await self.planner.change_in_wedsync(chosen, title=self._title(), description=self._title() * 20)
        return bool(self._wedsync)

    async def _edit_in_outlook(self) -> bool:
        if self._outlook:
            body = {"contentType": "text", "content": self._title() * 20}
            await self.planner.change_in_outlook(self._random.choice(self._outlook), subject=self._title(), body=body)
        return bool(self._outlook)

    async def _move_in_wedsync(self) -> bool:
        if self._wedsync:
            start, end = self._hour()
            chosen = self._random.choice(self._wedsync)
            await self.planner.change_in_wedsync(chosen, start=start, end=end)
        return bool(self._wedsync)

    async def _move_in_outlook(self) -> bool:
        if self._outlook:
            start, end = ({"dateTime": at, "timeZone": _ZONE} for at in self._hour())
            chosen = self._random.choice(self._outlook)
            await self.planner.change_in_outlook(chosen, start=start, end=end, isAllDay=False)
        return bool(self._outlook)

    async def _replace_in_wedsync(self) -> bool:
        """Delete the oldest and make a new one; only make while there are few, or when a deletion is too soon."""
        if len(self._wedsync) >= EVENTS_HELD and not self._may_delete("wedsync"):
            return False
        if len(self._wedsync) >= EVENTS_HELD:
            await self.planner.delete_in_wedsync(self._wedsync.pop(0))
        start, end = self._hour()
        made = await self.planner.add_in_wedsync(
            type="client_meeting",
            title=self._title(),
            description="Bring the list.",
            start=start,
            end=end,
            timeZone=_ZONE,
            allDay=False,
            private=False,
        )
        self._wedsync.append(str(made["id"]))
        return True

    async def _replace_in_outlook(self) -> bool:
        if len(self._outlook) >= EVENTS_HELD and not self._may_delete("outlook"):
            return False
        if len(self._outlook) >= EVENTS_HELD:
            await self.planner.delete_in_outlook(self._outlook.pop(0))
        start, end = ({"dateTime": at, "timeZone": _ZONE} for at in self._hour())
        made = await self.planner.add_in_outlook(subject=self._title(), start=start, end=end)
        self._outlook.append(str(made["id"]))
        return True

    async def _edit_both(self) -> bool:
        """Change the title of one event on both sides at once."""
        if not self._outlook:
            return False
        chosen = self._random.choice(self._outlook)
        ends = [event for event in await self.planner.wedsync_events() if str(event["externalId"]).endswith(chosen)]
        if ends:
            await asyncio.gather(
                self.planner.change_in_wedsync(ends[0]["id"], title=self._title()),
                self.planner.change_in_outlook(chosen, subject=self._title()),
            )
        return bool(ends)

    def _may_delete(self, side: str) -> bool:
        now = time.monotonic()
        if now - self._deleted_at[side] < _PAUSE_AFTER_DELETE:
            return False
        self._deleted_at[side] = now
        return True

    def _title(self) -> str:
        self._number += 1
        return f"Soak {self._number} of {self.planner.person.name}"

    def _hour(self) -> tuple[str, str]:
        day = datetime.now(UTC).date() + timedelta(days=self._random.randrange(2, 300))
        hour = self._random.randrange(8, 18)
        return f"{day}T{hour:02}:00:00", f"{day}T{hour + 1:02}:30:00"
