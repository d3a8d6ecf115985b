"""What Exchange does to bodies and subjects: S17-S19 of the fact sheet, over HTTPS."""

import re
from typing import Any

import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import WINDOW, Far, event
from tests.local.graph.sources import ALLODIA, KEEPER, api, issue, resource

AS_TEXT = {"Prefer": 'outlook.body-content-type="text"'}


def text(content: str) -> dict[str, str]:
    return {"contentType": "text", "content": content}


def html(content: str) -> dict[str, str]:
    return {"contentType": "html", "content": content}


@behaviour("S17", Grade.CAPTURED, ALLODIA)
async def test_s17_text_comes_back_as_a_document_of_exchange(graph: Far) -> None:
    made = await graph.create(body=text("Bring\nlist <now> & here\r\nor not"))
    content = made["body"]["content"]
    assert made["body"]["contentType"] == "html"
    assert content.startswith("<html>\r\n<head>\r\n<meta ")
    assert '<meta name="Generator" content="Microsoft Exchange Server">' in content
    assert "<!-- converted from text -->" in content
    assert "<style>" in content
    assert '<div class="PlainText">Bring<br>\r\nlist &lt;now&gt; &amp; here<br>\r\nor not</div>' in content
    assert content.endswith("</html>\r\n")


@behaviour("S17", Grade.CAPTURED, ALLODIA)
@pytest.mark.parametrize("body", [text("a\nb\r\nc"), html("<p>a</p>\n<p>b</p>\r\n<p>c</p>")])
async def test_s17_every_line_ends_with_cr_and_lf(graph: Far, body: dict[str, str]) -> None:
    content = (await graph.create(body=body))["body"]["content"]
    assert "\r\n" in content
    assert re.search(r"(?<!\r)\n|\r(?!\n)", content) is None


@behaviour("S17", Grade.CAPTURED, ALLODIA)
@pytest.mark.parametrize("body", [text(""), text("  \n"), html(""), html("<html><body></body></html>"), None])
async def test_s17_an_empty_body_comes_back_as_a_shell(graph: Far, body: Any) -> None:
    made = (await graph.call("POST", "/me/events", {**event(), "body": body}, status=201)).json()
    assert made["body"]["contentType"] == "html"
    assert made["body"]["content"].startswith("<html>")
    assert "&nbsp;" in made["body"]["content"]
    assert made["bodyPreview"] == ""


@behaviour("S17", Grade.ASSUMED, ALLODIA)
@pytest.mark.parametrize(
    "active",
    [
        "<script>alert(1)</script>",
        "<SCRIPT src='https://x.example/x.js'></SCRIPT>",
        "<iframe src='https://x.example'></iframe>",
        "<object data='x'></object>",
        "<script>never closed",
    ],
)
async def test_s17_active_content_is_stripped(graph: Far, active: str) -> None:
    made = await graph.create(body=html(f"<p onclick='x()' title=\"t\">Hi</p>{active}"))
    content = made["body"]["content"]
    assert '<p title="t">Hi</p>' in content
    assert re.search("script|iframe|object|alert|onclick|x\\.example|never closed", content) is None
    assert made["bodyPreview"] == "Hi"


@behaviour("S17", Grade.CAPTURED, ALLODIA)
async def test_s17_what_was_read_can_be_written_back_unchanged(graph: Far) -> None:
    made = await graph.create(body=html("<p>One</p>\n<p>Two</p>"))
    path = f"/me/events/{made['id']}"
    again = (await graph.call("PATCH", path, {"body": made["body"]}, status=200)).json()
    assert again["body"] == made["body"]


@behaviour("S17", Grade.DOCUMENTED, resource("event"))
async def test_s17_the_preview_is_plain_text(graph: Far) -> None:
    made = await graph.create(body=html("<style>p {color: red}</style><p>One <b>two</b></p><p>&lt;three&gt;</p>"))
    assert made["bodyPreview"].split() == ["One", "two", "<three>"]


@behaviour("S17", Grade.ASSUMED, resource("event"))
async def test_s17_the_preview_ends_at_255_characters(graph: Far) -> None:
    assert (await graph.create(body=text("x" * 255)))["bodyPreview"] == "x" * 255
    assert (await graph.create(body=text("x" * 256)))["bodyPreview"] == "x" * 255


