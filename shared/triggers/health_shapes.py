"""The JSON of ``GET health``."""

from typing import Literal

from shared.triggers.shapes import Shape


class DependencyShape(Shape):
    """One of the services that this one stands on; ``fault`` is the kind of what went wrong."""

    name: str
    status: Literal["ok", "failed"]
    latency_ms: int
    fault: str | None = None


class HealthResponse(Shape):
    """Whether the service and all that it stands on answer; ``checkedAt`` is up to five seconds ago."""

    status: Literal["ok", "unavailable"]
    version: str
    checked_at: str
    dependencies: list[DependencyShape]
