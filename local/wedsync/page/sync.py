"""Connecting Outlook, the sync status, conflicts and disconnecting: everything that asks the sync service."""

from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.simkit.tls import Certificates
from local.simkit.trust import trust_command
from local.wedsync.page.sessions import Session
from local.wedsync.page.site import Site
from local.wedsync.page.words import connect_error, removal_in_words
from local.wedsync.problems import Problem

_HANDED_OVER = ("code", "state", "error", "error_description", "session_state", "client_info")


class Sync:
    """The handlers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        """Return the routes."""
        guarded = self._site.guarded
        return [
            Route("/fragments/sync", self.fragment),
            Route("/connect", guarded(self.warning)),
            Route("/connect", guarded(self.connect), methods=["POST"]),
            Route("/settings/integrations", guarded(self.returned)),
            Route("/settings/integrations/complete", guarded(self.complete), methods=["POST"]),
            Route("/sync", guarded(self.sync_now), methods=["POST"]),
            Route("/disconnect", guarded(self.confirm)),
            Route("/disconnect", guarded(self.disconnect), methods=["POST"]),
            Route("/conflicts/resolve", guarded(self.resolve), methods=["POST"]),
        ]

    async def fragment(self, request: Request) -> Response:
        """Return the sync status and the conflicts alone."""
        session = self._site.sessions.of(request)
        if session.planner is None:
            return Response(status_code=401)
        return self._site.render("_sync.html", session, **await self.state(session))

    async def state(self, session: Session) -> dict[str, Any]:
        """Return what the sync service says of this planner, or why it says nothing."""
        found: dict[str, Any] = {"status": None, "conflicts": [], "problem": None}
        service = self._site.service(self._site.signed_in(session))
        try:
            found["status"] = await service.status()
            if found["status"]:
                session.mailbox = found["status"].get("integration", {}).get("email") or session.mailbox
                if found["status"].get("syncStats", {}).get("conflictedEvents", 1):
                    found["conflicts"] = await service.conflicts()
        except Problem as problem:
            found["problem"] = problem
        return found

    async def warning(self, request: Request) -> Response:
        """Explain that the stand's certificate has to be trusted before the browser goes there."""
        session = self._site.sessions.of(request)
        self._site.signed_in(session)
        ca_file = self._site.addresses.ca_file
        shown: dict[str, Any] = {"target": self._site.addresses.browser_functions_url, "ca_file": None}
        if ca_file is not None:
            authority = Certificates(ca_file=ca_file.resolve(), server_file=ca_file)
            shown |= {"ca_file": authority.ca_file, "fingerprint": authority.fingerprint}
            shown["command"] = trust_command(authority.ca_file)
        return self._site.render("warning.html", session, **shown)

    async def connect(self, request: Request) -> Response:
        """Send the browser to Microsoft, by way of the warning the first time."""
        session, form = await self._site.form(request)
        planner = self._site.signed_in(session)
        session.warned = session.warned or form.get("understood") == "yes"
        if self._site.addresses.browser_functions_url.startswith("https:") and not session.warned:
            return self._site.back(session, "/connect")
        try:
            target = await self._site.service(planner).begin_connect()
        except Problem as problem:
            session.tell("bad", problem.detail)
            return self._site.back(session)
        if not target.startswith(("https://", "http://")):
            session.tell("bad", "The sync service did not say where to go.")
            return self._site.back(session)
        return self._site.back(session, target)

    async def returned(self, request: Request) -> Response:
        """Say how connecting ended; a code in the fragment is completed by the page's script."""
        session = self._site.sessions.of(request)
        error = request.query_params.get("error", "")
        connected = request.query_params.get("connected") == "outlook"
        approved = request.query_params.get("approved") == "outlook"
        said = connect_error(error) if error else ""
        return self._site.render("returned.html", session, connected=connected, approved=approved, error=said)

    async def complete(self, request: Request) -> Response:
        """Finish connecting with what the fragment held, as the signed-in planner."""
        session, form = await self._site.form(request)
        planner = self._site.signed_in(session)
        given = parse_qs(str(form.get("fragment", "")).removeprefix("#"))
        members = {name: given[name][0] for name in _HANDED_OVER if name in given}
        if "state" not in members:
            raise Problem(400, "nothing_to_complete", "There is no sign-in to complete. Please connect again.")
        try:
            await self._site.service(planner).finish_connect(members)
        except Problem as problem:
            error = connect_error(problem.code)
            if problem.code in error:
                error = f"Outlook was not connected. {problem.detail}"
            return self._site.render("returned.html", session, problem.status, connected=False, error=error)
        return self._site.back(session, "/settings/integrations?connected=outlook")

    async def sync_now(self, request: Request) -> Response:
        """Start a full run."""
        session, _ = await self._site.form(request)
        service = self._site.service(self._site.signed_in(session))
        try:
            await service.sync_now()
            session.tell("good", "A full sync has been started.")
        except Problem as problem:
            session.tell("bad", problem.detail)
        return self._site.back(session)

    async def resolve(self, request: Request) -> Response:
        """Choose a side for one field."""
        session, form = await self._site.form(request)
        field, side = str(form.get("field", "")), str(form.get("useValue", ""))
        choice = {"useValue": side}
        if conflict_id := str(form.get("conflictId", "")):
            choice["conflictId"] = conflict_id
        service = self._site.service(self._site.signed_in(session))
        try:
            await service.resolve(str(form.get("eventId", "")), field, choice)
            session.tell("good", f"The {'Outlook' if side == 'outlook' else 'WedSync'} value of {field} was chosen.")
        except Problem as problem:
            session.tell("bad", f"The conflict was not resolved. {problem.detail}")
        return self._site.back(session)

    async def confirm(self, request: Request) -> Response:
        """Ask before disconnecting, with the number of events concerned."""
        session = self._site.sessions.of(request)
        found = await self.state(session)
        return self._site.render("disconnect.html", session, **found)

    async def disconnect(self, request: Request) -> Response:
        """Disconnect and say what was removed."""
        session, _ = await self._site.form(request)
        service = self._site.service(self._site.signed_in(session))
        try:
            counts = await service.disconnect()
        except Problem as problem:
            session.tell("bad", f"Outlook was not disconnected. {problem.detail}")
            return self._site.back(session)
        session.mailbox = ""
        session.tell("good", removal_in_words(counts))
        return self._site.back(session)
