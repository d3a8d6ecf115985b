"""Bodies: Exchange keeps HTML, we keep text, and an online meeting's join block has to survive both.

Dropping the block turns the meeting off (fact C21, section 2.2). Microsoft writes it between two long lines of
underscores; older ones put it into an element of the class ``me-email-text``.
"""

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser

from shared.graph.protocol import members, text

_RULE = re.compile(r"_{60,}")
_JOIN_CLASS = re.compile(r"class\s*=\s*[\"']?[^\"'>]*me-email-text", re.IGNORECASE)
_MEETING_HOST = re.compile(r"https://(?:teams\.microsoft|teams\.live|join\.skype|meet\.lync)\.com/", re.IGNORECASE)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_OPENERS = re.compile(r"(?:<(?:div|span|p|font|table|tbody|tr|td)\b[^<>]*>\s*)+\Z", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)\b[^>]*?(/?)>")
_CLOSER = re.compile(r"\s*</[a-zA-Z][^>]*>")
_UNANSWERED = re.compile(r"<(?![^<>]*>)")
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"})
_BLOCKS = frozenset({"address", "blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p"})
_ROWS = frozenset({"table", "tr", "ul"})
_SILENT = frozenset({"head", "script", "style", "title"})


def description_of(item: Mapping[str, object]) -> str:
    """Return the text that people wrote into an event, without the join block of its online meeting."""
    body = members(item.get("body"))
    content = text(body.get("content"))
    if text(body.get("contentType")).lower() == "html":  # the preference for text is not documented for delta pages
        content = text_of(content)
    return without_join_text(content) if item.get("isOnlineMeeting") is True else content


def without_join_text(content: str) -> str:
    """Return a text body without what stands between its first and last long line of underscores."""
    lines = content.splitlines(keepends=True)
    ruled = [place for place, line in enumerate(lines) if _RULE.search(line)]
    if len(ruled) < 2:
        return content
    return "".join(lines[: ruled[0]] + lines[ruled[-1] + 1 :])


def beside_join_block(item: Mapping[str, object], wanted: str) -> dict[str, str]:
    """Return the ``body`` that holds the wanted text and, byte for byte, the join block of the event as it is.

    ``item`` was read with its body as HTML. Where a meeting's link is there and its block cannot be told apart, all
    that there is stays below the text: better twice the words than no meeting.
    """
    content = text(members(item.get("body")).get("content"))
    kept = _join_block(content, text(members(item.get("onlineMeeting")).get("joinUrl")))
    if item.get("isOnlineMeeting") is not True or not kept:
        return {"contentType": "text", "content": wanted}
    start, end = _inside(content)
    return {"contentType": "html", "content": f"{content[:start]}{_as_html(wanted)}\r\n{kept}{content[end:]}"}


def _inside(content: str) -> tuple[int, int]:
    """Return where the content of ``<body>`` begins and ends."""
    opened = _BODY.search(content)
    start = opened.end() if opened else 0
    closed = _BODY_END.search(content, start)
    return start, closed.start() if closed else len(content)


def _join_block(content: str, join_url: str) -> str:
    start, end = _inside(content)
    inner = content[start:end]
    rules, marked = list(_RULE.finditer(inner)), _JOIN_CLASS.search(inner)
    ruled = len(rules) >= 2
    starts = [rules[0].start()] if ruled else []
    if marked:
        starts.append(inner.rfind("<", 0, marked.start()))
    if starts:
        opened = _OPENERS.search(inner, 0, min(starts))
        first = opened.start() if opened else min(starts)
        return _closed(inner[first:], rules[-1].end() - first if ruled else None)
    links = (html.escape(join_url), join_url) if join_url else ()
    return inner if _MEETING_HOST.search(inner) or any(link in inner for link in links) else ""


def _closed(block: str, after: int | None) -> str:
    """Return the block up to its end: what follows the last rule closes the elements that the block opened."""
    if after is None:
        return block
    depth = 0
    for tag in _TAG.finditer(block, 0, after):
        if tag[2].lower() not in _VOID and not tag[3]:
            depth += -1 if tag[1] else 1
    while depth > 0 and (closer := _CLOSER.match(block, after)):
        after, depth = closer.end(), depth - 1
    return block[:after]


def _as_html(wanted: str) -> str:
    lines = wanted.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "<div>" + "<br>\r\n".join(_spaced(html.escape(line, quote=False)) for line in lines) + "</div>"


def _spaced(line: str) -> str:
    """Keep blanks that HTML would fold."""
    return re.sub(r" (?= )|^ ", "&nbsp;", line)


class _Words(HTMLParser):
    """Collects the text of a document, with a line for each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS | _ROWS:
            self._line()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS | _ROWS:
            self._line()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            words = re.sub(r"[ \t\r\n\f]+", " ", data)
            fresh = not self.parts or self.parts[-1].endswith("\n")
            if words := words.lstrip(" ") if fresh else words:
                self.parts.append(words)

    def _line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")


def text_of(document: str) -> str:
    """Return the text of an HTML body.

    A "<" that no ">" answers is no tag, and is made text first: the parser of Python up to 3.11.12 looks for the end
    of each to the end of the document (CVE-2025-6069), and strangers' invitations have bodies.
    """
    parser = _Words()
    parser.feed(_UNANSWERED.sub("&lt;", document))
    parser.close()
    return "".join(parser.parts).replace("\xa0", " ")
