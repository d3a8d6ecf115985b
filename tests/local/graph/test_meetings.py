"""Meetings between mailboxes: S33 of the fact sheet, over HTTPS."""

import pytest

from local.simkit.people import IVY, MARCO, ROSE, Account
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Endpoint, Far, at
from tests.local.graph.meetings import (
    UNSET,
    answer,
    copy_in,
    events_of,
    guests,
    instances,
    mails,
    patch,
    read,
    statuses,
    weekly,
)
from tests.local.graph.sources import ALLODIA, EVENT, api, issue, resource

MEETING_UPDATES = "https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxocal/"


@behaviour("S33", Grade.CAPTURED, ALLODIA)
@pytest.mark.parametrize("who", [IVY, MARCO], ids=["a colleague", "a personal account"])
async def test_s33_an_invitation_puts_a_copy_into_the_invitees_calendar(graph: Far, who: Account) -> None:
    own = await graph.create(attendees=guests(who), location={"displayName": "Room A"})
    copy = await copy_in(graph, who, own)
    assert copy["id"] != own["id"]
    assert copy["uid"] == own["uid"]
    assert (own["isOrganizer"], copy["isOrganizer"]) == (True, False)
    assert copy["organizer"] == own["organizer"] == {"emailAddress": {"name": ROSE.name, "address": ROSE.upn}}
    assert (copy["responseRequested"], copy["isCancelled"], copy["type"]) == (True, False, "singleInstance")
    assert (copy["subject"], copy["location"]["displayName"]) == ("Cake tasting", "Room A")
    assert (copy["start"], copy["end"]) == (own["start"], own["end"])
    assert copy["transactionId"] is None


@behaviour("S33", Grade.CAPTURED, ALLODIA)
async def test_s33_the_organizer_is_an_attendee_in_the_invitees_copy_alone(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    assert [each["emailAddress"]["address"] for each in own["attendees"]] == [IVY.upn]
    assert [each["emailAddress"]["address"] for each in copy["attendees"]] == [ROSE.upn, IVY.upn]
    assert copy["attendees"][0]["status"] == {"response": "none", "time": UNSET}
    assert own["responseStatus"] == {"response": "organizer", "time": UNSET}


@behaviour("S33", Grade.DOCUMENTED, resource("responsestatus"))
async def test_s33_before_the_answer_only_the_invitee_reads_not_responded(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY, MARCO))
    assert statuses(own) == {IVY.upn: "none", MARCO.upn: "none"}
    copy = await copy_in(graph, IVY, own)
    assert copy["responseStatus"] == {"response": "notResponded", "time": UNSET}
    assert statuses(await copy_in(graph, MARCO, own))[IVY.upn] == "none"


@behaviour("S33", Grade.ASSUMED, EVENT, ALLODIA)
async def test_s33_an_unanswered_copy_is_tentative_and_shows_what_the_organizer_meant_once_accepted(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY, MARCO), showAs="oof", categories=["Team"])
    copy, other = await copy_in(graph, IVY, own), await copy_in(graph, MARCO, own)
    assert (own["showAs"], copy["showAs"]) == ("oof", "tentative")
    assert copy["categories"] == []
    await answer(graph, copy, "accept")
    await answer(graph, other, "tentativelyAccept", MARCO)
    assert (await read(graph, copy, IVY))["showAs"] == "oof"
    assert (await read(graph, other, MARCO))["showAs"] == "tentative"


@behaviour("S33", Grade.DOCUMENTED, EVENT, api("event-update"))
async def test_s33_hidden_attendees_see_only_themselves(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY, MARCO), hideAttendees=True)
    copy = await copy_in(graph, IVY, own)
    assert copy["hideAttendees"] is True
    assert [each["emailAddress"]["address"] for each in copy["attendees"]] == [ROSE.upn, IVY.upn]


