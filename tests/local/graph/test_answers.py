"""Cancelling and answering meetings: S34 (and what S25 says of answers) of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from local.simkit.people import IVY, MARCO, ROSE
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, at, event
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
from tests.local.graph.sources import ALLODIA, api, issue, resource

EXCHANGELIB = "https://github.com/ecederstrand/exchangelib/issues/243"
SILENT_ANSWER = issue(2624)


@behaviour("S34", Grade.DOCUMENTED, api("event-cancel"))
async def test_s34_an_occurrence_is_cancelled_by_its_own_id(graph: Far) -> None:
    master = await weekly(graph, guests(IVY))
    copy = await copy_in(graph, IVY, master)
    second = (await instances(graph, master, ROSE))[1]
    await graph.call("POST", f"/me/events/{second['id']}/cancel", {"Comment": "All hands"}, status=202)
    assert [each["start"]["dateTime"][:10] for each in await instances(graph, master, ROSE)] == [
        "2026-08-04",
        "2026-08-18",
    ]
    assert (await mails(graph))[-1] == ("cancellation", [IVY.upn], "All hands")
    assert (await read(graph, copy, IVY))["isCancelled"] is False


@behaviour("S34", Grade.ASSUMED, api("event-cancel"), ALLODIA)
async def test_s34_a_cancelled_occurrence_stays_as_a_stub_with_the_invitee(graph: Far) -> None:
    master = await weekly(graph, guests(IVY))
    copy = await copy_in(graph, IVY, master)
    second = (await instances(graph, master, ROSE))[1]
    await graph.call("POST", f"/me/events/{second['id']}/cancel", {}, status=202)
    await patch(graph, master, location={"displayName": "Barn"})
    shown = sorted(await instances(graph, copy, IVY), key=lambda each: str(each["start"]["dateTime"]))
    assert [(each["isCancelled"], each["subject"]) for each in shown] == [
        (False, "Cake tasting"),
        (True, "Canceled: Cake tasting"),
        (False, "Cake tasting"),
    ]


@behaviour("S34", Grade.ASSUMED, api("event-accept"), api("event-decline"))
async def test_s34_one_occurrence_is_answered_by_itself(graph: Far) -> None:
    master = await weekly(graph, guests(IVY))
    copy = await copy_in(graph, IVY, master)
    first, second, _ = await instances(graph, copy, IVY)
    await answer(graph, first, "accept")
    await answer(graph, second, "decline")
    await graph.call("GET", f"/me/events/{second['id']}", who=IVY, status=404)
    assert [
        each["responseStatus"]["response"]
        for each in sorted(await instances(graph, copy, IVY), key=lambda each: str(each["start"]["dateTime"]))
    ] == ["accepted", "notResponded"]
    told = sorted(await instances(graph, master, ROSE), key=lambda each: str(each["start"]["dateTime"]))
    assert [statuses(each)[IVY.upn] for each in told] == ["accepted", "declined", "none"]


@behaviour("S34", Grade.DOCUMENTED, api("event-cancel"), api("event-delete"))
@pytest.mark.parametrize("way", ["cancel", "DELETE", "permanentDelete"])
async def test_s34_the_organizers_event_is_gone_and_the_attendees_are_told(graph: Far, way: str) -> None:
    own = await graph.create(attendees=guests(IVY, MARCO))
    path = f"/me/events/{own['id']}"
    if way == "DELETE":
        await graph.call("DELETE", path, status=204)
    else:
        status = 202 if way == "cancel" else 204
        await graph.call("POST", f"{path}/{way}", {"comment": "Rain"} if way == "cancel" else None, status=status)
    assert (await graph.call("GET", path, status=404)).json()["error"]["code"] == "ErrorItemNotFound"
    comment = "Rain" if way == "cancel" else ""
    assert (await mails(graph))[-1] == ("cancellation", [IVY.upn, MARCO.upn], comment)


@behaviour("S34", Grade.CAPTURED, ALLODIA)
@pytest.mark.parametrize("way", ["cancel", "DELETE"])
async def test_s34_the_invitees_copy_stays_as_a_cancelled_notice(graph: Far, way: str) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await answer(graph, copy, "accept")
    if way == "cancel":
        await graph.call("POST", f"/me/events/{own['id']}/cancel", {}, status=202)
    else:
        await graph.call("DELETE", f"/me/events/{own['id']}", status=204)
    after = await read(graph, copy, IVY)
    assert after["isCancelled"] is True
    assert after["subject"].endswith("Cake tasting")
    assert after["subject"] != "Cake tasting"
    assert after["isOrganizer"] is False
    await graph.call("DELETE", f"/me/events/{copy['id']}", who=IVY, status=204)
    await graph.call("GET", f"/me/events/{copy['id']}", who=IVY, status=404)


@behaviour("S34", Grade.ASSUMED, ALLODIA, knobs=("cancelledPrefix", "cancelledShowAs"))
@pytest.mark.parametrize(
    ("knobs", "prefix", "shown"),
    [
        ({}, "Canceled: ", "free"),
        ({"cancelledPrefix": "Geannuleerd: ", "cancelledShowAs": "busy"}, "Geannuleerd: ", "busy"),
    ],
)
async def test_s34_prefix_and_show_as_of_a_cancelled_copy(
    graph: Far, knobs: dict[str, Any], prefix: str, shown: str
) -> None:
    await graph.knobs(**knobs)
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await graph.call("POST", f"/me/events/{own['id']}/cancel", {}, status=202)
    after = await read(graph, copy, IVY)
    assert (after["subject"], after["showAs"]) == (f"{prefix}Cake tasting", shown)


@behaviour("S34", Grade.DOCUMENTED, api("event-cancel"))
async def test_s34_an_attendee_cannot_cancel(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    refused = await graph.call("POST", f"/me/events/{copy['id']}/cancel", {"comment": ""}, who=IVY, status=400)
    text = "Your request can't be completed. You need to be an organizer to cancel a meeting."
    assert refused.json()["error"]["message"] == text
    assert (await read(graph, own))["isCancelled"] is False


@behaviour("S34", Grade.ASSUMED, api("event-delete"))
async def test_s34_an_attendee_who_deletes_their_copy_mails_nobody(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await graph.call("DELETE", f"/me/events/{copy['id']}", who=IVY, status=204)
    assert [kind for kind, _, _ in await mails(graph)] == ["invitation"]
    assert statuses(await read(graph, own)) == {IVY.upn: "none"}


@behaviour("S34", Grade.CAPTURED, ALLODIA)
async def test_s34_declining_removes_the_copy(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await answer(graph, copy, "decline", sendResponse=True)
    gone = await graph.call("GET", f"/me/events/{copy['id']}", who=IVY, status=404)
    assert gone.json()["error"]["code"] == "ErrorItemNotFound"
    assert await events_of(graph, IVY) == []
    assert statuses(await read(graph, own)) == {IVY.upn: "declined"}


@behaviour("S34", Grade.DOCUMENTED, api("event-accept"), api("event-tentativelyaccept"))
@pytest.mark.parametrize(
    ("verb", "said"), [("accept", "accepted"), ("tentativelyAccept", "tentativelyAccepted")], ids=["yes", "maybe"]
)
async def test_s34_an_answer_is_kept_in_the_copy(graph: Far, verb: str, said: str) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await answer(graph, copy, verb)
    after = await read(graph, copy, IVY)
    assert after["responseStatus"]["response"] == said
    assert after["responseStatus"]["time"] != UNSET
    assert statuses(await read(graph, own)) == {IVY.upn: said}


@behaviour("S34", Grade.CAPTURED, ALLODIA)
async def test_s34_the_answer_stands_without_a_time_among_the_copys_attendees(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    await answer(graph, copy, "accept")
    mine = (await read(graph, copy, IVY))["attendees"][1]
    assert mine["status"] == {"response": "accepted", "time": UNSET}


@behaviour("S34", Grade.REPORTED, SILENT_ANSWER, api("event-accept"))
@pytest.mark.parametrize("verb", ["accept", "tentativelyAccept", "decline"])
async def test_s34_an_answer_without_a_response_mails_nobody(graph: Far, verb: str) -> None:
    own = await graph.create(attendees=guests(IVY))
    await answer(graph, await copy_in(graph, IVY, own), verb, sendResponse=False)
    assert [kind for kind, _, _ in await mails(graph)] == ["invitation"]
    assert statuses(await read(graph, own)) == {IVY.upn: "none"}


@behaviour("S25", Grade.CAPTURED, ALLODIA)
async def test_s25_answers_ignore_if_match_and_break_on_a_malformed_one(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    path = f"/me/events/{copy['id']}/accept"
    stale = {"If-Match": 'W/"AAAA"'}
    await graph.call("POST", path, {"sendResponse": True}, who=IVY, headers=stale, status=202)
    assert (await read(graph, copy, IVY))["responseStatus"]["response"] == "accepted"
    broken = await graph.call("POST", path, {}, who=IVY, headers={"If-Match": "nonsense"}, status=500)
    assert broken.json()["error"]["code"] == "ErrorInternalServerError"


@behaviour("S34", Grade.REPORTED, issue(560, "microsoftgraph/microsoft-graph-docs"))
@pytest.mark.parametrize("verb", ["accept", "tentativelyAccept", "decline"])
async def test_s34_the_organizer_cannot_answer(graph: Far, verb: str) -> None:
    own = await graph.create(attendees=guests(IVY))
    await graph.call("POST", f"/me/events/{own['id']}/{verb}", {}, status=400)


@behaviour("S34", Grade.DOCUMENTED, api("event-tentativelyaccept"), resource("attendee"))
async def test_s34_a_new_time_is_proposed_to_the_organizer(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    slot = {"start": at("2026-08-06T18:00:00"), "end": at("2026-08-06T19:00:00")}
    await answer(graph, await copy_in(graph, IVY, own), "tentativelyAccept", sendResponse=True, proposedNewTime=slot)
    proposed = (await read(graph, own))["attendees"][0]["proposedNewTime"]
    assert proposed["start"] == {"dateTime": "2026-08-06T18:00:00.0000000", "timeZone": "UTC"}


@behaviour("S34", Grade.DOCUMENTED, api("event-tentativelyaccept"), api("event-decline"))
@pytest.mark.parametrize("verb", ["tentativelyAccept", "decline"])
@pytest.mark.parametrize(("allowed", "send"), [(False, True), (True, False)], ids=["not allowed", "not sent"])
async def test_s34_a_new_time_is_refused(graph: Far, verb: str, allowed: bool, send: bool) -> None:
    own = await graph.create(attendees=guests(IVY), allowNewTimeProposals=allowed)
    copy = await copy_in(graph, IVY, own)
    slot = {"start": at("2026-08-06T18:00:00"), "end": at("2026-08-06T19:00:00")}
    body = {"sendResponse": send, "proposedNewTime": slot}
    await graph.call("POST", f"/me/events/{copy['id']}/{verb}", body, who=IVY, status=400)
    assert (await read(graph, copy, IVY))["responseStatus"]["response"] == "notResponded"


CHANGES: list[dict[str, Any]] = [
    {"subject": "Mine"},
    {"start": at("2026-08-05T14:00:00"), "end": at("2026-08-05T15:00:00")},
    {"location": {"displayName": "Mine"}},
]


@behaviour("S34", Grade.ASSUMED, EXCHANGELIB, knobs=("attendeeEdit",))
@pytest.mark.parametrize("change", CHANGES, ids=["subject", "time", "place"])
async def test_s34_an_attendees_edit_is_refused(graph: Far, change: dict[str, Any]) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    refused = await graph.call("PATCH", f"/me/events/{copy['id']}", change, who=IVY, status=400)
    assert refused.json()["error"]["code"] == "ErrorInvalidPropertySet"
    assert (await read(graph, copy, IVY))["changeKey"] == copy["changeKey"]


@behaviour("S34", Grade.ASSUMED, EXCHANGELIB, knobs=("attendeeEdit",))
@pytest.mark.parametrize(("knob", "subject"), [("keep", "Mine"), ("ignore", "Cake tasting")])
async def test_s34_an_attendees_edit_stays_with_the_copy_or_is_lost(graph: Far, knob: str, subject: str) -> None:
    await graph.knobs(attendeeEdit=knob)
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    changed = await patch(graph, copy, IVY, subject="Mine", categories=["Mine"])
    assert (changed["subject"], changed["categories"]) == (subject, ["Mine"])
    assert (await read(graph, own))["subject"] == "Cake tasting"
    await patch(graph, own, location={"displayName": "Barn"})
    assert (await read(graph, copy, IVY))["subject"] == "Cake tasting"
    assert [kind for kind, _, _ in await mails(graph)] == ["invitation", "update"]


@behaviour("S34", Grade.ASSUMED, EXCHANGELIB)
async def test_s34_an_attendee_changes_what_is_their_own(graph: Far) -> None:
    own = await graph.create(attendees=guests(IVY))
    copy = await copy_in(graph, IVY, own)
    mine = {"categories": ["Mine"], "isReminderOn": False, "reminderMinutesBeforeStart": 5, "showAs": "oof"}
    changed = await patch(graph, copy, IVY, **mine)
    assert {name: changed[name] for name in mine} == mine
    assert (await read(graph, own))["categories"] == []


@behaviour("S34", Grade.DOCUMENTED, api("event-cancel"), api("event-accept"))
async def test_s34_an_organizer_elsewhere_is_mailed(graph: Far) -> None:
    organizer = {"name": "Otto", "address": "otto@x.example"}
    entry = event(attendees=guests(ROSE), _organizer=organizer)
    await graph.control("PUT", f"/mailboxes/{ROSE.upn}/events", {"events": [entry, entry]})
    first, second = await events_of(graph, ROSE)
    assert first["isOrganizer"] is False
    await graph.call("POST", f"/me/events/{first['id']}/cancel", {"comment": ""}, status=400)
    await answer(graph, first, "accept", ROSE, sendResponse=True)
    await answer(graph, second, "decline", ROSE, sendResponse=False)
    await graph.call("GET", f"/me/events/{second['id']}", status=404)
    assert (await read(graph, first))["responseStatus"]["response"] == "accepted"
    assert await mails(graph) == [("response", ["otto@x.example"], "")]
