"""What the standing orders do to one request or batch item; decided when it begins, so that replays hit the same."""

from dataclasses import dataclass

from local.graph import gateway
from local.graph.calls import Answer
from local.graph.errors import GraphError
from local.graph.service import Graph
from local.simkit.control import Begun
from local.simkit.faults import Fault

WHOLE = ("status", "drop_connection", "hang_after_commit", "fail_after_commit")
ITEM = ("status", "fail_after_commit")
"""A batch has one connection: its items cannot hang or be dropped by themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Struck:
    """A request's number and what hits it."""

    number: Begun
    fault: Fault | None = None
    latency: float = 0.0

    @property
    def action(self) -> str:
        """The fault that replaces the answer, or an empty string."""
        return self.fault.action if self.fault else ""


def strike(graph: Graph, method: str, target: str, *, person: str, item: str = "") -> Struck:
    """Number a request and let the orders act on it; an expired delta token is expired at once."""
    number, faults = graph.frame.begin(), graph.frame.faults
    if not faults.orders:
        return Struck(number=number)
    late = faults.strike(method, target, "latency", person=person, item=item, number=number)
    fault = faults.strike(method, target, *(ITEM if item else WHOLE), person=person, item=item, number=number)
    if faults.strike(method, target, "expire_delta", person=person, item=item, number=number):
        for upn, mailbox in graph.store.mailboxes.items():
            if upn == person:
                mailbox.delta_generation += 1
                mailbox.pages.clear()
    return Struck(number=number, fault=fault, latency=late.seconds if late else 0.0)


def ordered_error(graph: Graph, fault: Fault, headers: dict[str, str]) -> Answer:
    """Word an ordered error as Graph would."""
    error = GraphError(fault.status, fault.code, fault.message)
    if fault.retry_after is not None:
        error.headers["Retry-After"] = f"{fault.retry_after:g}"
    return gateway.error_answer(graph, error, headers)
