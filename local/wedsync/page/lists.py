"""The front page with its two lists, and the forms that edit an event."""

from datetime import timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simkit.people import PLANNERS, Planner
from local.wedsync.page.sessions import Session
from local.wedsync.page.site import Site
from local.wedsync.page.sync import Sync
from local.wedsync.page.values import Values, from_form, listing, row_key, timed_values
from local.wedsync.problems import Problem
from local.wedsync.schema import EventType, all_zones

SIDES = {"wedsync": "WedSync", "outlook": "Outlook"}
_HOME_ZONES = {"planner-marco": "Europe/Rome"}


class Lists:
    """The handlers of the lists and of editing."""

    def __init__(self, site: Site, sync: Sync) -> None:
        self._site = site
        self._sync = sync

    def routes(self) -> list[Route]:
        """Return the routes."""
        guarded = self._site.guarded
        return [
            Route("/", guarded(self.front)),
            Route("/sign-in", guarded(self.sign_in), methods=["POST"]),
            Route("/sign-out", guarded(self.sign_out), methods=["POST"]),
            Route("/fragments/calendars", self.fragment),
            Route("/events/{side}/new", guarded(self.new)),
            Route("/events/{side}/edit", guarded(self.edit)),
            Route("/events/{side}/save", guarded(self.save), methods=["POST"]),
            Route("/events/{side}/delete", guarded(self.delete), methods=["POST"]),
        ]

    async def front(self, request: Request) -> Response:
        """Show the planner's calendars, or who can sign in."""
        session = self._site.sessions.of(request)
        if session.planner is None:
            return self._site.render("sign_in.html", session, planners=PLANNERS)
        words = session.words = request.query_params.get("q", session.words)
        state = await self._sync.state(session)
        panels = await self._panels(session, session.planner, words)
        return self._site.render("front.html", session, panels=panels, q=words, **state)

    async def fragment(self, request: Request) -> Response:
        """Return the lists alone, for the script that keeps them fresh."""
        session = self._site.sessions.of(request)
        if session.planner is None:
            return Response(status_code=401)
        session.words = request.query_params.get("q", "")
        panels = await self._panels(session, session.planner, session.words)
        return self._site.render("_calendars.html", session, panels=panels)

    async def sign_in(self, request: Request) -> Response:
        """Sign in as one of the sample planners."""
        session, form = await self._site.form(request)
        return self._site.back(self._site.sessions.sign_in(session, str(form.get("user", ""))))

    async def sign_out(self, request: Request) -> Response:
        """Sign out."""
        session, _ = await self._site.form(request)
        return self._site.back(self._site.sessions.sign_out(session))

    async def new(self, request: Request) -> Response:
        """Show an empty form, tomorrow at ten."""
        session = self._site.sessions.of(request)
        planner = self._site.signed_in(session)
        side = _side(request)
        zone = _HOME_ZONES.get(planner.user_id, "Europe/London")
        now = self._site.clock.now().astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        start = now.replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
        values = timed_values(start, start + timedelta(hours=1), all_day=False, zone=zone)
        return self._form(session, side, values)

    async def edit(self, request: Request) -> Response:
        """Show an event's form."""
        session = self._site.sessions.of(request)
        planner = self._site.signed_in(session)
        row = await self._site.calendar(_side(request), session, planner).read(request.query_params.get("id", ""))
        return self._form(session, row.side, row.values, event_id=row.id, before=row.values, series=row.series)

    async def save(self, request: Request) -> Response:
        """Create an event or change what was changed in the form; show the form again when it breaks a rule."""
        session, form = await self._site.form(request)
        planner, side, event_id = self._site.signed_in(session), _side(request), str(form.get("id", ""))
        values, before = from_form(form)
        calendar = self._site.calendar(side, session, planner)
        try:
            values.span()
            if event_id:
                await calendar.update(event_id, values, values.changed(before))
            else:
                event_id = await calendar.create(values)
        except Problem as problem:
            return self._form(session, side, values, event_id=event_id, before=before, problem=problem)
        session.tell("good", f"Saved in {SIDES[side]}: {values.title or 'untitled'}.")
        return self._site.back(session, f"/#{row_key(side, event_id)}")

    async def delete(self, request: Request) -> Response:
        """Delete an event."""
        session, form = await self._site.form(request)
        planner, side = self._site.signed_in(session), _side(request)
        try:
            calendar = self._site.calendar(side, session, planner)
            gone = await calendar.read(str(form.get("id", "")))
            await calendar.delete(gone.id)
            session.tell("good", f"Deleted in {SIDES[side]}: {gone.values.title or 'untitled'}.")
        except Problem as problem:
            session.tell("bad", problem.detail)
        return self._site.back(session)

    async def _panels(self, session: Session, planner: Planner, words: str) -> list[dict[str, Any]]:
        """Return both lists; a side that cannot be read says why, and the other is shown."""
        panels: list[dict[str, Any]] = []
        for side, name in SIDES.items():
            panel: dict[str, Any] = {"side": side, "name": name, "problem": None, "listing": None}
            try:
                rows = await self._site.calendar(side, session, planner).rows()
                panel["listing"] = listing(rows, now=self._site.clock.now(), words=words)
            except Problem as problem:
                panel["problem"] = problem
            panels.append(panel)
        panels[1]["owner"] = session.mailbox or planner.account.upn
        panels[0]["owner"] = planner.name
        return panels

    def _form(
        self,
        session: Session,
        side: str,
        values: Values,
        *,
        event_id: str = "",
        before: Values | None = None,
        series: str = "",
        problem: Problem | None = None,
    ) -> Response:
        shown = {"side": side, "name": SIDES[side], "values": values, "before": before, "id": event_id}
        more = {"series": series, "problem": problem, "types": get_args(EventType), "zones": all_zones()}
        return self._site.render("edit.html", session, problem.status if problem else 200, **shown, **more)


def _side(request: Request) -> str:
    side = str(request.path_params["side"])
    if side not in SIDES:
        raise Problem(404, "not_found", "There is no such calendar.")
    return side
