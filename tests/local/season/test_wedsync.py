"""The planner's season in WedSync: enough of everything, on any day of any year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.season import wedsync_events
from local.simkit.people import PLANNERS

ROSE, MARCO = PLANNERS
TYPES = {
    "client_meeting",
    "venue_visit",
    "vendor_meeting",
    "wedding_ceremony",
    "wedding_reception",
    "engagement_shoot",
    "deadline",
    "task_due",
    "rehearsal",
}
MEMBERS = {
    "type",
    "title",
    "description",
    "start",
    "end",
    "timeZone",
    "allDay",
    "location",
    "attendees",
    "travelMinutes",
    "private",
    "url",
    "source",
    "externalId",
}
TODAY = date(2026, 6, 1)


def test_rose_has_120_events_of_all_types_in_many_zones() -> None:
    events = wedsync_events(ROSE, TODAY)
    assert len(events) == 120
    assert {event["type"] for event in events} == TYPES
    assert len({event["timeZone"] for event in events}) >= 6
    assert all(set(event) == MEMBERS for event in events)


def test_marco_has_40_events() -> None:
    assert len(wedsync_events(MARCO, TODAY)) == 40


def test_the_same_day_gives_the_same_season_and_another_day_another() -> None:
    assert wedsync_events(ROSE, TODAY) == wedsync_events(ROSE, TODAY)
    assert wedsync_events(ROSE, TODAY) != wedsync_events(ROSE, TODAY + timedelta(days=1))


@settings(max_examples=25, deadline=None)
@given(today=st.dates(min_value=date(2024, 1, 1), max_value=date(2035, 12, 31)))
def test_every_event_is_in_the_season_and_in_order(today: date) -> None:
    for planner in PLANNERS:
        for event in wedsync_events(planner, today):
            start, end = datetime.fromisoformat(event["start"]), datetime.fromisoformat(event["end"])
            assert start <= end
            assert today - timedelta(days=60) <= start.date() <= end.date() <= today + timedelta(days=400)
            if event["allDay"]:
                assert start.time() == end.time() == datetime.min.time()
                assert start < end


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2026, 3, 29), date(2026, 6, 1), date(2026, 10, 25)])
def test_the_clock_changes_are_met(today: date) -> None:
    events = wedsync_events(ROSE, today)
    across = [event for event in events if _offset(event, "start") != _offset(event, "end")]
    assert any(_offset(event, "start") < _offset(event, "end") for event in across), "one over a gap"
    assert any(_offset(event, "start") > _offset(event, "end") for event in across), "one over a fold"
    folded = [event for event in events if _offset(event, "start") != _offset(event, "start", fold=1)]
    assert any(not _never_happens(event) for event in folded), "one starts in the hour that happens twice"
    assert not any(_never_happens(event) for event in events)


def test_awkward_content_is_there() -> None:
    events = wedsync_events(ROSE, TODAY)
    titles = [event["title"] for event in events]
    texts = [event["description"] for event in events]
    assert sum(len(title) > 255 for title in titles) == 1
    assert any("<3 & <b>" in title for title in titles)
    assert any(any("\u0590" <= mark <= "\u06ff" for mark in title) for title in titles)
    assert any(any("\u3040" <= mark <= "\u9fff" for mark in title) for title in titles)
    assert "" in texts
    assert any("\n" in text for text in texts)
    assert any(event["private"] for event in events)
    assert any(event["travelMinutes"] for event in events)
    assert any(event["attendees"] for event in events)
    assert any(event["allDay"] and _days(event) > 1 for event in events)


def _days(event: dict[str, str]) -> int:
    return (datetime.fromisoformat(event["end"]) - datetime.fromisoformat(event["start"])).days


def _offset(event: dict[str, str], name: str, *, fold: int = 0) -> timedelta:
    local = datetime.fromisoformat(event[name]).replace(tzinfo=ZoneInfo(event["timeZone"]), fold=fold)
    offset = local.utcoffset()
    assert offset is not None
    return offset


def _never_happens(event: dict[str, str]) -> bool:
    place = ZoneInfo(event["timeZone"])
    return any(
        datetime.fromisoformat(event[name]).replace(tzinfo=place).astimezone(UTC).astimezone(place).replace(tzinfo=None)
        != datetime.fromisoformat(event[name])
        for name in ("start", "end")
    )
