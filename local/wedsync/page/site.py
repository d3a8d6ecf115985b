"""What every handler of the page works with: sessions, templates, and the neighbours."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
import jinja2
import markupsafe
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from local.simkit.clock import Clock
from local.simkit.people import Planner
from local.wedsync.page import neighbours, words
from local.wedsync.page.neighbours import SyncService
from local.wedsync.page.outlook import OutlookCalendar
from local.wedsync.page.sessions import Session, Sessions
from local.wedsync.page.values import Row, by_month
from local.wedsync.page.wedsync import WedsyncCalendar
from local.wedsync.problems import Problem
from local.wedsync.state import Wedsync
from local.wedsync.tokens import Tokens

HERE = Path(__file__).parent
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # No form-action: Chromium applies it to the redirects after a form too, and connecting leads to other origins.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
}

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the neighbours are, for this server and for the browser, and the CA they are trusted by."""

    functions_url: str
    browser_functions_url: str
    graph_url: str
    ca_file: Path | None


@dataclass(kw_only=True)
class Site:
    """The page's surroundings. The neighbours can be asked while ``running``."""

    wedsync: Wedsync
    tokens: Tokens
    clock: Clock
    addresses: Addresses
    sessions: Sessions = field(default_factory=Sessions)
    functions: httpx.AsyncClient = field(init=False)
    graph: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        loader = jinja2.FileSystemLoader(HERE / "templates")
        self._templates = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._templates.filters |= {"in_words": words.in_words, "groupby_month": by_month, "rendered": self._rendered()}
        self._templates.globals |= {"standing": words.standing, "moment": self._moment}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the connections to the neighbours."""
        self.functions = neighbours.client(self.addresses.functions_url, self.addresses.ca_file)
        self.graph = neighbours.client(self.addresses.graph_url, self.addresses.ca_file)
        async with self.functions, self.graph:
            yield

    def _rendered(self) -> Callable[[Row], markupsafe.Markup]:
        """Return a filter that renders each row once: there are a thousand, asked for every second."""
        event = getattr(self._templates.get_template("_event.html").module, "event")  # noqa: B009 - mypy cannot know it
        return lru_cache(maxsize=8192)(lambda row: markupsafe.Markup(event(row)))

    def _moment(self, text: Any) -> markupsafe.Markup:
        return words.moment(text, now=self.clock.now())

    def service(self, planner: Planner) -> SyncService:
        """Return the sync service as this planner calls it."""
        return SyncService(self.functions, self.tokens.for_user(planner.user_id))

    def calendar(self, side: str, session: Session, planner: Planner) -> WedsyncCalendar | OutlookCalendar:
        """Return one of the planner's two calendars; Problem 404 for another word."""
        if side == "wedsync":
            return WedsyncCalendar(wedsync=self.wedsync, user_id=planner.user_id)
        if side == "outlook":
            return OutlookCalendar(client=self.graph, upn=session.mailbox or planner.account.upn, now=self.clock.now())
        raise Problem(404, "not_found", "There is no such calendar.")

    def render(self, template: str, session: Session, http_status: int = 200, /, **shown: Any) -> Response:
        """Return a page or fragment and see that the browser keeps its session."""
        fragment = template.startswith("_")
        notices = [] if fragment else session.take_notices()
        html = self._templates.get_template(template).render(session=session, notices=notices, **shown)
        response = HTMLResponse(html, http_status, headers=_HEADERS)
        if not fragment:
            self.sessions.keep(session, response)
        return response

    def back(self, session: Session, to: str = "/") -> Response:
        """Redirect after a form, so that reloading repeats nothing."""
        response = RedirectResponse(to, 303, headers=_HEADERS)
        self.sessions.keep(session, response)
        return response

    async def form(self, request: Request) -> tuple[Session, FormData]:
        """Return a submitted form after its token was checked."""
        session, form = self.sessions.of(request), await request.form()
        session.check(str(form.get("csrf", "")))
        return session, form

    def signed_in(self, session: Session) -> Planner:
        """Return who is signed in; Problem 401 when nobody is."""
        if session.planner is None:
            raise Problem(401, "signed_out", "You are signed out. Sign in and try again.")
        return session.planner

    def guarded(self, handler: Handler) -> Handler:
        """Show any ``Problem`` as a page of its own."""

        async def shown(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                session = self.sessions.of(request)
                return self.render("problem.html", session, problem.status, problem=problem)

        return shown