@behaviour("S33", Grade.ASSUMED, ALLODIA)
async def test_s33_the_copy_lies_in_the_default_calendar(graph: Far) -> None:
    calendars = (await graph.call("GET", "/me/calendars")).json()["value"]
    private = next(each for each in calendars if not each["isDefaultCalendar"])
    own = await graph.create(f"/me/calendars/{private['id']}/events", attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    calendar = (await graph.call("GET", f"/me/events/{copy['id']}/calendar", who=IVY, status=200)).json()
    assert calendar["isDefaultCalendar"] is True


@behaviour("S33", Grade.DOCUMENTED, api("event-update"))
async def test_s33_an_update_reaches_the_copies_and_mails_everyone(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY, MARCO))
    before = await copy_in(graph, IVY, own)
    await patch(
        graph, own, subject="New", location={"displayName": "Barn"}, body={"contentType": "text", "content": "x"}
    )
    after = await read(graph, before, IVY)
    assert (after["subject"], after["location"]["displayName"], after["bodyPreview"]) == ("New", "Barn", "x")
    assert after["changeKey"] != before["changeKey"]
    everyone = [IVY.upn, MARCO.upn]
    assert await mails(graph) == [("invitation", everyone, ""), ("update", everyone, "")]


@behaviour("S33", Grade.ASSUMED, api("event-update"), EVENT)
async def test_s33_what_the_invitee_keeps_to_themselves_survives_an_update(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await answer(graph, copy, "accept")
    mine = {"categories": ["Mine"], "isReminderOn": False, "showAs": "free"}
    await patch(graph, copy, IVY, **mine)
    await patch(graph, own, subject="New")
    after = await read(graph, copy, IVY)
    assert {name: after[name] for name in mine} == mine
    assert (after["subject"], after["responseStatus"]["response"]) == ("New", "accepted")
    assert [each["subject"] for each in await events_of(graph, ROSE)] == ["New"]


@behaviour("S33", Grade.ASSUMED, MEETING_UPDATES, knobs=("resetAnswersOnMove",))
@pytest.mark.parametrize(
    ("reset", "status", "own_status"),
    [
        (True, "none", "notResponded"),
        (False, "accepted", "accepted"),
    ],
)
async def test_s33_a_meeting_at_another_time_asks_again(graph: Far, reset: bool, status: str, own_status: str) -> None:
    await graph.knobs(resetAnswersOnMove=reset)
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await answer(graph, copy, "accept")
    moved = await patch(graph, own, start=at("2026-08-05T14:00:00"), end=at("2026-08-05T15:00:00"))
    assert statuses(moved) == {IVY.upn: status}
    after = await read(graph, copy, IVY)
    assert after["start"]["dateTime"] == "2026-08-05T14:00:00.0000000"
    assert after["responseStatus"]["response"] == own_status
    assert after["showAs"] == ("tentative" if reset else "busy")


@behaviour("S33", Grade.DOCUMENTED, api("event-update"))
async def test_s33_attendees_alone_mail_only_who_was_added_or_removed(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    first = await copy_in(graph, IVY, own)
    await patch(graph, own, attendees=guests(IVY, MARCO))
    added = await copy_in(graph, MARCO, own)
    assert added["responseStatus"]["response"] == "notResponded"
    assert (await read(graph, first, IVY))["changeKey"] == first["changeKey"]
    await patch(graph, own, attendees=guests(MARCO))
    assert (await read(graph, first, IVY))["isCancelled"] is True
    assert (await read(graph, added, MARCO))["changeKey"] == added["changeKey"]
    assert [(kind, to) for kind, to, _ in await mails(graph)] == [
        ("invitation", [IVY.upn]),
        ("invitation", [MARCO.upn]),
        ("cancellation", [IVY.upn]),
    ]


@behaviour("S33", Grade.ASSUMED, api("event-update"))
async def test_s33_who_is_invited_again_finds_the_same_copy_alive(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY, MARCO))
    copy = await copy_in(graph, IVY, own)
    await patch(graph, own, attendees=guests(MARCO))
    await patch(graph, own, attendees=guests(IVY, MARCO))
    after = await read(graph, copy, IVY)
    assert (after["isCancelled"], after["subject"], after["showAs"]) == (False, "Cake tasting", "tentative")
    assert after["responseStatus"]["response"] == "notResponded"


@behaviour("S33", Grade.DOCUMENTED, api("event-update"))
async def test_s33_a_changed_series_mails_once_more_for_each_changed_instance(graph: Far) -> None:
    master = await weekly(graph, guests(IVY))
    instance = (await instances(graph, master, ROSE))[1]
    await patch(graph, instance, subject="Only this one")
    before = len(await mails(graph))
    await patch(graph, master, subject="All of them")
    assert [kind for kind, _, _ in (await mails(graph))[before:]] == ["update", "update"]


@behaviour("S33", Grade.CAPTURED, ALLODIA)
async def test_s33_an_answer_reaches_the_organizers_copy(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY, MARCO))
    await answer(graph, await copy_in(graph, IVY, own), "tentativelyAccept", comment="Might be late", sendResponse=True)
    told = await read(graph, own)
    assert statuses(told) == {IVY.upn: "tentativelyAccepted", MARCO.upn: "none"}
    assert told["attendees"][0]["status"]["time"] != UNSET
    assert told["responseStatus"]["response"] == "organizer"
    assert ("response", [ROSE.upn], "Might be late") in await mails(graph)


