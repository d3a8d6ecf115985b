"""Cancelling and answering meetings (S25, S34)."""

from typing import Any

from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, invalid_body, invalid_request
from local.graph.event_routes import drop, find
from local.graph.service import WRITE, Graph
from local.graph.zones import wire_utc

_ANSWERS = {"accept": "accepted", "tentativelyaccept": "tentativelyAccepted", "decline": "declined"}


def _parameters(call: Call, allowed: frozenset[str]) -> dict[str, Any]:
    body = call.body if call.body is not None else {}
    if not isinstance(body, dict) or {name.lower() for name in body} - {name.lower() for name in allowed}:
        raise invalid_body("The parameters of the action are malformed.")
    return {name.lower(): value for name, value in body.items()}


def cancel(graph: Graph, call: Call) -> Answer:
    """POST cancel: the organizer only; mails the attendees and removes the event."""
    call.caller.require(*WRITE)
    _parameters(call, frozenset({"comment"}))
    view = find(call)
    if not view.item.is_organizer:
        raise invalid_request("Your request can't be completed. You need to be an organizer to cancel a meeting.")
    if not view.item.meeting:
        raise invalid_request("Your request can't be completed. The event is not a meeting.")
    drop(graph, view)
    return Answer(status=202)


def respond(graph: Graph, call: Call) -> Answer:
    """POST accept, tentativelyAccept or decline; ``If-Match`` is ignored, a malformed one is 500 (finding 21)."""
    call.caller.require(*WRITE)
    given = _parameters(call, frozenset({"comment", "sendResponse", "proposedNewTime"}))
    send = given.get("sendresponse", True)
    if not isinstance(send, bool):
        raise invalid_body("The parameter 'sendResponse' takes a Boolean.")
    if not call.headers.get("if-match", 'W/"').startswith(('W/"', "*")):
        raise GraphError(500, "ErrorInternalServerError", "An internal server error occurred. The operation failed.")
    view = find(call)
    item = view.item
    if item.is_organizer:
        raise invalid_request(
            "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer."
        )
    answer = _ANSWERS[call.segments[-1].lower()]
    if send:
        graph.outbox.answered(item)
    if answer == "declined":
        drop(graph, view, quietly=True)
        item.calendar.mailbox.deleted.pop(item.regular_id, None)
        item.calendar.mailbox.deleted.pop(item.immutable_id, None)
        return Answer(status=202)
    item.props = item.props | {"responseStatus": {"response": answer, "time": wire_utc(graph.store.now())}}
    item.props["showAs"] = "tentative" if answer == "tentativelyAccepted" else "busy"
    item.calendar.mailbox.written(item, "updated")
    return Answer(status=202)
