"""Time zones and all-day events: S20-S22 of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Far, at, event
from tests.local.graph.sources import ALLODIA, EVENT, KEEPER, api, issue, resource

NOT_MIDNIGHT = "The Event.{} property for an all-day event needs to be set to midnight."
BERLIN = "Europe/Berlin"
ODOO = "https://github.com/odoo/odoo"
SIM = issue(6041, "simstudioai/sim")


def asked(zone: str) -> dict[str, str]:
    return {"Prefer": f'outlook.timezone="{zone}"'}


@behaviour("S20", Grade.CAPTURED, ALLODIA, api("event-get"))
@pytest.mark.parametrize(
    ("zone", "clock"),
    [
        ("Europe/Amsterdam", "2026-08-04T16:00:00.0000000"),
        ("W. Europe Standard Time", "2026-08-04T16:00:00.0000000"),
        ("Pacific Standard Time", "2026-08-04T07:00:00.0000000"),
        ("America/Los_Angeles", "2026-08-04T07:00:00.0000000"),
        ("India Standard Time", "2026-08-04T19:30:00.0000000"),
        ("UTC", "2026-08-04T14:00:00.0000000"),
    ],
)
async def test_s20_times_are_read_in_the_preferred_zone(graph: Far, zone: str, clock: str) -> None:
    made = await graph.create()
    for path in (f"/me/events/{made['id']}", "/me/events", f"/me/calendarView?{WINDOW}"):
        answer = await graph.call("GET", path, headers=asked(zone), status=200)
        read = answer.json()["value"][0] if "value" in answer.json() else answer.json()
        assert read["start"] == {"dateTime": clock, "timeZone": zone}
        assert answer.headers["Preference-Applied"] == f'outlook.timezone="{zone}"'
        assert read["createdDateTime"] == made["createdDateTime"]
        assert read["originalStartTimeZone"] == "UTC"


@behaviour("S20", Grade.DOCUMENTED, api("event-get"), api("event-update"))
async def test_s20_each_request_says_its_own_zone(graph: Far) -> None:
    made = await graph.call("POST", "/me/events", event(), headers=asked(BERLIN), status=201)
    assert made.json()["start"] == {"dateTime": "2026-08-04T16:00:00.0000000", "timeZone": BERLIN}
    read = await graph.call("GET", f"/me/events/{made.json()['id']}", status=200)
    assert read.json()["start"] == {"dateTime": "2026-08-04T14:00:00.0000000", "timeZone": "UTC"}
    assert "Preference-Applied" not in read.headers


@behaviour("S20", Grade.REPORTED, issue(4758, "microsoftgraph/microsoft-graph-docs"), issue(7091))
@pytest.mark.parametrize("zone", ["Greenwich Mean Time", "Mars/Olympus", "tzone://Microsoft/Custom", "[]"])
async def test_s20_an_unknown_zone_is_refused(graph: Far, zone: str) -> None:
    made = await graph.create()
    span = {"start": at("2026-08-04T14:00:00", zone), "end": at("2026-08-04T15:00:00", zone)}
    answers = [
        await graph.call("GET", "/me/events", headers=asked(zone), status=400),
        await graph.call("GET", f"/me/events/{made['id']}", headers=asked(zone), status=400),
        await graph.call("POST", "/me/events", event(**span), status=400),
        await graph.call("PATCH", f"/me/events/{made['id']}", span, status=400),
    ]
    for answer in answers:
        error = answer.json()["error"]
        assert error["code"] == "TimeZoneNotSupportedException"
        assert error["message"] == (
            f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{zone}'."
        )


@behaviour("S21", Grade.DOCUMENTED, resource("datetimetimezone"), EVENT)
@pytest.mark.parametrize("zone", ["America/New_York", "Eastern Standard Time"])
async def test_s21_windows_and_iana_names_are_kept_as_written(graph: Far, zone: str) -> None:
    made = await graph.create(start=at("2026-11-02T09:00:00", zone), end=at("2026-11-02T10:00:00", zone))
    assert (made["originalStartTimeZone"], made["originalEndTimeZone"]) == (zone, zone)
    assert made["start"] == {"dateTime": "2026-11-02T14:00:00.0000000", "timeZone": "UTC"}
    moved = {"start": at("2026-08-03T09:00:00", zone), "end": at("2026-08-03T10:00:00", "UTC")}
    await graph.call("PATCH", f"/me/events/{made['id']}", moved, status=400)
    moved["end"] = at("2026-08-03T14:00:00", "UTC")
    now = (await graph.call("PATCH", f"/me/events/{made['id']}", moved, status=200)).json()
    assert (now["originalStartTimeZone"], now["originalEndTimeZone"]) == (zone, "UTC")
    assert now["start"]["dateTime"] == "2026-08-03T13:00:00.0000000"


@behaviour("S21", Grade.DOCUMENTED, resource("datetimetimezone"))
async def test_s21_without_a_zone_it_is_utc(graph: Far) -> None:
    made = await graph.create(start={"dateTime": "2026-08-04T14:00:00"}, end={"dateTime": "2026-08-04T15:00:00"})
    assert made["start"]["dateTime"] == "2026-08-04T14:00:00.0000000"
    assert made["originalStartTimeZone"] == "UTC"


@behaviour("S21", Grade.REPORTED, issue(1609))
async def test_s21_casablanca_is_refused_on_write(graph: Far) -> None:
    made = await graph.create()
    zone = "Africa/Casablanca"
    span = {"start": at("2026-08-04T14:00:00", zone), "end": at("2026-08-04T15:00:00", zone)}
    for method, path in (("POST", "/me/events"), ("PATCH", f"/me/events/{made['id']}")):
        error = (await graph.call(method, path, event(**span), status=400)).json()["error"]
        assert error["code"] == "ErrorPropertyValidationFailure"
        assert error["message"] == "At least one property failed validation."


@behaviour("S21", Grade.ASSUMED, issue(1609))
@pytest.mark.parametrize("zone", ["Africa/El_Aaiun", "Morocco Standard Time"])
async def test_s21_other_names_of_that_zone_are_refused_too(graph: Far, zone: str) -> None:
    span = {"start": at("2026-08-04T14:00:00", zone), "end": at("2026-08-04T15:00:00", zone)}
    error = (await graph.call("POST", "/me/events", event(**span), status=400)).json()["error"]
    assert error["code"] == "ErrorPropertyValidationFailure"


@behaviour("S21", Grade.ASSUMED, resource("datetimetimezone"))
async def test_s21_z_beside_a_zone_is_read_as_local_digits(graph: Far) -> None:
    made = await graph.create(start=at("2026-08-04T14:00:00Z", BERLIN), end=at("2026-08-04T15:00:00Z", BERLIN))
    assert made["start"]["dateTime"] == "2026-08-04T12:00:00.0000000"
    plain = await graph.create(start=at("2026-08-04T14:00:00Z"), end=at("2026-08-04T15:00:00.1234567Z"))
    assert plain["start"]["dateTime"] == "2026-08-04T14:00:00.0000000"


def day(zone: str = "UTC", **members: Any) -> dict[str, Any]:
    span = {"start": at("2026-08-04T00:00:00", zone), "end": at("2026-08-05T00:00:00", zone)}
    return {"isAllDay": True, **span, **members}


@behaviour("S22", Grade.REPORTED, SIM, ODOO)
@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({"start": at("2026-08-04T14:00:00")}, "Start"),
        ({"start": at("2026-08-04T00:00:01")}, "Start"),
        ({"end": at("2026-08-05T15:00:00")}, "End"),
        ({"start": at("2026-08-03T22:00:00Z", BERLIN), "end": at("2026-08-05T00:00:00", BERLIN)}, "Start"),
    ],
)
async def test_s22_an_all_day_event_begins_and_ends_at_midnight(graph: Far, members: dict[str, Any], name: str) -> None:
    error = (await graph.call("POST", "/me/events", event(**day(**members)), status=400)).json()["error"]
    assert error["code"] == "ErrorInvalidRequest"
    assert error["message"] == NOT_MIDNIGHT.format(name)
    assert (await graph.call("GET", "/me/events")).json()["value"] == []


@behaviour("S22", Grade.CAPTURED, ALLODIA, issue(3468))
async def test_s22_midnight_counts_in_the_zone_it_was_written_in(graph: Far) -> None:
    made = await graph.create(**day(BERLIN))
    assert made["isAllDay"] is True
    assert made["start"]["dateTime"] == "2026-08-03T22:00:00.0000000"
    read = (await graph.call("GET", f"/me/events/{made['id']}", headers=asked(BERLIN), status=200)).json()
    assert read["start"] == {"dateTime": "2026-08-04T00:00:00.0000000", "timeZone": BERLIN}
    assert read["end"] == {"dateTime": "2026-08-05T00:00:00.0000000", "timeZone": BERLIN}


@behaviour("S22", Grade.DOCUMENTED, EVENT)
async def test_s22_an_all_day_event_has_one_zone_and_lasts_a_day(graph: Far) -> None:
    two = day(end=at("2026-08-05T00:00:00", BERLIN))
    await graph.call("POST", "/me/events", event(**two), status=400)
    await graph.call("POST", "/me/events", event(**day(end=at("2026-08-04T00:00:00"))), status=400)
    await graph.create(**day(end=at("2026-08-06T00:00:00")))


@behaviour("S22", Grade.REPORTED, SIM, ODOO)
async def test_s22_clock_times_cannot_be_patched_into_an_all_day_event(graph: Far) -> None:
    made = await graph.create(**day(BERLIN))
    path = f"/me/events/{made['id']}"
    clock = {"start": at("2026-08-04T09:00:00", BERLIN), "end": at("2026-08-04T10:00:00", BERLIN)}
    error = (await graph.call("PATCH", path, clock, status=400)).json()["error"]
    assert (error["code"], error["message"]) == ("ErrorInvalidRequest", NOT_MIDNIGHT.format("Start"))
    error = (await graph.call("PATCH", path, {"end": clock["end"]}, status=400)).json()["error"]
    assert error["message"] == NOT_MIDNIGHT.format("End")
    moved = day(BERLIN, start=at("2026-08-03T00:00:00", BERLIN))
    del moved["isAllDay"]
    assert (await graph.call("PATCH", path, moved, status=200)).json()["isAllDay"] is True
    assert (await graph.call("PATCH", path, {"isAllDay": False, **clock}, status=200)).json()["isAllDay"] is False


@behaviour("S22", Grade.REPORTED, SIM, ODOO)
async def test_s22_all_day_needs_its_times_beside_it(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    error = (await graph.call("PATCH", path, {"isAllDay": True}, status=400)).json()["error"]
    assert (error["code"], error["message"]) == ("ErrorInvalidRequest", NOT_MIDNIGHT.format("Start"))
    assert (await graph.call("PATCH", path, day(), status=200)).json()["isAllDay"] is True


@behaviour("S22", Grade.REPORTED, KEEPER)
async def test_s22_inverted_is_refused_and_zero_length_taken(graph: Far) -> None:
    await graph.call("POST", "/me/events", event(end=at("2026-08-04T13:59:00")), status=400)
    made = await graph.create(end=at("2026-08-04T14:00:00"))
    assert made["start"] == made["end"]
    path = f"/me/events/{made['id']}"
    await graph.call("PATCH", path, {"end": at("2026-08-04T13:00:00")}, status=400)
    await graph.call("PATCH", path, {"start": at("2026-08-04T15:00:00", BERLIN)}, status=200)
    await graph.call("PATCH", path, {"start": at("2026-08-04T17:00:00", BERLIN)}, status=400)
