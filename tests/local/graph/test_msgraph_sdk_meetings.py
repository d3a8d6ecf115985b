"""Microsoft's own client, unmodified: meetings between people, schedules, and ids of both kinds."""

import pytest
from msgraph import GraphServiceClient
from msgraph.generated.models.attendee import Attendee
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.event import Event
from msgraph.generated.models.exchange_id_format import ExchangeIdFormat
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.response_type import ResponseType
from msgraph.generated.users.item.calendar.get_schedule.get_schedule_post_request_body import GetSchedulePostRequestBody
from msgraph.generated.users.item.events.item.accept.accept_post_request_body import AcceptPostRequestBody
from msgraph.generated.users.item.events.item.cancel.cancel_post_request_body import CancelPostRequestBody
from msgraph.generated.users.item.events.item.decline.decline_post_request_body import DeclinePostRequestBody
from msgraph.generated.users.item.translate_exchange_ids.translate_exchange_ids_post_request_body import (
    TranslateExchangeIdsPostRequestBody,
)

from local.simkit.people import MARCO, ROSE, Account
from tests.local.graph.microsoft import WARNS_OF_ITSELF, asking, moment, tasting

pytestmark = WARNS_OF_ITSELF


def guest(account: Account) -> Attendee:
    return Attendee(email_address=EmailAddress(address=account.upn, name=account.name))


async def copy_of(client: GraphServiceClient, subject: str) -> Event:
    """Return the one event in a mailbox whose subject has this in it."""
    found = [each for each in (await client.me.events.get()).value if subject in each.subject]
    assert len(found) == 1, [each.subject for each in found]
    return found[0]


async def test_an_invitation_is_accepted(roses: GraphServiceClient, marcos: GraphServiceClient) -> None:
    made = await roses.me.events.post(tasting(attendees=[guest(MARCO)]))
    copy = await copy_of(marcos, "Cake tasting")
    assert (copy.is_organizer, copy.i_cal_u_id) == (False, made.i_cal_u_id)
    assert copy.id != made.id
    assert copy.organizer.email_address.address == ROSE.upn
    answer = AcceptPostRequestBody(comment="With pleasure", send_response=True)
    await marcos.me.events.by_event_id(copy.id).accept.post(answer)
    assert (await copy_of(marcos, "Cake tasting")).response_status.response is ResponseType.Accepted
    read = await roses.me.events.by_event_id(made.id).get()
    assert [each.status.response for each in read.attendees] == [ResponseType.Accepted]


async def test_an_invitation_is_declined(roses: GraphServiceClient, marcos: GraphServiceClient) -> None:
    await roses.me.events.post(tasting(attendees=[guest(MARCO)]))
    copy = await copy_of(marcos, "Cake tasting")
    one = marcos.me.events.by_event_id(copy.id)
    await one.decline.post(DeclinePostRequestBody(comment="Sorry", send_response=True))
    with pytest.raises(ODataError) as gone:
        await one.get()
    assert gone.value.error.code == "ErrorItemNotFound"


async def test_only_the_organizer_cancels(roses: GraphServiceClient, marcos: GraphServiceClient) -> None:
    made = await roses.me.events.post(tasting(attendees=[guest(MARCO)]))
    copy = await copy_of(marcos, "Cake tasting")
    with pytest.raises(ODataError) as refused:
        await marcos.me.events.by_event_id(copy.id).cancel.post(CancelPostRequestBody(comment="No"))
    assert refused.value.response_status_code == 400
    assert "need to be an organizer" in refused.value.error.message
    await roses.me.events.by_event_id(made.id).cancel.post(CancelPostRequestBody(comment="Rain"))
    assert (await copy_of(marcos, "Cake tasting")).is_cancelled is True


async def test_schedules(roses: GraphServiceClient, marcos: GraphServiceClient) -> None:
    await roses.me.events.post(tasting())
    wanted = GetSchedulePostRequestBody(
        schedules=[ROSE.upn, "nobody@havenweddings.example"],
        start_time=moment("2026-08-04T13:00:00"),
        end_time=moment("2026-08-04T16:00:00"),
        availability_view_interval=60,
    )
    found = (await roses.me.calendar.get_schedule.post(wanted)).value
    assert (found[0].schedule_id, found[0].availability_view) == (ROSE.upn, "020")
    assert found[0].schedule_items[0].start.date_time == "2026-08-04T14:00:00.0000000"
    assert found[1].error.response_code
    with pytest.raises(ODataError) as refused:
        await marcos.me.calendar.get_schedule.post(wanted)
    assert 400 <= refused.value.response_status_code < 500


async def test_ids_are_translated(roses: GraphServiceClient) -> None:
    made = await roses.me.events.post(tasting())
    wanted = TranslateExchangeIdsPostRequestBody(
        input_ids=[made.id],
        source_id_type=ExchangeIdFormat.RestId,
        target_id_type=ExchangeIdFormat.RestImmutableEntryId,
    )
    found = (await roses.me.translate_exchange_ids.post(wanted)).value
    read = await roses.me.events.by_event_id(made.id).get(request_configuration=asking(Prefer='IdType="ImmutableId"'))
    assert [(each.source_id, each.target_id) for each in found] == [(made.id, read.id)]
    assert read.id != made.id