@behaviour("S33", Grade.DOCUMENTED, resource("calendar"))
async def test_s33_a_second_calendar_does_not_tally_answers(graph: Far) -> None:
    calendars = (await graph.call("GET", "/me/calendars")).json()["value"]
    private = next(each for each in calendars if not each["isDefaultCalendar"])
    assert private["isTallyingResponses"] is False
    own = await graph.create(f"/me/calendars/{private['id']}/events", attendees=guests(IVY))
    await answer(graph, await copy_in(graph, IVY, own), "accept")
    assert statuses(await read(graph, own)) == {IVY.upn: "none"}


@behaviour("S33", Grade.REPORTED, issue(3073), issue(2624))
async def test_s33_copies_and_answers_notify_and_enter_delta(graph: Far, endpoint: Endpoint) -> None:
    link = f"/me/calendarView/delta?{WINDOW}"
    _, ivys = await graph.delta(link, who=IVY)
    expires = (await graph.control("GET", "/clock"))["now"][:10]
    wanted = {
        "changeType": "created,updated,deleted",
        "notificationUrl": f"{endpoint.url}/notify",
        "resource": "/me/events",
        "expirationDateTime": f"{int(expires[:4]) + (expires[5:] > '12-28')}{expires[4:]}T23:59:59Z",
        "clientState": "s",
    }
    for who in (ROSE, IVY):
        await graph.call("POST", "/subscriptions", wanted, who=who, status=201)
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await endpoint.until(2)
    await patch(graph, own, subject="New")
    await endpoint.until(4)
    await answer(graph, copy, "accept")
    told = await endpoint.until(6)
    seen = [(each["changeType"], each["resourceData"]["id"]) for each in told]
    assert sorted(seen) == sorted(
        (kind, each["id"]) for each in (own, copy) for kind in ("created", "updated", "updated")
    )
    items, ivys = await graph.delta(ivys, who=IVY)
    assert [(each["id"], each["subject"]) for each in items] == [(copy["id"], "New")]
    await graph.call("POST", f"/me/events/{own['id']}/cancel", {}, status=202)
    items, _ = await graph.delta(ivys, who=IVY)
    assert [(each["id"], each["isCancelled"]) for each in items] == [(copy["id"], True)]


@behaviour("S33", Grade.ASSUMED, api("event-update"), ALLODIA)
async def test_s33_a_series_is_delivered_whole_and_follows_its_exceptions(graph: Far) -> None:
    master = await weekly(graph, guests(IVY))
    copy = await copy_in(graph, IVY, master)
    assert (copy["type"], copy["recurrence"]) == ("seriesMaster", master["recurrence"])
    second = (await instances(graph, master, ROSE))[1]
    await patch(graph, second, subject="Only this one", start=at("2026-08-11T16:00:00"), end=at("2026-08-11T17:00:00"))
    shown = await instances(graph, copy, IVY)
    assert sorted((each["start"]["dateTime"][:16], each["subject"], each["type"]) for each in shown) == [
        ("2026-08-04T14:00", "Cake tasting", "occurrence"),
        ("2026-08-11T16:00", "Only this one", "exception"),
        ("2026-08-18T14:00", "Cake tasting", "occurrence"),
    ]
