"""The whole of simulated WedSync as one ASGI app."""

import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from local.simkit.control import Frame, control_routes
from local.simkit.faults import ON_MESSAGES, ON_REQUESTS, Fault, Faults
from local.simkit.observe import Observed
from local.wedsync.api import EventsApi
from local.wedsync.changes import Cursors
from local.wedsync.control import Control
from local.wedsync.page.routes import page_routes
from local.wedsync.page.site import Addresses, Site
from local.wedsync.problems import Problem, framework_answer, problem_answer
from local.wedsync.state import Wedsync
from local.wedsync.tokens import Tokens
from local.wedsync.webhooks import BACK_OFF, Webhooks


@dataclass(frozen=True, kw_only=True)
class Options:
    """Where WedSync and its neighbours are, and the secrets shared with the sync service.

    ``functions_url`` is called by this server, ``browser_functions_url`` by the person's browser; ``ca_file`` is the CA
    that signs the neighbours' certificates.
    """

    base_url: str
    functions_url: str
    browser_functions_url: str
    graph_url: str
    service_token: str
    webhook_secret: str
    ca_file: Path | None = None
    back_off: Sequence[float] = BACK_OFF


def wedsync_app(options: Options) -> ASGIApp:
    """Return the app; its webhooks are sent while its lifespan runs."""

    def reset() -> None:
        wedsync.reset()
        cursors.expire()  # The source began anew: the same key as at the start.
        webhooks.reset()

    frame = Frame(reset=reset, faults=Faults((*ON_REQUESTS, *ON_MESSAGES)))
    wedsync, cursors = Wedsync(frame.clock, frame.source), Cursors(frame.source)
    tokens = Tokens(issuer=options.base_url, clock=frame.clock)
    webhooks = Webhooks(
        frame,
        url=f"{options.functions_url}/api/webhooks/wedsync",
        secret=options.webhook_secret,
        back_off=options.back_off,
    )
    wedsync.listen(webhooks.announce)

    addresses = Addresses(
        functions_url=options.functions_url,
        browser_functions_url=options.browser_functions_url,
        graph_url=options.graph_url,
        ca_file=options.ca_file,
    )
    site = Site(wedsync=wedsync, tokens=tokens, clock=frame.clock, addresses=addresses)

    async def jwks(_: Request) -> JSONResponse:
        return JSONResponse(tokens.jwks(), headers={"Cache-Control": "public, max-age=300"})

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with webhooks.running(), site.running():
            yield

    app = Starlette(
        routes=[
            *control_routes(frame),
            *Control(wedsync, cursors=cursors, tokens=tokens, webhooks=webhooks).routes(),
            Route("/.well-known/jwks.json", jwks),
            *EventsApi(wedsync, cursors, service_token=options.service_token).routes(),
            *page_routes(site),
        ],
        exception_handlers={Problem: problem_answer, HTTPException: framework_answer},
        lifespan=lifespan,
    )
    return _machines_observed(app, frame)


def _machines_observed(app: ASGIApp, frame: Frame) -> ASGIApp:
    """Note and fault what machines call; the page and the control API stay out of the log and always answer."""
    observed = Observed(app, frame, _fault_body, person=_user)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        machine = scope["type"] == "http" and scope["path"].startswith(("/v1/", "/.well-known/"))
        await (observed if machine else app)(scope, receive, send)

    return serve


def _user(scope: Scope, _: bytes) -> str:
    """Return the user whose calendar is asked for."""
    found = re.match(r"/v1/users/([^/]+)/", scope["path"])
    return found.group(1) if found else ""


def _fault_body(fault: Fault) -> dict[str, Any]:
    problem = Problem(fault.status, fault.code or "ordered_fault", fault.message or "This failure was ordered.")
    return problem.document()
