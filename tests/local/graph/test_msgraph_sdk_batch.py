"""``$batch`` through Microsoft's own client, with what is known to be wrong with it in msgraph-core 1.5.

It sends absolute URLs, which Graph refuses (https://github.com/microsoftgraph/msgraph-sdk-python/issues/1015, whose
way round is used here); it spells ``dependsOn`` as ``depends_on``, which Graph ignores
(https://github.com/microsoftgraph/msgraph-sdk-python-core/pull/996); and it loses answers' JSON bodies
(https://github.com/microsoft/kiota-python/issues/737), so that only the status of each is seen here.
"""

from typing import Any

from msgraph import GraphServiceClient
from msgraph.generated.models.event import Event
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

from tests.local.graph.conftest import Far
from tests.local.graph.microsoft import WARNS_OF_ITSELF, asking, tasting

pytestmark = WARNS_OF_ITSELF


def item(client: GraphServiceClient, name: str, request: Any, **more: Any) -> BatchRequestItem:
    """One request of a batch, its URL made relative."""
    made = BatchRequestItem(request, id=name, **more)
    made.url = made.url.replace(client.request_adapter.base_url, "")
    return made


async def statuses(client: GraphServiceClient, *items: BatchRequestItem) -> dict[str, int]:
    content = BatchRequestContent({each.id: each for each in items})
    found: dict[str, int] = (await client.batch.post(content)).get_response_status_codes()
    return found


async def test_each_request_has_its_own_status(roses: GraphServiceClient) -> None:
    kept = await roses.me.events.post(tasting())
    gone = await roses.me.events.post(tasting())
    await roses.me.events.by_event_id(gone.id).delete()
    one, lost = roses.me.events.by_event_id(kept.id), roses.me.events.by_event_id(gone.id)
    await one.patch(Event(subject="Newer"))
    stale = asking(If_Match=f'W/"{kept.change_key}"')
    found = await statuses(
        roses,
        item(roses, "read", one.to_get_request_information()),
        item(roses, "create", roses.me.events.to_post_request_information(tasting(subject="In a batch"))),
        item(roses, "lost", lost.to_get_request_information()),
        item(roses, "stale", one.to_patch_request_information(Event(subject="Older"), stale)),
        item(roses, "delete", one.extensions.by_extension_id("none").to_delete_request_information()),
    )
    assert found == {"read": 200, "create": 201, "lost": 404, "stale": 412, "delete": 404}
    assert "In a batch" in [each.subject for each in (await roses.me.events.get()).value]


async def test_a_misspelt_depends_on_is_ignored(roses: GraphServiceClient) -> None:
    gone = await roses.me.events.post(tasting())
    await roses.me.events.by_event_id(gone.id).delete()
    lost = item(roses, "lost", roses.me.events.by_event_id(gone.id).to_get_request_information())
    after = item(roses, "after", roses.me.to_get_request_information(), depends_on=["lost"])
    assert await statuses(roses, lost, after) == {"lost": 404, "after": 200}


async def test_an_absolute_url_is_refused(roses: GraphServiceClient) -> None:
    await roses.me.get()  # from its first request on, the client knows the address
    plain = BatchRequestItem(roses.me.to_get_request_information(), id="absolute")
    assert plain.url.startswith("https://")
    assert await statuses(roses, plain) == {"absolute": 400}


async def test_an_item_is_throttled_alone(roses: GraphServiceClient, graph: Far) -> None:
    order = {"action": "status", "status": 429, "method": "POST", "path": "/me/events", "count": 1, "retry_after": 7}
    await graph.control("POST", "/faults", order)
    found = await statuses(
        roses,
        item(roses, "read", roses.me.to_get_request_information()),
        item(roses, "create", roses.me.events.to_post_request_information(tasting())),
    )
    assert found == {"read": 200, "create": 429}
    assert (await roses.me.events.get()).value == []
