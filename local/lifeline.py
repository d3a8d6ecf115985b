"""A process of the stand ends with the one that started it, however that one ends.

A child's standard input is a pipe into which its parent never writes. The kernel closes the parent's end when the
parent is gone, be it by SIGKILL, and the child, which reads nothing else there, sees the end of the file
(``lifeline.cjs`` in Node.js). Unlike Linux' PR_SET_PDEATHSIG this works on macOS too, and does not fire when it is only
the parent's *thread* that ends: Azurite is started from one.
"""

import os
import select
import signal
import threading
from collections.abc import MutableMapping
from functools import cache

VARIABLE = "STAND_LIFELINE"
"""Set in the environment of a process whose standard input is such a pipe; its own children do not get it."""


@cache
def reading_end() -> int:
    """Return what children get as their standard input; this process keeps the other end open as long as it lives."""
    reading, _ = os.pipe()
    return reading


def hold_on(environment: MutableMapping[str, str]) -> None:
    """End this process at once when its parent is gone, if ``environment`` says that its standard input tells that."""
    if environment.pop(VARIABLE, None):
        threading.Thread(target=_end_with_the_parent, name="lifeline", daemon=True).start()


def _end_with_the_parent() -> None:
    # Not os.read: Node.js, which has the same pipe, makes it non-blocking for everybody.
    select.select([0], [], [])
    os.kill(os.getpid(), signal.SIGKILL)
