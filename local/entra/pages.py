"""The pages that a person sees. Each is small, server-rendered and works without script."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.responses import HTMLResponse

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
HEADERS = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}


def render(template: str, *, status: int = 200, **members: Any) -> HTMLResponse:
    """Return a page. ``template`` is the file's name without its ending."""
    content = _TEMPLATES.get_template(f"{template}.html").render(**members)
    return HTMLResponse(content, status_code=status, headers=HEADERS)


def form_post(redirect_uri: str, fields: Mapping[str, str]) -> HTMLResponse:
    """Return the page of ``response_mode=form_post``: it sends itself, or by its button where scripts are off."""
    return render("form_post", title="Working...", action=redirect_uri, fields=fields)
