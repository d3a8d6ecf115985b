"""HTTP at the border: a request becomes plain values, an outcome or an error becomes a response.

The only table from errors to statuses. Errors go out as RFC 9457 problem documents with a stable ``code``:
https://www.rfc-editor.org/rfc/rfc9457
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any, TypeVar
from urllib.parse import urlsplit

import azure.functions as func
from pydantic import BaseModel, ConfigDict, ValidationError

from shared import bootstrap
from shared.core.rate_limit import RateLimit
from shared.errors import (
    CalendarGone,
    ConsentFault,
    InvalidInput,
    NotSignedIn,
    OperatorFault,
    ReconnectNeeded,
    Refusal,
    RemoteFault,
    StoreFault,
    Throttled,
    TooLarge,
    TooManyRequests,
)
from shared.log import log_action
from shared.service import App
from shared.triggers.invocation import NO_CONTEXT, invoked
from shared.triggers.rates import Unlimited
from shared.triggers.shapes import ConflictShape

M = TypeVar("M", bound=BaseModel)
FRONTEND_BODY = 256 * 1024
LONGEST_KEY = 256
NOTIFICATION_BODY = 4 * 1024 * 1024


async def _nobody() -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as plain values.

    ``user`` returns the signed-in user's id, and is empty where the route asks for no sign-in. It is what counts the
    call against the route's limit and raises ``TooManyRequests``: a handler asks once, when it has read what was sent
    and before it does anything. So what is malformed is refused without being counted, which would cost more.
    """

    query: Mapping[str, str]
    headers: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes
    user: Callable[[], Awaitable[str]] = _nobody
    method: str = ""

    def json(self, model: type[M]) -> M:
        """Return the body as the model; ``InvalidInput`` names each member that is wrong, never its value."""
        try:
            return model.model_validate_json(self.body or b"{}")
        except ValidationError as error:
            raise InvalidInput(
                "invalid_body", "The body is not what this endpoint takes.", errors=_members(error)
            ) from None

    def idempotency_key(self) -> str:
        """Return the ``Idempotency-Key``, or an empty string where there is none; one cut short would not be one."""
        key = self.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= LONGEST_KEY:
            raise InvalidInput("invalid_idempotency_key", f"Idempotency-Key takes 1 to {LONGEST_KEY} characters.")
        return key or ""

    def cookie(self, name: str) -> str:
        """Return a cookie's value, or an empty string."""
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return next((value for key, _, value in pairs if key == name), "")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A response as plain values. A model is written as JSON by alias, without members that are None."""

    status: int = 200
    body: BaseModel | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[App, Call], Awaitable[Reply]]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """An HTTP function as it was declared; ``method`` is empty for one that takes every method."""

    name: str
    method: str
    route: str
    signed_in: bool
    rate: RateLimit | Unlimited
    says: str

    @property
    def limited(self) -> bool:
        """Whether a user's calls are counted."""
        return isinstance(self.rate, RateLimit)


ROUTES: dict[str, Registered] = {}
"""Every HTTP function by its name: what the API document and the answer to a wrong method are made from."""


def endpoint(
    blueprint: func.Blueprint,
    *,
    route: str,
    method: str,
    rate: RateLimit | Unlimited,
    signed_in: bool = True,
    limit: int = FRONTEND_BODY,
) -> Callable[[Handler], Handler]:
    """Register a handler; its name becomes the function's. ``signed_in`` demands a user's bearer token.

    An empty ``method`` means all of them. ``rate`` is how often a user may call, ``limit`` how long a body may be.
    """

    def register(handler: Handler) -> Handler:
        async def invoke(req: func.HttpRequest, context: func.Context = NO_CONTEXT) -> func.HttpResponse:
            with invoked(context, handler.__name__):
                return await answer(req)

        async def answer(req: func.HttpRequest) -> func.HttpResponse:
            try:
                app = bootstrap.get_app()
            except OperatorFault as error:
                for problem in error.code.split("; "):  # one by one: a line of the log has an end
                    log_action("setting_wrong", problem=problem)
                return _response(_problem(500, "configuration", "The service is not configured."), {})
            origin = _cors(app, req.headers.get("origin", ""))
            try:
                reply = await handler(app, await _call(app, req, signed_in=signed_in, rate=rate, limit=limit))
            except Exception as error:
                reply = problem_of(error, handler.__name__)
            return _response(reply, origin)

        invoke.__name__ = handler.__name__
        invoke.__doc__ = handler.__doc__
        named = blueprint.function_name(handler.__name__)
        named(blueprint.route(route=route, methods=[method] if method else None)(invoke))
        ROUTES[handler.__name__] = Registered(
            name=handler.__name__,
            method=method,
            route=route,
            signed_in=signed_in,
            rate=rate,
            says=handler.__doc__ or "",
        )
        return handler

    return register


async def _call(app: App, req: func.HttpRequest, *, signed_in: bool, rate: RateLimit | Unlimited, limit: int) -> Call:
    headers = {name.lower(): value for name, value in req.headers.items()}
    user_id = await app.user_tokens.user_of(_bearer(headers)) if signed_in else ""
    body = req.get_body()
    if len(body) > limit:
        raise TooLarge("body_too_large", f"The body is larger than {limit} bytes.")
    return Call(
        method=req.method or "",
        query=dict(req.params),
        headers=headers,
        params=dict(req.route_params),
        body=body,
        user=partial(_counted, app, user_id, rate),
    )


