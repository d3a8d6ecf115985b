"""The same events pushed without this service: by nothing but HTTP, by Microsoft's ``msgraph-sdk``, by ``O365``.

Each is written as its documentation shows, and sends the fields that the service sends. None of them stores anything,
so none can tell afterwards what it has sent, and a push that breaks off and is begun again makes copies: only those
that send ``transactionId`` are safe, and only while Exchange remembers it. ``O365`` cannot send it, nor extended
properties, nor a ``$batch``.
"""

import asyncio
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import httpx
from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.event import Event
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.location import Location
from msgraph.generated.models.physical_address import PhysicalAddress
from msgraph.generated.models.sensitivity import Sensitivity
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from O365 import Account as O365Account
from O365 import MSGraphProtocol
from O365.utils.token import MemoryTokenBackend

from benchmarks.floors import IN_FLIGHT
from benchmarks.load import Client

BATCH = 20
O365_DELAY = 200
"""Milliseconds that ``O365`` leaves between two requests unless it is told otherwise."""
_MARKER = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name benchmark"
_REMINDER, _PREFIX = 15, "WedSync: "


@dataclass(frozen=True, kw_only=True)
class Target:
    """A mailbox to push to."""

    graph_url: str
    ca_file: str
    token: str


Events = Sequence[Mapping[str, Any]]
Push = Callable[[Target, Events], Awaitable[float]]
"""Push WedSync events and return how many seconds that took, without what has to be made ready once."""


# --- nothing but HTTP -----------------------------------------------------------------------------------------------


async def bare(target: Target, events: Events) -> float:
    """Send prepared bodies in one ``$batch`` of twenty after another: what the stand itself takes."""
    trust = ssl.create_default_context(cafile=target.ca_file)
    headers = {"Content-Type": "application/json"}
    items = [{"method": "POST", "url": "/me/events", "headers": headers, "body": _body(event)} for event in events]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as http:
        client = Client(http, base=target.graph_url, token=target.token)
        await client.call("GET", "/me/calendars")
        began = time.perf_counter()
        for start in range(0, len(items), BATCH):
            numbered = [{**item, "id": str(number)} for number, item in enumerate(items[start : start + BATCH])]
            answer = await client.call("POST", "/$batch", {"requests": numbered})
            _require([part["status"] for part in answer["responses"]])
        return time.perf_counter() - began


def _body(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subject": _PREFIX + event["title"],
        "body": {"contentType": "text", "content": event["description"]},
        "start": {"dateTime": event["start"], "timeZone": event["timeZone"]},
        "end": {"dateTime": event["end"], "timeZone": event["timeZone"]},
        "isAllDay": False,
        "location": {"displayName": event["location"]["name"], "address": {"street": event["location"]["address"]}},
        "sensitivity": "normal",
        "showAs": "busy",
        "isReminderOn": True,
        "reminderMinutesBeforeStart": _REMINDER,
        "transactionId": str(uuid.uuid4()),
        "singleValueExtendedProperties": [{"id": _MARKER, "value": event["title"]}],
    }


# --- msgraph-sdk ----------------------------------------------------------------------------------------------------


async def sdk_one_by_one(target: Target, events: Events) -> float:
    """``await client.me.events.post(event)`` in a loop."""

    async def push(client: GraphServiceClient) -> None:
        for event in events:
            await client.me.events.post(_sdk_event(event))

    return await _with_sdk(target, push)


async def sdk_four_at_once(target: Target, events: Events) -> float:
    """The same under ``asyncio.gather`` and a semaphore, by somebody who knows Outlook's limit of four."""
    turns = asyncio.Semaphore(IN_FLIGHT)

    async def push(client: GraphServiceClient) -> None:
        async def one(event: Mapping[str, Any]) -> None:
            async with turns:
                await client.me.events.post(_sdk_event(event))

        await asyncio.gather(*(one(event) for event in events))

    return await _with_sdk(target, push)


async def sdk_batches(target: Target, events: Events) -> float:
    """``client.batch.post`` of twenty after another, sending again what was throttled."""

    async def push(client: GraphServiceClient) -> None:
        made = {str(number): _sdk_event(event) for number, event in enumerate(events)}
        while made:
            for name in await _sdk_batch(client, dict(list(made.items())[:BATCH])):
                del made[name]

    return await _with_sdk(target, push)


async def _sdk_batch(client: GraphServiceClient, events: Mapping[str, Event]) -> list[str]:
    """Send one batch; return the ids of what was created. URLs have to be made relative by hand (msgraph-core 1.5)."""
    items = {}
    for name, event in events.items():
        item = BatchRequestItem(client.me.events.to_post_request_information(event), id=name)
        item.url = item.url.replace(client.request_adapter.base_url, "")
        items[name] = item
    statuses: dict[str, int] = (await client.batch.post(BatchRequestContent(items))).get_response_status_codes()
    waiting = [name for name, status in statuses.items() if status == 429]
    _require([status for name, status in statuses.items() if name not in waiting])
    if waiting:
        await asyncio.sleep(1.0)  # the client loses the answers' headers (kiota-python issue 737)
    return [name for name in statuses if name not in waiting]


