"""A grant dies: the planner is told why and where to go, connects again, and nothing is missing or there twice."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from local.simkit.people import MARCO
from local.stand import Stand
from tests.journeys.connecting import complete, entra, handed_over, is_problem
from tests.journeys.evidence import subscriptions_of, token_secrets
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import both_equal, choose_event, copy_of, wedsync_event

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


async def test_a_revoked_grant_is_renewed_and_everything_catches_up(stand: Stand, rose: Planner) -> None:
    await rose.connect()
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    event = await choose_event(rose)
    copy = await eventually(lambda: copy_of(rose, event["title"]), "the new event is in Outlook")
    await rose.deliveries_done()
    before = (await rose.status())["integration"]
    mapped = (await rose.status())["syncStats"]["totalEvents"]

    # The account's owner revokes what was granted, and the access tokens run out.
    await entra(rose, "grants/revoke", upn=rose.person.account.upn)
    stand.advance(timedelta(hours=2))

    async def stopped() -> dict[str, Any]:
        found = dict((await rose.status())["integration"])
        assert found["status"] == "needs_reconnect"
        return found

    told = await eventually(stopped, "the connection says that it needs its user")
    assert told["reasonCode"] == "invalid_grant"
    assert "permission" in told["reason"]
    assert "AADSTS" not in told["reason"]
    assert told["reconnectUrl"] == f"{rose.urls.wedsync}/settings/integrations?reconnect=outlook"
    assert (await rose.http.get(told["reconnectUrl"])).status_code < 400
    assert told["syncEnabled"] is False

    # Life goes on, on both sides.
    await rose.change_in_outlook(copy["id"], subject="WedSync: Cake tasting, put off")
    later = await choose_event(rose)
    await rose.change_in_wedsync(later["id"], title="Florist at the barn")

    # Somebody else's account is refused; the same one comes back to what was there.
    answer = await complete(rose, await handed_over(rose, upn=MARCO.upn))
    assert "Disconnect it first" in is_problem(answer, 409, "different_account")["detail"]
    await rose.connect()
    await eventually(lambda: copy_of(rose, "Florist at the barn"), "what was made meanwhile is in Outlook")

    async def put_off() -> bool:
        assert (await wedsync_event(rose, event["id"]))["title"] == "Cake tasting, put off"
        return True

    await eventually(put_off, "what was changed meanwhile is in WedSync")
    assert (await rose.first_run_ended())["syncStatus"] == "completed"
    await eventually(lambda: both_equal(rose), "both sides are equal, nothing twice")
    after = (await rose.status())["integration"]
    assert (after["status"], after["id"], after["calendarId"]) == ("connected", before["id"], before["calendarId"])
    assert not {"reason", "reasonCode", "reconnectUrl"} & set(after)
    assert (await rose.status())["syncStats"]["totalEvents"] == mapped + 1
    assert len(await subscriptions_of(rose)) == 1
    assert len([each for each in await token_secrets(rose) if not each["deleted"]]) == 1
    assert await rose.conflicts() == []
    assert await rose.outbox() == []
    told_of(stand.log())


def told_of(log: str) -> None:
    """The log leads from a webhook to the change that it led to, through the host's invocation, and quotes nothing."""
    lines = [json.loads(text) for text in re.findall(r'\{"action": .*\}', log)]
    begun = {line["correlation"] for line in lines if line["action"] == "wedsync_event_accepted"}
    applied = [line for line in lines if line["action"] == "change_applied" and line["correlation"] in begun]
    assert applied
    assert all(line["invocation"] and line["run"] for line in applied)
    runs = {line["run"] for line in applied}
    asked = [line for line in lines if line.get("metric") == "graph_request" and line.get("run") in runs]
    assert asked
    assert all(line["client_request_id"] and line["request_id"] for line in asked)
    assert {"notification_answered", "job_waited", "edit_to_visible", "reconnect_needed"} <= {
        line.get("metric") for line in lines
    }
    assert "Cake tasting" not in log
