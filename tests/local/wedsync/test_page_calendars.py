"""The two lists and their forms, with the Graph simulator's control API as a fake."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.page_steps import csrf, sign_in, submit, titles
from tests.local.wedsync.samples import sample

CONTROL = "/_control/users/planner-rose/events"
UPN = "rose@havenweddings.example"


def day(offset: int) -> str:
    return (datetime.now(UTC) + timedelta(days=offset)).date().isoformat()


def at(offset: int, **changes: Any) -> dict[str, Any]:
    return sample(start=f"{day(offset)}T14:00:00", end=f"{day(offset)}T15:00:00", **changes)


def graph_event(offset: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"AQ+{offset}==",
        "subject": f"Outlook {offset}",
        "start": {"dateTime": f"{day(offset)}T12:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"{day(offset)}T13:00:00.0000000", "timeZone": "UTC"},
        "originalStartTimeZone": "W. Europe Standard Time",
        "isAllDay": False,
        "location": {"displayName": ""},
        "body": {"contentType": "html", "content": "<p>A &amp; B<br>C</p>"},
    } | changes


def keep(stand: Stand, *events: dict[str, Any]) -> dict[str, dict[str, Any]]:
    stand.graph.mailboxes[UPN] = {event["id"]: event for event in events}
    return stand.graph.mailboxes[UPN]


def form_of(page: httpx.Response) -> dict[str, str]:
    """Return the edit form's fields as a browser would submit them untouched."""
    body = page.text.split('class="fields"')[1].split("</form>")[0]
    fields = {
        name: html.unescape(value) for name, value in re.findall(r'<input[^>]*name="(\w+)"[^>]*?value="([^"]*)"', body)
    }
    if 'name="allDay" checked' in body:
        fields["allDay"] = "on"
    description = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", body, re.S)
    assert description
    fields["description"] = html.unescape(description[1])
    selected = re.search(r'<option value="(\w+)" selected', body)
    if selected:
        fields["type"] = selected[1]
    return fields


async def save(stand: Stand, side: str, fields: dict[str, str]) -> httpx.Response:
    return await stand.browser.post(f"/events/{side}/save", data=fields)


async def open_form(stand: Stand, side: str, event_id: str) -> dict[str, str]:
    page = await stand.browser.get(f"/events/{side}/edit", params={"id": event_id})
    assert page.status_code == 200, page.text
    return form_of(page)


async def test_signing_in_and_out(stand: Stand) -> None:
    page = await stand.browser.get("/")
    assert "Rose Haven" in page.text
    assert "Marco Sposi" in page.text
    before = stand.browser.cookies["wedsync_session"]
    page = await sign_in(stand, "planner-marco")
    assert "Signed in as <strong>Marco Sposi</strong>" in page.text
    assert stand.browser.cookies["wedsync_session"] != before, "the session's id changes at sign-in"
    page = await submit(stand, "/sign-out")
    assert "Sign in to WedSync" in page.text
    assert (await submit(stand, "/sign-in", user="nobody")).status_code == 404


async def test_the_cookie_and_the_headers_are_tight(stand: Stand) -> None:
    page = await stand.browser.get("/")
    cookie = page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_form_without_its_token_is_refused(stand: Stand) -> None:
    await sign_in(stand)
    for where in ("/events/wedsync/save", "/events/wedsync/delete", "/connect", "/sync", "/disconnect", "/sign-out"):
        for fields in ({}, {"csrf": "guessed"}):
            assert (await stand.browser.post(where, data=fields)).status_code == 403, where
    assert stand.functions.webhooks == []


async def test_without_signing_in_nothing_can_be_done(stand: Stand) -> None:
    token = csrf(await stand.browser.get("/"))
    for where in ("/events/wedsync/save", "/connect", "/sync", "/disconnect", "/conflicts/resolve"):
        assert (await stand.browser.post(where, data={"csrf": token})).status_code == 401, where
    for where in ("/events/wedsync/new", "/connect", "/fragments/calendars", "/fragments/sync"):
        assert (await stand.browser.get(where)).status_code == 401, where


async def test_lists_are_in_order_of_date_with_the_past_last(stand: Stand) -> None:
    load = [at(5, title="Later"), at(-3, title="Past"), at(2, title="Sooner"), at(-9, title="Long past")]
    await stand.control.put(CONTROL, json={"events": load})
    series = graph_event(-30, id="S", subject="Weekly", recurrence={"pattern": {"type": "weekly"}})
    keep(stand, graph_event(4), graph_event(-4), graph_event(1), series)
    page = await sign_in(stand)
    assert titles(page, "wedsync") == ["Sooner", "Later", "Past", "Long past"]
    assert titles(page, "outlook") == ["Outlook 1", "Outlook 4", "Weekly", "Outlook -4"]


