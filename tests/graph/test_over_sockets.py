"""The client over real TLS sockets: trust, broken connections, and a create whose answer is lost (S65)."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.graph.app import create_app
from local.simkit.background import Background, free_port
from local.simkit.tls import Certificates, certificates
from shared.errors import OutcomeUnknown, Unavailable
from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphClient
from tests.contracts.outlook_port import draft
from tests.graph.conftest import INTEGRATION, IssuedTokens, Pauses, PublishedKeys
from tests.support.values import new_id


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("graph-tls"))


@pytest.fixture(scope="module")
def url(tls: Certificates) -> Iterator[str]:
    with Background(create_app(PublishedKeys()), certificate=tls.server_file) as url:
        yield url


@pytest.fixture
async def control(url: str, tls: Certificates) -> AsyncIterator[httpx.AsyncClient]:
    trust = httpx.create_ssl_context(trust_env=False)
    trust.load_verify_locations(cafile=str(tls.ca_file))
    async with httpx.AsyncClient(base_url=f"{url}/_control", verify=trust, trust_env=False) as http:
        await http.post("/reset")
        yield http


def dialled(url: str, ca_file: Path | None) -> GraphClient:
    return GraphClient(
        base_url=f"{url}/v1.0",
        tokens=IssuedTokens(),
        new_id=new_id,
        ca_file=str(ca_file) if ca_file else "",
        sleep=Pauses(),
    )


@pytest.fixture
async def outlook(url: str, tls: Certificates) -> AsyncIterator[GraphOutlook]:
    client = dialled(url, tls.ca_file)
    yield GraphOutlook(client)
    await client.close()


async def events(outlook: GraphOutlook, mapping_id: str, calendar_id: str) -> int:
    return len(await outlook.find_marked(INTEGRATION, calendar_id, mapping_id))


@pytest.mark.usefixtures("control")
async def test_the_extra_authority_is_trusted_and_others_are_not(url: str, outlook: GraphOutlook) -> None:
    assert await outlook.calendars(INTEGRATION)
    stranger = dialled(url, None)
    with pytest.raises(Unavailable):
        await GraphOutlook(stranger).calendars(INTEGRATION)
    await stranger.close()


async def test_nobody_listens() -> None:
    client = dialled(f"https://localhost:{free_port()}", None)
    with pytest.raises(Unavailable):
        await GraphOutlook(client).calendars(INTEGRATION)
    await client.close()


@pytest.mark.parametrize("order", [{"action": "hang_after_commit", "seconds": 0.1}, {"action": "drop_connection"}])
async def test_a_create_whose_answer_is_lost_makes_one_event(
    control: httpx.AsyncClient, outlook: GraphOutlook, order: dict[str, Any]
) -> None:
    calendar_id = (await outlook.calendars(INTEGRATION))[0].calendar_id
    mapping_id = new_id()
    payload = outlook.compose(draft(mapping_id=mapping_id))
    await control.post("/faults", json=order | {"method": "POST", "path": "/events", "count": 1})
    made = await outlook.create(INTEGRATION, calendar_id, payload)
    assert made.event_id
    assert await events(outlook, mapping_id, calendar_id) == 1


async def test_a_create_that_is_lost_twice_is_unknown_and_can_be_sent_again(
    control: httpx.AsyncClient, outlook: GraphOutlook
) -> None:
    calendar_id = (await outlook.calendars(INTEGRATION))[0].calendar_id
    mapping_id = new_id()
    payload = outlook.compose(draft(mapping_id=mapping_id))
    order = {"action": "hang_after_commit", "seconds": 0.1, "method": "POST", "path": "/events", "count": 2}
    await control.post("/faults", json=order)
    with pytest.raises(OutcomeUnknown):
        await outlook.create(INTEGRATION, calendar_id, payload)
    assert await events(outlook, mapping_id, calendar_id) == 1
    await outlook.create(INTEGRATION, calendar_id, payload)
    assert await events(outlook, mapping_id, calendar_id) == 1
