"""Microsoft's own client, unmodified: the paths that it writes in ways of its own, and pages of every kind of list."""

import ssl
from datetime import date
from typing import Any

import pytest
from msgraph import GraphServiceClient
from msgraph.generated.models.attendee import Attendee
from msgraph.generated.models.calendar import Calendar
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event import Event
from msgraph.generated.models.event_type import EventType
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
from msgraph.generated.models.recurrence_pattern import RecurrencePattern
from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
from msgraph.generated.models.recurrence_range import RecurrenceRange
from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
from msgraph.generated.users.item.find_meeting_times.find_meeting_times_post_request_body import (
    FindMeetingTimesPostRequestBody,
)
from msgraph_core.tasks.page_iterator import PageIterator

from local.simkit.people import IVY, MARCO, ROSE
from tests.local.graph.conftest import Far
from tests.local.graph.microsoft import WARNS_OF_ITSELF, asking, client_of, tasting

pytestmark = WARNS_OF_ITSELF


def window(builder: Any, name: str, **more: Any) -> Any:
    span = {"start_date_time": "2026-08-01T00:00:00Z", "end_date_time": "2026-10-01T00:00:00Z"}
    return getattr(type(builder), name)(**span, **more)


def daily(count: int) -> PatternedRecurrence:
    return PatternedRecurrence(
        pattern=RecurrencePattern(type=RecurrencePatternType.Daily, interval=1),
        range=RecurrenceRange(
            type=RecurrenceRangeType.Numbered, start_date=date(2026, 8, 4), number_of_occurrences=count
        ),
    )


async def every(client: GraphServiceClient, first: Any) -> list[Event]:
    """Follow a list's pages with the client's own iterator."""
    found: list[Event] = []

    def keep(event: Event) -> bool:
        found.append(event)
        return True

    await PageIterator(first, client.request_adapter).iterate(keep)
    return found


async def test_ranges_and_instances_are_paged(roses: GraphServiceClient) -> None:
    master = await roses.me.events.post(tasting(recurrence=daily(25)))
    ranged = roses.me.calendar_view
    asked = window(ranged, "CalendarViewRequestBuilderGetQueryParameters", top=7)
    first = await ranged.get(request_configuration=asking(asked))
    assert len(first.value) == 7
    assert len({each.id for each in await every(roses, first)}) == 25
    inside = roses.me.events.by_event_id(master.id).instances
    asked = window(inside, "InstancesRequestBuilderGetQueryParameters")
    found = await every(roses, await inside.get(request_configuration=asking(asked)))
    starts = [each.start.date_time for each in found]
    assert len(starts) == 25
    assert starts == sorted(starts)


async def test_exceptions_and_cancelled_dates_of_a_series(roses: GraphServiceClient) -> None:
    master = await roses.me.events.post(tasting(recurrence=daily(5)))
    one = roses.me.events.by_event_id(master.id)
    asked = window(one.instances, "InstancesRequestBuilderGetQueryParameters")
    found = (await one.instances.get(request_configuration=asking(asked))).value
    await roses.me.events.by_event_id(found[1].id).patch(Event(subject="Another cake"))
    await roses.me.events.by_event_id(found[2].id).delete()
    wanted = type(one).EventItemRequestBuilderGetQueryParameters(
        select=["subject", "exceptionOccurrences", "cancelledOccurrences"], expand=["exceptionOccurrences"]
    )
    read = await one.get(request_configuration=asking(wanted))
    assert read.cancelled_occurrences == [f"OID.{master.id}.2026-08-06"]
    assert [(each.type, each.subject) for each in read.exception_occurrences] == [(EventType.Exception, "Another cake")]


async def test_delta_of_one_calendar(roses: GraphServiceClient) -> None:
    made = await roses.me.calendars.post(Calendar(name="WedSync"))
    one = roses.me.calendars.by_calendar_id(made.id)
    delta = one.calendar_view.delta
    asked = window(delta, "DeltaRequestBuilderGetQueryParameters")
    empty = await delta.get(request_configuration=asking(asked))
    assert empty.value == []
    event = await one.events.post(tasting())
    await roses.me.events.post(tasting(subject="Elsewhere"))
    later = await delta.with_url(empty.odata_delta_link).get()
    assert [each.id for each in later.value] == [event.id]


async def test_a_mailbox_by_its_owners_id(roses: GraphServiceClient) -> None:
    made = await roses.users.by_user_id(ROSE.graph_id).events.post(tasting())
    assert (await roses.me.events.by_event_id(made.id).get()).subject == "Cake tasting"
    assert (await roses.users.by_user_id(ROSE.upn).get()).id == ROSE.graph_id


async def test_a_personal_account(marcos: GraphServiceClient) -> None:
    me = await marcos.me.get()
    assert (me.id, me.user_principal_name) == (MARCO.graph_id, MARCO.upn)
    assert (await marcos.me.calendar.get()).owner.address == MARCO.upn
    with pytest.raises(ODataError):
        await marcos.users.by_user_id(ROSE.upn).events.get()


async def test_zones_by_their_standard(roses: GraphServiceClient) -> None:
    windows = await roses.me.outlook.supported_time_zones.get()
    iana = await roses.me.outlook.supported_time_zones_with_time_zone_standard("Iana").get()
    assert "W. Europe Standard Time" in [each.alias for each in windows.value]
    assert "Europe/Amsterdam" in [each.alias for each in iana.value]


async def test_files_at_an_event(roses: GraphServiceClient) -> None:
    made = await roses.me.events.post(tasting())
    one = roses.me.events.by_event_id(made.id)
    file = await one.attachments.post(FileAttachment(name="seats.txt", content_bytes=b"Rose: 1"))
    assert (file.name, file.size) == ("seats.txt", 7)
    assert (await one.get()).has_attachments is True
    listed = (await one.attachments.get()).value
    assert [(each.name, each.content_bytes) for each in listed] == [("seats.txt", file.content_bytes)]
    await one.attachments.by_attachment_id(file.id).delete()
    assert (await one.attachments.get()).value == []


async def test_meeting_times(graph: Far, graph_url: str, trust: ssl.SSLContext, schema: Any) -> None:
    guest = Attendee(email_address=EmailAddress(address=IVY.upn))
    # As Graph's page shows it for Python: the client writes a timedelta in a form that no Edm.Duration has.
    asked = FindMeetingTimesPostRequestBody(attendees=[guest], meeting_duration="PT1H", max_candidates=3)
    async with client_of(ROSE, graph_url, trust, schema, scopes="Calendars.Read.Shared") as roses:
        found = await roses.me.find_meeting_times.post(asked)
    assert found.empty_suggestions_reason == ""
    assert 0 < len(found.meeting_time_suggestions) <= 3
    assert found.meeting_time_suggestions[0].attendee_availability[0].attendee.email_address.address == IVY.upn
