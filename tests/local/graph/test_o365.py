"""python-o365, a widely used client that is nobody's here and not Microsoft's, unmodified: calendars and their events.

It is pointed at the simulated Graph as its documentation says: a protocol with another address, a connection with its
own token backend, and its requests session.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from O365 import Account as O365Account
from O365 import MSGraphProtocol
from O365.utils.token import MemoryTokenBackend
from requests.exceptions import HTTPError

from local.simkit.people import MARCO, ROSE, Account
from local.simkit.tls import Certificates
from tests.local.graph.conftest import Far, token

UTC = ZoneInfo("UTC")  # the client takes no other kind of zone
START = datetime(2026, 8, 4, 14, 0, tzinfo=UTC)
MONTH = {"start_recurring": "2026-08-01T00:00:00Z", "end_recurring": "2026-09-01T00:00:00Z"}


def account_of(person: Account, graph_url: str, tls: Certificates) -> Any:
    protocol = type("Protocol", (MSGraphProtocol,), {"_protocol_url": f"{graph_url}/"})
    account = O365Account(
        ("client", "secret"),
        protocol=protocol(timezone="UTC"),
        token_backend=MemoryTokenBackend(),
        verify_ssl=str(tls.ca_file),
        requests_delay=0,
    )
    session = account.con.get_session()
    session.trust_env = False  # or the environment's bundle of authorities would win over verify
    session.headers["Authorization"] = f"Bearer {token(person)}"
    account.con.session = session
    return account


@pytest.fixture
async def rose(graph: Far, graph_url: str, tls: Certificates) -> AsyncIterator[Any]:
    account = account_of(ROSE, graph_url, tls)
    yield account
    account.con.session.close()


@pytest.fixture
async def marco(graph: Far, graph_url: str, tls: Certificates) -> AsyncIterator[Any]:
    account = account_of(MARCO, graph_url, tls)
    yield account
    account.con.session.close()


def tasting(calendar: Any, subject: str = "Cake tasting") -> Any:
    event = calendar.new_event(subject=subject)
    event.start, event.end = START, START + timedelta(hours=1)
    return event


async def test_an_event_is_created_read_changed_and_deleted(rose: Any) -> None:
    calendar = rose.schedule().get_default_calendar()
    event = tasting(calendar)
    event.body = "Bring the list"
    event.location = "Room A"
    event.remind_before_minutes = 30
    event.categories = ["Wedding"]
    assert event.save()
    read = calendar.get_event(event.object_id)
    assert (read.subject, read.start, read.end) == ("Cake tasting", START, START + timedelta(hours=1))
    assert read.get_body_soup().body.text.strip() == "Bring the list"
    assert (read.location["displayName"], read.remind_before_minutes, read.categories) == ("Room A", 30, ["Wedding"])
    assert (read.ical_uid, read.event_type.value, read.show_as.value) == (event.ical_uid, "single_instance", "busy")
    read.subject = "Moved"
    read.start = START + timedelta(days=1)
    read.end = START + timedelta(days=1, hours=1)
    assert read.save()
    assert calendar.get_event(event.object_id).start == START + timedelta(days=1)
    assert read.delete()
    with pytest.raises(HTTPError) as gone:
        calendar.get_event(event.object_id)
    assert gone.value.response.status_code == 404


async def test_lists_filters_and_pages(rose: Any) -> None:
    calendar = rose.schedule().get_default_calendar()
    for number in range(7):
        assert tasting(calendar, f"Event {number}").save()
    plain = calendar.get_events(limit=None, batch=3, include_recurring=False)
    assert sorted(each.subject for each in plain) == [f"Event {number}" for number in range(7)]
    wanted = calendar.new_query().equals("subject", "Event 3")
    assert [each.subject for each in calendar.get_events(query=wanted, include_recurring=False)] == ["Event 3"]
    ordered = calendar.get_events(limit=3, order_by="subject desc", include_recurring=False)
    assert [each.subject for each in ordered] == ["Event 6", "Event 5", "Event 4"]
    later = calendar.new_query().greater_equal("start", START + timedelta(days=1))
    assert list(calendar.get_events(query=later, include_recurring=False)) == []
    assert len(list(calendar.get_events(**MONTH))) == 7


async def test_a_series(rose: Any) -> None:
    calendar = rose.schedule().get_default_calendar()
    event = tasting(calendar)
    event.recurrence.set_weekly(
        1, days_of_week=["tuesday"], first_day_of_week="sunday", start=START.date(), occurrences=3
    )
    assert event.save()
    read = calendar.get_event(event.object_id)
    assert (read.event_type.value, read.recurrence.occurrences) == ("series_master", 3)
    assert read.recurrence.days_of_week == ["tuesday"]
    found = list(read.get_occurrences(START - timedelta(days=1), START + timedelta(days=60)))
    assert [each.start for each in found] == [START + timedelta(weeks=number) for number in range(3)]
    found[1].subject = "Another cake"
    assert found[1].save()
    assert found[2].delete()
    shown = list(calendar.get_events(**MONTH))
    assert [(each.subject, each.event_type.value) for each in shown] == [
        ("Cake tasting", "occurrence"),
        ("Another cake", "exception"),
    ]


async def test_all_day_events(rose: Any) -> None:
    calendar = rose.schedule().get_default_calendar()
    event = calendar.new_event(subject="Wedding")
    event.start, event.end = datetime(2026, 8, 8, tzinfo=UTC), datetime(2026, 8, 9, tzinfo=UTC)
    event.is_all_day = True
    assert event.save()
    assert calendar.get_event(event.object_id).is_all_day is True


async def test_meetings(rose: Any, marco: Any) -> None:
    event = tasting(rose.schedule().get_default_calendar())
    event.attendees.add([(MARCO.name, MARCO.upn)])
    assert event.save()
    theirs = marco.schedule().get_default_calendar()
    copy = next(iter(theirs.get_events(**MONTH)))
    assert (copy.is_organizer, copy.organizer.address) == (False, ROSE.upn)
    assert copy.accept_event(comment="With pleasure")
    assert theirs.get_event(copy.object_id).response_status.status.value == "accepted"
    read = rose.schedule().get_default_calendar().get_event(event.object_id)
    assert [each.response_status.status.value for each in read.attendees] == ["accepted"]
    assert read.cancel_event(comment="Rain")
    assert theirs.get_event(copy.object_id).is_cancelled is True


async def test_calendars(rose: Any) -> None:
    schedule = rose.schedule()
    made = schedule.new_calendar("WedSync")
    assert tasting(made).save()
    found = schedule.get_calendar(calendar_name="WedSync")
    assert (found.calendar_id, found.can_edit, found.owner.address) == (made.calendar_id, True, ROSE.upn)
    assert len(list(found.get_events(**MONTH))) == 1
    assert list(schedule.get_default_calendar().get_events(**MONTH)) == []
    found.name = "Renamed"
    assert found.update()
    assert "Renamed" in [each.name for each in schedule.list_calendars()]
    assert found.delete()
    assert "Renamed" not in [each.name for each in schedule.list_calendars()]


async def test_schedules(rose: Any) -> None:
    assert tasting(rose.schedule().get_default_calendar()).save()
    found = rose.schedule().get_availability([ROSE.upn], START - timedelta(hours=1), START + timedelta(hours=2), 60)
    assert [each["availabilityView"] for each in found] == [["free", "busy", "free"]]