@behaviour("S18", Grade.DOCUMENTED, api("event-get"), api("user-list-events"))
async def test_s18_body_as_text_or_html_on_request(graph: Far) -> None:
    made = await graph.create(body=html("<p>One</p><p>Two</p>"))
    path = f"/me/events/{made['id']}"
    plain = await graph.call("GET", path, headers=AS_TEXT, status=200)
    assert plain.json()["body"] == {"contentType": "text", "content": "One\r\n\r\nTwo\r\n"}
    assert plain.headers["Preference-Applied"] == 'outlook.body-content-type="text"'
    rich = await graph.call("GET", path, headers={"Prefer": 'outlook.body-content-type="html"'}, status=200)
    assert rich.json()["body"] == made["body"]
    assert rich.headers["Preference-Applied"] == 'outlook.body-content-type="html"'
    default = await graph.call("GET", path, status=200)
    assert default.json()["body"]["contentType"] == "html"
    assert "Preference-Applied" not in default.headers


@behaviour("S18", Grade.REPORTED, KEEPER)
async def test_s18_lists_ranges_writes_and_delta_honour_it(graph: Far) -> None:
    written = await graph.call("POST", "/me/events", event(body=text("One")), headers=AS_TEXT, status=201)
    wanted = {"contentType": "text", "content": "One\r\n"}
    assert written.json()["body"] == wanted
    assert "outlook.body-content-type" in written.headers["Preference-Applied"]
    for path in ("/me/events", f"/me/calendarView?{WINDOW}", f"/me/calendarView/delta?{WINDOW}"):
        answer = await graph.call("GET", path, headers=AS_TEXT, status=200)
        assert [item["body"] for item in answer.json()["value"]] == [wanted], path
        assert 'outlook.body-content-type="text"' in answer.headers["Preference-Applied"]
    patched = await graph.call("PATCH", f"/me/events/{written.json()['id']}", {"subject": "x"}, headers=AS_TEXT)
    assert patched.json()["body"] == wanted


@behaviour("S18", Grade.REPORTED, KEEPER)
@pytest.mark.parametrize("separator", [", ", ","])
async def test_s18_preferences_may_share_a_header(graph: Far, separator: str) -> None:
    made = await graph.create(body=text("One"))
    wanted = ['outlook.body-content-type="text"', 'outlook.timezone="Europe/Berlin"', 'IdType="ImmutableId"']
    answer = await graph.call("GET", f"/me/events/{made['id']}", headers={"Prefer": separator.join(wanted)})
    read = answer.json()
    assert (read["body"]["contentType"], read["start"]["timeZone"]) == ("text", "Europe/Berlin")
    assert read["id"] != made["id"]
    assert set(answer.headers["Preference-Applied"].split(", ")) == set(wanted)


@behaviour("S19", Grade.ASSUMED, KEEPER, issue(68, "nylas/exchangelib"), knobs=("subjectLimit",))
async def test_s19_a_subject_is_cut_near_255(graph: Far) -> None:
    assert (await graph.create(subject="x" * 255))["subject"] == "x" * 255
    made = await graph.create(subject="x" * 256)
    assert made["subject"] == "x" * 255
    await graph.knobs(subjectLimit=250)
    patched = await graph.call("PATCH", f"/me/events/{made['id']}", {"subject": "y" * 300}, status=200)
    assert patched.json()["subject"] == "y" * 250


@behaviour("S19", Grade.REPORTED, issue(944, "ridafkih/keeper.sh"), issue(2202, "phw198/OutlookGoogleCalendarSync"))
async def test_s19_a_long_subject_is_cut_without_an_error(graph: Far) -> None:
    made = await graph.create(subject="A wedding of a thousand words " * 20)
    assert 200 < len(made["subject"]) <= 255
    assert ("A wedding of a thousand words " * 20).startswith(made["subject"])


@behaviour("S19", Grade.ASSUMED, KEEPER, knobs=("trimSubject",))
async def test_s19_blanks_around_a_subject_stay_or_go(graph: Far) -> None:
    assert (await graph.create(subject="  Cake  "))["subject"] == "  Cake  "
    await graph.knobs(trimSubject=True)
    assert (await graph.create(subject="  Cake  "))["subject"] == "Cake"
