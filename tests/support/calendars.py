"""The two calendars as their owners use them, through the simulators' control APIs."""

from dataclasses import dataclass
from typing import Any

import httpx

from local.simkit.people import Planner


def at(clock: str, zone: str = "UTC") -> dict[str, str]:
    return {"dateTime": clock, "timeZone": zone}


class Vanished(AssertionError):
    """What its owner was about to touch is not there any more."""


@dataclass(frozen=True, kw_only=True)
class _Controlled:
    http: httpx.AsyncClient
    owner: Planner

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"/_control{path}", json=body)
        if answer.status_code == 404:
            raise Vanished(f"{method} {path}: {answer.text}")
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def fault(self, **order: Any) -> None:
        await self.control("POST", "/faults", order)

    async def clear_faults(self) -> None:
        await self.control("DELETE", "/faults")


@dataclass(frozen=True, kw_only=True)
class OutlookCalendar(_Controlled):
    """The mailbox as its owner sees it in Outlook. Events go to the default calendar unless told."""

    @property
    def _box(self) -> str:
        return f"/mailboxes/{self.owner.account.upn}"

    async def add(self, subject: str = "Cake tasting", **members: Any) -> dict[str, Any]:
        body = {"subject": subject, "start": at("2026-08-04T14:00:00"), "end": at("2026-08-04T15:00:00")}
        made: dict[str, Any] = await self.control("POST", f"{self._box}/events", body | members)
        return made

    async def change(self, event_id: str, **members: Any) -> dict[str, Any]:
        changed: dict[str, Any] = await self.control("PATCH", f"{self._box}/events/{event_id}", members)
        return changed

    async def remove(self, event_id: str) -> None:
        await self.control("DELETE", f"{self._box}/events/{event_id}")

    async def move(self, event_id: str, calendar: str = "Private") -> None:
        await self.control("POST", f"{self._box}/events/{event_id}/move", {"calendarId": calendar})

    async def copy(self, event_id: str) -> dict[str, Any]:
        made: dict[str, Any] = await self.control("POST", f"{self._box}/events/{event_id}/copy", {})
        return made

    async def read(self, event_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.control("GET", f"{self._box}/events/{event_id}")
        return found

    async def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.control("GET", f"{self._box}/events"))["events"]
        return found

    async def view(self, start: str, end: str, calendar_id: str = "") -> list[dict[str, Any]]:
        if not calendar_id:
            calendar_id = next(each["id"] for each in await self.calendars() if each["isDefaultCalendar"])
        path = f"{self._box}/view?start={start}&end={end}&calendar={calendar_id}"
        found: list[dict[str, Any]] = (await self.control("GET", path))["events"]
        return found

    async def calendars(self) -> list[dict[str, Any]]:
        boxes = (await self.control("GET", "/mailboxes"))["mailboxes"]
        found: list[dict[str, Any]] = next(b["calendars"] for b in boxes if b["upn"] == self.owner.account.upn)
        return found

    async def working_hours(self, *days: str, start: str, end: str, zone: str) -> None:
        body = {"daysOfWeek": list(days), "startTime": start, "endTime": end, "timeZone": zone}
        await self.control("PUT", f"{self._box}/working-hours", body)

    async def expire_delta(self) -> None:
        await self.control("POST", f"{self._box}/expire-delta")

    async def knobs(self, **wanted: Any) -> None:
        await self.control("POST", "/knobs", wanted)

    async def sent(self) -> list[dict[str, Any]]:
        """The mails that Exchange would have sent."""
        mails: list[dict[str, Any]] = (await self.control("GET", "/outbox"))["mails"]
        return mails

    async def subscriptions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.control("GET", "/subscriptions"))["subscriptions"]
        return [each for each in found if each["mailbox"] == self.owner.account.upn]

    async def end_subscription(self, subscription_id: str) -> None:
        await self.control("DELETE", f"/subscriptions/{subscription_id}")

    async def lifecycle(self, event: str) -> None:
        await self.control("POST", "/lifecycle", {"event": event})

    async def requests(self) -> list[str]:
        """What the service asked of Graph since this was called last: method and path without the query."""
        found = (await self.control("GET", "/requests?clear=1"))["requests"]
        return [f"{each['method']} {each['path'].partition('?')[0]}" for each in found if each["part_of"] is None]


@dataclass(frozen=True, kw_only=True)
class WedSyncCalendar(_Controlled):
    """The planner's events as they edit them in WedSync."""

    @property
    def _events(self) -> str:
        return f"/users/{self.owner.user_id}/events"

    async def add(self, title: str = "Tasting", **members: Any) -> dict[str, Any]:
        body = {
            "type": "client_meeting",
            "title": title,
            "start": "2026-08-05T16:00:00",
            "end": "2026-08-05T17:00:00",
            "timeZone": "Europe/Rome",
        }
        made: dict[str, Any] = await self.control("POST", self._events, body | members)
        return made

    async def change(self, event_id: str, **members: Any) -> dict[str, Any]:
        changed: dict[str, Any] = await self.control("PATCH", f"{self._events}/{event_id}", members)
        return changed

    async def remove(self, event_id: str) -> None:
        await self.control("DELETE", f"{self._events}/{event_id}")

    async def read(self, event_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.control("GET", f"{self._events}/{event_id}")
        return found

    async def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.control("GET", self._events))["events"]
        return found

    async def expire_cursors(self) -> None:
        await self.control("POST", "/cursors/expire")

    async def requests(self) -> list[str]:
        """What the service asked of WedSync since this was called last."""
        found = (await self.control("GET", "/requests?clear=1"))["requests"]
        return [f"{each['method']} {each['path'].partition('?')[0]}" for each in found]
