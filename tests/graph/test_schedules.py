"""``GraphSchedules`` against the simulated Graph, and what it makes of answers that Graph may give."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from local.simkit.people import IVY, MARCO, ROSE
from shared.core.availability import Engagement, Span
from shared.errors import CalendarGone, OperatorFault, Rejected
from shared.graph.client import GraphClient
from shared.graph.schedules import GraphSchedules, read_hours, read_schedule, schedule_request
from tests.graph.conftest import INTEGRATION, IssuedTokens, Mailbox, at, graph_token

DAY = Span(start=datetime(2026, 8, 4, tzinfo=UTC), end=datetime(2026, 8, 5, tzinfo=UTC))


def hours(hour: int, length: int = 1, show_as: str = "busy") -> Engagement:
    start = DAY.start + timedelta(hours=hour)
    return Engagement(span=Span(start=start, end=start + timedelta(hours=length)), show_as=show_as)


@pytest.fixture
def schedules(client: GraphClient) -> GraphSchedules:
    return GraphSchedules(client)


async def add(mailbox: Mailbox, hour: int, **members: Any) -> dict[str, Any]:
    times = {"start": at(f"2026-08-04T{hour:02}:00:00"), "end": at(f"2026-08-04T{hour + 1:02}:00:00")}
    return await mailbox.add(**(times | members))


async def test_working_hours_and_zone_of_the_mailbox(schedules: GraphSchedules, mailbox: Mailbox) -> None:
    found = await schedules.working_hours(INTEGRATION)
    assert (found.start, found.end, found.days) == (time(8), time(17), frozenset(range(5)))
    assert found.zone == found.mailbox_zone == "Europe/London"
    assert [call.template for call in mailbox.calls] == ["/me/mailboxSettings"]


async def test_free_and_busy_times_by_address(schedules: GraphSchedules, mailbox: Mailbox) -> None:
    await add(mailbox, 9)
    await add(mailbox, 11, showAs="tentative")
    asked = (ROSE.upn.upper(), IVY.upn, "nobody@example.test")
    found = await schedules.free_busy(INTEGRATION, asked, DAY)
    assert found == {asked[0]: (hours(9), hours(11, show_as="tentative")), IVY.upn: (), asked[2]: None}
    assert len(mailbox.calls) == 1


async def test_personal_accounts_are_refused_and_keep_their_grant(client: GraphClient, mailbox: Mailbox) -> None:
    client._tokens = IssuedTokens(graph_token(MARCO))
    with pytest.raises(Rejected):
        await GraphSchedules(client).free_busy(INTEGRATION, (MARCO.upn,), DAY)


@pytest.mark.parametrize(("minutes", "interval"), [(3, 5), (90, 90), (1440, 1440), (1500, 1440)])
def test_the_interval_is_within_graphs_limits(minutes: int, interval: int) -> None:
    span = Span(start=DAY.start, end=DAY.start + timedelta(minutes=minutes))
    request = schedule_request(["a@x.test"], span)
    assert f'"availabilityViewInterval":{interval}' in str(request.body)
    assert request.repeatable


async def test_a_calendar_is_read_page_after_page(
    schedules: GraphSchedules, mailbox: Mailbox, calendar_id: str
) -> None:
    for _ in range(201):
        await add(mailbox, 9)
    mailbox.calls.clear()
    found = await schedules.calendar_view(INTEGRATION, calendar_id, DAY)
    assert found == (hours(9),) * 201
    assert len(mailbox.calls) == 2


async def test_what_is_cancelled_takes_no_time(schedules: GraphSchedules, mailbox: Mailbox, calendar_id: str) -> None:
    await add(mailbox, 9, isCancelled=True)
    await add(mailbox, 11)
    assert await schedules.calendar_view(INTEGRATION, calendar_id, DAY) == (hours(11),)


async def test_a_calendar_that_is_gone(schedules: GraphSchedules, mailbox: Mailbox) -> None:
    made = await mailbox.control("POST", f"/mailboxes/{ROSE.upn}/calendars", {"name": "Soon gone"})
    await mailbox.control("DELETE", f"/mailboxes/{ROSE.upn}/calendars/{made['id']}")
    with pytest.raises(CalendarGone):
        await schedules.calendar_view(INTEGRATION, made["id"], DAY)


async def test_a_link_that_leads_elsewhere_is_not_followed(
    schedules: GraphSchedules, mailbox: Mailbox, calendar_id: str
) -> None:
    for _ in range(201):
        await add(mailbox, 9)
    schedules._client.base_url = "https://graph.test/v1.0"
    real = schedules._client.send

    async def misled(integration_id: str, request: Any, *, parts: int = 1) -> Any:
        schedules._client.base_url = "https://graph.test/v1.0"
        answer = await real(integration_id, request, parts=parts)
        schedules._client.base_url = "https://elsewhere.test/v1.0"
        return answer

    schedules._client.send = misled  # type: ignore[method-assign]
    with pytest.raises(OperatorFault):
        await schedules.calendar_view(INTEGRATION, calendar_id, DAY)


# --- hours as Graph may say them --------------------------------------------------------------------------------------

SETTINGS: dict[str, Any] = {
    "timeZone": "W. Europe Standard Time",
    "workingHours": {
        "daysOfWeek": ["Friday", "sunday"],
        "startTime": "10:30:00.0000000",
        "endTime": "02:00:00.0000000",
        "timeZone": {"name": "Pacific Standard Time"},
    },
}


def test_hours_are_read_with_their_own_zone() -> None:
    found = read_hours(SETTINGS)
    assert (found.start, found.end) == (time(10, 30), time(2))
    assert found.days == {4, 6}
    assert (found.zone, found.mailbox_zone) == ("America/Los_Angeles", "Europe/Berlin")
    assert date(2026, 8, 7).weekday() in found.days


@pytest.mark.parametrize("zone", [None, {}, {"name": "Customized Time Zone", "bias": -210}, {"name": 5}])
def test_a_zone_that_nobody_knows_is_the_mailboxs(zone: object) -> None:
    found = read_hours(SETTINGS | {"workingHours": SETTINGS["workingHours"] | {"timeZone": zone}})
    assert found.zone == "Europe/Berlin"


@pytest.mark.parametrize("told", [None, {}, {"startTime": "9 o'clock", "endTime": "17:00:00"}, {"startTime": 9}])
def test_hours_that_cannot_be_read_are_an_offices(told: object) -> None:
    found = read_hours({"workingHours": told})
    assert (found.start, found.end, found.days) == (time(9), time(17), frozenset(range(5)))
    assert found.zone == found.mailbox_zone == "UTC"


def test_no_days_are_none() -> None:
    assert read_hours(SETTINGS | {"workingHours": SETTINGS["workingHours"] | {"daysOfWeek": []}}).days == frozenset()


def test_a_status_that_is_missing_is_unknown() -> None:
    times = {"start": at("2026-08-04T09:00:00"), "end": at("2026-08-04T10:00:00")}
    assert read_schedule({"scheduleItems": [times]}) == (hours(9, show_as="unknown"),)
    assert read_schedule({"scheduleItems": [times], "error": {"responseCode": "5006"}}) is None
    assert read_schedule({}) == ()
