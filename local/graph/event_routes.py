"""Create, read, change and delete events (S14-S31, S36)."""

import hashlib
import json
from typing import Any

from local.graph import attendee_edits, events, invitations, projection, query, values, views
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, invalid_request, item_not_found
from local.graph.events import Written
from local.graph.service import READ, WRITE, Graph, after, require_match, scope, stale
from local.graph.state import Calendar, Exceptional, Item
from local.graph.views import View


def find(call: Call) -> View:
    """Return the event that the path names, within the path's calendar if it names one."""
    within = scope(call)
    found = views.find(call.mailbox, after(call, "events"))
    if within is not None and found.item.calendar is not within:
        raise item_not_found()
    return found


def full(graph: Graph, call: Call, view: View, *, status: int = 200) -> Answer:
    """Answer a write with the whole event; extended properties are never echoed (S36)."""
    return Answer(status=status, body=graph.projection(call, shaped=False).entity(view), headers=call.prefer.headers)


def _written(graph: Graph, call: Call) -> Written:
    """Check a body. An attendee's answer in it is taken and not kept, as other read-only members (assumed)."""
    written = events.check(call.body, graph.knobs)
    if "attendees" in written.props:
        written.props["attendees"] = invitations.unanswered(written.props["attendees"])
    return written


def create(graph: Graph, call: Call) -> Answer:
    """POST to any events collection: 201 with the event as stored."""
    call.caller.require(*WRITE)
    calendar = scope(call) or call.mailbox.default_calendar
    written = _written(graph, call)
    repeated = _repeated(graph, call, written)
    if repeated is not None:
        return full(graph, call, views.stored(repeated), status=201)
    item = events.create(call.mailbox, calendar, written, graph.knobs)
    if item.transaction_id:
        call.mailbox.remember(item.transaction_id, item, _content(call.body))
    graph.outbox.created(item)
    answer = full(graph, call, views.stored(item), status=201)
    if item.extensions:  # unlike extended properties, these are answered (opentypeextension-post-opentypeextension.md)
        answer.body["extensions"] = _extensions(item)
    answer.headers["Location"] = f"{call.base}/me/events('{views.stored(item).event_id(call.prefer.immutable)}')"
    return answer


def _content(body: Any) -> str:
    plain = {name: value for name, value in body.items() if "@" not in name}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _repeated(graph: Graph, call: Call, written: Written) -> Item | None:
    """Return the event that this transactionId made with the same content; refuse another content (S16)."""
    known = call.mailbox.transactions.get(written.transaction_id or "")
    if known is None:
        return None
    item, content = known
    if content == _content(call.body) and not item.gone:
        return item
    own = views.stored(item).event_id(call.prefer.immutable)
    raise GraphError(
        graph.knobs.duplicateTransactionStatus,
        "ErrorDuplicateTransactionId",
        "Your request can't be completed. The TransactionId specified in the request has already been used to create "
        "a different event.",
        extra={"@event.existingEventId": own} if graph.knobs.duplicateTransactionNamesEvent else {},
    )


def read(graph: Graph, call: Call) -> Answer:
    """GET one event."""
    call.caller.require(*READ)
    query.refuse_collection_options(call.query)
    shape = graph.projection(call)
    return Answer(body=shape.entity(find(call)), headers=call.prefer.headers)


def patch(graph: Graph, call: Call) -> Answer:
    """PATCH a single event, a series or one occurrence."""
    call.caller.require(*WRITE)
    view = find(call)
    require_match(call, view.item)
    written = _written(graph, call)
    if graph.spend("spurious412"):
        raise stale()
    _refuse_concurrent_save(graph)
    return full(graph, call, change(graph, view, written))


def _refuse_concurrent_save(graph: Graph) -> None:
    """Answer 503 on order: the item is still being saved (S25, msgraph-sdk-ruby #38)."""
    if graph.spend("concurrentItemSave"):
        raise GraphError(503, "ConcurrentItemSave", "The item is being saved by another request.")


