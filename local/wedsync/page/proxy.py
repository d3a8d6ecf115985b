"""The sync service under WedSync's own origin: a script on a page calls ``/api/…`` with nothing but its session.

The access token never reaches the browser; this server adds it, as WedSync's web server does.
"""

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.wedsync.page.site import Site
from local.wedsync.problems import Problem

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_SENT = ("content-type", "accept", "idempotency-key")
_BACK = ("content-type", "cache-control", "retry-after", "allow", "location")
_SAFE = ("GET", "HEAD")


class Proxy:
    """The handler."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/api/{path:path}", self.forward, methods=METHODS)]

    async def forward(self, request: Request) -> Response:
        """Pass a call on for the planner who is signed in, and the answer back as it is."""
        planner = self._site.signed_in(self._site.sessions.of(request))
        origin = request.headers.get("origin")
        if request.method not in _SAFE and origin not in (None, f"{request.url.scheme}://{request.url.netloc}"):
            raise Problem(403, "cross_site", "Only pages of WedSync may call this.")
        path = request.scope["raw_path"].decode("ascii")  # as it came: an encoded slash stays one
        query = request.scope["query_string"].decode("ascii")
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        headers["authorization"] = f"Bearer {self._site.tokens.for_user(planner.user_id)}"
        try:
            answer = await self._site.functions.request(
                request.method,
                f"{path}?{query}" if query else path,
                content=await request.body(),
                headers=headers,
            )
        except httpx.TransportError as error:
            raise Problem(503, "unreachable", "The sync service cannot be reached. Is it running?") from error
        back = {name: answer.headers[name] for name in _BACK if name in answer.headers}
        return Response(answer.content, answer.status_code, headers=back)
