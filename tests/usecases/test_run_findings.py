"""Runs that meet one event that cannot be read, stored or written: it is named, and holds up no other."""

import json
import random
import string
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from shared.core.event import Side
from shared.core.integration import Direction, LastSyncStatus
from shared.core.jobs import EventJob, Glance, RunKind, RunRequest, TriggeredBy
from shared.core.states import RunState
from tests.support.world import World

INCOMPRESSIBLE = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=480_000))

Answer = Callable[[httpx.Request, httpx.Response | None], httpx.Response | None]
CJK = [chr(code) for code in range(0x4E00, 0x9FA0)]


async def unheard(world: World) -> None:
    """Lose the notices: only a run will find what changed."""
    await world.quiet()
    world.post.clear()


def through(world: World, monkeypatch: pytest.MonkeyPatch, service: str, answer: Answer) -> None:
    """Let ``answer`` speak for a service: before a request reaches it, and again with its response; None passes."""
    client = world._wedsync_client if service == "wedsync" else world._graph_client
    transport = client._transport
    assert transport is not None
    real = transport.handle_async_request

    async def handle(request: httpx.Request) -> httpx.Response:
        refused = answer(request, None)
        if refused is not None:
            return refused
        response = await real(request)
        await response.aread()
        return answer(request, response) or response

    monkeypatch.setattr(transport, "handle_async_request", handle)


@asynccontextmanager
async def refused_writes(world: World) -> AsyncIterator[None]:
    """Have Graph refuse every update, in batches too."""
    await world.outlook.fault(action="status", method="PATCH", status=400, code="ErrorPropertyValidation")
    yield
    await world.outlook.clear_faults()


async def test_a_narrowed_run_leaves_what_it_skipped_to_the_next(world: World) -> None:
    await world.connect()
    before = await world.integration()
    await world.outlook.add("New in Outlook")
    await unheard(world)
    narrow = RunRequest(kind=RunKind.INCREMENTAL, triggered_by=TriggeredBy.MANUAL, direction=Direction.TO_OUTLOOK)
    await world.app.request_sync.by_user(world.planner.user_id, narrow)
    await world.settle()
    after = await world.integration()
    assert (after.delta_link, after.wedsync_cursor) == (before.delta_link, before.wedsync_cursor)
    assert after.last_sync_status is LastSyncStatus.SUCCESS

    await world.sync(RunKind.INCREMENTAL)

    await world.assert_equal()


@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.INCREMENTAL])
async def test_an_event_too_large_to_be_kept_holds_up_no_run(world: World, kind: RunKind) -> None:
    await world.connect()
    await world.outlook.add("Huge", body={"contentType": "text", "content": INCOMPRESSIBLE})
    await world.outlook.add("Small")
    await unheard(world)

    run = await world.sync(kind)

    assert [event["title"] for event in await world.wedsync.events()] == ["Small"]
    assert (run.state, run.tally.created, run.tally.errors) == (RunState.COMPLETED, 1, 1)
    (failure,) = run.failures
    assert (failure.code, failure.retryable) == ("StoreFault", False)
    assert (await world.integration()).last_sync_status is LastSyncStatus.PARTIAL


async def test_an_event_too_large_to_be_kept_holds_up_no_notice(world: World) -> None:
    await world.connect()
    huge = await world.outlook.add("Huge", body={"contentType": "text", "content": INCOMPRESSIBLE})
    small = await world.outlook.add("Small")
    await unheard(world)
    glances = (Glance(event_id=huge["id"]), Glance(event_id=small["id"]))
    await world.queue.put(EventJob(integration_id=world.integration_id, side=Side.OUTLOOK, events=glances))

    await world.settle()

    assert [event["title"] for event in await world.wedsync.events()] == ["Small"]
    assert world.queue.kept == []


async def test_an_event_that_grows_too_large_is_set_aside_with_the_reason(world: World) -> None:
    item = await world.outlook.add("Dentist")
    await world.connect()
    await world.outlook.change(
        item["id"], body={"contentType": "text", "content": "".join(random.Random(1).choices(CJK, k=340_000))}
    )

    await world.settle()

    (mapping,) = await world.mappings()
    assert mapping.quarantine.startswith("It cannot be stored: ")
    assert "bytes" in mapping.quarantine
    assert world.queue.kept == []