async def test_the_filter_narrows_both_lists(stand: Stand) -> None:
    await stand.control.put(CONTROL, json={"events": [at(1, title="Rehearsal at the MILL"), at(2, title="Other")]})
    keep(stand, graph_event(1, subject="mill visit"), graph_event(2))
    await sign_in(stand)
    page = await stand.browser.get("/", params={"q": "mill"})
    assert titles(page, "wedsync") == ["Rehearsal at the MILL"]
    assert titles(page, "outlook") == ["mill visit"]
    fragment = await stand.browser.get("/fragments/calendars", params={"q": "mill rehearsal"})
    assert titles(fragment, "wedsync") == ["Rehearsal at the MILL"]
    assert titles(fragment, "outlook") == []


async def test_what_events_say_is_never_markup(stand: Stand) -> None:
    await stand.control.put(CONTROL, json={"events": [at(1, title="<script>alert(1)</script>")]})
    keep(stand, graph_event(1, id='A"><b>', subject="<b>bold</b>"))
    page = await sign_in(stand)
    assert "<script>alert" not in page.text
    assert "<b>" not in page.text


async def test_add_and_delete_in_wedsync(stand: Stand) -> None:
    await sign_in(stand)
    fields = form_of(await stand.browser.get("/events/wedsync/new"))
    page = await save(stand, "wedsync", fields | {"title": "Cake", "type": "vendor_meeting", "location": "Bakery"})
    assert "Saved in WedSync: Cake." in page.text
    (event,) = (await stand.control.get(CONTROL)).json()["events"]
    assert (event["title"], event["type"], event["location"]["name"]) == ("Cake", "vendor_meeting", "Bakery")
    assert (event["start"][11:], event["end"][11:], event["timeZone"]) == ("10:00:00", "11:00:00", "Europe/London")
    page = await submit(stand, "/events/wedsync/delete", id=event["id"], title="Cake")
    assert "Deleted in WedSync: Cake." in page.text
    page = await submit(stand, "/events/wedsync/delete", id=event["id"])
    assert "no longer in WedSync" in page.text


async def test_an_untouched_member_is_not_written_back(stand: Stand) -> None:
    await stand.control.put(CONTROL, json={"events": [at(3, id="e", location={"name": "Mill", "address": "Lane 1"})]})
    await sign_in(stand)
    fields = await open_form(stand, "wedsync", "e")
    await stand.control.patch(f"{CONTROL}/e", json={"title": "Changed meanwhile"})
    await save(stand, "wedsync", fields | {"location": "Barn"})
    event = (await stand.control.get(f"{CONTROL}/e")).json()
    assert (event["title"], event["location"]) == ("Changed meanwhile", {"name": "Barn", "address": "Lane 1"})


async def test_what_a_browser_rewrites_counts_as_untouched(stand: Stand) -> None:
    load = at(3, id="e", title=" two\nlines ", description="\n one\r\ntwo \n")
    await stand.control.put(CONTROL, json={"events": [load]})
    await sign_in(stand)
    fields = await open_form(stand, "wedsync", "e")
    sent = {"title": " twolines ", "description": "\r\n one\r\ntwo \r\n"}
    await save(stand, "wedsync", fields | sent | {"location": "Barn"})
    event = (await stand.control.get(f"{CONTROL}/e")).json()
    assert (event["title"], event["description"]) == (load["title"], load["description"])
    assert event["location"]["name"] == "Barn"


