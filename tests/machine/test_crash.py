"""A crash of the machine is the end of a process: whatever was to be done next is not done, by nobody."""

import asyncio
from collections.abc import Iterator

import pytest

from shared.store.rows import Insert, Row, Table
from tests.machine.reached import Reached
from tests.machine.service import Service
from tests.support.patient_loop import PatientLoop

DYING = "before insert OutlookDue"


@pytest.fixture
def loop() -> Iterator[PatientLoop]:
    loop = PatientLoop()
    yield loop
    loop.close()


class Careful:
    """Code that would tidy up after anything, and says so."""

    def __init__(self, service: Service) -> None:
        self.tables = service.world.tables
        self.tidied: list[str] = []

    async def write(self, name: str) -> None:
        row = Row(partition="p", key=name, columns={"state": "x"})
        try:
            async with asyncio.timeout(30):
                await self.tables.write(Table.DUE, Insert(row))
        except BaseException:
            self.tidied.append(f"except {name}")
            raise
        finally:
            self.tidied.append(f"finally {name}")

    async def several(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(self.write(str(number)))
            group.create_task(self.slow())

    async def slow(self) -> None:
        try:
            await asyncio.sleep(5)
            await self.write("late")
        finally:
            self.tidied.append("finally slow")


@pytest.mark.parametrize("step", [DYING, "after insert OutlookDue"])
def test_nothing_of_a_dead_process_runs_on(loop: PatientLoop, step: str) -> None:
    loop.run_until_complete(_dies(step))


async def _dies(step: str) -> None:
    service = Service(Reached(), seed=1)
    process = service.processes[0]
    code = Careful(service)
    service.perils.deadly.append(step)
    task = process.start(code.several())
    await asyncio.sleep(3600)

    assert process.dead
    assert not task.done()
    assert code.tidied == []
    arrived = len(service.world.tables.contents().get(Table.DUE, []))
    assert bool(arrived) is (step != DYING)
    await service.end()


def test_the_process_beside_it_works_on(loop: PatientLoop) -> None:
    async def both() -> None:
        service = Service(Reached(), seed=1)
        code = Careful(service)
        service.perils.deadly.append(DYING)
        service.processes[0].start(code.write("dead"))
        await asyncio.sleep(1)
        alive = service.processes[1].start(code.write("alive"))
        await asyncio.sleep(3600)
        assert alive.done()
        assert [row.key for row in service.world.tables.contents()[Table.DUE]] == ["alive"]
        assert service.living(0) is not None
        await service.end()

    loop.run_until_complete(both())
