"""Microsoft's own client, unmodified, against the simulated Graph: where the two disagree, the simulator is wrong."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgraph import GraphServiceClient
from msgraph.generated.models.attendee import Attendee
from msgraph.generated.models.attendee_type import AttendeeType
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.calendar import Calendar
from msgraph.generated.models.calendar_color import CalendarColor
from msgraph.generated.models.day_of_week import DayOfWeek
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event import Event
from msgraph.generated.models.event_type import EventType
from msgraph.generated.models.free_busy_status import FreeBusyStatus
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.location import Location
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.open_type_extension import OpenTypeExtension
from msgraph.generated.models.patterned_recurrence import PatternedRecurrence
from msgraph.generated.models.recurrence_pattern import RecurrencePattern
from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
from msgraph.generated.models.recurrence_range import RecurrenceRange
from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
from msgraph.generated.models.response_type import ResponseType
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty
from msgraph.generated.models.subscription import Subscription
from msgraph_core.tasks.page_iterator import PageIterator

from local.simkit.people import ROSE
from tests.local.graph.conftest import MARKER, Endpoint, Far
from tests.local.graph.microsoft import WARNS_OF_ITSELF, asking, moment, tasting

pytestmark = WARNS_OF_ITSELF


def query(builder: Any, name: str, **members: Any) -> Any:
    """Return query parameters of a request builder's own class."""
    return getattr(type(builder), name)(**members)


def weekly(count: int = 4) -> PatternedRecurrence:
    return PatternedRecurrence(
        pattern=RecurrencePattern(type=RecurrencePatternType.Weekly, interval=1, days_of_week=[DayOfWeek.Tuesday]),
        range=RecurrenceRange(
            type=RecurrenceRangeType.Numbered,
            start_date=date(2026, 8, 4),
            number_of_occurrences=count,
            recurrence_time_zone="UTC",
        ),
    )


async def test_me_and_settings(roses: GraphServiceClient) -> None:
    me = await roses.me.get()
    settings = await roses.me.mailbox_settings.get()
    assert (me.display_name, me.user_principal_name, me.mail) == (ROSE.name, ROSE.upn, ROSE.upn)
    assert settings.time_zone == ROSE.time_zone
    assert DayOfWeek.Monday in settings.working_hours.days_of_week
    assert settings.working_hours.start_time.hour == 8


async def test_an_event_is_created_read_changed_and_deleted(roses: GraphServiceClient) -> None:
    made = await roses.me.events.post(
        tasting(
            body=ItemBody(content_type=BodyType.Text, content="Bring the list"),
            location=Location(display_name="Room A"),
            attendees=[Attendee(email_address=EmailAddress(address="guest@x.example"), type=AttendeeType.Required)],
            show_as=FreeBusyStatus.Tentative,
            transaction_id="7f6c5b4a-1",
        )
    )
    one = roses.me.events.by_event_id(made.id)
    read = await one.get()
    assert (read.subject, read.type, read.show_as) == (
        "Cake tasting",
        EventType.SingleInstance,
        FreeBusyStatus.Tentative,
    )
    assert (read.body.content_type, read.location.display_name) == (BodyType.Html, "Room A")
    assert read.attendees[0].status.response is ResponseType.None_
    assert read.transaction_id == "7f6c5b4a-1"
    assert (read.start.date_time, read.start.time_zone) == ("2026-08-04T14:00:00.0000000", "UTC")
    assert read.created_date_time.tzinfo is not None
    changed = await one.patch(Event(subject="Moved"))
    assert (changed.id, changed.subject) == (made.id, "Moved")
    assert changed.change_key != made.change_key
    await one.delete()
    with pytest.raises(ODataError) as refused:
        await one.get()
    assert (refused.value.response_status_code, refused.value.error.code) == (404, "ErrorItemNotFound")


async def test_errors_carry_code_message_and_inner_error(roses: GraphServiceClient) -> None:
    made = await roses.me.events.post(tasting())
    one = roses.me.events.by_event_id(made.id)
    await one.patch(Event(subject="Newer"))
    stale = asking(If_Match=f'W/"{made.change_key}"', client_request_id="11111111-2222-3333-4444-555555555555")
    with pytest.raises(ODataError) as refused:
        await one.patch(Event(subject="Older"), request_configuration=stale)
    error = refused.value.error
    assert (refused.value.response_status_code, error.code) == (412, "ErrorIrresolvableConflict")
    assert error.message
    assert error.inner_error.client_request_id == "11111111-2222-3333-4444-555555555555"
    assert error.inner_error.request_id
    assert error.inner_error.date.year >= 2026


