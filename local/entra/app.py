"""Puts the simulated directory together as two ASGI apps: Entra itself, and the managed identity endpoint."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from local.entra import tenants
from local.entra.adminconsent import AdminConsent
from local.entra.authorize import Authorize
from local.entra.control import Control
from local.entra.discovery import Discovery
from local.entra.identity import ManagedIdentity
from local.entra.keep import StateFile
from local.entra.sessions import Sessions
from local.entra.state import Directory
from local.entra.token import Token
from local.entra.userinfo import UserInfo
from local.simkit.control import Frame, control_routes
from local.simkit.faults import ON_REQUESTS, Fault, Faults
from local.simkit.observe import App, Observed


@dataclass(frozen=True, kw_only=True)
class Entra:
    """Both apps and what they share. One control API, on ``app``, serves both."""

    app: App
    identity: App
    directory: Directory
    frame: Frame


def build(redirect_uris: Iterable[str], state_file: Path | None = None) -> Entra:
    """Return the simulator. With ``state_file`` consent, grants and keys outlive a restart."""
    frame = Frame(reset=lambda: None, faults=Faults((*ON_REQUESTS, "revoke_grant")))
    directory = Directory(clock=frame.clock, redirect_uris=redirect_uris, source=frame.source)
    sessions = Sessions(directory)
    keeper = StateFile(state_file, directory) if state_file else None
    if keeper:
        keeper.load()

    def changed() -> None:
        if keeper:
            keeper.save()

    def reset() -> None:
        directory.clear()
        sessions.clear()
        changed()

    frame.reset = reset
    authorize = Authorize(directory, sessions)
    routes = [
        *control_routes(frame),
        *Control(directory, changed).routes,
        *Discovery(directory).routes,
        *authorize.routes,
        *AdminConsent(directory, authorize).routes,
        *Token(directory).routes,
        *UserInfo(directory).routes,
    ]

    async def keep(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        if request.method == "POST":
            changed()
        return response

    middleware = [Middleware(BaseHTTPMiddleware, dispatch=keep)] if keeper else []
    return Entra(
        app=Observed(
            Starlette(routes=routes, middleware=middleware),
            frame,
            _error_body,
            effects={"revoke_grant": partial(_revoke, directory)},
            person=partial(_person, directory),
        ),
        identity=Observed(Starlette(routes=ManagedIdentity(directory).routes), frame, _identity_error_body),
        directory=directory,
        frame=frame,
    )


def _revoke(directory: Directory, upn: str) -> None:
    if account := tenants.person(upn):
        directory.revoke(account)


def _person(directory: Directory, _: object, body: bytes) -> str:
    """Return the person whose code or refresh token is redeemed."""
    form = dict(parse_qsl(body.decode("latin-1")))
    held = directory.refresh_tokens.get(form.get("refresh_token", "")) or directory.codes.get(form.get("code", ""))
    return held.account.upn if held else ""


def _error_body(fault: Fault) -> dict[str, Any]:
    return {
        "error": fault.code or ("temporarily_unavailable" if fault.status >= 429 else "invalid_request"),
        "error_description": fault.message or "The service is temporarily unavailable. Please retry later.",
    }


def _identity_error_body(fault: Fault) -> dict[str, Any]:
    return {"statusCode": fault.status, "message": fault.message or "The service is temporarily unavailable."}
