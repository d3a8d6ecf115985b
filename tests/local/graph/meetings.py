"""Meetings as the conformance tests make and read them."""

from typing import Any

from local.simkit.people import IVY, ROSE, Account
from tests.local.graph.conftest import WINDOW, Far, series

UNSET = "0001-01-01T00:00:00Z"


def guest(account: Account, **members: Any) -> dict[str, Any]:
    return {"emailAddress": {"address": account.upn, "name": account.name}, "type": "required"} | members


def guests(*accounts: Account) -> list[dict[str, Any]]:
    return [guest(account) for account in accounts]


async def events_of(graph: Far, who: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await graph.call("GET", "/me/events", who=who, status=200)).json()["value"]
    return found


async def copy_in(graph: Far, who: Account, meeting: dict[str, Any]) -> dict[str, Any]:
    """The one event of that meeting in somebody's default calendar."""
    found = [each for each in await events_of(graph, who) if each["iCalUId"] == meeting["iCalUId"]]
    assert len(found) == 1, found
    return found[0]


async def read(graph: Far, meeting: dict[str, Any], who: Account = ROSE) -> dict[str, Any]:
    found: dict[str, Any] = (await graph.call("GET", f"/me/events/{meeting['id']}", who=who, status=200)).json()
    return found


async def answer(graph: Far, copy: dict[str, Any], verb: str, who: Account = IVY, **members: Any) -> None:
    await graph.call("POST", f"/me/events/{copy['id']}/{verb}", members, who=who, status=202)


async def patch(graph: Far, meeting: dict[str, Any], who: Account = ROSE, **members: Any) -> dict[str, Any]:
    changed: dict[str, Any] = (
        await graph.call("PATCH", f"/me/events/{meeting['id']}", members, who=who, status=200)
    ).json()
    return changed


async def mails(graph: Far) -> list[tuple[str, list[str], str]]:
    found = (await graph.control("GET", "/outbox"))["mails"]
    return [(mail["kind"], mail["to"], mail["comment"]) for mail in found]


def statuses(meeting: dict[str, Any]) -> dict[str, str]:
    return {each["emailAddress"]["address"]: each["status"]["response"] for each in meeting["attendees"]}


async def weekly(graph: Far, attendees: list[dict[str, Any]]) -> dict[str, Any]:
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]}
    span = {"type": "numbered", "startDate": "2026-08-04", "numberOfOccurrences": 3}
    made: dict[str, Any] = (
        await graph.call("POST", "/me/events", series(pattern, span, attendees=attendees), status=201)
    ).json()
    return made


async def instances(graph: Far, master: dict[str, Any], who: Account) -> list[dict[str, Any]]:
    answered = await graph.call("GET", f"/me/events/{master['id']}/instances?{WINDOW}", who=who, status=200)
    found: list[dict[str, Any]] = answered.json()["value"]
    return found
