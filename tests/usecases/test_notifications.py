"""What Graph and WedSync tell us: who may, what becomes of it, and that nothing is taken at its word."""

import json

from shared.core.jobs import EventJob, RunJob, RunKind, UpkeepJob, UpkeepKind
from shared.core.states import IntegrationState, SubscriptionState
from shared.usecases.accept_notifications import LifecycleNotice, Notice
from tests.support.ends import Letter
from tests.support.world import World


async def secret_of(world: World) -> tuple[str, str]:
    """The living subscription's id and its clientState, which only Graph knows."""
    kept = next(iter(world.graph.subscriptions.kept.values()))
    assert kept.client_state is not None
    return kept.id, kept.client_state


def jobs(world: World) -> list[object]:
    return [world.app.jobs.parse(message.text) for message in world.queue.kept]


async def test_a_forged_client_state_is_dropped(world: World) -> None:
    await world.connect()
    subscription_id, _ = await secret_of(world)

    taken = await world.app.accept_notifications.changes(
        [Notice(subscription_id=subscription_id, client_state="forged", event_id="x")]
    )

    assert (taken, jobs(world)) == (0, [])


async def test_an_unknown_subscription_is_dropped(world: World) -> None:
    await world.connect()
    _, secret = await secret_of(world)

    taken = await world.app.accept_notifications.changes(
        [Notice(subscription_id="nobody's", client_state=secret, event_id="x")]
    )

    assert (taken, jobs(world)) == (0, [])


async def test_honest_and_forged_items_of_one_post_are_told_apart(world: World) -> None:
    await world.connect()
    subscription_id, secret = await secret_of(world)
    states = [secret, "forged", secret]

    taken = await world.app.accept_notifications.changes(
        [
            Notice(subscription_id=subscription_id, client_state=state, event_id=f"event-{number}")
            for number, state in enumerate(states)
        ]
    )

    (job,) = jobs(world)
    assert isinstance(job, EventJob)
    assert taken == 2
    assert [glance.event_id for glance in job.events] == ["event-0", "event-2"]


async def test_several_notices_of_one_event_become_one_look(world: World) -> None:
    """Where they name different versions, none of them is believed; a removal among them is asked after."""
    await world.connect()
    subscription_id, secret = await secret_of(world)

    def notice(event_id: str, etag: str, *, removed: bool = False) -> Notice:
        return Notice(
            subscription_id=subscription_id, client_state=secret, event_id=event_id, etag=etag, removed=removed
        )

    await world.app.accept_notifications.changes(
        [notice("a", "1"), notice("a", "2"), notice("b", "1"), notice("b", "1"), notice("c", "", removed=True)]
    )

    (job,) = jobs(world)
    assert isinstance(job, EventJob)
    assert [(glance.event_id, glance.hint, glance.removed) for glance in job.events] == [
        ("a", "", False),
        ("b", "1", False),
        ("c", "", True),
    ]


async def test_a_thousand_notices_make_ten_messages(world: World) -> None:
    await world.connect()
    subscription_id, secret = await secret_of(world)

    await world.app.accept_notifications.changes(
        [Notice(subscription_id=subscription_id, client_state=secret, event_id=f"e{n}") for n in range(1000)]
    )

    found = jobs(world)
    assert [len(job.events) for job in found if isinstance(job, EventJob)] == [100] * 10


async def test_junk_in_the_post_harms_nothing(world: World) -> None:
    await world.connect()
    for body in (b"", b"[]", b"null", b'{"value": 7}', b'{"value": [null, {}, {"subscriptionId": 7}]}', b"\xff"):
        world.post.append(Letter(sender="graph", body=body, headers={"content-type": "application/json"}))
    await world.settle()

    assert jobs(world) == []


