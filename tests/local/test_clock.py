"""One clock for the whole stand: what is moved moves everywhere, and comes back."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.children import ROOT
from local.entra.state import Directory
from local.simkit.clock import Clock
from local.simkit.people import ROSE
from local.stand import Stand
from tests.local.test_stand import sample_settings

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

SAMPLE_APP = ROOT / "tests" / "local" / "host" / "sample_app"
MONTH = timedelta(days=30)
NOTICED = 2.0
"""Seconds after which every process shows the moved time: some write their Date header once a second."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    folder = tmp_path_factory.mktemp("stand")
    stand = Stand(work_folder=folder, app_root=SAMPLE_APP, season=False)
    stand.host_environment = {**sample_settings(folder), "SampleStorage": stand.connection_string}
    async with stand:
        yield stand


@pytest_asyncio.fixture(loop_scope="module")
async def stand(running: Stand) -> AsyncIterator[Stand]:
    yield running
    running.clock.write(0)
    async with httpx.AsyncClient(verify=running.trust, trust_env=False) as client:
        for base in (running.urls.graph, running.urls.entra):
            await client.post(f"{base}/_control/reset")


@pytest_asyncio.fixture(loop_scope="module")
async def client(stand: Stand) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=stand.trust, trust_env=False, timeout=10) as web:
        yield web


def everybody(stand: Stand) -> dict[str, str]:
    """Return an address of each Python process, to be asked for its Date."""
    urls = stand.urls
    return {
        "entra": urls.entra,
        "identity": urls.identity,
        "graph": urls.graph,
        "keyvault": urls.vault,
        "wedsync": urls.wedsync,
        "host": f"{urls.host}/admin/host/status",
        "host over https": f"{urls.public}/admin/host/status",
    }


async def offsets(stand: Stand, client: httpx.AsyncClient) -> dict[str, float]:
    """Return how far, in seconds, each process is ahead of this one."""
    found = {}
    for name, url in everybody(stand).items():
        told = parsedate_to_datetime((await client.get(url)).headers["date"])
        found[name] = (told - datetime.now(UTC)).total_seconds()
    # Node.js makes Azurite's Date headers beneath JavaScript: what it writes down is asked for instead.
    async with QueueServiceClient.from_connection_string(stand.connection_string) as service:
        queue = service.get_queue_client("clocks")
        with contextlib.suppress(ResourceExistsError):
            await queue.create_queue()
        inserted = (await queue.send_message("now")).inserted_on
        assert inserted is not None
        found["Azurite"] = (inserted - datetime.now(UTC)).total_seconds()
    return found


async def soon(look: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (seen := await look()):
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.1)
    return seen


async def test_every_process_reports_the_moved_time_and_a_reset_returns(
    stand: Stand, client: httpx.AsyncClient
) -> None:
    async def all_at(seconds: float) -> bool:
        return all(abs(offset - seconds) < 5 for offset in (await offsets(stand, client)).values())

    assert await all_at(0)
    moved = await client.post(f"{stand.urls.vault}/_control/clock", json={"advanceSeconds": MONTH.total_seconds()})
    assert moved.json()["offsetSeconds"] == MONTH.total_seconds()
    assert moved.json()["shared"] is True
    await asyncio.sleep(NOTICED)
    assert await all_at(MONTH.total_seconds())
    stand.advance(timedelta(hours=1))
    told = (await client.get(f"{stand.urls.wedsync}/_control/clock")).json()
    assert told["offsetSeconds"] == (MONTH + timedelta(hours=1)).total_seconds()
    assert abs(datetime.fromisoformat(told["now"]) - stand.now()) < timedelta(seconds=2)
    await client.post(f"{stand.urls.graph}/_control/reset")
    assert (await client.get(f"{stand.urls.graph}/_control/clock")).json()["offsetSeconds"] == told["offsetSeconds"]
    await client.post(f"{stand.urls.entra}/_control/clock", json={"reset": True})
    await asyncio.sleep(NOTICED)
    assert await all_at(0)


async def test_simultaneous_moves_add_up(stand: Stand, client: httpx.AsyncClient) -> None:
    urls = (stand.urls.graph, stand.urls.entra, stand.urls.vault, stand.urls.wedsync)
    move = {"advanceSeconds": 60}
    answers = await asyncio.gather(*(client.post(f"{url}/_control/clock", json=move) for url in urls * 5))
    assert {answer.status_code for answer in answers} == {200}
    assert (await client.get(f"{stand.urls.graph}/_control/clock")).json()["offsetSeconds"] == 20 * 60


@pytest.mark.parametrize(
    "body",
    [{}, [], {"advanceSeconds": "60"}, {"advanceSeconds": True}, {"advance": 60}, {"reset": False}],
)
async def test_a_clock_order_that_says_something_else_is_refused(
    stand: Stand, client: httpx.AsyncClient, body: Any
) -> None:
    refused = await client.post(f"{stand.urls.graph}/_control/clock", json=body)
    assert (refused.status_code, refused.json()) == (
        400,
        {"error": 'the body is {"advanceSeconds": number} or {"reset": true}'},
    )


async def test_a_message_appears_when_its_delay_is_over(stand: Stand) -> None:
    async with QueueServiceClient.from_connection_string(stand.connection_string) as service:
        queue = await service.create_queue("later")
        await queue.send_message("now", visibility_timeout=6 * 86400)
        assert await queue.receive_message() is None
        stand.advance(timedelta(days=6, seconds=1))
        message = await queue.receive_message(visibility_timeout=600)
        assert message is not None
        assert await queue.receive_message() is None
        stand.advance(601)
        assert await queue.receive_message() is not None


