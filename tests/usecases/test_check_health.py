"""Health: who answers, how long it took, and that asking often does not ask the others often."""

import asyncio
from datetime import timedelta

from shared.errors import OperatorFault, Unavailable
from shared.usecases.check_health import CheckHealth
from tests.support.world import World


class Asked:
    """A far end that takes its time and then answers, or does not."""

    def __init__(self, seconds: float = 0.0, fault: Exception | None = None) -> None:
        self.seconds, self.fault, self.times = seconds, fault, 0

    async def __call__(self) -> None:
        self.times += 1
        await asyncio.sleep(self.seconds)
        if self.fault:
            raise self.fault


async def test_each_is_named_with_its_latency(world: World) -> None:
    health = await CheckHealth(probes={"tables": Asked(0.25), "vault": Asked()}, clock=world.clock).run()
    assert health.well
    assert [(each.name, each.milliseconds, each.fault) for each in health.dependencies] == [
        ("tables", 250, ""),
        ("vault", 0, ""),
    ]


async def test_one_that_fails_makes_the_whole_unwell_and_its_text_stays_inside(world: World) -> None:
    probes = {
        "tables": Asked(),
        "vault": Asked(fault=OperatorFault("keyvault", code="hush")),
        "graph": Asked(fault=Unavailable("graph", code="hush")),
        "wedsync": Asked(3600),
        "entra": Asked(fault=OSError("hush")),
    }
    began = world.clock.now()
    health = await CheckHealth(probes=probes, clock=world.clock).run()
    assert not health.well
    assert {each.name: each.fault for each in health.dependencies} == {
        "tables": "",
        "vault": "configuration",
        "graph": "unavailable",
        "wedsync": "timeout",
        "entra": "oserror",
    }
    assert "hush" not in repr(health)
    assert world.clock.now() - began < timedelta(seconds=6)


async def test_many_who_ask_are_answered_by_one_look(world: World) -> None:
    asked = Asked(1)
    check = CheckHealth(probes={"tables": asked}, clock=world.clock)
    answers = await asyncio.gather(*(check.run() for _ in range(100)))
    assert asked.times == 1
    assert len({id(each) for each in answers}) == 1
    await world.advance(seconds=4)
    await check.run()
    assert asked.times == 1
    await world.advance(seconds=2)
    await check.run()
    assert asked.times == 2
