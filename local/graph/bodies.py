"""How Exchange rewrites bodies, and how it turns them into text again (S17, S18; shapes of live captures)."""

import html
import re
from html.parser import HTMLParser

_STYLE = "<style><!-- .EmailQuote { margin-left: 1pt; padding-left: 4pt; border-left: #800000 2px solid; } --></style>"
_META = '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
_TEXT_HEAD = (
    f'<html>\r\n<head>\r\n{_META}\r\n<meta name="Generator" content="Microsoft Exchange Server">\r\n'
    f'<!-- converted from text -->\r\n{_STYLE}</head>\r\n<body>\r\n<font size="2">'
    '<span style="font-size:11pt;"><div class="PlainText">'
)
_TEXT_TAIL = "</div></span></font>\r\n</body>\r\n</html>\r\n"
_HTML_HEAD = f"<html><head>\r\n{_META}</head><body>\r\n"
_HTML_TAIL = "\r\n</body></html>\r\n"
SHELL = f"{_HTML_HEAD}<div>&nbsp;</div>{_HTML_TAIL}"
"""What an empty body comes back as."""
_ACTIVE = re.compile(
    r"<(script|iframe|object|embed|applet)\b.*?(</\1\s*>|\Z)|\son\w+\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]+)",
    re.IGNORECASE | re.DOTALL,
)
_INSIDE = re.compile(r"<body[^>]*>(.*?)(?:</body\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_BLOCKS = frozenset(
    {"p", "div", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr"}
)
_SILENT = frozenset({"style", "script", "head", "title"})
_JOIN_LINE = "________________________________________________________________________________"


def from_text(text: str) -> str:
    """Return the HTML document that Exchange makes of a plain text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return _TEXT_HEAD + "<br>\r\n".join(_escaped(line) for line in lines) + _TEXT_TAIL


def _escaped(line: str) -> str:
    line = html.escape(line, quote=False).replace("\t", "        ").replace("\xa0", "&nbsp;")
    line = re.sub("^ ", "&nbsp;", line)
    return re.sub(" {2,}", lambda m: "&nbsp;" * (len(m[0]) - 1) + " ", line)


def from_html(content: str) -> str:
    """Return the document that Exchange keeps of written HTML: wrapped, without active content, lines ended by CRLF."""
    inside = _INSIDE.search(content)
    content = inside[1] if inside else re.sub(r"</?(html|head|body)[^>]*>", "", content, flags=re.IGNORECASE)
    content = _ACTIVE.sub("", content).strip("\r\n ")
    content = re.sub(r"\r\n|\r|\n", "\r\n", content)
    return f"{_HTML_HEAD}{content}{_HTML_TAIL}" if content else SHELL


def store(content_type: str, content: str) -> str:
    """Return what is kept of a written body, always HTML."""
    if not content.strip():
        return SHELL
    return from_html(content) if content_type == "html" else from_text(content)


class _Text(HTMLParser):
    """Collects text the way a browser would break lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag in _BLOCKS:
            self._fresh_line()
            if tag == "li":
                self.parts.append("* ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in _BLOCKS:
            self._fresh_line()
            if tag == "p":
                self.parts.append("\n")

    def handle_data(self, content: str) -> None:
        if self.silent:
            return
        text = re.sub(r"[ \t\r\n\f]+", " ", content)
        if not self.parts or self.parts[-1].endswith("\n"):
            text = text.lstrip(" ")
        if text:
            self.parts.append(text)

    def _fresh_line(self) -> None:
        if self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")


def to_text(content: str) -> str:
    """Return the text of a kept body, lines ended by CRLF."""
    if not content:
        return ""
    parser = _Text()
    parser.feed(content)
    parser.close()
    lines = "".join(parser.parts).replace("\xa0", " ").split("\n")
    text = "\r\n".join(line.rstrip(" ") for line in lines).rstrip()
    return f"{text}\r\n" if text else ""


def preview(text: str) -> str:
    """Return ``bodyPreview``: the first 255 characters of the text."""
    return text.strip()[:255]


def join_block(join_url: str) -> str:
    """Return the block that an online meeting puts below the body; a body without it ends the meeting."""
    return (
        f'<div class="me-email-text" lang="en-US">{_JOIN_LINE}<br>\r\nMicrosoft Teams meeting<br>\r\n'
        f'<a href="{join_url}">Join the meeting now</a><br>\r\n{_JOIN_LINE}</div>'
    )


def with_join_block(content: str, join_url: str) -> str:
    """Return the body with the join block before its end."""
    content = content or SHELL
    at = content.lower().rfind("</body>")
    return f"{content[:at]}{join_block(join_url)}\r\n{content[at:]}"
