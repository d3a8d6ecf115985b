"""The user's own value of a field: what is taken, and what is refused with the member that is wrong."""

from datetime import UTC, date, datetime

import pytest

from shared.core.event import AllDay, Place, Timed
from shared.errors import Unprocessable
from shared.triggers.custom_values import custom_value
from shared.usecases.choices import CustomValue

NOON = {"start": "2026-06-20T12:00:00", "end": "2026-06-20T13:00:00", "timeZone": "Europe/London", "allDay": False}
DAY = {"start": "2026-06-20", "end": "2026-06-21T00:00:00", "timeZone": "Europe/London", "allDay": True}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("title", "Cheese", "Cheese"),
        ("description", "", ""),
        ("location", {"name": "Mill", "address": "1 Mill Lane"}, Place(name="Mill", address="1 Mill Lane")),
        ("location", {}, Place()),
        (
            "dateTime",
            NOON,
            Timed(
                start=datetime(2026, 6, 20, 11, tzinfo=UTC),
                end=datetime(2026, 6, 20, 12, tzinfo=UTC),
                zone="Europe/London",
            ),
        ),
        (
            "dateTime",
            {"start": "2026-01-01T12:00:00", "end": "2026-01-01T12:00:00", "timeZone": "GMT Standard Time"},
            Timed(
                start=datetime(2026, 1, 1, 12, tzinfo=UTC),
                end=datetime(2026, 1, 1, 12, tzinfo=UTC),
                zone="Europe/London",
            ),
        ),
        ("dateTime", DAY, AllDay(start=date(2026, 6, 20), end=date(2026, 6, 21), zone="Europe/London")),
        ("attendees", [], None),
        ("event", "x", None),
    ],
)
def test_what_is_taken(name: str, value: object, expected: CustomValue | None) -> None:
    assert custom_value(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "member"),
    [
        ("title", None, ""),
        ("title", 5, ""),
        ("title", "", ""),
        ("title", " \n", ""),
        ("title", "x" * 1001, ""),
        ("description", None, ""),
        ("description", "x" * 100_001, ""),
        ("location", "Mill", ""),
        ("location", {"name": 5}, "/name"),
        ("location", {"city": "Bath"}, "/city"),
        ("dateTime", None, ""),
        ("dateTime", "2026-06-20T12:00:00", ""),
        ("dateTime", {key: NOON[key] for key in ("start", "end")}, "/timeZone"),
        ("dateTime", NOON | {"timeZone": "Europe/Nowhere"}, "/timeZone"),
        ("dateTime", NOON | {"start": "noon"}, "/start"),
        ("dateTime", NOON | {"start": "2026-06-20T12:00:00Z"}, "/start"),
        ("dateTime", NOON | {"end": "2026-06-20T11:59:59"}, "/end"),
        ("dateTime", NOON | {"end": "0001-01-01T00:00:00"}, "/end"),
        ("dateTime", NOON | {"allDay": "yes"}, "/allDay"),
        ("dateTime", NOON | {"allDay": True}, "/start"),
        ("dateTime", DAY | {"end": "2026-06-20"}, "/end"),
        ("dateTime", DAY | {"end": "2026-06-21T10:00:00"}, "/end"),
    ],
)
def test_what_is_refused_names_the_member_and_never_the_value(name: str, value: object, member: str) -> None:
    with pytest.raises(Unprocessable) as refusal:
        custom_value(name, value)
    assert refusal.value.code == "custom_value"
    (error,) = refusal.value.errors
    assert error["pointer"] == f"/resolutions/{name}/customValue{member}"
    assert "Nowhere" not in str(refusal.value.errors)
    assert "noon" not in str(refusal.value.errors)