async def test_missed_notices_lead_to_a_full_run(world: World) -> None:
    await world.connect()
    await world.outlook.add("Dentist")
    await world.quiet()
    world.post.clear()
    await world.outlook.lifecycle("missed")
    await world.settle()

    assert [run.request.kind for run in await world.runs()] == [RunKind.FULL] * 2
    await world.assert_equal()


async def test_a_removed_subscription_is_replaced(world: World) -> None:
    await world.connect()
    before, _ = await secret_of(world)
    await world.outlook.lifecycle("subscriptionRemoved")
    await world.settle()

    after, _ = await secret_of(world)
    rows = await world.ports.rows.of_integration(world.integration_id)
    assert before != after
    assert [(row.value.subscription_id, row.value.state) for row in rows] == [(after, SubscriptionState.ACTIVE)]
    await world.outlook.add("Dentist")
    await world.settle()
    await world.assert_equal()


async def test_a_subscription_is_reauthorized_when_graph_asks_for_it(world: World) -> None:
    await world.connect()
    (before,) = await world.outlook.subscriptions()
    await world.advance(hours=1)
    await world.outlook.control("POST", "/lifecycle", {"event": "reauthorizationRequired", "pause": True})
    await world.settle()

    (after,) = await world.outlook.subscriptions()
    assert after["id"] == before["id"]
    assert after["expirationDateTime"] > before["expirationDateTime"]
    assert not after["paused"]


async def test_a_forged_lifecycle_notice_is_dropped(world: World) -> None:
    await world.connect()
    subscription_id, _ = await secret_of(world)

    taken = await world.app.accept_notifications.lifecycle(
        [LifecycleNotice(subscription_id=subscription_id, client_state="forged", event="subscriptionRemoved")]
    )

    assert (taken, jobs(world)) == (0, [])
    assert len(await world.ports.rows.of_integration(world.integration_id)) == 1


async def test_after_disconnecting_notices_lead_to_nothing(world: World) -> None:
    await world.connect()
    await world.outlook.add("Dentist")
    await world.quiet()
    kept = list(world.post)
    await world.app.disconnect.by_user(world.planner.user_id)
    world.calls.clear()
    world.post[:] = kept
    await world.wedsync.add("Tasting")
    await world.settle()

    assert world.calls == []
    assert (await world.integration()).state is IntegrationState.DISCONNECTED


async def test_a_stranger_in_wedsync_is_nobody_here(world: World) -> None:
    body = {"type": "event.created", "data": {"userId": "somebody", "eventId": "evt_1", "version": 1}}
    world.post.append(Letter(sender="wedsync", body=json.dumps(body).encode()))
    await world.settle()

    assert jobs(world) == []


async def test_poison_becomes_a_run(world: World) -> None:
    await world.connect()
    found = {"version": 1, "job": "event", "integrationId": world.integration_id, "side": "wedsync", "events": []}
    text = json.dumps(found)
    await world.app.recover_poison.run(text)
    await world.app.recover_poison.run("no job at all")
    await world.app.recover_poison.run(text.replace(world.integration_id, "unknown"))

    (job,) = jobs(world)
    assert isinstance(job, RunJob)
    assert world.queue.kept[0].due > 0


async def test_a_job_that_always_fails_is_buried_and_made_up_for(world: World) -> None:
    await world.connect()
    event = await world.wedsync.add("Tasting")

    async def bug(name: str) -> None:
        if name.startswith("before graph POST"):
            raise ZeroDivisionError

    world.steps.watch = bug
    for _ in range(6):
        await world.settle_one()
    world.steps.watch = None
    assert [event["id"] in text for text in world.poisoned] == [True]
    assert {type(error) for error in world.errors} == {ZeroDivisionError}
    world.errors.clear()

    await world.settle()
    await world.assert_equal()


async def test_upkeep_for_an_unknown_integration_is_dropped(world: World) -> None:
    await world.queue.put(UpkeepJob(integration_id="unknown", kind=UpkeepKind.RENEW))
    await world.settle()

    assert jobs(world) == []
