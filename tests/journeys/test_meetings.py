"""Free times and meetings over HTTP: a planner of a firm, one with a personal account, both calendars, the outbox."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.planner import Planner, eventually
from tests.journeys.scene import problem

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
MEETINGS, AVAILABILITY = "calendar/outlook/meetings", "calendar/outlook/availability"
ANN, BEN = "ann@example.test", "ben@example.test"
WISH: dict[str, Any] = {
    "title": "Menu tasting",
    "startTime": "2027-03-01T14:00:00",
    "endTime": "2027-03-01T15:30:00",
    "timeZone": "Europe/London",
    "attendees": [{"email": ANN, "name": "Ann"}, BEN],
    "location": "Mill House",
    "body": "Bring the list",
    "isOnlineMeeting": True,
    "eventType": "vendor_meeting",
}


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Planner, Planner]]:
    async with Stand(work_folder=tmp_path, season=False) as running:
        rose, marco = (Planner(running, person) for person in PLANNERS[:2])
        yield rose, marco
        await rose.close()
        await marco.close()


async def answered(planner: Planner, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
    answer = await planner.call(method, path, **options)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def free(planner: Planner, *, minutes: int = 60, **query: str) -> dict[str, Any]:
    params = {"date": "2027-03-01", "duration": str(minutes), **query}
    return await answered(planner, "GET", AVAILABILITY, 200, params=params)


def periods(found: dict[str, Any]) -> list[str]:
    return [f"{each['start'][11:16]}-{each['end'][11:16]}" for each in found["freePeriods"]]


async def mailed(planner: Planner) -> list[tuple[str, str]]:
    return sorted((mail["kind"], to) for mail in await planner.outbox() for to in mail["to"])


async def one_pair(planner: Planner) -> tuple[dict[str, Any], dict[str, Any]]:
    (here,), (there,) = await planner.wedsync_events(), await planner.outlook_items()
    return here, there


async def test_a_meeting_from_free_time_to_cancellation(two: tuple[Planner, Planner]) -> None:
    rose, _ = two
    problem(await rose.call("POST", MEETINGS, json=WISH), 404, "not_connected")
    await rose.connect()
    await rose.first_run_ended()
    found = await free(rose, attendees="ivy@havenweddings.example,ann@example.test")
    assert (found["timeZone"], periods(found)) == ("Europe/London", ["08:00-17:00"])
    assert found["slots"][0] == {"start": "2027-03-01T08:00:00+00:00", "end": "2027-03-01T09:00:00+00:00"}
    assert {each["email"]: each["known"] for each in found["attendees"]} == {
        "ivy@havenweddings.example": True,
        ANN: False,
    }

    key = {"Idempotency-Key": "one-tasting"}
    made = await answered(rose, "POST", MEETINGS, 201, json=WISH, headers=key)
    assert (made["mailed"], made["isOnlineMeeting"], made["warnings"]) == ([ANN, BEN], True, [])
    assert made["joinUrl"].startswith("https://teams.microsoft.com/")
    again = await answered(rose, "POST", MEETINGS, 200, json=WISH, headers=key)
    assert again == made | {"repeated": True}
    problem(
        await rose.call("POST", MEETINGS, json=WISH | {"title": "Other"}, headers=key), 422, "idempotency_key_reused"
    )
    await rose.deliveries_done()
    await rose.sync()
    here, there = await one_pair(rose)
    assert (here["id"], there["subject"]) == (made["eventId"], "Menu tasting")
    assert (here["type"], here["description"], here["start"]) == ("vendor_meeting", "Bring the list", WISH["startTime"])
    assert await mailed(rose) == [("invitation", ANN), ("invitation", BEN)]
    assert periods(await free(rose)) == ["08:00-14:00", "15:30-17:00"]

    path = f"{MEETINGS}/{made['eventId']}"
    refused = problem(await rose.call("PATCH", path, json={"title": "Wine"}), 409, "guests_would_be_mailed")
    assert (refused["guests"], refused["mails"]) == (2, [ANN, BEN])
    later = {"startTime": "2027-03-01T10:00:00Z", "endTime": "2027-03-01T11:00:00Z", "timeZone": "Europe/London"}
    changed = await answered(rose, "PATCH", path, 200, json=later | {"title": "Wine tasting", "mailGuests": True})
    assert (changed["fields"], changed["mailed"]) == (["dateTime", "title"], [ANN, BEN])
    assert (changed["startTime"], changed["joinUrl"]) == ("2027-03-01T10:00:00", made["joinUrl"])
    await rose.deliveries_done()
    here, there = await one_pair(rose)
    assert (here["title"], here["start"], there["subject"]) == ("Wine tasting", "2027-03-01T10:00:00", "Wine tasting")

    problem(await rose.call("DELETE", path), 409, "guests_would_be_mailed")
    gone = await answered(rose, "DELETE", path, 200, json={"message": "The kitchen is closed", "mailGuests": True})
    assert gone["mailed"] == [ANN, BEN]
    await rose.deliveries_done()
    await rose.sync()
    assert await rose.wedsync_events() == await rose.outlook_items() == []
    kinds = [kind for kind, _ in await mailed(rose)]
    assert kinds == ["cancellation"] * 2 + ["invitation"] * 2 + ["update"] * 2
    assert {mail["comment"] for mail in await rose.outbox() if mail["kind"] == "cancellation"} == {
        "The kitchen is closed"
    }
    problem(await rose.call("DELETE", path), 404, "meeting_not_found")
    assert await rose.conflicts() == []


async def test_a_personal_account_has_free_times_and_no_online_meetings(two: tuple[Planner, Planner]) -> None:
    _, marco = two
    await marco.connect()
    await marco.first_run_ended()
    times = {"start": "2027-03-01T09:00:00", "end": "2027-03-01T12:00:00", "timeZone": "Europe/Rome"}
    await marco.add_in_wedsync(type="venue_visit", title="Villa", travelMinutes=60, **times)

    async def taken() -> bool:
        return periods(await free(marco)) == ["12:00-17:00"]

    await eventually(taken, "the visit and the way there take their time")
    found = await free(marco, attendees="ivy@havenweddings.example")
    assert (found["timeZone"], found["attendees"]) == (
        "Europe/Berlin",
        [{"email": "ivy@havenweddings.example", "known": False}],
    )
    problem(await marco.call("POST", MEETINGS, json=WISH), 422, "online_meeting_unavailable")
    made = await answered(marco, "POST", MEETINGS, 201, json=WISH | {"isOnlineMeeting": False})
    assert (made["isOnlineMeeting"], "joinUrl" in made) == (False, False)

    async def once_each() -> bool:
        return len(await marco.wedsync_events()) == len(await marco.outlook_items()) == 2

    await eventually(once_each, "the visit and the meeting are on both sides")
    await marco.deliveries_done()
    assert await once_each()
    assert await mailed(marco) == [("invitation", ANN), ("invitation", BEN)]
