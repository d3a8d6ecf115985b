"""What the service may ask of Graph, counted by the simulator: section 7 of the design, and a bound for bad times."""

from collections import Counter
from dataclasses import dataclass, field

from shared.core.jobs import RunKind
from tests.machine.reached import Reached
from tests.machine.service import Service
from tests.machine.users import Users
from tests.usecases.counting import CALENDAR_DELTA, shape

AT_REST = [CALENDAR_DELTA]
"""What an incremental run asks that has nothing to do: one page without events."""

SWEEP = {"GET /v1.0/me/calendars/{id}/events", "GET /v1.0/me/events/{id}"}
"""What it may ask beside that in the hour after a change of calendar, for copies that jobs left in the earlier one."""

PER = {"rests": 12, "acts": 4, "troubles": 4, "wishes": 3}
"""HTTP requests at most from one rest to the next.

For coming to rest, with two safety syncs and a renewal; for each thing that a user does to an event: read or write it,
read it again after a 412 or with its series, prove that it is gone; for each trouble: whatever it hit is asked again,
or everything is read from the beginning, which is one page here; for each wish: a run and what it has to prove.
"""


@dataclass(kw_only=True)
class Budget:
    """Counts from rest to rest what is done to the service, and what it asks of Graph for that."""

    service: Service
    users: Users
    reached: Reached
    _before: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Count from here."""
        self._before = self._so_far()

    async def overdrawn(self) -> list[str]:
        """Return in words what was too much since the last time, and what a run costs that has nothing to do."""
        asked = len(await self._asked())
        spent = self._so_far() - self._before + Counter(rests=1)
        limit = sum(PER[name] * times for name, times in spent.items())
        wrong = [f"{asked} requests to Graph, {limit} allowed for {dict(spent)}"] if asked > limit else []
        self.service.run(RunKind.INCREMENTAL, 0)
        await self.service.to_the_end()
        sweeps = bool((await self.service.world.integration()).earlier_calendar_id)
        idle = [each for each in await self._asked() if not (sweeps and each in SWEEP)]
        self.begin()
        return wrong if idle == AT_REST else [*wrong, f"a run that has nothing to do asks {idle}"]

    def _so_far(self) -> Counter[str]:
        return Counter(
            acts=self.users.acts,
            troubles=self.reached.total("fault") + self.reached.total("crash"),
            wishes=self.service.wishes,
        )

    async def _asked(self) -> list[str]:
        return [shape(request) for request in await self.service.world.outlook.requests()]
