"""What is stored where, read past the service: tables, queues, secrets, subscriptions."""

import base64
import json
import zlib
from typing import Any

from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.provision import QUEUES
from local.stand import Stand
from tests.journeys.planner import Planner

Rows = dict[str, list[dict[str, Any]]]


async def tables_of(stand: Stand) -> Rows:
    """Return every row of every table, without the service's own timestamps."""
    found: Rows = {}
    async with TableServiceClient.from_connection_string(stand.connection_string) as service:
        async for table in service.list_tables():
            client = service.get_table_client(table.name)
            found[table.name] = [dict(row) async for row in client.list_entities()]
    return found


async def messages_of(stand: Stand) -> dict[str, list[str]]:
    """Return what can be seen of every queue, decoded, without taking anything."""
    found: dict[str, list[str]] = {}
    async with QueueServiceClient.from_connection_string(stand.connection_string) as service:
        async for queue in service.list_queues():
            client = service.get_queue_client(queue.name)
            found[queue.name] = [_decoded(str(message.content)) for message in await client.peek_messages(32)]
    return found


async def queued(stand: Stand) -> int:
    """Return how many jobs wait or are being worked on."""
    count = 0
    async with QueueServiceClient.from_connection_string(stand.connection_string) as service:
        for queue in QUEUES:
            properties = await service.get_queue_client(queue).get_queue_properties()
            count += properties.approximate_message_count or 0
    return count


def _decoded(content: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode()
    except ValueError:
        return content


def readable(row: dict[str, Any]) -> str:
    """Return a row as text: its columns, and what its binary columns hold when they are put together and inflated."""
    binary = {name: value for name, value in row.items() if isinstance(value, bytes)}
    plain = {name: str(value) for name, value in row.items() if name not in binary}
    parts = [json.dumps(plain, ensure_ascii=False), *(raw.decode("latin-1") for raw in binary.values())]
    if packed := b"".join(binary[name] for name in sorted(binary, key=lambda name: (len(name), name))):
        try:
            parts.append(zlib.decompress(packed).decode())
        except (zlib.error, ValueError):
            parts.append("a body that cannot be read")
    return "\n".join(parts)


async def token_secrets(planner: Planner) -> list[dict[str, Any]]:
    """Return the vault's secrets that hold a connection's tokens, oldest value first; deleted ones included."""
    answer = await planner.http.get(f"{planner.urls.vault}/_control/secrets", params={"values": "1"})
    return [item for item in answer.raise_for_status().json()["secrets"] if item["name"].startswith("outlook-token-")]


async def subscriptions_of(planner: Planner) -> list[dict[str, Any]]:
    """Return Graph's subscriptions for the planner's mailbox."""
    answer = await planner.http.get(f"{planner.urls.graph}/_control/subscriptions")
    found = answer.raise_for_status().json()["subscriptions"]
    return [item for item in found if item["mailbox"] == planner.person.account.upn]


async def picture(stand: Stand, planner: Planner) -> dict[str, Any]:
    """Return all that is stored anywhere, by place, to be compared with a later one; not that calls were counted."""

    async def seen(url: str, path: str, **params: str) -> Any:
        answer = await planner.http.get(f"{url}/_control/{path}", params=params)
        return answer.raise_for_status().json()

    urls = planner.urls
    found: dict[str, Any] = {f"table {name}": rows for name, rows in (await tables_of(stand)).items()}
    del found["table OutlookRateLimits"]
    for box in (await seen(urls.graph, "mailboxes"))["mailboxes"]:
        found[f"mailbox {box['upn']}"] = await seen(urls.graph, f"mailboxes/{box['upn']}/events")
    for user_id in (await seen(urls.wedsync, "users"))["users"]:
        found[f"WedSync of {user_id}"] = await seen(urls.wedsync, f"users/{user_id}/events", deleted="1")
    found["vault"] = await seen(urls.vault, "secrets", values="1")
    found["subscriptions"] = await seen(urls.graph, "subscriptions")
    found["outbox"] = await seen(urls.graph, "outbox")
    return found
