"""Bodies as text, and the join block that has to survive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.graph.wire_body import beside_join_block, description_of, text_of, without_join_text

LINE = "_" * 80
JOIN = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=%7b%7d"
# Both shapes that Microsoft is known to write.
OLD = (
    f'<div class="me-email-text" lang="en-US">{LINE}<br>\r\nMicrosoft Teams meeting<br>\r\n'
    f'<a href="{JOIN}">Join</a><br>\r\n{LINE}</div>'
)
NEW = (
    f'<div style="width:100%"><span style="opacity:.36">{LINE}</span></div>\r\n<div class="me-email-text">\r\n'
    f'<div><a href="{JOIN}">Join the meeting now</a></div>\r\n<img src="x">Dial in</div>\r\n'
    f'<div style="width:100%"><span style="opacity:.36">{LINE}</span></div>'
)
HEAD = "<html>\r\n<head>\r\n<style><!-- p { margin: 0 } --></style></head>\r\n<body dir=ltr>\r\n"
TAIL = "\r\n</body>\r\n</html>\r\n"


def meeting(inner: str, **members: object) -> dict[str, object]:
    body = {"contentType": "html", "content": HEAD + inner + TAIL}
    return {"isOnlineMeeting": True, "onlineMeeting": {"joinUrl": JOIN}, "body": body, **members}


@pytest.mark.parametrize("block", [OLD, NEW])
@pytest.mark.parametrize("before", ["", "<p>Old words</p>\r\n", '<div class="PlainText">Old<br>\r\nwords</div>'])
@pytest.mark.parametrize("after", ["", "\r\n<p>below</p>"])
def test_the_join_block_survives_byte_for_byte(block: str, before: str, after: str) -> None:
    made = beside_join_block(meeting(before + block + after), "New <words> & more\n\n  indented")
    assert made["contentType"] == "html"
    assert made["content"].startswith(HEAD.rstrip())
    assert made["content"].endswith(block + TAIL.lstrip())
    assert "Old" not in made["content"]
    assert "below" not in made["content"]
    assert text_of(made["content"].replace(block, "")).split() == ["New", "<words>", "&", "more", "indented"]


@pytest.mark.parametrize("block", [OLD, NEW])
def test_writing_twice_keeps_one_block(block: str) -> None:
    once = beside_join_block(meeting(block), "first")["content"]
    twice = beside_join_block({**meeting(""), "body": {"contentType": "html", "content": once}}, "second")["content"]
    assert twice.count(block) == 1
    assert "first" not in twice
    assert "second" in twice


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_comes_back_from_beside_the_block(wanted: str) -> None:
    made = beside_join_block(meeting(NEW), wanted)
    assert NEW in made["content"]
    assert text_of(made["content"].replace(NEW, "")).split() == wanted.split()


def test_a_block_that_cannot_be_told_apart_is_kept_with_all_around_it() -> None:
    inner = f'<p>Words</p><p><a href="{JOIN}">link</a></p>'
    assert inner in beside_join_block(meeting(inner), "New")["content"]
    unknown = '<a href="https://teams.live.com/meet/9">x</a>'
    assert unknown in beside_join_block(meeting(unknown, onlineMeeting=None), "New")["content"]
    marked = '<p>a</p><div class="me-email-text">join</div><p>b</p>'
    assert beside_join_block(meeting(marked), "N")["content"].endswith(f"{marked.removeprefix('<p>a</p>')}{TAIL}")


def test_without_a_block_the_text_is_plain() -> None:
    plain = {"contentType": "text", "content": "New"}
    assert beside_join_block(meeting("<p>Words</p>"), "New") == plain
    assert beside_join_block(meeting(NEW, isOnlineMeeting=False), "New") == plain
    assert beside_join_block({}, "New") == plain


def test_a_body_without_a_document_around_it_is_kept_too() -> None:
    item = meeting("") | {"body": {"contentType": "html", "content": f"Old {OLD}"}}
    assert beside_join_block(item, "New")["content"] == f"<div>New</div>\r\n{OLD}"


def test_the_description_is_what_people_wrote() -> None:
    text = f"Bring cake\r\n\r\n{LINE}\r\nMicrosoft Teams meeting\r\nJoin: {JOIN}\r\n{LINE}\r\n"
    item = {"isOnlineMeeting": True, "body": {"contentType": "text", "content": text}}
    assert description_of(item).strip() == "Bring cake"
    assert description_of({**item, "isOnlineMeeting": False}) == text
    assert without_join_text(f"one\n{LINE}\ntwo") == f"one\n{LINE}\ntwo"
    assert description_of({}) == ""


def test_html_in_place_of_text_is_read_as_text() -> None:
    content = f"{HEAD}<div>One&nbsp;&amp; two<br>three</div><ul><li>a</li><li>b</li></ul><script>x()</script>{TAIL}"
    item = {"body": {"contentType": "HTML", "content": content}}
    assert description_of(item).split("\n") == ["One & two", "three", "a", "b", ""]


@pytest.mark.parametrize(
    "piece", ["<div ", "<div <", "<!--", "<![CDATA[", "<a href='", "</", "<", "<?", "<script>", "&"]
)
def test_a_body_that_never_ends_what_it_begins_is_read_in_one_go(piece: str) -> None:
    """Each of these took hours, or minutes, once: the time limit of every test is what would end this one."""
    body = piece * 200_000
    assert len(text_of(body)) <= len(body)
    line = "_" * 80
    content = f"{body}{line}join{line}{body}"
    item = {"isOnlineMeeting": True, "body": {"contentType": "html", "content": content}}
    assert "New" in beside_join_block(item, "New")["content"]


def test_what_is_no_tag_is_text() -> None:
    assert text_of("<p>1 < 2 and <b>3</b> > 2 <") == "1 < 2 and 3 > 2 <"
