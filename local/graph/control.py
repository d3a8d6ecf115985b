"""The control API beside simkit's: mailboxes as their owners use them, knobs, and what was sent.

``POST /_control/knobs`` · ``GET /_control/mailboxes`` · ``PUT, GET, POST /_control/mailboxes/{upn}/events`` ·
``POST …/events/import`` (adds as Outlook's import of a file does: notifies, mails nobody) ·
``PATCH, DELETE …/events/{id}`` · ``POST …/events/{id}/move``, ``…/copy`` · ``GET …/view?start=&end=`` ·
``POST …/expire-delta`` · ``PUT …/working-hours`` ·
``POST …/requests`` (counts ``{"appId", "count"}`` against the rate) ·
``GET /_control/outbox``, ``/_control/notifications``, ``/_control/subscriptions`` · ``POST /_control/lifecycle`` ·
``POST /_control/notifications`` (delivers what is given, for mailboxes that nobody has to keep here).
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.graph import loading, office_hours
from local.graph.errors import GraphError
from local.graph.service import Graph
from local.graph.state import Calendar, Mailbox
from local.simkit.bodies import flag, objects, optional_text, read_object, text, whole

_Control = Callable[[Graph, Mailbox, Request, Any], Any]


def routes(graph: Graph) -> list[Route]:
    """Return the routes that only this simulator has."""
    box = "/_control/mailboxes/{upn}"
    event = f"{box}/events/{{event_id}}"
    return [
        Route("/_control/knobs", _general(graph, _knobs), methods=["GET", "POST"]),
        Route("/_control/mailboxes", _general(graph, _mailboxes)),
        Route(f"{box}/events", _of_mailbox(graph, _dump)),
        Route(f"{box}/events", _of_mailbox(graph, _load), methods=["PUT"]),
        Route(f"{box}/events", _of_mailbox(graph, _create), methods=["POST"]),
        Route(f"{box}/events/import", _of_mailbox(graph, _import), methods=["POST"]),
        Route(event, _of_mailbox(graph, _read)),
        Route(event, _of_mailbox(graph, _patch), methods=["PATCH"]),
        Route(event, _of_mailbox(graph, _delete), methods=["DELETE"]),
        Route(f"{event}/move", _of_mailbox(graph, _move), methods=["POST"]),
        Route(f"{event}/copy", _of_mailbox(graph, _copy), methods=["POST"]),
        Route(f"{box}/view", _of_mailbox(graph, _view)),
        Route(f"{box}/calendars", _of_mailbox(graph, _add_calendar), methods=["POST"]),
        Route(f"{box}/calendars/{{calendar_id}}", _of_mailbox(graph, _delete_calendar), methods=["DELETE"]),
        Route(f"{box}/expire-delta", _of_mailbox(graph, _expire_delta), methods=["POST"]),
        Route(f"{box}/requests", _of_mailbox(graph, _spend), methods=["POST"]),
        Route(f"{box}/working-hours", _of_mailbox(graph, _working_hours), methods=["PUT"]),
        Route(f"{box}/purge", _of_mailbox(graph, _purge), methods=["POST"]),
        Route("/_control/outbox", _general(graph, lambda g, _r, _b: {"mails": list(g.outbox.mails)})),
        Route("/_control/notifications", _general(graph, _notifications)),
        Route("/_control/notifications", _general(graph, _notify), methods=["POST"]),
        Route("/_control/subscriptions", _general(graph, _subscriptions)),
        Route("/_control/subscriptions/{subscription_id}", _general(graph, _end_subscription), methods=["DELETE"]),
        Route("/_control/lifecycle", _general(graph, _lifecycle), methods=["POST"]),
    ]


def _general(graph: Graph, act: Callable[[Graph, Request, Any], Any]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            body = await read_object(request)
            return _json(act(graph, request, body))
        except GraphError as error:
            return JSONResponse(error.body(graph.frame.clock.now()), status_code=error.status)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return endpoint


def _of_mailbox(graph: Graph, act: _Control) -> Callable[[Request], Any]:
    def within(own: Graph, request: Request, body: Any) -> Any:
        upn = request.path_params["upn"]
        if upn not in own.store.mailboxes:
            return JSONResponse({"error": f"no mailbox {upn!r}"}, status_code=404)
        return act(own, own.mailbox(upn), request, body)

    return _general(graph, within)


def _json(answer: Any) -> Response:
    return answer if isinstance(answer, Response) else JSONResponse(answer)


def _knobs(graph: Graph, request: Request, body: Any) -> Any:
    if request.method == "POST":
        graph.knobs.turn(body)
        graph.settling.knobs_turned()
    return asdict(graph.knobs)


def _calendar_json(calendar: Calendar) -> dict[str, Any]:
    return {
        "id": calendar.immutable_id,
        "regularId": calendar.regular_id,
        "name": calendar.name,
        "isDefaultCalendar": calendar.default,
        "events": len(calendar.items),
    }


def _mailboxes(graph: Graph, _: Request, __: Any) -> Any:
    graph.settle()
    return {
        "mailboxes": [
            {
                "upn": upn,
                "oid": mailbox.account.oid,
                "graphId": mailbox.account.graph_id,
                "timeZone": mailbox.account.time_zone,
                "calendars": [_calendar_json(calendar) for calendar in mailbox.calendars],
                "deletedItems": len(mailbox.deleted) // 2,  # by both of their ids
                "mostConcurrent": max((n for key, n in graph.throttle.most.items() if key[1] == upn), default=0),
            }
            for upn, mailbox in graph.store.mailboxes.items()
        ]
    }


def _event_id(request: Request) -> str:
    return str(request.path_params["event_id"])


def _load(graph: Graph, mailbox: Mailbox, _: Request, body: Any) -> Any:
    return loading.load(graph, mailbox, objects(body, "events", needed=True))


def _import(graph: Graph, mailbox: Mailbox, _: Request, body: Any) -> Any:
    return loading.add(graph, mailbox, objects(body, "events", needed=True))


def _dump(_: Graph, mailbox: Mailbox, request: Request, __: Any) -> Any:
    wanted = request.query_params.get("calendar")
    calendars = [loading.calendar(mailbox, wanted)] if wanted else mailbox.calendars
    return {"events": [loading.dump(item) for calendar in calendars for item in calendar.items.values()]}


def _create(graph: Graph, mailbox: Mailbox, request: Request, body: Any) -> Any:
    calendar = loading.calendar(mailbox, request.query_params.get("calendar"))
    return JSONResponse(loading.create(graph, mailbox, calendar, body), status_code=201)


def _read(_: Graph, mailbox: Mailbox, request: Request, __: Any) -> Any:
    return loading.full(loading.find(mailbox, _event_id(request)))


def _patch(graph: Graph, mailbox: Mailbox, request: Request, body: Any) -> Any:
    return loading.patch(graph, mailbox, _event_id(request), body)


def _delete(graph: Graph, mailbox: Mailbox, request: Request, _: Any) -> Any:
    loading.delete(graph, mailbox, _event_id(request))
    return Response(status_code=204)


def _move(_: Graph, mailbox: Mailbox, request: Request, body: Any) -> Any:
    return loading.move(mailbox, _event_id(request), text(body, "calendarId"))


def _copy(graph: Graph, mailbox: Mailbox, request: Request, body: Any) -> Any:
    return JSONResponse(loading.copy(mailbox, _event_id(request), optional_text(body, "calendarId")), status_code=201)


def _working_hours(_: Graph, mailbox: Mailbox, __: Request, body: Any) -> Any:
    mailbox.working_hours = office_hours.wanted(body)
    return mailbox.working_hours


def _view(_: Graph, mailbox: Mailbox, request: Request, __: Any) -> Any:
    start, end = (_time(request.query_params.get(name, "")) for name in ("start", "end"))
    wanted = request.query_params.get("calendar")
    calendars = [loading.calendar(mailbox, wanted)] if wanted else mailbox.calendars
    return {"events": loading.view(calendars, start, end)}


def _time(written: str) -> datetime:
    parsed = datetime.fromisoformat(written.replace(" ", "+"))
    try:
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{written!r} is out of range") from None


def _add_calendar(_: Graph, mailbox: Mailbox, __: Request, body: Any) -> Any:
    return JSONResponse(_calendar_json(mailbox.add_calendar(text(body, "name"))), status_code=201)


def _delete_calendar(graph: Graph, mailbox: Mailbox, request: Request, __: Any) -> Any:
    calendar = loading.calendar(mailbox, request.path_params["calendar_id"])
    if calendar.default:
        raise ValueError("the default calendar cannot be deleted")
    for item in list(calendar.items.values()):
        mailbox.remove(item, purge=True)
    mailbox.calendars.remove(calendar)
    graph.sender.calendar_changed(calendar, "deleted")
    return Response(status_code=204)


def _expire_delta(_: Graph, mailbox: Mailbox, __: Request, ___: Any) -> Any:
    mailbox.delta_generation += 1
    mailbox.pages.clear()
    return {"expired": True}


def _spend(graph: Graph, mailbox: Mailbox, _: Request, body: Any) -> Any:
    key, count = (text(body, "appId"), mailbox.account.upn), whole(body, "count")
    graph.throttle.spend(key, count, graph.frame.clock.timestamp())
    return {"counted": count}


def _purge(_: Graph, mailbox: Mailbox, __: Request, ___: Any) -> Any:
    mailbox.deleted.clear()
    return {"purged": True}


def _notifications(graph: Graph, _: Request, __: Any) -> Any:
    delivery = graph.sender.delivery
    return {
        "pending": delivery.timetable.waiting,
        "held": sum(len(each.held) for each in graph.subscriptions.kept.values()),
        "sent": [asdict(sent) for sent in delivery.sent],
        "lost": [asdict(lost) for lost in delivery.lost],
        "endpoints": delivery.endpoints.states(),
    }


def _notify(graph: Graph, _: Request, body: Any) -> Any:
    """Deliver ``{"url", "value": [notification, …]}`` as any other: gathered, in time or again, given up in the end."""
    url, items = text(body, "url"), objects(body, "value", needed=True)
    for item in items:
        graph.sender.delivery.put(url, item)
    return {"taken": len(items)}


def _subscriptions(graph: Graph, _: Request, __: Any) -> Any:
    now = graph.store.now()
    return {
        "subscriptions": [
            {**each.json(), "mailbox": each.mailbox.account.upn, "expired": each.expires <= now, "paused": each.paused}
            for each in graph.subscriptions.kept.values()
        ]
    }


def _end_subscription(graph: Graph, request: Request, _: Any) -> Any:
    """Forget a subscription as Graph sometimes does by itself."""
    removed = graph.subscriptions.kept.pop(request.path_params["subscription_id"], None)
    return Response(status_code=204 if removed else 404)


def _lifecycle(graph: Graph, _: Request, body: Any) -> Any:
    """Send ``{"event", "subscriptionId"?, "variant"?}``; ``subscriptionRemoved`` also ends the subscription and
    ``reauthorizationRequired`` with ``"pause": true`` stops delivery until it is reauthorized."""
    event, variant, pause = text(body, "event"), flag(body, "variant", False), flag(body, "pause", False)
    if event not in ("reauthorizationRequired", "subscriptionRemoved", "missed"):
        raise ValueError(f"unknown lifecycle event {event!r}")
    wanted = optional_text(body, "subscriptionId")
    chosen = [each for each in graph.subscriptions.kept.values() if wanted in (None, each.id)]
    told = 0
    for each in chosen:
        told += graph.sender.lifecycle(each, event, variant=variant)
        each.paused = each.paused or (event == "reauthorizationRequired" and pause)
        if event == "subscriptionRemoved":
            graph.subscriptions.kept.pop(each.id)
    return {"told": told}
