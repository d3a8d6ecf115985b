"""Graph and WedSync as ASGI apps in this process, and the post from them to us."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

import httpx
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from local.graph.app import create_app
from local.simkit.clock import Clock
from local.simkit.control import Frame, control_routes
from local.simkit.observe import Observed
from local.wedsync.api import EventsApi
from local.wedsync.changes import Cursors
from local.wedsync.control import Control
from local.wedsync.problems import Problem, framework_answer, problem_answer
from local.wedsync.state import ChangeKind, StoredEvent, Wedsync
from local.wedsync.tokens import Tokens
from local.wedsync.webhooks import Webhooks
from shared.graph.webhook import Lifecycle, Notification, Notifications, Validation, change_key_of, parse
from shared.service import App
from shared.usecases.accept_notifications import LifecycleNotice, Notice
from shared.wedsync.webhook import parse as parse_wedsync
from tests.support.entra import PublishedKeys

GRAPH, WEDSYNC, FUNCTIONS = "https://graph.test", "http://wedsync.test", "https://functions.test"
SERVICE_TOKEN = "the-service-token"
WEBHOOK_SECRET = "whsec_c3RhbmQtd2ViaG9vay1zZWNyZXQtMDAwMDAwMDAwMDA="


@dataclass(frozen=True, kw_only=True, eq=False)
class Letter:
    """A POST to us that is on its way."""

    sender: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def graph_end(post: list[Letter], clock: Clock) -> Starlette:
    """Graph; our side of its POSTs answers the handshake, and the rest goes into the post."""

    def collect(request: httpx.Request) -> httpx.Response:
        headers = dict(request.headers)
        found = parse(dict(request.url.params), headers, request.content)
        if isinstance(found, Validation):
            return httpx.Response(200, text=found.token)
        post.append(Letter(sender="graph", body=request.content, headers=headers))
        return httpx.Response(202)

    return create_app(PublishedKeys(), client=httpx.AsyncClient(transport=httpx.MockTransport(collect)), clock=clock)


def wedsync_end(post: list[Letter], clock: Clock) -> Observed:
    """WedSync's Events API and control API without its page; webhooks go into the post."""

    def announce(kind: ChangeKind, user_id: str, event: StoredEvent) -> None:
        body = {"type": kind, "data": {"userId": user_id, "eventId": event.id, "version": event.version}}
        post.append(Letter(sender="wedsync", body=json.dumps(body).encode()))

    frame = Frame(reset=lambda: None, clock=clock)
    wedsync, cursors = Wedsync(clock), Cursors()
    wedsync.listen(announce)
    control = Control(
        wedsync,
        cursors=cursors,
        tokens=_tokens(),
        webhooks=Webhooks(frame, url=FUNCTIONS, secret=WEBHOOK_SECRET),
    )
    routes = [*control_routes(frame), *control.routes()]
    routes += EventsApi(wedsync, cursors, service_token=SERVICE_TOKEN).routes()
    app = Starlette(routes=routes, exception_handlers={Problem: problem_answer, HTTPException: framework_answer})
    return Observed(app, frame, lambda fault: Problem(fault.status, fault.code or "ordered", "").document())


@cache
def _tokens() -> Tokens:
    """Users' tokens, which no use case asks for; their keys take a tenth of a second to make."""
    return Tokens(issuer=WEDSYNC, clock=Clock())


async def hand_over(app: App, letter: Letter, *, message_id: str) -> None:
    """Give a letter to the service as the triggers do."""
    if letter.sender == "graph":
        await _from_graph(app, letter)
    else:
        await _from_wedsync(app, letter, message_id)


async def _from_graph(app: App, letter: Letter) -> None:
    match parse({}, letter.headers, letter.body):
        case Notifications(items=items):
            await app.accept_notifications.changes([_notice(item) for item in items])
        case Lifecycle(items=notices, changes=changes):
            await app.accept_notifications.changes([_notice(item) for item in changes])
            await app.accept_notifications.lifecycle(
                [
                    LifecycleNotice(
                        subscription_id=each.subscription_id, client_state=each.client_state, event=each.event
                    )
                    for each in notices
                ]
            )


def _notice(item: Notification) -> Notice:
    """An etag of a notification is of the long form; our rows have the short one."""
    key = change_key_of(item.etag)
    return Notice(
        subscription_id=item.subscription_id,
        client_state=item.client_state,
        event_id=item.event_id,
        etag=f'W/"{key}"' if key else "",
        removed=item.change_type == "deleted",
    )


async def _from_wedsync(app: App, letter: Letter, message_id: str) -> None:
    sent_at = datetime.now(UTC)  # the library that checks the signature has no clock but the machine's
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign(message_id, sent_at, letter.body.decode()),
    }
    change = parse_wedsync(await app.webhook_secret(), headers, letter.body)
    assert change is not None
    await app.accept_wedsync_event.run(
        user_id=change.user_id,
        event_id=change.event_id,
        version=change.version,
        created=change.kind == "event.created",
    )