async def test_all_day_in_wedsync_is_shown_inclusive_and_kept_exclusive(stand: Stand) -> None:
    load = sample(id="e", allDay=True, start=f"{day(3)}T00:00:00", end=f"{day(5)}T00:00:00")
    await stand.control.put(CONTROL, json={"events": [load]})
    await sign_in(stand)
    fields = await open_form(stand, "wedsync", "e")
    assert (fields["startDate"], fields["endDate"], fields["allDay"]) == (day(3), day(4), "on")
    await save(stand, "wedsync", fields | {"endDate": day(3)})
    event = (await stand.control.get(f"{CONTROL}/e")).json()
    assert (event["start"], event["end"], event["allDay"]) == (f"{day(3)}T00:00:00", f"{day(4)}T00:00:00", True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"endTime": "09:00"}, "The end is before the start."),
        ({"zone": "GMT Standard Time"}, "is not an IANA time zone"),
        ({"startTime": ""}, "Give the start and the end"),
        ({"title": "x" * 1001}, "title: String should have at most 1000 characters"),
    ],
)
async def test_a_broken_rule_brings_the_form_back(stand: Stand, change: dict[str, str], said: str) -> None:
    await sign_in(stand)
    fields = form_of(await stand.browser.get("/events/wedsync/new"))
    page = await save(stand, "wedsync", fields | {"title": "Kept"} | change)
    assert page.status_code == 422
    assert said in html.unescape(page.text)
    assert form_of(page)["title"] == (fields | {"title": "Kept"} | change)["title"]
    assert (await stand.control.get(CONTROL)).json() == {"events": []}


async def test_a_form_that_is_not_ours(stand: Stand) -> None:
    await sign_in(stand)
    for before in ("{", "[]", json.dumps({"unknown": 1})):
        assert (await submit(stand, "/events/wedsync/save", before=before)).status_code == 400
    assert (await stand.browser.get("/events/google/new")).status_code == 404
    assert (await stand.browser.get("/events/wedsync/edit", params={"id": "none"})).status_code == 404


async def test_outlook_is_read_and_edited_in_the_events_own_zone(stand: Stand) -> None:
    events = keep(
        stand,
        graph_event(
            3,
            start={"dateTime": "2030-06-20T12:00:00.0000000", "timeZone": "UTC"},
            end={"dateTime": "2030-06-20T13:00:00.0000000", "timeZone": "UTC"},
        ),
    )
    await sign_in(stand)
    fields = await open_form(stand, "outlook", "AQ+3==")
    assert (fields["startTime"], fields["endTime"], fields["zone"]) == ("14:00", "15:00", "Europe/Berlin")
    assert fields["description"] == "A & B\nC"
    await save(stand, "outlook", fields | {"startTime": "16:30", "endTime": "17:00", "title": "Moved"})
    event = events["AQ+3=="]
    assert event["subject"] == "Moved"
    assert event["start"] == {"dateTime": "2030-06-20T16:30:00", "timeZone": "Europe/Berlin"}
    assert event["end"] == {"dateTime": "2030-06-20T17:00:00", "timeZone": "Europe/Berlin"}
    assert event["body"]["contentType"] == "html", "an untouched body is not rewritten"


async def test_add_and_delete_in_outlook(stand: Stand) -> None:
    await sign_in(stand)
    fields = form_of(await stand.browser.get("/events/outlook/new"))
    page = await save(stand, "outlook", fields | {"title": "Dentist", "location": "Town", "allDay": "on"})
    assert "Saved in Outlook: Dentist." in page.text
    (event,) = stand.graph.mailboxes[UPN].values()
    assert (event["subject"], event["isAllDay"], event["location"]) == ("Dentist", True, {"displayName": "Town"})
    assert event["end"]["dateTime"] > event["start"]["dateTime"]
    await submit(stand, "/events/outlook/delete", id=event["id"])
    assert stand.graph.mailboxes[UPN] == {}
    page = await submit(stand, "/events/outlook/delete", id=event["id"])
    assert "ErrorItemNotFound: Gone." in page.text


async def test_all_day_in_outlook_with_a_windows_zone(stand: Stand) -> None:
    whole = {"isAllDay": True, "originalStartTimeZone": "Eastern Standard Time"}
    start, end = ({"dateTime": f"2030-07-0{number}T00:00:00.0000000", "timeZone": "UTC"} for number in (4, 5))
    keep(stand, graph_event(1, start=start, end=end, **whole))
    await sign_in(stand)
    fields = await open_form(stand, "outlook", "AQ+1==")
    assert (fields["startDate"], fields["endDate"], fields["allDay"]) == ("2030-07-04", "2030-07-04", "on")
    assert fields["zone"] == "America/New_York"


async def test_hundreds_of_events(stand: Stand) -> None:
    await stand.control.put(CONTROL, json={"events": [at(n % 90, title=f"W{n}") for n in range(420)]})
    keep(stand, *(graph_event(n % 90, id=f"A{n}", subject=f"O{n}") for n in range(300)))
    page = await sign_in(stand)
    assert (len(titles(page, "wedsync")), len(titles(page, "outlook"))) == (420, 300)
