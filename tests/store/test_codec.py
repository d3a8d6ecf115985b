"""Rows and values: exactly there and back, and what other versions wrote."""

import json
import zlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.event import AllDay, Side
from shared.core.history import Conflict, SyncChange, SyncRun
from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.states import MappingState
from shared.errors import StoreFault
from shared.ports import LeaseHold
from shared.store.codec import columns_of, instant_text, key_text, value_of
from shared.store.rows import Insert, Row, check
from tests.support import values

whole = st.one_of(values.mappings, values.integrations, values.conflicts, values.runs, values.changes)


def row(columns: dict[str, Any]) -> Row:
    return Row(partition="p", key="k", columns=columns)


@given(whole)
def test_there_and_back(value: Any) -> None:
    columns = columns_of(value)
    check(Insert(row(columns)))
    assert value_of(type(value), row(columns)) == value


@given(whole, st.data())
def test_whatever_goes_into_the_body(value: Any, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from([field.name for field in fields(value)])))
    assert value_of(type(value), row(columns_of(value, body=names))) == value


@given(st.text(), st.text())
def test_key_texts_are_valid_and_apart(left: str, right: str) -> None:
    check(Insert(Row(partition=f"x{key_text(left)}", key=f"x{key_text(right)}")))
    assert (key_text(left) == key_text(right)) == (left == right)


@given(values.instants, values.instants)
def test_instants_sort_as_text(left: datetime, right: datetime) -> None:
    assert (instant_text(left) < instant_text(right)) == (left < right)


def test_a_time_in_another_zone_is_stored_as_utc() -> None:
    moment = datetime(2026, 6, 20, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    hold = LeaseHold(integration_id="i", owner="o", fence=1, expires_at=moment)
    columns = columns_of(hold)
    assert columns["expiresAt"] == "2026-06-20T12:00:00.000000+00:00"
    assert value_of(LeaseHold, row(columns)).expires_at == moment


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StoreFault):
        columns_of(LeaseHold(integration_id="i", owner="o", fence=1, expires_at=datetime(2026, 6, 20)))  # noqa: DTZ001


def test_content_is_in_no_readable_column() -> None:
    value = values.mapping(base_w=values.content(title="CANARY", description="CANARY" * 500))
    assert not any("CANARY" in str(column) for column in columns_of(value).values())


def test_long_texts_become_parts() -> None:
    words = "".join(f"{number * 2654435761 % 2**32:x} " for number in range(40_000))
    columns = columns_of(values.integration(delta_link=words))
    parts = [value for name, value in columns.items() if name.startswith("body")]
    assert len(parts) > 2
    assert all(isinstance(part, bytes) and len(part) <= 60 * 1024 for part in parts)
    assert value_of(Integration, row(columns)).delta_link == words


# What a row of the first schema looks like. A change that cannot read it needs a new schema and a conversion.
FIRST_SCHEMA = {
    "schema": 1,
    "mappingId": "m1",
    "integrationId": "i1",
    "epoch": 3,
    "born": "outlook",
    "state": "linked",
    "calendarId": "cal",
    "role": "event",
    "wedsyncId": "w1",
    "outlookId": "AAMk=",
    "eventType": "venue_visit",
    "generation": 2,
    "wVersion": 7,
    "oEtag": 'W/"x"',
    "oChangedAt": "2026-06-20T12:00:00.000000+00:00",
    "isOrganizer": True,
    "masked": False,
    "failures": 0,
    "occurrenceDate": "2026-06-20",
    "body0": zlib.compress(
        json.dumps(
            {
                "baseW": {
                    "title": "Visit",
                    "time": {"kind": "allDay", "start": "2026-06-20", "end": "2026-06-21", "zone": "Europe/London"},
                    "description": "",
                    "location": {"name": "Barn", "address": ""},
                    "private": False,
                    "attendees": [{"email": "a@b", "name": "A"}],
                },
                "baseO": {
                    "title": "Visit",
                    "time": {
                        "kind": "timed",
                        "start": "2026-06-20T12:00:00.000000+00:00",
                        "end": "2026-06-20T13:00:00.000000+00:00",
                    },
                },
                "held": ["title"],
                "notes": ["n"],
            }
        ).encode()
    ),
}


def test_the_first_schema_is_still_read() -> None:
    found = value_of(EventMapping, row(FIRST_SCHEMA))
    assert (found.born, found.state, found.epoch) == (Side.OUTLOOK, MappingState.LINKED, 3)
    assert found.base_w is not None
    assert isinstance(found.base_w.time, AllDay)
    assert found.base_o is not None
    assert found.base_o.time.start == datetime(2026, 6, 20, 12, tzinfo=UTC)
    assert found.notes == ("n",)
    again = value_of(EventMapping, row(columns_of(found)))
    assert again == found


def test_the_first_schema_is_what_is_written() -> None:
    written = columns_of(value_of(EventMapping, row(FIRST_SCHEMA)))
    assert {name: column for name, column in FIRST_SCHEMA.items() if name != "body0"}.items() <= written.items()


def test_members_of_other_versions() -> None:
    columns = columns_of(values.subscription())
    assert value_of(type(values.subscription()), row({**columns, "later": "x"}))
    older = {name: column for name, column in columns_of(values.integration()).items() if name != "timeZone"}
    assert value_of(Integration, row(older)).time_zone == "UTC"


@pytest.mark.parametrize("kind", [EventMapping, Integration, Conflict, SyncRun, SyncChange])
def test_broken_rows(kind: type[object]) -> None:
    for columns in ({}, {"schema": 1}, {"schema": 1, "body0": b"no zlib"}, {"schema": 2}):
        with pytest.raises(StoreFault):
            value_of(kind, row(columns))


def test_unknown_words() -> None:
    columns = columns_of(values.mapping())
    with pytest.raises(StoreFault):
        value_of(EventMapping, row({**columns, "state": "eaten"}))
    with pytest.raises(StoreFault):
        columns_of(replace(values.mapping(), notes=(object(),)))  # type: ignore[arg-type]
