"""What lies in storage and in the simulators' logs, counted."""

import asyncio
from collections.abc import Mapping

import httpx
from azure.data.tables.aio import TableServiceClient
from azure.storage.queue.aio import QueueServiceClient

from local.simkit.control import REQUESTS_KEPT
from local.stand import Stand


async def rows(stand: Stand) -> Mapping[str, int]:
    """Count the rows of each table."""
    found: dict[str, int] = {}
    async with TableServiceClient.from_connection_string(stand.connection_string) as service:
        async for table in service.list_tables():
            listed = service.get_table_client(table.name).list_entities(select=["PartitionKey"])
            found[table.name] = len([row async for row in listed])
    return dict(sorted(found.items()))


async def messages(stand: Stand) -> Mapping[str, int]:
    """Count the messages of each queue, poison queues included."""
    found: dict[str, int] = {}
    async with QueueServiceClient.from_connection_string(stand.connection_string) as service:
        async for queue in service.list_queues():
            properties = await service.get_queue_client(queue.name).get_queue_properties()
            found[queue.name] = properties.approximate_message_count or 0
    return dict(sorted(found.items()))


async def kept(stand: Stand, http: httpx.AsyncClient) -> Mapping[str, int]:
    """Count what the simulators keep: logs (each has a bound) and state that clients made."""
    urls = stand.urls

    async def count(base: str, path: str, member: str) -> int:
        return len((await http.get(f"{base}/_control/{path}")).raise_for_status().json()[member])

    async def versions() -> int:
        secrets = (await http.get(f"{urls.vault}/_control/secrets")).raise_for_status().json()["secrets"]
        return sum(secret["versions"] for secret in secrets)

    async def deleted() -> int:
        boxes = (await http.get(f"{urls.graph}/_control/mailboxes")).raise_for_status().json()["mailboxes"]
        return sum(box["deletedItems"] for box in boxes)

    wanted = {
        "graph deleted events": deleted(),
        "graph requests": count(urls.graph, "requests", "requests"),
        "graph notifications": count(urls.graph, "notifications", "sent"),
        "graph outbox": count(urls.graph, "outbox", "mails"),
        "graph subscriptions": count(urls.graph, "subscriptions", "subscriptions"),
        "wedsync requests": count(urls.wedsync, "requests", "requests"),
        "wedsync webhooks": count(urls.wedsync, "webhooks", "sent"),
        "entra requests": count(urls.entra, "requests", "requests"),
        "vault requests": count(urls.vault, "requests", "requests"),
        "vault secret versions": versions(),
    }
    return dict(zip(wanted, await asyncio.gather(*wanted.values()), strict=True))


async def fill_logs(stand: Stand, http: httpx.AsyncClient) -> None:
    """Send cheap requests until the request logs are at their bound, so that their filling is not taken for growth."""
    for url in (f"{stand.urls.graph}/v1.0/me", f"{stand.urls.wedsync}/.well-known/jwks.json"):
        for _ in range(0, REQUESTS_KEPT, 100):
            await asyncio.gather(*(http.get(url) for _ in range(100)))
