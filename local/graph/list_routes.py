"""Lists of events: collections, ranges, instances, and delta (S29-S32, S37-S45)."""

from typing import Any
from urllib.parse import quote

from local.graph import delta, projection, query, views
from local.graph.calls import Answer, Call
from local.graph.errors import invalid_request
from local.graph.event_routes import find
from local.graph.prefer import Prefer
from local.graph.projection import Projection
from local.graph.service import READ, Graph, scope
from local.graph.views import View


def events(graph: Graph, call: Call) -> Answer:
    """GET singles and masters, ten a page; ``/me/events`` lists the default calendar only (S31, S37)."""
    call.caller.require(*READ)
    within = scope(call)
    if within is None and graph.knobs.listAllCalendars:
        calendars = call.mailbox.calendars
    else:
        calendars = [within or call.mailbox.default_calendar]
    found = [views.stored(item) for calendar in calendars for item in calendar.listed.values()]
    found.sort(key=lambda view: view.item.number, reverse=True)
    return _listed(graph, call, found)


def calendar_view(graph: Graph, call: Call) -> Answer:
    """GET what a calendar shows in a range."""
    call.caller.require(*READ)
    start, end = views.time_range(call.query)
    calendar = scope(call) or call.mailbox.default_calendar
    return _listed(graph, call, views.calendar_view(calendar, start, end))


def instances(graph: Graph, call: Call) -> Answer:
    """GET the occurrences and exceptions of a series in a range."""
    call.caller.require(*READ)
    start, end = views.time_range(call.query)
    view = find(call)
    if view.kind != "seriesMaster":
        raise invalid_request("The item is not a recurring master.")
    found = sorted(views.instances(view.item, start, end), key=lambda each: each.span.start)
    return _listed(graph, call, found)


def calendar_delta(graph: Graph, call: Call) -> Answer:
    """GET calendarView/delta."""
    call.caller.require(*READ)
    calendar = scope(call) or call.mailbox.default_calendar
    return delta.answer(call, calendar, graph.projection(call, shaped=False))


def _listed(graph: Graph, call: Call, found: list[View]) -> Answer:
    """Filter, sort, page and project."""
    query.refuse_others(call.query, query.LIST_OPTIONS)
    shape = graph.projection(call)
    tests, order = query.where(call.query), query.order(call.query)
    if tests or order:
        found = _sifted(found, shape, tests, order)
    top = query.number(call.query, "$top", call.prefer.page_size or 10, low=1, high=1000)
    skip = query.number(call.query, "$skip", 0)
    page = found[skip : skip + top]
    context = f"users('{call.caller.account.graph_id}')/events"
    body: dict[str, Any] = projection.collection(call.base, context, [shape.event(view) for view in page])
    if call.query.get("$count") == "true":
        body["@odata.count"] = len(found)
    if skip + top < len(found):
        body["@odata.nextLink"] = next_link(call, skip=skip + top, top=top)
    return Answer(body=body, headers=call.prefer.headers)


def _sifted(
    found: list[View], shape: Projection, tests: tuple[query.Test, ...], order: tuple[tuple[str, bool], ...]
) -> list[View]:
    plain = Projection(prefer=Prefer(), knobs=shape.knobs, base=shape.base)
    read = [(view, plain.event(view)) for view in found]
    kept = [pair for pair in read if all(test(pair[1], pair[0].item.extended) for test in tests)]
    for name, descending in reversed(order):
        kept.sort(key=lambda pair: query.member(pair[1], name), reverse=descending)
    return [view for view, _ in kept]


def next_link(call: Call, *, skip: int, top: int) -> str:
    """Return the link to the next page: the same query with ``$skip``."""
    names = {"startdatetime": "startDateTime", "enddatetime": "endDateTime"}
    kept = {names.get(name, name): value for name, value in call.query.items() if name not in ("$skip", "$top")}
    kept |= {"$top": str(top), "$skip": str(skip)}
    path = "/".join(quote(segment, safe="") for segment in call.segments)
    return f"{call.base}/me/{path}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in kept.items())