async def test_lists_are_paged(roses: GraphServiceClient) -> None:
    for number in range(23):
        await roses.me.events.post(tasting(subject=f"Event {number:02}"))
    builder = roses.me.events
    asked = query(builder, "EventsRequestBuilderGetQueryParameters", top=10, select=["subject"], orderby=["subject"])
    first = await builder.get(request_configuration=asking(asked))
    found: list[Event] = []

    def keep(event: Event) -> bool:
        found.append(event)
        return True

    await PageIterator(first, roses.request_adapter).iterate(keep)
    assert [each.subject for each in found] == [f"Event {number:02}" for number in range(23)]


async def test_calendars(roses: GraphServiceClient) -> None:
    made = await roses.me.calendars.post(Calendar(name="WedSync", color=CalendarColor.LightBlue))
    one = roses.me.calendars.by_calendar_id(made.id)
    event = await one.events.post(tasting(subject="There"))
    builder = one.calendar_view
    window = query(
        builder,
        "CalendarViewRequestBuilderGetQueryParameters",
        start_date_time="2026-08-01T00:00:00Z",
        end_date_time="2026-09-01T00:00:00Z",
    )
    shown = await builder.get(request_configuration=asking(window, Prefer='outlook.timezone="Europe/Berlin"'))
    assert [(each.id, each.start.date_time) for each in shown.value] == [(event.id, "2026-08-04T16:00:00.0000000")]
    assert (await one.patch(Calendar(name="Renamed"))).name == "Renamed"
    listed = await roses.me.calendars.get()
    assert {each.name: each.is_default_calendar for each in listed.value}["Renamed"] is False
    assert (await roses.me.calendar.get()).is_default_calendar is True
    await one.delete()
    with pytest.raises(ODataError):
        await one.get()


async def test_a_series_its_instances_and_an_exception(roses: GraphServiceClient) -> None:
    master = await roses.me.events.post(tasting(recurrence=weekly()))
    assert master.type is EventType.SeriesMaster
    assert master.recurrence.range.start_date == date(2026, 8, 4)
    assert master.recurrence.pattern.days_of_week == [DayOfWeek.Tuesday]
    builder = roses.me.events.by_event_id(master.id).instances
    window = query(
        builder,
        "InstancesRequestBuilderGetQueryParameters",
        start_date_time="2026-08-01T00:00:00Z",
        end_date_time="2026-10-01T00:00:00Z",
    )
    found = (await builder.get(request_configuration=asking(window))).value
    assert [each.type for each in found] == [EventType.Occurrence] * 4
    await roses.me.events.by_event_id(found[1].id).patch(Event(subject="Another cake"))
    await roses.me.events.by_event_id(found[2].id).delete()
    now = (await builder.get(request_configuration=asking(window))).value
    assert [(each.type, each.subject) for each in now] == [
        (EventType.Occurrence, "Cake tasting"),
        (EventType.Exception, "Another cake"),
        (EventType.Occurrence, "Cake tasting"),
    ]
    assert {each.series_master_id for each in now} == {master.id}


async def test_delta_rounds(roses: GraphServiceClient) -> None:
    kept = [await roses.me.events.post(tasting(subject=f"Event {number}")) for number in range(5)]
    master = await roses.me.events.post(tasting(recurrence=weekly()))
    builder = roses.me.calendar_view.delta
    window = query(
        builder,
        "DeltaRequestBuilderGetQueryParameters",
        start_date_time="2026-08-01T00:00:00Z",
        end_date_time="2026-10-01T00:00:00Z",
    )
    paged = {"Prefer": "odata.maxpagesize=2"}
    items, pages, page = [], 1, await builder.get(request_configuration=asking(window, **paged))
    items += page.value
    while page.odata_next_link:
        page = await builder.with_url(page.odata_next_link).get(request_configuration=asking(**paged))
        items, pages = items + page.value, pages + 1
    assert pages > 1
    assert {each.id for each in kept} | {master.id} <= {each.id for each in items}
    assert [each.type for each in items].count(EventType.Occurrence) == 4
    assert page.odata_delta_link
    await roses.me.events.by_event_id(kept[0].id).delete()
    await roses.me.events.by_event_id(kept[1].id).patch(Event(subject="Changed"))
    later = await builder.with_url(page.odata_delta_link).get(request_configuration=asking(**paged))
    changes = {each.id: each for each in later.value}
    assert changes.keys() == {kept[0].id, kept[1].id}
    assert changes[kept[0].id].additional_data["@removed"] == {"reason": "deleted"}
    assert changes[kept[1].id].subject == "Changed"
    assert later.odata_delta_link != page.odata_delta_link


