"""Graph's notifications at the function itself: 202 as soon as the look is on the queue, 5xx only if it is not."""

import json

import azure.functions as func
import pytest

from shared import bootstrap
from shared.errors import Unavailable
from tests.support.functions import functions
from tests.support.world import World


async def post(body: object) -> func.HttpResponse:
    request = func.HttpRequest(
        "POST",
        "https://x.test/api/calendar/outlook/webhook",
        headers={"content-type": "application/json"},
        body=json.dumps(body).encode(),
    )
    answer = await functions()["graph_webhook"].call(request)
    assert isinstance(answer, func.HttpResponse)
    return answer


def notification(world: World, client_state: str | None) -> dict[str, object]:
    kept = next(iter(world.graph.subscriptions.kept.values()))
    return {
        "value": [
            {
                "subscriptionId": kept.id,
                "clientState": client_state or kept.client_state,
                "changeType": "updated",
                "tenantId": world.planner.account.tid,
                "resource": "Users/x/Events/y",
                "resourceData": {"@odata.type": "#Microsoft.Graph.Event", "id": "y"},
            }
        ]
    }


async def test_only_a_queue_that_fails_is_answered_5xx(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World() as world:
        await world.connect()
        monkeypatch.setattr(bootstrap, "_app", world.app)
        assert (await post(notification(world, None))).status_code == 202
        assert len(world.queue.kept) == 1

        world.queue.fault = Unavailable("queue")
        refused = await post(notification(world, None))
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "5"
        # What is not ours is dropped, and nothing has to be queued for it: Graph must not send it again for hours.
        junk: list[object] = [
            notification(world, "forged"),
            {"value": []},
            {"value": [{"subscriptionId": 7}]},
            ["junk"],
        ]
        for strange in junk:
            assert (await post(strange)).status_code == 202

        world.queue.fault = None
        assert (await post(notification(world, None))).status_code == 202
