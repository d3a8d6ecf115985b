"""Cancelling and answering meetings (S25, S33, S34)."""

from typing import Any

from local.graph import invitations
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, invalid_body, invalid_request
from local.graph.event_routes import drop, find
from local.graph.service import WRITE, Graph
from local.graph.state import Item
from local.graph.values import boolean, moment, require_object, text
from local.graph.zones import wire, wire_utc

_ANSWERS = {"accept": "accepted", "tentativelyaccept": "tentativelyAccepted", "decline": "declined"}


def _parameters(call: Call, allowed: frozenset[str]) -> dict[str, Any]:
    body = call.body if call.body is not None else {}
    if not isinstance(body, dict) or {name.lower() for name in body} - {name.lower() for name in allowed}:
        raise invalid_body("The parameters of the action are malformed.")
    return {name.lower(): value for name, value in body.items()}


def cancel(graph: Graph, call: Call) -> Answer:
    """POST cancel: the organizer only; mails the attendees and removes the event."""
    call.caller.require(*WRITE)
    given = _parameters(call, frozenset({"comment"}))
    view = find(call)
    if not view.item.is_organizer:
        raise invalid_request("Your request can't be completed. You need to be an organizer to cancel a meeting.")
    if not view.item.meeting:
        raise invalid_request("Your request can't be completed. The event is not a meeting.")
    drop(graph, view, comment=text("comment", given.get("comment")))
    return Answer(status=202)


def respond(graph: Graph, call: Call) -> Answer:
    """POST accept, tentativelyAccept or decline; ``If-Match`` is ignored, a malformed one is 500 (finding 21)."""
    call.caller.require(*WRITE)
    answer = _ANSWERS[call.segments[-1].lower()]
    proposing = frozenset() if answer == "accepted" else frozenset({"proposedNewTime"})
    given = _parameters(call, frozenset({"comment", "sendResponse"}) | proposing)
    send = boolean("sendResponse", given.get("sendresponse", True))
    if not call.headers.get("if-match", 'W/"').startswith(('W/"', "*")):
        raise GraphError(500, "ErrorInternalServerError", "An internal server error occurred. The operation failed.")
    view = find(call)
    item = view.item
    if item.is_organizer:
        raise invalid_request(
            "Your request can't be completed. You can't respond to this meeting because you're the meeting organizer."
        )
    proposal = _proposal(item, given.get("proposednewtime"), send)
    if send:
        comment = text("comment", given.get("comment"))
        graph.outbox.answered(item, answer, day=view.day, comment=comment, proposal=proposal)
    if answer == "declined":
        drop(graph, view, quietly=True)
        item.calendar.mailbox.deleted.pop(item.regular_id, None)
        item.calendar.mailbox.deleted.pop(item.immutable_id, None)
        return Answer(status=202)
    invitations.answer_own(item, view.day, answer=answer, when=wire_utc(graph.store.now()))
    item.calendar.mailbox.written(item, "updated")
    return Answer(status=202)


def _proposal(item: Item, given: Any, send: bool) -> dict[str, Any] | None:
    """Read ``proposedNewTime``: only where the organizer allows it, and only with a response (event-decline.md)."""
    if given is None:
        return None
    if not send or not item.props["allowNewTimeProposals"]:
        raise invalid_request("Your request can't be completed. A new time can't be proposed for this meeting.")
    slot = require_object(given, "timeSlot", frozenset({"start", "end"}))
    ends = {name: moment(name, slot.get(name)) for name in ("start", "end")}
    return {name: wire(each.instant, "UTC") for name, each in ends.items()}
