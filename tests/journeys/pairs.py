"""One event on both sides of a planner's calendars, and how to bring it into conflict."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.journeys.planner import Planner, eventually

DAY = datetime.now(UTC).date() + timedelta(days=30)


class Pair:
    """One event on both sides, and what is asked about it."""

    def __init__(self, rose: Planner, wedsync_id: str, outlook_id: str) -> None:
        self.rose, self.wedsync_id, self.outlook_id = rose, wedsync_id, outlook_id

    async def clash(self, ours: str, theirs: str) -> dict[str, Any]:
        """Give the two titles at once and return the conflict."""
        before = {each["conflictId"] for each in await self.conflicts()}
        await self.rose.change_in_wedsync(self.wedsync_id, title=ours)
        await self.rose.change_in_outlook(self.outlook_id, subject=f"WedSync: {theirs}")
        return await self.asked(ours, theirs, before)

    async def asked(self, ours: str, theirs: str, before: set[str]) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            found = {each["field"]: each for each in await self.conflicts()}
            title = found.get("title")
            if title is None or title["conflictId"] in before:
                return None
            return title if (title["wedSyncValue"], title["outlookValue"]) == (ours, theirs) else None

        return dict(await eventually(look, "the user is asked"))

    async def conflicts(self) -> list[dict[str, Any]]:
        found = [each for each in await self.rose.conflicts() if each["wedSyncEventId"] == self.wedsync_id]
        return list(found[0].get("syncConflicts", [])) if found else []

    async def post(self, verb: str, **body: Any) -> httpx.Response:
        return await self.rose.call("POST", f"calendar/outlook/events/{self.wedsync_id}/{verb}", json=body)

    async def titles(self) -> tuple[str, str]:
        ours = next(each for each in await self.rose.wedsync_events() if each["id"] == self.wedsync_id)
        theirs = next(each for each in await self.rose.outlook_items() if each["id"] == self.outlook_id)
        return ours["title"], theirs["subject"]

    async def both(self, title: str) -> None:
        async def look() -> bool:
            return await self.titles() == (title, f"WedSync: {title}")

        await eventually(look, f"both say {title}")


async def pair(rose: Planner, title: str, kind: str = "client_meeting") -> Pair:
    event = await rose.add_in_wedsync(
        type=kind, title=title, start=f"{DAY}T12:00:00", end=f"{DAY}T13:00:00", timeZone="Europe/Rome"
    )

    async def copied() -> str | None:
        items = [item for item in await rose.outlook_items() if item["subject"] == f"WedSync: {title}"]
        return str(items[0]["id"]) if items else None

    made = Pair(rose, event["id"], await eventually(copied, "the copy is in Outlook"))
    await rose.deliveries_done()
    return made
