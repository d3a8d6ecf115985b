"""Exchange's rewriting of bodies as a function: text survives the way through HTML and back."""

from hypothesis import given
from hypothesis import strategies as st

from local.graph import bodies

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" <>&'\"")))


def plain(text: str) -> list[list[str]]:
    """Return words by line, without empty lines at the ends."""
    lines = [line.split() for line in text.strip().split("\n")]
    return [line for line in lines if line]


@given(LINES)
def test_text_survives_html_and_back(lines: list[str]) -> None:
    written = "\n".join(lines)
    read = bodies.to_text(bodies.store("text", written)).replace("\r\n", "\n")
    assert plain(read) == plain(written)


@given(LINES)
def test_rewriting_its_own_text_changes_nothing(lines: list[str]) -> None:
    once = bodies.to_text(bodies.store("text", "\n".join(lines)))
    assert bodies.to_text(bodies.store("text", once)) == once


def test_html_written_back_is_kept() -> None:
    once = bodies.store("html", "<p>One</p>\n<p>Two</p>")
    assert bodies.store("html", once) == once


def test_text_of_lists_links_and_breaks() -> None:
    html = '<div>Dear <b>Rose</b>,<br>see <a href="https://x.example">this</a>:</div><ul><li>one</li><li>two</li></ul>'
    assert bodies.to_text(bodies.store("html", html)) == "Dear Rose,\r\nsee this:\r\n* one\r\n* two\r\n"
