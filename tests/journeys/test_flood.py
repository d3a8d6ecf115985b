"""A thousand notifications for fifty mailboxes in one POST over HTTPS: answered in time, each looked at, none lost.

Graph's part is the simulator's: it waits three seconds for an answer, ten for one to a repetition, and delivers again
what was not answered 2xx (https://learn.microsoft.com/graph/change-notifications-delivery-webhooks). Fifty connections
stand in the tables, with a subscription each; the vault knows none of them, so every look ends with
``needs_reconnect``. What was taken is counted at the queue, event by event, through a front that can also refuse.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Ports, Stand
from shared.core.jobs import EventJob, LooksJob, Message
from shared.store.integrations import TableIntegrations
from shared.store.messages import parse
from shared.store.subscriptions import TableSubscriptionRows
from shared.store.tables import AzureTables
from tests.journeys.evidence import messages_of, queued
from tests.journeys.planner import Planner, eventually
from tests.journeys.queue_front import Fault, QueueFront, queue_front
from tests.support.flood import all_events, all_found_closed, body, connect_all, looks

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@dataclass(frozen=True, kw_only=True)
class Flooded:
    """The stand with fifty connections, its queues behind a front."""

    stand: Stand
    planner: Planner
    front: QueueFront
    integrations: TableIntegrations

    async def deliver(self, wave: str, **part: int) -> None:
        """Let Graph deliver a wave of notifications in one POST."""
        sent = body(self.stand.now(), wave=wave, **part)
        url = f"{self.stand.urls.public}/api/calendar/outlook/webhook"
        control = f"{self.stand.urls.graph}/_control/notifications"
        (await self.planner.http.post(control, json={"url": url, **sent})).raise_for_status()

    async def attempts(self, count: int) -> list[dict[str, Any]]:
        """Return what Graph has sent, once there are so many POSTs of a thousand."""

        async def look() -> list[dict[str, Any]]:
            answer = await self.planner.http.get(f"{self.stand.urls.graph}/_control/notifications")
            shown = answer.raise_for_status().json()
            assert shown["lost"] == []
            whole = [post for post in shown["sent"] if len(post["value"]) == len(all_events())]
            return whole if len(whole) >= count else []

        return list(await eventually(look, f"{count} POSTs of a thousand notifications"))

    async def worked_off(self) -> None:
        async def rest() -> bool:
            return await queued(self.stand) == 0 and await all_found_closed(self.integrations)

        await eventually(rest, "each mailbox was looked into, and nothing waits")
        poisoned = [name for name, texts in (await messages_of(self.stand)).items() if "-poison" in name and texts]
        assert poisoned == []


@pytest.fixture
async def flooded(tmp_path: Path) -> AsyncIterator[Flooded]:
    ports = Ports.free()
    async with queue_front(ports.blob) as front:
        behind = {"SyncStorage": front.connection_string}
        async with Stand(work_folder=tmp_path, ports=ports, season=False, host_environment=behind) as stand:
            planner, tables = Planner(stand, PLANNERS[0]), AzureTables(connection_string=stand.connection_string)
            integrations = TableIntegrations(tables)
            await connect_all(integrations, TableSubscriptionRows(tables), stand.now())
            yield Flooded(stand=stand, planner=planner, front=front, integrations=integrations)
            await tables.close()
            await planner.close()


def taken(front: QueueFront, wave: str, kind: type[Message]) -> dict[tuple[str, str], int]:
    """How often each event of the wave was put on the queue, in jobs of this kind."""
    found = looks(job for job in map(parse, front.taken) if isinstance(job, kind))
    return {event: count for event, count in found.items() if event in all_events(wave)}


async def test_a_thousand_are_answered_in_time_and_none_is_lost_though_the_queue_fails(flooded: Flooded) -> None:
    await flooded.deliver("W", mailboxes=1, each=1)  # the host's first request opens its connections
    await eventually(lambda: something_taken(flooded), "the first notification is on the queue")

    await flooded.deliver("A")
    (post,) = await flooded.attempts(1)
    assert (post["attempt"], post["status"]) == (1, 202), "answered within the three seconds that Graph waits"
    assert taken(flooded.front, "A", LooksJob) == dict.fromkeys(all_events("A"), 1)
    await flooded.worked_off()
    assert taken(flooded.front, "A", EventJob).keys() == all_events("A"), (
        "handed out, to be looked at mailbox by mailbox"
    )
    await fails(flooded, "busy", "B")
    await fails(flooded, "gone", "C")


async def fails(flooded: Flooded, fault: Fault, wave: str) -> None:
    """Let the queue fail for Graph's first two attempts; the wave arrives whole with a later one."""
    before = len(await flooded.attempts(1))
    flooded.front.fault = fault
    await flooded.deliver(wave)
    refused = (await flooded.attempts(before + 2))[before:]
    assert [(post["attempt"], post["status"]) for post in refused[:2]] == [(1, 503), (2, 503)], fault
    assert taken(flooded.front, wave, LooksJob) == {}
    flooded.front.fault = ""

    async def delivered() -> bool:
        return bool((await flooded.attempts(before + 3))[-1]["status"] == 202)

    await eventually(delivered, f"Graph delivers again after the queue was {fault}")
    assert taken(flooded.front, wave, LooksJob).keys() == all_events(wave)
    await flooded.worked_off()
    assert taken(flooded.front, wave, EventJob).keys() == all_events(wave)


async def something_taken(flooded: Flooded) -> bool:
    return len(flooded.front.taken) > 0
