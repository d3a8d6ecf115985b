"""A planner at work: what a person does in WedSync, in Outlook and on Microsoft's pages, over HTTP only."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from local.simkit.people import Planner as Person
from local.stand import Stand

PATIENCE = 120.0
LATE = timedelta(minutes=10, seconds=1)
"""By so much Graph delivers later to a host whose answers took too long."""


class Planner:
    """One person with a browser, and eyes on both calendars through the simulators' control APIs."""

    def __init__(self, stand: Stand, person: Person) -> None:
        self.urls = stand.urls
        self._stand = stand
        self.person = person
        self.http = httpx.AsyncClient(verify=stand.trust, trust_env=False, timeout=60)

    async def close(self) -> None:
        await self.http.aclose()

    # --- the service ------------------------------------------------------------------------------------------

    async def token(self) -> str:
        answer = await self.http.post(f"{self.urls.wedsync}/_control/tokens", json={"userId": self.person.user_id})
        return str(answer.raise_for_status().json()["token"])

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token()}", **options.pop("headers", {})}
        return await self.http.request(method, f"{self.urls.host}/api/{path}", headers=headers, **options)

    async def connect(self) -> None:
        """Go through Microsoft's pages in a browser that was bound by a ticket."""
        begun = (await self.call("GET", "calendar/outlook/auth")).raise_for_status().json()
        end = await self.walk(begun["startUrl"], upn=self.person.account.upn)
        assert "connected=outlook" in end, urlsplit(end).query

    async def walk(self, url: str, *, upn: str, decision: str = "accept") -> str:
        """Follow redirects and fill in forms until the WedSync page is reached; return its URL."""
        answer = await self.http.get(url)
        for _ in range(12):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(self.urls.wedsync):
                    return target
                answer = await self.http.get(target)
                continue
            answer.raise_for_status()
            answer = await self._submit(answer, upn=upn, decision=decision)
        raise AssertionError("the way to the WedSync page does not end")

    async def _submit(self, page: httpx.Response, *, upn: str, decision: str) -> httpx.Response:
        action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        ctx = re.search(r'name="ctx"[^>]*value="([^"]+)"', page.text)
        assert action, page.text[:500]
        assert ctx, page.text[:500]
        form = {"ctx": ctx.group(1)}
        if "consent" in action.group(1):
            form["decision"] = decision
        if "login" in action.group(1):
            form["upn"] = upn
        return await self.http.post(urljoin(str(page.url), action.group(1).replace("&amp;", "&")), data=form)

    async def status(self) -> dict[str, Any]:
        answer = await self.call("GET", "calendar/outlook/sync")
        return dict(answer.raise_for_status().json())

    async def conflicts(self) -> list[dict[str, Any]]:
        answer = await self.call("GET", "calendar/outlook/events?syncStatuses=conflict&pageSize=500")
        return list(answer.raise_for_status().json()["events"])

    async def sync(self, kind: str = "full_sync") -> dict[str, Any]:
        """Run a sync to its end and return it."""
        started = (await self.call("POST", "calendar/outlook/sync", json={"syncType": kind})).raise_for_status().json()
        return await self.run_ended(started["syncId"])

    async def run_ended(self, run_id: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            run = (await self.call("GET", f"calendar/outlook/sync/{run_id}")).raise_for_status().json()
            return None if run["status"] == "in_progress" else dict(run)

        return dict(await eventually(look, "the run ends", PATIENCE * 2))

    async def first_run_ended(self) -> dict[str, Any]:
        """Wait for the run that the latest connecting began: the history is newest first."""

        async def look() -> dict[str, Any] | None:
            history = (await self.status())["recentSyncHistory"]
            runs = [item for item in history if (item["syncType"], item["triggeredBy"]) == ("full_sync", "auto")]
            return runs[0] if runs and runs[0]["syncStatus"] != "in_progress" else None

        return dict(await eventually(look, "the first run ends", PATIENCE * 2))

    # --- WedSync as its user sees it ------------------------------------------------------------------------------

    @property
    def _wedsync(self) -> str:
        return f"{self.urls.wedsync}/_control/users/{self.person.user_id}/events"

    async def wedsync_events(self) -> list[dict[str, Any]]:
        answer = (await self.http.get(self._wedsync)).raise_for_status().json()
        return [event for event in answer["events"] if not event["deleted"]]

    async def add_in_wedsync(self, **members: Any) -> dict[str, Any]:
        answer = await self.http.post(self._wedsync, json=members)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def change_in_wedsync(self, event_id: str, **members: Any) -> dict[str, Any]:
        answer = await self.http.patch(f"{self._wedsync}/{event_id}", json=members)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def delete_in_wedsync(self, event_id: str) -> None:
        answer = await self.http.delete(f"{self._wedsync}/{event_id}")
        assert answer.status_code in (200, 204), answer.text

    # --- Outlook as its owner sees it -----------------------------------------------------------------------------

    @property
    def _outlook(self) -> str:
        return f"{self.urls.graph}/_control/mailboxes/{self.person.account.upn}"

    async def outlook_items(self) -> list[dict[str, Any]]:
        answer = (await self.http.get(f"{self._outlook}/events")).raise_for_status().json()
        return list(answer["events"])

    async def outlook_view(self, start: str, end: str) -> list[dict[str, Any]]:
        """Every occurrence in the range, in the calendar that is synced."""
        params = {"start": start, "end": end, "calendar": await self.default_calendar()}
        answer = (await self.http.get(f"{self._outlook}/view", params=params)).raise_for_status()
        return list(answer.json()["events"])

    async def default_calendar(self) -> str:
        mailboxes = (await self.http.get(f"{self.urls.graph}/_control/mailboxes")).raise_for_status().json()
        mine = next(box for box in mailboxes["mailboxes"] if box["upn"] == self.person.account.upn)
        return str(next(calendar["id"] for calendar in mine["calendars"] if calendar["isDefaultCalendar"]))

    async def add_in_outlook(self, **members: Any) -> dict[str, Any]:
        answer = await self.http.post(f"{self._outlook}/events", json=members)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def change_in_outlook(self, event_id: str, **members: Any) -> dict[str, Any]:
        answer = await self.http.patch(f"{self._outlook}/events/{event_id}", json=members)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def delete_in_outlook(self, event_id: str) -> None:
        answer = await self.http.delete(f"{self._outlook}/events/{event_id}")
        assert answer.status_code == 204, answer.text

    async def move_in_outlook(self, event_id: str, calendar_name: str) -> None:
        mailboxes = (await self.http.get(f"{self.urls.graph}/_control/mailboxes")).raise_for_status().json()
        mine = next(box for box in mailboxes["mailboxes"] if box["upn"] == self.person.account.upn)
        target = next(calendar["id"] for calendar in mine["calendars"] if calendar["name"] == calendar_name)
        answer = await self.http.post(f"{self._outlook}/events/{event_id}/move", json={"calendarId": target})
        assert answer.status_code in (200, 201), answer.text

    async def outbox(self) -> list[dict[str, Any]]:
        answer = (await self.http.get(f"{self.urls.graph}/_control/outbox")).raise_for_status().json()
        return list(answer["mails"])

    async def graph_requests(self, *, clear: bool = False) -> list[dict[str, Any]]:
        answer = await self.http.get(f"{self.urls.graph}/_control/requests", params={"clear": "1"} if clear else {})
        return list(answer.raise_for_status().json()["requests"])

    async def no_faults(self) -> None:
        for url in (self.urls.graph, self.urls.wedsync, self.urls.entra):
            (await self.http.delete(f"{url}/_control/faults")).raise_for_status()

    async def deliveries_done(self) -> None:
        """Wait until both simulators have delivered what they had to deliver.

        Where the machine was so busy that Graph takes the host for slow, what is new comes ten minutes later (S50):
        these pass by the clock.
        """

        async def look() -> bool:
            notices = (await self.http.get(f"{self.urls.graph}/_control/notifications")).json()
            hooks = (await self.http.get(f"{self.urls.wedsync}/_control/webhooks")).json()["pending"]
            if notices["pending"] and "slow" in notices["endpoints"].values():
                self._stand.advance(LATE)
            return not notices["pending"] and not hooks

        await eventually(look, "everything is delivered")


async def eventually(look: Callable[[], Awaitable[Any]], what: str, patience: float = PATIENCE) -> Any:
    """Look again and again until something is seen; a failed assertion counts as not seen, and is shown at the end."""
    deadline = time.monotonic() + patience
    last: Exception | None = None
    while (began := time.monotonic()) < deadline:
        try:
            if seen := await look():
                return seen
        except (AssertionError, httpx.HTTPError) as error:
            last = error
        await asyncio.sleep(max(0.2, time.monotonic() - began))  # looking at a lot shall not keep it from coming about
    raise AssertionError(f"did not come about: {what}: {last}") from last


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
