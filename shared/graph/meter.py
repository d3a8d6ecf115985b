"""How many requests to Graph a piece of work makes, in all of its tasks."""

from collections.abc import Callable
from contextvars import ContextVar

from shared.graph.client import GraphCall


class _Count:
    """Requests so far."""

    value = 0


class GraphMeter:
    """Implements ``ports.RequestMeter``; ``note`` is told every call by the client.

    A task begins with the context of the one that made it, so what a job starts counts for the job.
    """

    def __init__(self) -> None:
        self._present: ContextVar[_Count | None] = ContextVar("graph_requests", default=None)

    def start(self) -> Callable[[], int]:
        """Count from here on, in this task and in those that it starts; return what tells the number."""
        count = _Count()
        self._present.set(count)
        return lambda: count.value

    def note(self, call: GraphCall) -> None:
        """Count a request that was sent."""
        del call
        count = self._present.get()
        if count is not None:
            count.value += 1
