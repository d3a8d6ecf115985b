"""How well a simulated behaviour is known, said at the test that shows it.

A conformance test carries ``@behaviour("S25", Grade.CAPTURED, "https://…")``: the number of the behaviour (``S…`` for
Graph and Entra, ``H…`` for the Functions host), how well it is known, and where that comes from. ``docs/fidelity.md``
is written from these marks (``make fidelity``).
"""

from enum import StrEnum

import pytest


class Grade(StrEnum):
    """The evidence for a behaviour, best first. What a source itself does not claim to know is ``ASSUMED``."""

    DOCUMENTED = "documented"
    """Microsoft's documentation, schema or source code says so."""
    CAPTURED = "captured"
    """Recorded on the wire of the live service."""
    REPORTED = "reported"
    """An issue thread, or the code of an integrator that runs against the live service."""
    ASSUMED = "assumed"
    """Nobody has shown it; it is the most careful reading of what is known."""


def behaviour(number: str, grade: Grade, *sources: str, knobs: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Mark a conformance test. ``sources`` are URLs (at least one); ``knobs`` are the switches that the test turns."""
    if not sources:
        raise ValueError(f"{number}: a behaviour needs a source")
    return pytest.mark.behaviour(number, grade=grade, sources=sources, knobs=knobs)
