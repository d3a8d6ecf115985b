"""A far end refuses one field for good: the event's other changes go on, and the field is named."""

import json
from collections.abc import Callable

import httpx
import pytest

from shared.core.jobs import RunKind
from tests.support.pair import Pair
from tests.support.world import World

Body = dict[str, object]
ERROR = {"error": {"code": "ErrorPropertyValidation", "message": ""}, "code": "invalid_event"}


def refuse(
    world: World, monkeypatch: pytest.MonkeyPatch, service: str, refused: Callable[[Body], bool]
) -> list[list[str]]:
    """Let a service answer 400 to each PATCH with such a body; return the members of each PATCH as they come."""
    client = world._wedsync_client if service == "wedsync" else world._graph_client
    transport = client._transport
    assert transport is not None
    real = transport.handle_async_request
    sent: list[list[str]] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/$batch"):
            return await batch(request)
        if request.method == "PATCH" and judged(json.loads(request.content)):
            return httpx.Response(400, json=ERROR, request=request)
        return await real(request)

    def judged(body: Body) -> bool:
        sent.append(sorted(body))
        return refused(body)

    async def batch(request: httpx.Request) -> httpx.Response:
        """Answer the parts that are refused, and let the others through."""
        parts = json.loads(request.content)["requests"]
        out = {part["id"] for part in parts if part["method"] == "PATCH" and judged(part["body"])}
        left = [part for part in parts if part["id"] not in out]
        answers = []
        if left:
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            inner = httpx.Request("POST", request.url, headers=headers, json={"requests": left})
            response = await real(inner)
            answers = json.loads(await response.aread())["responses"]
        answers += [{"id": each, "status": 400, "headers": {}, "body": ERROR} for each in out]
        return httpx.Response(200, json={"responses": answers}, request=request)

    monkeypatch.setattr(transport, "handle_async_request", handle)
    return sent


def has(*names: str) -> Callable[[Body], bool]:
    return lambda body: any(name in body for name in names)


async def test_the_other_fields_go_to_outlook(world: World, ours: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(world, monkeypatch, "graph", has("location", "locations"))
    await ours.here(title="Tasting at noon", location={"name": "Barn", "address": ""})
    await world.settle()

    item = await world.outlook.read(ours.outlook_id)
    assert (item["subject"], item["location"]["displayName"]) == ("WedSync: Tasting at noon", "Mill")
    mapping = await world.mapping_of(ours.wedsync_id)
    assert "location" in mapping.quarantine
    assert "graph" in mapping.quarantine


async def test_the_other_fields_come_to_wedsync(world: World, theirs: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(world, monkeypatch, "wedsync", has("title"))
    await theirs.there(subject="Dentist, again", location={"displayName": "High Street"})
    await world.settle()

    event = await world.wedsync.read(theirs.wedsync_id)
    assert (event["title"], event["location"]["name"]) == ("Dentist", "High Street")
    assert "title" in (await world.mapping_of(theirs.wedsync_id)).quarantine


async def test_a_refusal_on_one_side_does_not_hold_back_the_other(
    world: World, ours: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world, monkeypatch, "wedsync", has("title"))
    await ours.here(location={"name": "Barn", "address": ""})
    await ours.there(subject="WedSync: Tasting, moved")
    await world.quiet()
    world.post.clear()
    run = await world.sync(RunKind.INCREMENTAL)

    assert (await world.outlook.read(ours.outlook_id))["location"]["displayName"] == "Barn"
    assert (await world.wedsync.read(ours.wedsync_id))["title"] == "Tasting"
    assert run.tally.errors == 1
    assert "title" in (await world.mapping_of(ours.wedsync_id)).quarantine


async def test_in_a_run_of_many_each_other_field_and_event_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [(await world.wedsync.add(f"Fitting {n}"))["id"] for n in range(5)]
    await world.connect()
    refuse(world, monkeypatch, "graph", lambda body: "Barn" in json.dumps(body))
    for n, event_id in enumerate(ids):
        place = {"name": "Barn" if n == 2 else "Mill", "address": ""}
        await world.wedsync.change(event_id, title=f"Fitting {n}, again", location=place)
    await world.quiet()
    world.post.clear()
    run = await world.sync(RunKind.INCREMENTAL)

    items = {item["subject"]: item["location"]["displayName"] for item in await world.outlook.events()}
    assert items == {f"WedSync: Fitting {n}, again": "" if n == 2 else "Mill" for n in range(5)}
    assert [failure.event_id for failure in run.failures] == [ids[2]]
    assert "location" in (await world.mapping_of(ids[2])).quarantine


async def test_it_is_tried_again_and_the_quarantine_ends(
    world: World, ours: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as for_now:
        refuse(world, for_now, "graph", has("location", "locations"))
        await ours.here(title="Tasting at noon", location={"name": "Barn", "address": ""})
        await world.settle()
    await world.sync()

    assert (await world.mapping_of(ours.wedsync_id)).quarantine == ""
    await world.assert_equal()


async def test_a_refusal_of_everything_is_one_more_request_for_each_field(
    world: World, ours: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = refuse(world, monkeypatch, "graph", lambda body: True)
    await ours.here(title="Tasting at noon", location={"name": "Barn", "address": ""})
    await world.settle()

    assert len(sent) == 3
    assert (await world.outlook.read(ours.outlook_id))["subject"] == "WedSync: Tasting"
    run = await world.sync()
    assert run.tally.errors == 1
    assert (await world.mapping_of(ours.wedsync_id)).quarantine != ""


async def test_a_crash_between_the_fields_loses_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event = await world.wedsync.add("Tasting", location={"name": "Mill", "address": ""}, description="Samples")
    await world.connect()
    with monkeypatch.context() as for_now:
        refuse(world, for_now, "graph", has("location", "locations"))
        await world.wedsync.change(
            event["id"], title="Tasting at noon", location={"name": "Barn", "address": ""}, description="Cakes"
        )
        for step in range(0, 200):
            if not await world.crashes(world.settle, at=step):
                break
        (item,) = await world.outlook.events()
        assert item["subject"] == "WedSync: Tasting at noon"
    await world.sync()
    assert await world.open_conflicts() == ()
    await world.assert_equal()
