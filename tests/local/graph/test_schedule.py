"""getSchedule and findMeetingTimes: S63 of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from local.simkit.people import IVY, MARCO, ROSE, Account
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, at, token
from tests.local.graph.sources import CSDL, api, concept, issue, resource

DOCS = "microsoftgraph/microsoft-graph-docs"
GET_SCHEDULE = api("calendar-getschedule")
FREE_BUSY = concept("outlook-get-free-busy-schedule")
FIND = api("user-findmeetingtimes")


def wish(*addresses: str, **members: Any) -> dict[str, Any]:
    body = {
        "schedules": list(addresses),
        "startTime": at("2026-08-04T09:00:00"),
        "endTime": at("2026-08-04T18:00:00"),
        "availabilityViewInterval": 60,
    }
    return {name: value for name, value in (body | members).items() if value != "left out"}


async def ask(graph: Far, *addresses: str, who: Account = ROSE, **members: Any) -> list[dict[str, Any]]:
    answer = await graph.call("POST", "/me/calendar/getSchedule", wish(*addresses, **members), who=who, status=200)
    found: list[dict[str, Any]] = answer.json()["value"]
    return found


async def busy(graph: Far, low: str, high: str, who: Account = ROSE, **members: Any) -> None:
    body = {"subject": "Lunch", "start": at(f"2026-08-04T{low}"), "end": at(f"2026-08-04T{high}"), **members}
    await graph.call("POST", "/me/events", body, who=who, status=201)


@behaviour("S63", Grade.DOCUMENTED, GET_SCHEDULE, resource("scheduleinformation"))
async def test_s63_a_schedule_has_a_view_items_and_working_hours(graph: Far) -> None:
    await busy(graph, "12:00:00", "14:00:00", location={"displayName": "Harry's Bar"})
    answer = await graph.call("POST", "/me/calendar/getSchedule", wish(ROSE.upn), status=200)
    assert answer.json()["@odata.context"].endswith("/$metadata#Collection(microsoft.graph.scheduleInformation)")
    (found,) = answer.json()["value"]
    assert (found["scheduleId"], found["availabilityView"]) == (ROSE.upn, "000220000")
    assert found["scheduleItems"] == [
        {
            "isPrivate": False,
            "status": "busy",
            "subject": "Lunch",
            "location": "Harry's Bar",
            "start": {"dateTime": "2026-08-04T12:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-08-04T14:00:00.0000000", "timeZone": "UTC"},
        }
    ]
    assert found["workingHours"]["daysOfWeek"] == ["monday", "tuesday", "wednesday", "thursday", "friday"]
    assert found["workingHours"]["startTime"] == "08:00:00.0000000"
    assert found["workingHours"]["endTime"] == "17:00:00.0000000"
    assert "error" not in found


@behaviour("S63", Grade.DOCUMENTED, GET_SCHEDULE, api("user-get-mailboxsettings"), resource("workinghours"))
@pytest.mark.parametrize("zone", ["W. Europe Standard Time", "Customized Time Zone"])
async def test_s63_working_hours_are_as_their_owner_has_set_them(graph: Far, zone: str) -> None:
    """They may be kept in another zone than the mailbox, even in one that is on no list (customtimezone.md)."""
    hours = {"daysOfWeek": ["friday", "saturday"], "startTime": "14:00", "endTime": "22:30", "timeZone": zone}
    answer = await graph.http.put(f"/_control/mailboxes/{ROSE.upn}/working-hours", json=hours)
    assert answer.status_code == 200, answer.text
    settings = (await graph.call("GET", "/me/mailboxSettings", status=200)).json()
    (found,) = await ask(graph, ROSE.upn)
    assert settings["workingHours"] == found["workingHours"]
    assert settings["timeZone"] == ROSE.time_zone
    assert found["workingHours"]["daysOfWeek"] == ["friday", "saturday"]
    assert found["workingHours"]["startTime"] == "14:00:00.0000000"
    assert found["workingHours"]["endTime"] == "22:30:00.0000000"
    assert found["workingHours"]["timeZone"]["name"] == zone


@behaviour("S63", Grade.DOCUMENTED, GET_SCHEDULE, CSDL)
async def test_s63_the_digits_of_the_view(graph: Far) -> None:
    for hour, shown in enumerate(("free", "tentative", "busy", "oof"), 10):
        await busy(graph, f"{hour}:00:00", f"{hour + 1}:00:00", showAs=shown)
    (found,) = await ask(graph, ROSE.upn)
    assert found["availabilityView"] == "001230000"
    assert [each["status"] for each in found["scheduleItems"]] == ["free", "tentative", "busy", "oof"]


@behaviour(
    "S63", Grade.DOCUMENTED, GET_SCHEDULE, FREE_BUSY, resource("scheduleinformation"), knobs=("workingElsewhereDigit",)
)
@pytest.mark.parametrize("digit", ["0", "4"])
async def test_s63_working_elsewhere_is_0_today_and_4_on_another_page(graph: Far, digit: str) -> None:
    await graph.knobs(workingElsewhereDigit=digit)
    await busy(graph, "10:00:00", "11:00:00", showAs="workingElsewhere")
    (found,) = await ask(graph, ROSE.upn)
    assert found["availabilityView"] == f"0{digit}0000000"


@behaviour("S63", Grade.ASSUMED, GET_SCHEDULE)
async def test_s63_the_strongest_status_of_a_slot_counts(graph: Far) -> None:
    await busy(graph, "10:00:00", "12:00:00", showAs="tentative")
    await busy(graph, "10:30:00", "10:40:00", showAs="oof")
    (found,) = await ask(graph, ROSE.upn)
    assert found["availabilityView"] == "031000000"


@behaviour("S63", Grade.DOCUMENTED, GET_SCHEDULE)
async def test_s63_the_default_slot_is_half_an_hour(graph: Far) -> None:
    (found,) = await ask(graph, ROSE.upn, availabilityViewInterval="left out")
    assert found["availabilityView"] == "0" * 18


@behaviour("S63", Grade.DOCUMENTED, GET_SCHEDULE, FREE_BUSY)
async def test_s63_times_come_in_the_preferred_zone(graph: Far) -> None:
    await busy(graph, "12:00:00", "14:00:00")
    zone = "Pacific Standard Time"
    body = wish(ROSE.upn, startTime=at("2026-08-04T02:00:00", zone), endTime=at("2026-08-04T11:00:00", zone))
    asked = {"Prefer": f'outlook.timezone="{zone}"'}
    answer = await graph.call("POST", "/me/calendar/getSchedule", body, headers=asked, status=200)
    (found,) = answer.json()["value"]
    assert found["availabilityView"] == "000220000"
    assert found["scheduleItems"][0]["start"] == {"dateTime": "2026-08-04T05:00:00.0000000", "timeZone": zone}


@behaviour("S63", Grade.DOCUMENTED, FREE_BUSY)
async def test_s63_a_colleague_shows_times_alone(graph: Far) -> None:
    await busy(graph, "12:00:00", "14:00:00", IVY)
    (found,) = await ask(graph, IVY.upn)
    assert found["availabilityView"] == "000220000"
    assert set(found["scheduleItems"][0]) == {"status", "start", "end"}


@behaviour("S63", Grade.DOCUMENTED, FREE_BUSY)
@pytest.mark.parametrize(("sensitivity", "told"), [("personal", True), ("private", False), ("confidential", False)])
async def test_s63_a_private_event_keeps_its_subject(graph: Far, sensitivity: str, told: bool) -> None:
    await busy(graph, "12:00:00", "14:00:00", sensitivity=sensitivity)
    (found,) = await ask(graph, ROSE.upn)
    assert ("subject" in found["scheduleItems"][0]) is told


@behaviour("S63", Grade.REPORTED, issue(11225, DOCS), FREE_BUSY)
async def test_s63_an_unknown_address_has_an_error_of_its_own(graph: Far) -> None:
    known, unknown = await ask(graph, ROSE.upn, "nobody@havenweddings.example")
    assert "error" not in known
    assert unknown == {
        "scheduleId": "nobody@havenweddings.example",
        "error": {
            "message": "Unable to resolve e-mail address nobody@havenweddings.example to an Active Directory object.",
            "responseCode": "5009",
        },
    }


@behaviour("S63", Grade.DOCUMENTED, GET_SCHEDULE)
async def test_s63_more_than_a_thousand_entries_are_an_error_of_their_own(graph: Far) -> None:
    day = {"subject": "x", "start": at("2026-08-04T10:00:00"), "end": at("2026-08-04T10:30:00")}
    await graph.control("PUT", f"/mailboxes/{ROSE.upn}/events", {"events": [day] * 1001})
    (found,) = await ask(graph, ROSE.upn)
    assert found["error"]["responseCode"] == "5006"
    assert found["error"]["message"] == (
        "The result set contains too many calendar entries. The allowed size is 1000; the actual size is 1001."
    )


@behaviour("S63", Grade.REPORTED, issue(7047, DOCS), FREE_BUSY, knobs=("maxSchedules",))
@pytest.mark.parametrize("limit", [20, 100])
async def test_s63_too_many_addresses(graph: Far, limit: int) -> None:
    """20 are documented; 100 is what the service was seen to say, in the same words."""
    await graph.knobs(maxSchedules=limit)
    addresses = [f"a{number}@havenweddings.example" for number in range(limit + 1)]
    assert len(await ask(graph, *addresses[:-1])) == limit
    refused = await graph.call("POST", "/me/calendar/getSchedule", wish(*addresses), status=400)
    assert refused.json()["error"]["code"] == "ErrorMailboxDataArrayTooBig"
    assert refused.json()["error"]["message"] == (
        "There are too many target users in the EmailAddress array. "
        f"The allowed size = {limit}; the actual size = {limit + 1}."
    )


@behaviour("S63", Grade.DOCUMENTED, FREE_BUSY)
async def test_s63_twenty_addresses_are_taken_by_default(graph: Far) -> None:
    addresses = [f"a{number}@havenweddings.example" for number in range(21)]
    assert len(await ask(graph, *addresses[:-1])) == 20
    await graph.call("POST", "/me/calendar/getSchedule", wish(*addresses), status=400)


@behaviour("S63", Grade.REPORTED, f"https://github.com/{DOCS}/pull/19703")
async def test_s63_more_than_62_days_are_refused(graph: Far) -> None:
    await ask(graph, ROSE.upn, endTime=at("2026-10-04T09:00:00"))
    body = wish(ROSE.upn, endTime=at("2026-10-06T09:00:00"))
    refused = (await graph.call("POST", "/me/calendar/getSchedule", body, status=400)).json()["error"]
    assert refused["code"] == "ErrorTimeIntervalTooBig"
    assert refused["message"] == (
        "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. The allowed limit = "
        "62 days; the actual limit = 63 days."
    )


@behaviour("S63", Grade.REPORTED, "https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2349")
@pytest.mark.parametrize("end", ["2026-08-04T09:00:00", "2026-08-03T09:00:00"])
async def test_s63_a_window_without_length_is_refused(graph: Far, end: str) -> None:
    body = wish(ROSE.upn, endTime=at(end))
    refused = (await graph.call("POST", "/me/calendar/getSchedule", body, status=400)).json()["error"]
    assert refused["code"] == "ErrorInvalidTimeInterval"
    assert refused["message"] == "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid."


@behaviour("S63", Grade.REPORTED, issue(6450, DOCS), "https://github.com/PlaceOS/office365/issues/29", GET_SCHEDULE)
@pytest.mark.parametrize("minutes", [4, 1441, 600])
async def test_s63_the_slot_is_5_to_1440_minutes_and_shorter_than_the_window(graph: Far, minutes: int) -> None:
    await ask(graph, ROSE.upn, availabilityViewInterval=5)
    body = wish(ROSE.upn, availabilityViewInterval=minutes)
    refused = (await graph.call("POST", "/me/calendar/getSchedule", body, status=400)).json()["error"]
    assert refused["code"] == "ErrorInvalidMergedFreeBusyInterval"
    assert refused["message"] == (
        "The specified merged free/busy interval is not valid. Specify an interval that is less than the free/busy "
        "time window and between 5 and 1440 minutes."
    )


@behaviour("S63", Grade.REPORTED, issue(4494, DOCS))
async def test_s63_a_slot_of_null_is_an_internal_error(graph: Far) -> None:
    await graph.call("POST", "/me/calendar/getSchedule", wish(ROSE.upn, availabilityViewInterval=None), status=500)


@behaviour("S63", Grade.DOCUMENTED, GET_SCHEDULE, FIND)
@pytest.mark.parametrize("path", ["/me/calendar/getSchedule", "/me/findMeetingTimes"])
async def test_s63_personal_accounts_are_refused(graph: Far, path: str) -> None:
    bearer = token(MARCO, scopes="User.Read Calendars.ReadWrite Calendars.Read.Shared")
    body = wish(MARCO.upn) if path.endswith("Schedule") else {}
    refused = await graph.call("POST", path, body, bearer=bearer)
    assert refused.status_code in range(400, 500)
    assert refused.json()["error"]["code"]


@behaviour("S63", Grade.ASSUMED, GET_SCHEDULE, FIND, knobs=("personalRefusal",))
@pytest.mark.parametrize(("status", "code"), [(400, "BadRequest"), (401, "UnknownError")])
@pytest.mark.parametrize("path", ["/me/calendar/getSchedule", "/me/findMeetingTimes"])
async def test_s63_how_personal_accounts_are_refused(graph: Far, path: str, status: int, code: str) -> None:
    await graph.knobs(personalRefusal=status)
    body = wish(MARCO.upn) if path.endswith("Schedule") else {}
    refused = await graph.call("POST", path, body, who=MARCO, status=status)
    assert refused.json()["error"]["code"] == code