@pytest.mark.parametrize("kind", [RunKind.FULL, RunKind.INCREMENTAL])
async def test_an_event_that_cannot_be_read_is_neither_synced_nor_missed(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: RunKind
) -> None:
    odd = await world.wedsync.add("Odd")
    await world.connect()
    copies = {item["id"] for item in await world.outlook.events()}
    asked: list[str] = []

    def spoil(request: httpx.Request, response: httpx.Response | None) -> httpx.Response | None:
        if response is None:
            asked.append(request.url.path)
            return None
        body = response.json()
        for event in body.get("events", []) if isinstance(body, dict) else []:
            if event["id"] == odd["id"]:
                event["start"] = "soon"
        return httpx.Response(response.status_code, content=json.dumps(body), request=request)

    through(world, monkeypatch, "wedsync", spoil)
    await world.wedsync.change(odd["id"], title="Odd, and edited")
    await world.wedsync.add("Sound")
    await unheard(world)
    asked.clear()

    run = await world.sync(kind)

    assert (run.state, run.tally.created, run.tally.deleted, run.tally.errors) == (RunState.COMPLETED, 1, 0, 0)
    assert copies < {item["id"] for item in await world.outlook.events()}
    assert not [path for path in asked if path.endswith(odd["id"])]
    assert await world.open_conflicts() == ()


@pytest.mark.parametrize(("status", "outcome"), [(410, "CursorExpired"), (422, "Rejected")])
async def test_a_reading_that_is_refused_ends_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch, status: int, outcome: str
) -> None:
    await world.connect()
    with monkeypatch.context() as patch:

        def refuse(request: httpx.Request, response: httpx.Response | None) -> httpx.Response | None:
            return httpx.Response(status, json={}, request=request) if response is None else None

        through(world, patch, "wedsync", refuse)
        run = await world.sync(RunKind.FULL)
    assert (run.state, run.outcome) == (RunState.FAILED, outcome)
    assert (await world.integration()).last_sync_status is LastSyncStatus.ERROR
    assert world.poisoned == []
    assert (await world.sync(RunKind.INCREMENTAL)).state is RunState.COMPLETED


async def test_a_refused_update_is_shown_and_tried_again(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    await world.wedsync.change(event["id"], title="Tasting at noon")
    await unheard(world)
    async with refused_writes(world):
        run = await world.sync(RunKind.INCREMENTAL)
        assert run.failures[0].retryable is False
        (mapping,) = await world.mappings()
        assert mapping.quarantine == "graph refuses it (ErrorPropertyValidation)."

    await world.sync(RunKind.FULL)

    (mapping,) = await world.mappings()
    assert mapping.quarantine == ""
    await world.assert_equal()


async def test_a_refused_update_is_tried_again_outside_the_window(world: World) -> None:
    event = await world.wedsync.add("Tasting")
    await world.connect()
    copy = str((await world.mapping_of(event["id"])).outlook_id)
    await world.wedsync.change(event["id"], title="Tasting at noon")
    await unheard(world)
    async with refused_writes(world):
        await world.sync(RunKind.INCREMENTAL)
    await world.advance(days=1000)

    await world.sync(RunKind.FULL)

    assert {item["id"]: item["subject"] for item in await world.outlook.events()}[copy] == "WedSync: Tasting at noon"
    assert (await world.mapping_of(event["id"])).quarantine == ""


@pytest.mark.parametrize("seconds", ["4", "25"], ids=["waits in place", "ends the message"])
async def test_a_batch_that_was_told_to_wait_is_not_sent_after_a_disconnect(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    await world.connect()
    await world.wedsync.add("Tasting")
    await unheard(world)
    batches: list[str] = []

    def wait(request: httpx.Request, response: httpx.Response | None) -> httpx.Response | None:
        if response is not None or not request.url.path.endswith("/$batch"):
            return None
        batches.append(request.url.path)
        parts = json.loads(request.content)["requests"]
        error = {"error": {"code": "TooManyRequests", "message": ""}}
        answers = [
            {"id": part["id"], "status": 429, "headers": {"Retry-After": seconds}, "body": error} for part in parts
        ]
        return httpx.Response(200, json={"responses": answers}, request=request)

    async def fence(name: str) -> None:
        if len(batches) == 1:
            world.steps.watch = None
            epoch = (await world.integration()).epoch
            await world.ports.mappings.raise_epoch(world.integration_id, epoch + 1)

    through(world, monkeypatch, "graph", wait)
    world.steps.watch = fence
    request = RunRequest(kind=RunKind.INCREMENTAL, triggered_by=TriggeredBy.MANUAL)
    await world.app.request_sync.by_user(world.planner.user_id, request)
    message = world.queue.next()
    assert message is not None
    await world.carry_out(message)

    (mapping,) = await world.mappings()
    assert mapping.intent is not None
    assert len(batches) == 1
