"""Asking the sync service and the Graph simulator; whatever goes wrong becomes a ``Problem`` that the page can show."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from local.wedsync.problems import Problem


def client(base_url: str, ca_file: Path | None) -> httpx.AsyncClient:
    """Return a client that trusts the stand's CA and nothing from the environment."""
    trusted: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else True
    return httpx.AsyncClient(base_url=base_url, trust_env=False, verify=trusted, timeout=30)


async def answered(asked: httpx.AsyncClient, method: str, path: str, *, who: str, **more: Any) -> dict[str, Any]:
    """Return the JSON object of a 2xx; anything else is a ``Problem`` that names ``who``."""
    try:
        answer = await asked.request(method, path, **more)
    except httpx.TimeoutException as error:
        raise Problem(504, "no_answer", f"{_begun(who)} did not answer in time.") from error
    except httpx.TransportError as error:
        raise Problem(503, "unreachable", f"{_begun(who)} cannot be reached. Is it running?") from error
    if answer.is_success and not answer.content:
        return {}
    members = _object(answer)
    if answer.is_success and members is not None:
        return members
    raise _refusal(answer.status_code, members or {}, who)


def _begun(words: str) -> str:
    """Return words as the beginning of a sentence, their own capitals kept."""
    return words[:1].upper() + words[1:]


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        members = answer.json()
    except ValueError:
        return None
    return members if isinstance(members, dict) else None


def _refusal(status: int, members: dict[str, Any], who: str) -> Problem:
    """Read a problem document, or Graph's error envelope."""
    error = members.get("error")
    inner: dict[str, Any] = error if isinstance(error, dict) else {}
    code = members.get("code") or inner.get("code") or f"http_{status}"
    title = members.get("title") or inner.get("code") or (error if isinstance(error, str) else "")
    detail = members.get("detail") or inner.get("message") or ""
    said = f"{title}: {detail}" if title and detail and title != detail else title or detail
    if not said:
        said = f"{_begun(who)} answered {status} without saying why."
    return Problem(status if 400 <= status < 600 else 502, str(code), str(said))


class SyncService:
    """The sync service, called for one signed-in user by this server."""

    def __init__(self, asked: httpx.AsyncClient, bearer: str) -> None:
        self._asked = asked
        self._headers = {"Authorization": f"Bearer {bearer}"}

    async def begin_connect(self) -> str:
        """Return where to send the browser."""
        answer = await self._ask("GET", "calendar/outlook/auth")
        return str(answer.get("startUrl") or answer.get("authUrl") or "")

    async def finish_connect(self, members: dict[str, str]) -> None:
        """Hand over what came back from Microsoft."""
        await self._ask("POST", "calendar/outlook/auth/callback", json=members)

    async def status(self) -> dict[str, Any] | None:
        """Return the sync status; None when nothing is connected."""
        try:
            return await self._ask("GET", "calendar/outlook/sync")
        except Problem as problem:
            if problem.status == 404:
                return None
            raise

    async def conflicts(self) -> list[dict[str, Any]]:
        """Return the mapped events with open conflicts."""
        query = {"syncStatuses": "conflict", "pageSize": "100"}
        answer = await self._ask("GET", "calendar/outlook/events", params=query)
        return [event for event in answer.get("events", []) if event.get("syncConflicts")]

    async def resolve(self, event_id: str, field: str, choice: dict[str, str]) -> None:
        """Choose a side for one field of one event."""
        path = f"calendar/outlook/events/{quote(event_id, safe='')}/resolve"
        await self._ask("POST", path, json={"resolutions": {field: choice}})

    async def sync_now(self) -> None:
        """Start a full run."""
        await self._ask("POST", "calendar/outlook/sync", json={"syncType": "full_sync"})

    async def disconnect(self) -> dict[str, Any]:
        """Remove the integration; returns the counts."""
        return await self._ask("DELETE", "calendar/outlook/integration")

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return await answered(
            self._asked, method, f"/api/{path}", who="the sync service", headers=self._headers, **more
        )