async def test_an_expired_delta_link(roses: GraphServiceClient, graph: Far) -> None:
    builder = roses.me.calendar_view.delta
    window = query(
        builder,
        "DeltaRequestBuilderGetQueryParameters",
        start_date_time="2026-08-01T00:00:00Z",
        end_date_time="2026-10-01T00:00:00Z",
    )
    page = await builder.get(request_configuration=asking(window))
    await graph.control("POST", f"/mailboxes/{ROSE.upn}/expire-delta")
    with pytest.raises(ODataError) as refused:
        await builder.with_url(page.odata_delta_link).get()
    assert refused.value.response_status_code == 410


async def test_extended_properties_and_open_extensions(roses: GraphServiceClient) -> None:
    made = await roses.me.events.post(
        tasting(single_value_extended_properties=[SingleValueLegacyExtendedProperty(id=MARKER, value="w-1")])
    )
    one = roses.me.events.by_event_id(made.id)
    await one.extensions.post(
        OpenTypeExtension(extension_name="com.wedsync.ref", additional_data={"wedsyncId": "w-1", "turn": 3})
    )
    asked = query(
        one,
        "EventItemRequestBuilderGetQueryParameters",
        expand=[f"singleValueExtendedProperties($filter=id eq '{MARKER}')", "extensions"],
    )
    read = await one.get(request_configuration=asking(asked))
    assert [(each.id, each.value) for each in read.single_value_extended_properties] == [(MARKER, "w-1")]
    extension = read.extensions[0]
    assert isinstance(extension, OpenTypeExtension)
    assert (extension.extension_name, extension.additional_data["turn"]) == ("com.wedsync.ref", 3)
    builder = roses.me.events
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARKER}' and ep/value eq 'w-1')"
    search = query(builder, "EventsRequestBuilderGetQueryParameters", filter=wanted)
    assert [each.id for each in (await builder.get(request_configuration=asking(search))).value] == [made.id]
    named = one.extensions.by_extension_id("com.wedsync.ref")
    assert (
        await named.patch(OpenTypeExtension(extension_name="com.wedsync.ref", additional_data={"turn": 4}))
    ) is not None
    assert (await named.get()).additional_data["turn"] == 4
    await named.delete()
    assert (await one.extensions.get()).value == []


async def test_subscriptions(roses: GraphServiceClient, endpoint: Endpoint) -> None:
    wanted = Subscription(
        change_type="created,updated,deleted",
        notification_url=f"{endpoint.url}/notify",
        lifecycle_notification_url=f"{endpoint.url}/lifecycle",
        resource="/me/events",
        expiration_date_time=datetime(2099, 1, 1, tzinfo=UTC),
        client_state="secret",
    )
    with pytest.raises(ODataError) as refused:
        await roses.subscriptions.post(wanted)
    assert refused.value.response_status_code == 400
    wanted.expiration_date_time = _in_days(2)
    made = await roses.subscriptions.post(wanted)
    assert made.id
    assert made.expiration_date_time == wanted.expiration_date_time
    await roses.me.events.post(tasting())
    assert (await endpoint.until(1))[0]["subscriptionId"] == str(made.id)
    one = roses.subscriptions.by_subscription_id(made.id)
    renewed = await one.patch(Subscription(expiration_date_time=_in_days(3)))
    assert renewed.expiration_date_time > made.expiration_date_time
    await one.reauthorize.post()
    assert [each.id for each in (await roses.subscriptions.get()).value] == [made.id]
    await one.delete()
    with pytest.raises(ODataError) as gone:
        await one.get()
    assert gone.value.response_status_code == 404


def _in_days(days: int) -> datetime:
    now = datetime.now(UTC).replace(microsecond=0)
    return datetime.fromtimestamp(now.timestamp() + days * 86400, UTC)


async def test_the_client_waits_out_a_429(roses: GraphServiceClient, graph: Far) -> None:
    order = {"action": "status", "status": 429, "method": "POST", "path": "/me/events", "count": 1, "retry_after": 1}
    await graph.control("POST", "/faults", order)
    made = await roses.me.events.post(tasting())
    assert made.subject == "Cake tasting"
    statuses = [
        each["status"] for each in (await graph.control("GET", "/requests"))["requests"] if each["method"] == "POST"
    ]
    assert statuses[-2:] == [429, 201]


async def test_all_day_events_keep_their_days(roses: GraphServiceClient) -> None:
    day = tasting(
        is_all_day=True,
        start=moment("2026-08-04T00:00:00", "Europe/Berlin"),
        end=moment("2026-08-05T00:00:00", "Europe/Berlin"),
    )
    made = await roses.me.events.post(day, request_configuration=asking(Prefer='outlook.timezone="Europe/Berlin"'))
    assert (made.is_all_day, made.start.date_time) == (True, "2026-08-04T00:00:00.0000000")
    day.start = moment("2026-08-04T09:00:00", "Europe/Berlin")
    with pytest.raises(ODataError) as refused:
        await roses.me.events.post(day)
    assert refused.value.error.code == "ErrorInvalidRequest"