def change(graph: Graph, view: View, written: Written, *, as_organizer: bool = False) -> View:
    """Apply a checked PATCH, log it and mail; returns the event as it is now.

    ``as_organizer`` is how the organizer's own update arrives at an attendee's copy.
    """
    item = view.item
    if not (item.is_organizer or as_organizer):
        written = attendee_edits.permitted(written, graph.knobs)
    before, planned = item.props["attendees"], (item.span, item.recurrence)
    if view.day is None:
        events.patch(item, written, graph.knobs)
        now = views.stored(item)
    else:
        current = item.exceptions.get(view.day) or Exceptional(day=view.day, span=view.span)
        changed = events.patch_occurrence(item, current, written)
        if changed.span.start != view.span.start and not views.neighbours_allow(view, changed.span.start):
            raise GraphError(
                400,
                "ErrorOccurrenceCrossingBoundary",
                "Modified occurrence is crossing or overlapping adjacent occurrence.",
            )
        item.exceptions[view.day] = changed
        now = views.exceptional(item, changed)
    moved = planned != (item.span, item.recurrence) or now.span != view.span
    asks_again = moved and item.meeting and graph.knobs.resetAnswersOnMove
    if asks_again and view.day is None:
        item.props["attendees"] = invitations.unanswered(item.props["attendees"])
    tracked = not written.names or bool(written.names - {"singleValueExtendedProperties", "extensions"})
    item.calendar.mailbox.written(item, "updated", tracked=tracked)
    graph.outbox.patched(item, before, written.names, day=view.day, asks_again=asks_again)
    return now


def delete(graph: Graph, call: Call) -> Answer:
    """DELETE: 204; a second one 400 until the item is purged (S26)."""
    call.caller.require(*WRITE)
    _refuse_deleted(call)
    view = find(call)
    require_match(call, view.item)
    drop(graph, view)
    return Answer(status=204)


def drop(graph: Graph, view: View, *, purge: bool = False, quietly: bool = False, comment: str = "") -> None:
    """Delete an event or one occurrence; mails what Exchange would."""
    item = view.item
    mailbox = item.calendar.mailbox
    if not quietly:
        graph.outbox.removed(item, day=view.day, comment=comment)
    if view.day is None:
        mailbox.remove(item, purge=purge)
        return
    item.exceptions.pop(view.day, None)
    item.cancelled.add(view.day)
    mailbox.written(item, "updated")


def _refuse_deleted(call: Call) -> None:
    if after(call, "events") not in call.mailbox.deleted:
        return
    raise invalid_request("Your request can't be completed. The item is already in the Deleted Items folder.")


def permanent_delete(graph: Graph, call: Call) -> Answer:
    """POST permanentDelete: 204, then 404 for every id of it."""
    call.caller.require(*WRITE)
    drop(graph, find(call), purge=True)
    return Answer(status=204)


def own_calendar(_: Graph, call: Call) -> Answer:
    """GET the calendar that an event is in, which the event itself does not say."""
    call.caller.require(*READ)
    calendar: Calendar = find(call).item.calendar
    context = f"{call.base}/$metadata#users('{call.caller.account.graph_id}')/calendars/$entity"
    return Answer(body={"@odata.context": context, **projection.calendar(calendar, call.prefer)})


def _extensions(item: Item) -> list[dict[str, Any]]:
    return [projection.extension(name, members) for name, members in item.extensions.items()]


def _extensions_context(call: Call) -> str:
    return f"users('{call.caller.account.graph_id}')/events('{after(call, 'events')}')/extensions"


def _one_extension(call: Call, item: Item, name: str) -> dict[str, Any]:
    context = f"{call.base}/$metadata#{_extensions_context(call)}/$entity"
    return {"@odata.context": context, **projection.extension(name, item.extensions[name])}


def extensions(graph: Graph, call: Call) -> Answer:
    """List or add open extensions (S36); a change of them is not a change for delta."""
    call.caller.require(*(READ if call.method == "GET" else WRITE))
    item = find(call).item
    if call.method == "GET":
        return Answer(body=projection.collection(call.base, _extensions_context(call), _extensions(item)))
    _refuse_concurrent_save(graph)
    name, members = values.extension(call.body)
    if name in item.extensions:
        raise GraphError(409, "NameAlreadyExists", "An extension already exists with given id.")
    item.extensions[name] = members
    return Answer(status=201, body=_one_extension(call, item, name))


def one_extension(_: Graph, call: Call) -> Answer:
    """Read, change or remove one open extension."""
    call.caller.require(*(READ if call.method == "GET" else WRITE))
    item = find(call).item
    name = after(call, "extensions").removeprefix(projection.EXTENSION_ID)
    if name not in item.extensions:
        raise item_not_found()
    if call.method == "DELETE":
        del item.extensions[name]
        return Answer(status=204)
    if call.method == "PATCH":
        given = dict(call.body) if isinstance(call.body, dict) else {}
        written = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": name, **given}
        item.extensions[name] |= values.extension(written)[1]
    return Answer(body=_one_extension(call, item, name))