class _Credential:
    """An azure-core credential that has its token already."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)

    async def close(self) -> None:
        return None


async def _with_sdk(target: Target, push: Callable[[GraphServiceClient], Awaitable[None]]) -> float:
    base = f"{target.graph_url}/v1.0"
    trust = ssl.create_default_context(cafile=target.ca_file)
    async with httpx.AsyncClient(base_url=base, verify=trust, trust_env=False, timeout=30) as http:
        wired = GraphClientFactory.create_with_default_middleware(client=http, options=options)
        signing = AzureIdentityAuthenticationProvider(_Credential(target.token), allowed_hosts=["localhost"])
        adapter = GraphRequestAdapter(signing, client=wired)
        adapter.base_url = base
        client = GraphServiceClient(request_adapter=adapter)
        await client.me.calendars.get()
        began = time.perf_counter()
        await push(client)
        return time.perf_counter() - began


def _sdk_event(event: Mapping[str, Any]) -> Event:
    place = event["location"]
    return Event(
        subject=_PREFIX + event["title"],
        body=ItemBody(content=event["description"]),
        start=DateTimeTimeZone(date_time=event["start"], time_zone=event["timeZone"]),
        end=DateTimeTimeZone(date_time=event["end"], time_zone=event["timeZone"]),
        is_all_day=False,
        location=Location(display_name=place["name"], address=PhysicalAddress(street=place["address"])),
        sensitivity=Sensitivity.Normal,
        show_as=FreeBusyStatus.Busy,
        is_reminder_on=True,
        reminder_minutes_before_start=_REMINDER,
        transaction_id=str(uuid.uuid4()),
        single_value_extended_properties=[SingleValueLegacyExtendedProperty(id=_MARKER, value=event["title"])],
    )


# --- O365 -----------------------------------------------------------------------------------------------------------


async def o365_as_it_comes(target: Target, events: Events) -> float:
    """``calendar.new_event()`` and ``event.save()`` in a loop, with the pause that the library makes by default."""
    return await asyncio.to_thread(_o365, target, events, O365_DELAY)


async def o365_without_pauses(target: Target, events: Events) -> float:
    """The same with ``requests_delay=0``."""
    return await asyncio.to_thread(_o365, target, events, 0)


async def o365_four_threads(target: Target, events: Events) -> float:
    """The same in four threads, each with an account of its own: the library is not made for sharing one."""
    shares = [events[start::IN_FLIGHT] for start in range(IN_FLIGHT)]
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(IN_FLIGHT))
        return max(await asyncio.gather(*(loop.run_in_executor(pool, _o365, target, share, 0) for share in shares)))


def _o365(target: Target, events: Events, delay: int) -> float:
    protocol = type("Protocol", (MSGraphProtocol,), {"_protocol_url": f"{target.graph_url}/"})
    account = O365Account(
        ("client", "secret"),
        protocol=protocol(timezone="UTC"),
        token_backend=MemoryTokenBackend(),
        verify_ssl=target.ca_file,
        requests_delay=delay,
    )
    session = account.con.get_session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {target.token}"
    account.con.session = session
    calendar = account.schedule().get_default_calendar()
    try:
        began = time.perf_counter()
        for event in events:
            made = calendar.new_event(subject=_PREFIX + event["title"])
            made.body = event["description"]
            zone = ZoneInfo(event["timeZone"])
            made.start, made.end = (
                datetime.fromisoformat(event[name]).replace(tzinfo=zone) for name in ("start", "end")
            )
            made.location = event["location"]["name"]
            made.sensitivity, made.show_as = "normal", "busy"
            made.remind_before_minutes = _REMINDER
            if not made.save():
                raise RuntimeError("an event was not saved")
        return time.perf_counter() - began
    finally:
        session.close()


def _require(statuses: Sequence[int]) -> None:
    if wrong := [status for status in statuses if status != 201]:
        raise RuntimeError(f"events were answered with {wrong}")


WAYS: Mapping[str, Push] = {
    "nothing but HTTP: `$batch` of 20, one after another": bare,
    "`msgraph-sdk`, one after another": sdk_one_by_one,
    "`msgraph-sdk`, four at once": sdk_four_at_once,
    "`msgraph-sdk`, `$batch` of 20, one after another": sdk_batches,
    "`O365` as it comes (200 ms between requests)": o365_as_it_comes,
    "`O365` without pauses": o365_without_pauses,
    "`O365` without pauses, four threads": o365_four_threads,
}
"""``O365`` has no batching (https://github.com/O365/python-o365)."""
