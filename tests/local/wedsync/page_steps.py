"""What a person does on the page, as steps that several tests share."""

import re
from typing import Any

import httpx

from tests.local.wedsync.conftest import Stand

STATUS: dict[str, Any] = {
    "integration": {
        "id": "i",
        "calendarName": "Calendar",
        "email": "rose@havenweddings.example",
        "syncEnabled": True,
        "syncDirection": "bidirectional",
        "lastSyncAt": "2026-06-20T12:00:00Z",
        "lastSyncStatus": "success",
        "status": "connected",
    },
    "syncStats": {
        "totalEvents": 42,
        "syncedEvents": 40,
        "pendingEvents": 1,
        "conflictedEvents": 1,
        "lastFullSync": "",
        "nextScheduledSync": "",
    },
    "recentSyncHistory": [
        {
            "id": "r",
            "syncType": "full_sync",
            "syncDirection": "bidirectional",
            "eventsProcessed": 42,
            "eventsCreated": 41,
            "eventsUpdated": 0,
            "eventsDeleted": 0,
            "conflictsDetected": 1,
            "syncStatus": "completed",
            "syncDurationMs": 2310,
            "startedAt": "2026-06-20T12:00:00Z",
            "triggeredBy": "manual",
        }
    ],
    "webhookStatus": {"isActive": True, "expiresAt": "2026-06-27T12:00:00Z", "renewalNeeded": False},
}
CONFLICTS: dict[str, Any] = {
    "events": [
        {
            "wedSyncEventId": "e 1/x",
            "wedSyncEventTitle": "Tasting",
            "wedSyncEventDate": "2026-06-20",
            "outlookEventId": "AQ1==",
            "syncStatus": "conflict",
            "syncConflicts": [
                {
                    "field": "title",
                    "wedSyncValue": "Tasting <b>A</b>",
                    "outlookValue": "Tasting B",
                    "conflictType": "title",
                    "suggestedResolution": "manual_review",
                    "conflictId": "c1",
                },
                {
                    "field": "event",
                    "wedSyncValue": "Tasting",
                    "outlookValue": None,
                    "conflictType": "date_time",
                    "suggestedResolution": "use_wedsync",
                },
            ],
        }
    ]
}


def connected(stand: Stand) -> None:
    """Let the sync service say that Outlook is connected, with one event in conflict."""
    stand.functions.answers["GET", "calendar/outlook/sync"] = (200, STATUS)
    stand.functions.answers["GET", "calendar/outlook/events"] = (200, CONFLICTS)


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


async def submit(stand: Stand, where: str, *, follow: bool = True, **fields: str) -> httpx.Response:
    """Submit a form of the front page."""
    token = csrf(await stand.browser.get("/"))
    return await stand.browser.post(where, data={"csrf": token} | fields, follow_redirects=follow)


async def sign_in(stand: Stand, user: str = "planner-rose") -> httpx.Response:
    return await submit(stand, "/sign-in", user=user)


def titles(page: httpx.Response, side: str) -> list[str]:
    """Return the titles in one list, in order."""
    section = page.text.split(f'aria-labelledby="{side}-heading"')[1].split("</section>")[0]
    return [title.strip() for title in re.findall(r'class="title">([^<]*)<', section)]
