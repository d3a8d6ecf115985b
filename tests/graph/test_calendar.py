"""``GraphOutlook`` against the simulated Graph: the port's contract, request counts, and what Graph makes hard."""

from dataclasses import dataclass
from typing import Any

import pytest

from local.simkit.people import ROSE
from tests.contracts.outlook_port import OutlookContract, Owner
from tests.graph.conftest import Mailbox


@dataclass
class RoseInOutlook:
    """The owner of the simulated mailbox."""

    mailbox: Mailbox

    async def add(self, **members: Any) -> dict[str, Any]:
        return await self.mailbox.add(**members)

    async def change(self, event_id: str, **members: Any) -> None:
        await self.mailbox.control("PATCH", f"/mailboxes/{ROSE.upn}/events/{event_id}", members)

    async def remove(self, event_id: str) -> None:
        await self.mailbox.control("DELETE", f"/mailboxes/{ROSE.upn}/events/{event_id}")

    async def move(self, event_id: str) -> None:
        target = await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/calendars", {"name": "Private"})
        wanted = {"calendarId": target["id"]}
        await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/events/{event_id}/move", wanted)

    async def drop_calendar(self) -> str:
        made = await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/calendars", {"name": "Soon gone"})
        await self.mailbox.control("DELETE", f"/mailboxes/{ROSE.upn}/calendars/{made['id']}")
        return str(made["id"])

    async def expire_cursors(self) -> None:
        await self.mailbox.control("POST", f"/mailboxes/{ROSE.upn}/expire-delta")


@pytest.fixture
def owner(mailbox: Mailbox) -> Owner:
    return RoseInOutlook(mailbox)


class TestContract(OutlookContract):
    pass
