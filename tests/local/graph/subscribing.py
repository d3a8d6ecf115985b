"""Subscriptions as tests make them, and what the control API says of the notifications."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from local.simkit.people import ROSE, Account
from tests.local.graph.conftest import Endpoint, Far, at, token

BOX = "/mailboxes/rose@havenweddings.example"
MARCO_BOX = "/mailboxes/marco.sposi@outlook.example"
PLAIN: dict[str, Any] = {"subject": "x", "start": at("2026-08-04T14:00:00"), "end": at("2026-08-04T15:00:00")}


def lasting(account: Account = ROSE, **claims: Any) -> str:
    """A token that outlives a clock moved by some days."""
    return token(account, exp=int(time.time()) + 30 * 86_400, **claims)


def wanted(endpoint: Endpoint, minutes: float = 600, **members: Any) -> dict[str, Any]:
    """The body of a subscription; a member given as None is left out."""
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{endpoint.url}/notify",
        "lifecycleNotificationUrl": f"{endpoint.url}/lifecycle",
        "resource": "/me/events",
        "expirationDateTime": in_minutes(minutes),
        "clientState": "secret",
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


def in_minutes(minutes: float) -> str:
    """A time of day in so many minutes by real time."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


async def subscribe(graph: Far, endpoint: Endpoint, *, status: int = 201, headers: Any = None, **members: Any) -> Any:
    """Subscribe; ``who`` and ``bearer`` say as whom."""
    extra = {name: members.pop(name) for name in ("who", "bearer") if name in members}
    body = wanted(endpoint, **members)
    return (await graph.call("POST", "/subscriptions", body, headers=headers, status=status, **extra)).json()


async def advance(graph: Far, **span: float) -> None:
    """Move the stand's clock."""
    await graph.control("POST", "/clock", {"advanceSeconds": timedelta(**span).total_seconds()})


async def notices(graph: Far, **reached: int) -> dict[str, Any]:
    """What the control API tells of deliveries, once as many ``sent`` and ``lost`` and ``held`` as named are there."""
    for _ in range(500):
        shown: dict[str, Any] = await graph.control("GET", "/notifications")
        counts = {name: len(value) if isinstance(value, list) else value for name, value in shown.items()}
        if all(counts[name] >= count for name, count in reached.items()):
            return shown
        await asyncio.sleep(0.02)
    raise AssertionError(f"wanted {reached}, found {counts}")
