"""What Microsoft Graph and WedSync deliver: check, enqueue, answer at once."""

import azure.functions as func

from shared.graph.webhook import Lifecycle, Notification, Notifications, Validation, change_key_of, parse
from shared.service import App
from shared.triggers import shapes
from shared.triggers.http import NOTIFICATION_BODY, Call, Reply, endpoint
from shared.triggers.invocation import answering
from shared.triggers.rates import CHECKED_FIRST
from shared.usecases.accept_notifications import LifecycleNotice, Notice
from shared.wedsync.webhook import parse as parse_wedsync

blueprint = func.Blueprint()


async def _graph(app: App, call: Call) -> Reply:
    """https://learn.microsoft.com/graph/change-notifications-delivery-webhooks: validation, or 202 once enqueued."""
    match parse(call.query, call.headers, call.body):
        case Validation(token=token):
            return Reply(body=token, headers={"Content-Type": "text/plain; charset=utf-8"})
        case Notifications(items=items):
            await app.accept_notifications.changes([_notice(item) for item in items])
        case Lifecycle(items=notices, changes=changes):
            await app.accept_notifications.changes([_notice(item) for item in changes])
            await app.accept_notifications.lifecycle(
                [
                    LifecycleNotice(
                        subscription_id=notice.subscription_id,
                        client_state=notice.client_state,
                        event=notice.event,
                    )
                    for notice in notices
                ]
            )
    return Reply(status=202)


def _notice(item: Notification) -> Notice:
    """An etag of a notification is of the long form; ``If-Match`` and our rows have the short one."""
    key = change_key_of(item.etag)
    return Notice(
        subscription_id=item.subscription_id,
        client_state=item.client_state,
        event_id=item.event_id,
        etag=f'W/"{key}"' if key else "",
        removed=item.change_type == "deleted",
    )


@endpoint(
    blueprint,
    route="calendar/outlook/webhook",
    method="POST",
    rate=CHECKED_FIRST,
    signed_in=False,
    limit=NOTIFICATION_BODY,
)
async def graph_webhook(app: App, call: Call) -> Reply:
    """Prove our address to Graph, or queue a look at the events that it names."""
    with answering(app, "graph"):
        return await _graph(app, call)


@endpoint(
    blueprint, route="webhooks/outlook", method="POST", rate=CHECKED_FIRST, signed_in=False, limit=NOTIFICATION_BODY
)
async def graph_webhook_alias(app: App, call: Call) -> Reply:
    """Take what Graph sends to the address that the older sketch has for its webhook."""
    with answering(app, "graph"):
        return await _graph(app, call)


@endpoint(
    blueprint,
    route="calendar/outlook/lifecycle",
    method="POST",
    rate=CHECKED_FIRST,
    signed_in=False,
    limit=NOTIFICATION_BODY,
)
async def graph_lifecycle(app: App, call: Call) -> Reply:
    """Prove our address to Graph, or queue what a lifecycle event asks for."""
    with answering(app, "graph"):
        return await _graph(app, call)


@endpoint(blueprint, route="webhooks/wedsync", method="POST", rate=CHECKED_FIRST, signed_in=False)
async def wedsync_webhook(app: App, call: Call) -> Reply:
    """Queue a look at the WedSync event that a signed webhook names."""
    with answering(app, "wedsync"):
        secret = await app.webhook_secret()
        change = parse_wedsync(secret, call.headers, call.body)
        if change is None:  # a type of event that we do not know: nothing of ours
            return Reply(status=202, body=shapes.WebhookReceipt(accepted=False))
        accepted = await app.accept_wedsync_event.run(
            user_id=change.user_id,
            event_id=change.event_id,
            version=change.version,
            created=change.kind == "event.created",
        )
    return Reply(status=202, body=shapes.WebhookReceipt(accepted=accepted))
