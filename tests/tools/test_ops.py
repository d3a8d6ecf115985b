"""The operator's command line: on the world for what it says and does, on the emulator for the queues and the whole."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local.azurite import Azurite
from shared.core.event import Side
from shared.core.jobs import EventJob, Glance, RunJob, TurnsJob, UpkeepJob, UpkeepKind
from shared.errors import NotFound, ReconnectNeeded, Rejected, StateConflict
from shared.store.messages import EVENT_QUEUE, QUEUES, RUN_QUEUE, to_texts
from shared.triggers import present
from tests.support.world import World
from tools import ops

SAMPLE = Path(__file__).parents[2] / "local.settings.sample.json"


class Aside:
    """Messages that failed for good, by queue."""

    def __init__(self, **texts: tuple[str, ...]) -> None:
        self.texts = dict(texts)
        self.replayed: list[tuple[str, int]] = []

    async def set_aside(self, queue: str) -> tuple[str, ...]:
        return self.texts.get(queue, ())

    async def replay(self, queue: str, *, limit: int) -> int:
        self.replayed.append((queue, limit))
        return min(limit, len(self.texts.get(queue, ())))


async def said(world: World, *arguments: str, poison: ops.Poison | None = None) -> Mapping[str, Any]:
    given = ops.parser().parse_args(arguments)
    desk = ops.Desk(app=world.app, ports=world.ports, poison=poison or Aside())
    answer = await given.command(desk, given)
    return dict(json.loads(json.dumps(answer)))


async def test_show_by_integration_and_by_user(world: World) -> None:
    await world.wedsync.add("CanaryOfATitle")
    await world.connect()
    shown = await said(world, "show", world.integration_id)
    assert shown == await said(world, "show", world.planner.user_id)
    assert (shown["state"], shown["quarantined"], shown["openConflicts"]) == ("connected", 0, 0)
    assert shown["mappings"]["linked"] == 1
    assert [each["state"] for each in shown["subscriptions"]] == ["active"]
    assert "Canary" not in json.dumps(shown)


async def test_show_tells_why_a_connection_stopped(world: World) -> None:
    await world.connect()
    world.entra.revoked.add(world.integration_id)
    await world.advance(minutes=16)
    await world.timers()
    await world.settle()
    shown = await said(world, "show", world.integration_id)
    assert (shown["state"], shown["reasonCode"]) == ("needs_reconnect", "invalid_grant")
    for command in ("sync", "renew"):
        with pytest.raises(StateConflict, match="needs_reconnect"):
            await said(world, command, world.integration_id)


async def test_nobody_of_this_id(world: World) -> None:
    with pytest.raises(NotFound):
        await said(world, "show", "nobody")


async def test_runs_and_quarantine(world: World) -> None:
    await world.connect()
    await world.outlook.fault(action="status", path="/calendars/", method="POST", status=400, code="ErrorInvalid")
    event = await world.wedsync.add("CanaryOfATitle")
    await world.settle()
    shown = await said(world, "quarantine", world.integration_id)
    (aside,) = shown["quarantined"]
    assert aside["wedsyncId"] == event["id"]
    assert aside["reason"]
    history = await said(world, "runs", world.integration_id, "--limit", "2")
    assert len(history["runs"]) == 2
    assert history["runs"][0]["failures"][0]["event"] == event["id"]
    assert "Canary" not in json.dumps([shown, history])

    await world.outlook.clear_faults()
    begun = await said(world, "sync", world.integration_id)
    await world.settle()
    assert (await world.app.request_sync.status(world.planner.user_id, begun["run"])).state.value == "completed"
    assert (await said(world, "quarantine", world.integration_id))["quarantined"] == []
    await world.assert_equal()


async def test_renewals_are_forced(world: World) -> None:
    await world.connect()
    (before,) = await world.outlook.subscriptions()
    await world.advance(days=1)
    done = await said(world, "renew", world.integration_id)
    assert done["tokenSaved"] is True
    assert world.entra.renewed == [world.integration_id]
    (after,) = await world.outlook.subscriptions()
    assert after["id"] == before["id"]
    assert after["expirationDateTime"] > before["expirationDateTime"]


async def test_a_renewal_that_only_the_user_can_make(world: World) -> None:
    await world.connect()
    world.entra.revoked.add(world.integration_id)
    with pytest.raises(ReconnectNeeded):
        await said(world, "renew", world.integration_id)


async def test_poison_is_shown_without_the_ids_of_events(world: World) -> None:
    looked = EventJob(integration_id="i", side=Side.OUTLOOK, events=(Glance(event_id="Canary"),), correlation="c")
    renewal = UpkeepJob(integration_id="i", kind=UpkeepKind.RENEW)
    aside = Aside(
        **{EVENT_QUEUE: (*to_texts(looked), "Canary")},
        **{RUN_QUEUE: to_texts(RunJob(integration_id="i", run_id="r", attempt=3))},
        **{
            QUEUES[2]: (
                *to_texts(renewal),
                *to_texts(TurnsJob(kind="k", turns=())),
            )
        },
    )
    shown = (await said(world, "poison", poison=aside))["waiting"]
    assert shown[EVENT_QUEUE] == [
        {"job": "EventJob", "integration": "i", "attempt": 0, "correlation": "c", "events": 1},
        {"job": "unreadable", "characters": 6},
    ]
    assert shown[RUN_QUEUE] == [{"job": "RunJob", "integration": "i", "attempt": 3, "correlation": ""}]
    assert [each["job"] for each in shown[QUEUES[2]]] == ["UpkeepJob", "TurnsJob"]
    assert "Canary" not in json.dumps(shown)


async def test_poison_is_replayed_from_one_queue(world: World) -> None:
    aside = Aside(**{RUN_QUEUE: ("a", "b")})
    assert await said(world, "poison", "--replay", "--queue", RUN_QUEUE, "--limit", "1", poison=aside) == {
        "replayed": {RUN_QUEUE: 1}
    }
    assert await said(world, "poison", "--replay", "--queue", RUN_QUEUE, poison=aside) == {"replayed": {RUN_QUEUE: 2}}
    assert aside.replayed == [(RUN_QUEUE, 1), (RUN_QUEUE, 32)]
    assert set((await said(world, "poison", poison=aside))["waiting"]) == set(QUEUES)


async def test_a_run_of_an_operators_is_not_shown_as_the_users(world: World) -> None:
    await world.connect()
    begun = await said(world, "sync", world.integration_id)
    await world.settle()
    run = await world.app.request_sync.status(world.planner.user_id, begun["run"])
    assert present.history_item(run).triggered_by == "auto"
    shown = (await said(world, "runs", world.integration_id, "--limit", "1"))["runs"][0]
    assert (shown["run"], shown["triggeredBy"], shown["state"]) == (begun["run"], "operator", "completed")


async def test_a_renewal_by_hand_ends_the_waiting_for_a_channel(world: World) -> None:
    await world.outlook.fault(action="status", path="/subscriptions", status=403, code="Forbidden")
    await world.connect()
    shown = await said(world, "show", world.integration_id)
    assert (shown["channelRefusals"], shown["channelRefusalCode"]) == (1, "Forbidden")
    assert shown["channelNextTryAt"] > world.clock.now().isoformat()
    with pytest.raises(Rejected):
        await said(world, "renew", world.integration_id)
    await world.outlook.clear_faults()
    await said(world, "renew", world.integration_id)
    shown = await said(world, "show", world.integration_id)
    assert (shown["channelRefusals"], shown["channelRefusalCode"], shown["channelNextTryAt"]) == (0, "", "")
    assert [each["state"] for each in shown["subscriptions"]] == ["active"]


async def test_health_is_asked_from_here(world: World) -> None:
    assert await said(world, "health") == {"well": True, "dependencies": {}}


# --- The whole --------------------------------------------------------------------------------------------------------


def called(*arguments: str, environ: Mapping[str, str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return ops.main(arguments, environ, out=out, err=err), out.getvalue(), err.getvalue()


def test_wrong_settings_are_listed() -> None:
    status, out, err = called("health", environ={})
    assert (status, out) == (2, "")
    assert "AZURE_CLIENT_ID" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "required: COMMAND"),
        (("show",), "required: ID"),
        (("poison", "--queue", "other"), "invalid choice: 'other'"),
        (("destroy",), "invalid choice: 'destroy'"),
        (("poison", "--replay"), "--replay needs --queue"),
        (("poison", "--limit", "0"), "invalid count, at least 1, value: '0'"),
        (("runs", "i", "--limit", "-1"), "invalid count, at least 1, value: '-1'"),
        (("runs", "i", "--limit", "some"), "invalid count, at least 1, value: 'some'"),
    ],
)
def test_what_nobody_understands_is_refused(
    arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        called(*arguments, environ={})
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "usage" in said
    assert complaint in said


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{CanaryOfASecret", 'is not JSON with "Values"'),
        ("\xff\xfe", 'is not JSON with "Values"'),
        ('{"AZURE_CLIENT_ID": "CanaryOfASecret"}', 'is not JSON with "Values"'),
        ('["CanaryOfASecret"]', 'is not JSON with "Values"'),
        ('{"Values": ["CanaryOfASecret"]}', "are not texts by name"),
        ('{"Values": {"SyncStorage": 7}}', "are not texts by name"),
    ],
)
def test_a_file_without_settings_is_one_clear_line(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "settings.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    status, out, err = called("--settings", str(path), "health", environ={})
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert complaint in err
    assert str(path) in err
    assert "Canary" not in err


def test_a_directory_holds_no_settings(tmp_path: Path) -> None:
    status, _, err = called("--settings", str(tmp_path), "health", environ={})
    assert (status, err) == (2, f"{tmp_path} cannot be read: Is a directory\n")


@pytest.mark.azurite
def test_from_the_command_line_to_storage(azurite: Azurite, tmp_path: Path) -> None:
    values = json.loads(SAMPLE.read_text())["Values"] | {"SyncStorage": azurite.connection_string}
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"Values": values}))
    status, out, err = called("--settings", str(path), "show", f"nobody-{uuid4()}", environ={})
    assert (status, out) == (1, "")
    assert err.startswith("NotFound")
    status, out, _ = called("poison", environ=values)
    assert status == 0
    assert set(json.loads(out)["waiting"]) == set(QUEUES)