async def test_a_queue_trigger_takes_a_message_whose_delay_is_over(stand: Stand) -> None:
    async with QueueServiceClient.from_connection_string(stand.connection_string) as service:
        queue = service.get_queue_client("lending")
        await queue.create_queue()
        await queue.send_message("bGF0ZXI=", visibility_timeout=86400)
        before = stand.log().count("Executing 'Functions.lending'")
        stand.advance(timedelta(days=1, seconds=1))

        async def taken() -> bool:
            return stand.log().count("Executing 'Functions.lending'") > before

        await soon(taken)


async def test_a_lease_runs_out(stand: Stand) -> None:
    async with BlobServiceClient.from_connection_string(stand.connection_string) as service:
        container = await service.create_container("leases")
        blob = container.get_blob_client("one")
        await blob.upload_blob(b"")
        await blob.acquire_lease(lease_duration=60)
        with pytest.raises(ResourceExistsError):
            await blob.acquire_lease(lease_duration=60)
        stand.advance(61)
        await blob.acquire_lease(lease_duration=60)


async def test_a_timer_fires_once_for_a_year_that_passed(stand: Stand) -> None:
    """``closing_time`` runs at New Year."""

    async def scheduled() -> bool:
        return "occurrence of the 'closing_time' schedule" in stand.log()

    async def fired(times: int) -> bool:
        return stand.log().count("Executing 'Functions.closing_time'") == before + times

    await soon(scheduled)
    before = stand.log().count("Executing 'Functions.closing_time'")
    stand.advance(timedelta(days=3 * 366))
    await soon(lambda: fired(1))
    stand.clock.write(0)
    await asyncio.sleep(NOTICED)
    assert await fired(1)
    stand.advance(timedelta(days=366))
    await soon(lambda: fired(2))


async def access_token(stand: Stand, client: httpx.AsyncClient) -> str:
    """Sign Rose in without pages and return an access token for Graph."""
    redirect = f"{stand.urls.public}/api/integrations/outlook/callback"
    scopes = "Calendars.ReadWrite offline_access"
    made = await client.post(
        f"{stand.urls.entra}/_control/codes", json={"upn": ROSE.upn, "scopes": scopes, "redirect_uri": redirect}
    )
    registered = Directory(clock=Clock({}), redirect_uris=()).client
    form = {
        "client_id": registered.client_id,
        "client_secret": registered.secret,
        "grant_type": "authorization_code",
        "code": made.raise_for_status().json()["code"],
        "redirect_uri": redirect,
        "scope": scopes,
    }
    answer = await client.post(f"{stand.urls.entra}/common/oauth2/v2.0/token", data=form)
    return str(answer.raise_for_status().json()["access_token"])


async def test_an_access_token_expires(stand: Stand, client: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {await access_token(stand, client)}"}
    me = f"{stand.urls.graph}/v1.0/me/calendar"
    assert (await client.get(me, headers=bearer)).status_code == 200
    stand.advance(timedelta(hours=2))
    expired = await client.get(me, headers=bearer)
    assert (expired.status_code, expired.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    renewed = {"Authorization": f"Bearer {await access_token(stand, client)}"}
    assert (await client.get(me, headers=renewed)).status_code == 200


async def test_a_subscription_expires_and_goes_silent(stand: Stand, client: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {await access_token(stand, client)}"}
    graph = f"{stand.urls.graph}/v1.0"
    heard: list[dict[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await endpoint(reader, writer, heard)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stand.certificates.server_file)
    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    wanted = {
        "changeType": "created",
        "notificationUrl": f"https://localhost:{port}/notify",
        "resource": "/me/events",
        "expirationDateTime": (stand.now() + timedelta(days=3)).isoformat(),
    }
    async with listening:
        made = await client.post(f"{graph}/subscriptions", json=wanted, headers=bearer)
        assert made.status_code == 201, made.text
        event = {
            "subject": "Tasting",
            "start": {"dateTime": "2027-03-01T09:00:00", "timeZone": "UTC"},
            "end": {"dateTime": "2027-03-01T10:00:00", "timeZone": "UTC"},
        }
        mailbox = f"{stand.urls.graph}/_control/mailboxes/{ROSE.upn}/events"
        assert (await client.post(mailbox, json=event)).status_code == 201
        await soon(lambda: _arrived(heard, 1))
        stand.advance(timedelta(days=3, seconds=1))
        assert (await client.post(mailbox, json=event)).status_code == 201
        fresh = {"Authorization": f"Bearer {await access_token(stand, client)}"}
        gone = await client.get(f"{graph}/subscriptions/{made.json()['id']}", headers=fresh)
        assert gone.status_code == 404
        await asyncio.sleep(0.5)
        assert len(heard) == 1


async def _arrived(heard: list[dict[str, Any]], count: int) -> bool:
    return len(heard) >= count


async def endpoint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: list[dict[str, Any]]) -> None:
    """Answer one request as a notification endpoint does: the validation token, or 202."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *fields = head.split("\r\n")
    length = next((int(field.split(":")[1]) for field in fields if field.lower().startswith("content-length")), 0)
    content = await reader.readexactly(length)
    token = httpx.URL(line.split(" ")[1]).params.get("validationToken")
    if token is None:
        heard.append({"body": content})
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    else:
        text = token.encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + text)
    await writer.drain()
    writer.close()
