"""Online meetings: S35 of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from local.simkit.people import IVY, MARCO
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, event
from tests.local.graph.meetings import (
    copy_in,
    guests,
    patch,
    read,
)
from tests.local.graph.sources import api, concept, issue

ONLINE = concept("outlook-calendar-online-meetings")
NO_PROVIDER = issue(9741, "microsoftgraph/microsoft-graph-docs")


TEAMS: dict[str, Any] = {"isOnlineMeeting": True, "onlineMeetingProvider": "teamsForBusiness"}


@behaviour("S35", Grade.REPORTED, NO_PROVIDER, issue(1027), "https://github.com/elie222/inbox-zero/pull/3442")
@pytest.mark.parametrize("wish", [TEAMS, {"isOnlineMeeting": True}], ids=["with a provider", "without one"])
async def test_s35_where_no_provider_is_allowed_the_wish_is_dropped_silently(graph: Far, wish: dict[str, Any]) -> None:
    calendar = (await graph.call("GET", "/me/calendar", who=MARCO, status=200)).json()
    assert calendar["allowedOnlineMeetingProviders"] == ["unknown"]
    made = (await graph.call("POST", "/me/events", event(**wish), who=MARCO, status=201)).json()
    assert (made["isOnlineMeeting"], made["onlineMeetingProvider"]) == (False, "unknown")
    assert made["onlineMeeting"] is None
    changed = await patch(graph, made, MARCO, **wish)
    assert (changed["isOnlineMeeting"], changed["onlineMeeting"]) == (False, None)


@behaviour("S35", Grade.ASSUMED, ONLINE, NO_PROVIDER)
async def test_s35_a_provider_that_the_calendar_lacks_is_dropped_as_well(graph: Far) -> None:
    made = await graph.create(isOnlineMeeting=True, onlineMeetingProvider="skypeForBusiness")
    assert (made["isOnlineMeeting"], made["onlineMeeting"]) == (False, None)


@behaviour("S35", Grade.DOCUMENTED, ONLINE)
async def test_s35_a_meeting_gets_its_link_and_a_block_in_the_body(graph: Far) -> None:
    calendar = (await graph.call("GET", "/me/calendar", status=200)).json()
    assert "teamsForBusiness" in calendar["allowedOnlineMeetingProviders"]
    assert calendar["defaultOnlineMeetingProvider"] == "teamsForBusiness"
    text = {"contentType": "HTML", "content": "Does this time work for you?"}
    made = await graph.create(body=text, attendees=guests(IVY), **TEAMS)
    assert {name: made[name] for name in TEAMS} == TEAMS
    assert made["onlineMeeting"]["joinUrl"].startswith("https://teams.microsoft.com/l/meetup-join/19%3ameeting_")
    assert made["onlineMeetingUrl"] is None
    assert "Does this time work for you?" in made["body"]["content"]
    assert made["onlineMeeting"]["joinUrl"] in made["body"]["content"]
    assert (await read(graph, made))["onlineMeeting"] == made["onlineMeeting"]
    copy = await copy_in(graph, IVY, made)
    assert (copy["isOnlineMeeting"], copy["onlineMeeting"]) == (True, made["onlineMeeting"])


@behaviour("S35", Grade.DOCUMENTED, ONLINE)
async def test_s35_an_update_brings_a_plain_event_online(graph: Far) -> None:
    made = await graph.create()
    assert (made["isOnlineMeeting"], made["onlineMeeting"]) == (False, None)
    changed = await patch(graph, made, **TEAMS)
    assert changed["isOnlineMeeting"] is True
    assert changed["onlineMeeting"]["joinUrl"]


@behaviour("S35", Grade.ASSUMED, ONLINE, knobs=("joinUrlReads",))
@pytest.mark.parametrize("reads", [0, 1])
async def test_s35_the_link_may_come_with_a_later_read(graph: Far, reads: int) -> None:
    await graph.knobs(joinUrlReads=reads)
    made = await graph.create(**TEAMS)
    assert made["isOnlineMeeting"] is True
    assert (made["onlineMeeting"] is None) == bool(reads)
    assert (await read(graph, made))["onlineMeeting"]["joinUrl"]


@behaviour("S35", Grade.DOCUMENTED, ONLINE)
async def test_s35_it_cannot_be_unset_or_switched(graph: Far) -> None:
    made = await graph.create(**TEAMS)
    for change in ({"isOnlineMeeting": False}, {"onlineMeetingProvider": "skypeForBusiness"}):
        changed = await patch(graph, made, **change)
        assert {name: changed[name] for name in TEAMS} == TEAMS
        assert changed["onlineMeeting"] == made["onlineMeeting"]


@behaviour("S35", Grade.DOCUMENTED, api("event-update"))
async def test_s35_a_body_without_the_join_block_ends_it(graph: Far) -> None:
    made = await graph.create(**TEAMS)
    kept = made["body"]["content"].replace("<body>", "<body><p>Bring a pen</p>")
    still = await patch(graph, made, body={"contentType": "html", "content": kept})
    assert still["onlineMeeting"] == made["onlineMeeting"]
    assert "Bring a pen" in still["body"]["content"]
    ended = await patch(graph, made, body={"contentType": "html", "content": "<p>Bring a pen</p>"})
    assert (ended["isOnlineMeeting"], ended["onlineMeeting"]) == (False, None)