async def _counted(app: App, user_id: str, rate: RateLimit | Unlimited) -> str:
    if isinstance(rate, RateLimit):
        await app.count_call.run(user_id, rate)
    return user_id


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("not_signed_in", "Send a WedSync access token as Authorization: Bearer.")
    return token.strip()


def _members(error: ValidationError) -> tuple[dict[str, str], ...]:
    return tuple(
        {"pointer": "".join(f"/{_escaped(part)}" for part in item["loc"]) or "/", "detail": item["msg"]}
        for item in error.errors(include_input=False, include_url=False, include_context=False)[:20]
    )


def _escaped(part: int | str) -> str:
    """https://www.rfc-editor.org/rfc/rfc6901#section-3"""
    return str(part).replace("~", "~0").replace("/", "~1")


def problem_of(error: Exception, where: str) -> Reply:
    """Return the problem document for any error; what nobody foresaw is logged by type only, and answered 500."""
    match error:
        case Refusal():
            return _problem(
                error.status,
                error.code,
                error.detail,
                headers=_beside(error),
                errors=error.errors,
                members=error.members,
            )
        case ConsentFault():
            return _problem(400, error.code, error.detail, link=error.link or None)
        case ReconnectNeeded():
            return _problem(409, "needs_reconnect", error.reason, link=error.link or None)
        case CalendarGone():
            return _problem(409, "calendar_unavailable", "Microsoft does not let us at this mailbox or calendar.")
        case Throttled():
            wait = {"Retry-After": str(max(1, ceil(error.retry_after)))}
            return _problem(503, "busy", "Another service asks us to wait.", headers=wait)
        case OperatorFault():
            log_action("operator_fault", level=logging.ERROR, where=where, fault_code=error.code)
            return _problem(500, "configuration", "The service is not configured correctly.")
        case RemoteFault() | StoreFault():
            log_action("remote_fault", where=where, kind=type(error).__name__, fault_code=getattr(error, "code", ""))
            return _problem(503, "unavailable", "Another service did not answer.", headers={"Retry-After": "5"})
        case RecursionError():
            return _problem(400, "invalid_body", "The body is nested too deeply.")
    log_action("unforeseen_fault", level=logging.ERROR, where=where, kind=type(error).__name__)
    return _problem(500, "internal", "Something went wrong on our side.")


def _beside(refusal: Refusal) -> dict[str, str]:
    """Return the headers that say how to go on."""
    match refusal:
        case NotSignedIn():
            return {"WWW-Authenticate": "Bearer"}
        case TooManyRequests(retry_after=seconds):
            return {"Retry-After": str(seconds)}
    return {}


def not_allowed(methods: Sequence[str]) -> Reply:
    """Answer 405: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6"""
    allow = ", ".join((*methods, "OPTIONS"))
    return _problem(405, "method_not_allowed", f"This path takes {allow}.", headers={"Allow": allow})


class MemberAtFault(BaseModel):
    """What is wrong with one member of a body; ``pointer`` is a JSON pointer (RFC 6901). No value is repeated."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """RFC 9457, with a stable ``code``, for bodies the members at fault, and the extension members of its type.

    ``link`` is where an administrator approves the app; ``conflict`` and ``conflicts`` are what there is to choose now;
    ``guests`` is how many people Outlook would mail, and ``mails`` who they are where the caller has to name them.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    errors: list[MemberAtFault] | None = None
    link: str | None = None
    conflict: ConflictShape | None = None
    conflicts: list[ConflictShape] | None = None
    guests: int | None = None
    mails: list[str] | None = None


def _problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: tuple[dict[str, str], ...] = (),
    link: str | None = None,
    members: Mapping[str, Any] | None = None,
) -> Reply:
    document = Problem(
        type=f"urn:wedsync:outlook-sync:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        errors=[MemberAtFault(**error) for error in errors] or None,
        link=link,
        **(members or {}),
    )
    return Reply(status=status, body=document, headers={**(headers or {}), "Content-Type": "application/problem+json"})


def _response(reply: Reply, cors: Mapping[str, str]) -> func.HttpResponse:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **cors, **reply.headers}
    if isinstance(reply.body, BaseModel):
        text = reply.body.model_dump_json(by_alias=True, exclude_none=True)
        headers.setdefault("Content-Type", "application/json")
    else:
        text = reply.body or ""
    mimetype = headers.pop("Content-Type", "text/plain; charset=utf-8")
    return func.HttpResponse(text, status_code=reply.status, headers=headers, mimetype=mimetype)


def _cors(app: App, origin: str) -> dict[str, str]:
    """The WedSync page may read the answers; no other origin may. https://fetch.spec.whatwg.org/#http-cors-protocol"""
    parts = urlsplit(app.settings.wedsync_app_url)
    allowed = f"{parts.scheme}://{parts.netloc}"
    if origin != allowed:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": allowed,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def preflight(app: App, call: Call) -> Reply:
    """Answer a CORS preflight for the WedSync page."""
    allowed = _cors(app, call.headers.get("origin", ""))
    if "Access-Control-Allow-Origin" not in allowed:
        return Reply(status=403)
    return Reply(
        status=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
            "Access-Control-Max-Age": "600",
        },
    )
