"""What stands before every route: version, token, limits, body, and the answer's envelope (S13, S56-S59)."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from local.graph import prefer, routes
from local.graph.auth import Caller
from local.graph.calls import Answer, Call, split_path, split_query
from local.graph.errors import GraphError, bad_request, mailbox_not_enabled, unknown_segment
from local.graph.service import Graph, Handler

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_MAX_BODY = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Raw:
    """A request as it came, or as an item of a batch described it. ``target`` is path and query under the host;
    ``latency`` is spent while the request holds its slot."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any
    sized: bool
    base: str
    latency: float = 0.0


def error_answer(graph: Graph, error: GraphError, headers: dict[str, str]) -> Answer:
    """Turn an error into its envelope (S59)."""
    request_id = str(uuid.uuid4())
    body = error.body(
        graph.frame.clock.now(), request_id=request_id, client_request_id=headers.get("client-request-id", "")
    )
    return Answer(status=error.status, body=body, headers={"request-id": request_id, **error.headers})


async def authenticate(graph: Graph, headers: dict[str, str]) -> Caller:
    """Return who calls, counted against the app's rate at that mailbox."""
    return await graph.tokens.caller(headers.get("authorization", ""), graph.frame.clock.timestamp())


def key_of(caller: Caller) -> tuple[str, str]:
    """Return what the limits are counted by."""
    return caller.app_id, caller.account.upn


def require_json(headers: dict[str, str]) -> None:
    """Refuse a body that is not declared as JSON."""
    if "json" not in headers.get("content-type", ""):
        raise bad_request("Write requests (excluding DELETE) must contain the Content-Type header declaration.")


def _no_number(name: str) -> None:
    """Refuse NaN and the infinities, which JSON does not have and Python reads."""
    raise ValueError(name)


def read_json(content: bytes, headers: dict[str, str], method: str) -> Any:
    """Return a body's JSON, None without one."""
    if not content or method in ("GET", "DELETE"):
        return None
    if len(content) > _MAX_BODY:
        raise GraphError(413, "RequestEntityTooLarge", "The request body is too large.")
    require_json(headers)
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid "
            "JSON format."
        ) from None


def call_of(graph: Graph, raw: Raw, caller: Caller) -> tuple[Call, Handler]:
    """Find the route of a request; ``users/{own id}`` counts as ``me``."""
    path, _, query = raw.target.partition("?")
    segments = split_path(path)
    if segments[0].lower() != "v1.0":
        raise bad_request(f"Invalid version: {segments[0]}.")
    segments = segments[1:]
    if len(segments) > 1 and segments[0].lower() == "users" and segments[1].lower() != "delta":
        account = caller.account
        if segments[1].lower() not in (account.graph_id, account.oid, account.upn):
            raise GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        segments = ("me", *segments[2:])
    if not segments:
        raise unknown_segment("")
    chosen = routes.handler(raw.method, segments)
    if raw.method == "POST" and raw.body is None and not raw.sized:
        raise GraphError(411, "LengthRequired", "Length Required")
    call = Call(
        method=raw.method,
        segments=segments[1:] if segments[0].lower() == "me" else segments,
        query=split_query(query),
        headers=raw.headers,
        body=raw.body,
        sized=raw.sized,
        base=raw.base,
        caller=caller,
        mailbox=graph.mailbox(caller.account.upn),
        prefer=prefer.parse(raw.headers.get("prefer", "")),
    )
    return call, chosen


def mailbox_bound(target: str) -> bool:
    """Whether the Outlook service answers this request, and not the directory or the subscription service."""
    segments = target.partition("?")[0].lower().strip("/").split("/")
    return segments[1:2] != ["subscriptions"] and len(segments) > (3 if segments[1:2] == ["users"] else 2)


async def run(graph: Graph, raw: Raw, caller: Caller, *, holds_slot: bool = False) -> Answer:
    """Answer one request; errors become envelopes. Only requests to the mailbox take one of its slots."""
    try:
        if not mailbox_bound(raw.target):
            return await _late(graph, raw, caller)
        graph.throttle.count(key_of(caller), graph.frame.clock.timestamp())
        if holds_slot:
            return await _late(graph, raw, caller)
        if not graph.throttle.take(key_of(caller), 1):
            raise graph.throttle.refusal()
        try:
            return await _late(graph, raw, caller)
        finally:
            graph.throttle.give_back(key_of(caller), 1)
    except GraphError as error:
        return error_answer(graph, error, raw.headers)


def refused(graph: Graph, headers: dict[str, str], caller: Caller) -> Answer:
    """Answer an item of a batch that found no slot; it counts against the rate as any other request does."""
    try:
        graph.throttle.count(key_of(caller), graph.frame.clock.timestamp())
        raise graph.throttle.refusal()
    except GraphError as error:
        return error_answer(graph, error, headers)


async def spend(graph: Graph, seconds: float) -> None:
    """Be late by so much of the stand's time; a reset meanwhile ends the request."""
    if seconds > 0:
        era = graph.frame.era
        await graph.frame.clock.sleep(seconds)
        if graph.frame.era != era:
            raise GraphError(503, "ServiceUnavailable", "The simulator was reset meanwhile.")


async def _late(graph: Graph, raw: Raw, caller: Caller) -> Answer:
    await spend(graph, raw.latency + graph.knobs.latencySeconds)
    if graph.knobs.mailboxNotEnabled == caller.account.upn and mailbox_bound(raw.target):
        raise mailbox_not_enabled()
    call, chosen = call_of(graph, raw, caller)
    return await routes.run(graph, call, chosen)
