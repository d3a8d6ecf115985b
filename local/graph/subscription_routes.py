"""``/subscriptions`` (S46-S48, S53, S54)."""

from local.graph.calls import Answer, Call
from local.graph.service import READ, Graph
from local.graph.subscriptions import Subscription


async def create(graph: Graph, call: Call) -> Answer:
    """POST: 201 once both URLs have answered their validation."""
    call.caller.require(*READ)
    made = await graph.subscriptions.create(call.body, call.mailbox, call.caller, immutable=call.prefer.immutable)
    context = f"{call.base}/$metadata#subscriptions/$entity"
    return Answer(status=201, body={"@odata.context": context, **made.json()})


def listed(graph: Graph, call: Call) -> Answer:
    """GET the caller's subscriptions, each without its ``clientState``: only who reads one is told that."""
    found = graph.subscriptions.listed(call.caller, graph.store.now())
    return Answer(
        body={
            "@odata.context": f"{call.base}/$metadata#subscriptions",
            "value": [{**s.json(), "clientState": None} for s in found],
        }
    )


def read(graph: Graph, call: Call) -> Answer:
    """GET one."""
    found = graph.subscriptions.find(call.caller, call.segments[1], graph.store.now())
    return Answer(body={"@odata.context": f"{call.base}/$metadata#subscriptions/$entity", **found.json()})


async def patch(graph: Graph, call: Call) -> Answer:
    """PATCH: renews and reauthorizes."""
    call.caller.require(*READ)
    found = graph.subscriptions.find(call.caller, call.segments[1], graph.store.now())
    await graph.subscriptions.patch(found, call.body, graph.store.now())
    _authorized(graph, call, found)
    return Answer(body={"@odata.context": f"{call.base}/$metadata#subscriptions/$entity", **found.json()})


def delete(graph: Graph, call: Call) -> Answer:
    """DELETE: 204."""
    found = graph.subscriptions.find(call.caller, call.segments[1], graph.store.now())
    del graph.subscriptions.kept[found.id]
    return Answer(status=204)


def reauthorize(graph: Graph, call: Call) -> Answer:
    """POST reauthorize: 204, renews nothing."""
    found = graph.subscriptions.find(call.caller, call.segments[1], graph.store.now())
    _authorized(graph, call, found)
    return Answer(status=204)


def _authorized(graph: Graph, call: Call, found: Subscription) -> None:
    """Let the caller's token stand for the subscription from now on, and deliver what was held (S54)."""
    found.token_expires = call.caller.expires
    graph.sender.resume(found)
