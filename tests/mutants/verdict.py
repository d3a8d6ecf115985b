"""Reading pytest's summary: did a test see through the fault, or did something break?"""

import re
from collections.abc import Sequence

_SEEN = re.compile(
    r"FAILED \S.*? - (assert |AssertionError|Failed: DID NOT RAISE|KeyError: |ValueError: .* values to unpack)"
)
"""An assertion that did not hold, or an answer that lacks a member, or rows, of the honest one."""
_CRASH = "Exception in ASGI application"
_CUT_SHORT = "Task cancelled, timeout graceful shutdown exceeded"
"""What an exception says of a request that was still held when a test had failed and its simulator was shut down."""
_PLACE = re.compile(r"(\S+\.py):\d+: in ")


def seen_through(printed: str) -> bool:
    """Whether at least one test failed by what was answered, and no fixture, import, simulator or product broke."""
    lines = _summary(printed)
    broke = _crashed(printed) or _raised_inside(printed) or any(line.startswith("ERROR ") for line in lines)
    return not broke and any(_SEEN.match(line) for line in lines)


def last_words(printed: str) -> str:
    """Return the line that says best what went wrong."""
    if _crashed(printed) or _raised_inside(printed):
        return "what is tested raised an exception"
    telling = [line for line in _summary(printed) if line.startswith(("FAILED", "ERROR"))]
    return (telling or printed.splitlines() or [""])[-1][:300]


def _crashed(printed: str) -> bool:
    return any(_CUT_SHORT not in said for said in printed.split(_CRASH)[1:])


def _raised_inside(printed: str) -> bool:
    """Whether an error came from within a simulator or the product, which the test calls in its own process."""
    place = ""
    for line in printed.splitlines():
        if found := _PLACE.match(line):
            place = found[1]
        elif line.startswith("E  ") and place.startswith(("local/", "shared/")):
            return True
    return False


def still_failing(tests: Sequence[str], printed: str) -> list[str]:
    """Return which of these a second look may show to be merely late: none where anything but a test failed."""
    lines = _summary(printed)
    failed = {line.removeprefix("FAILED ").partition(" - ")[0].partition("[")[0] for line in lines if "FAILED " in line}
    broke = not failed or any(line.startswith("ERROR") for line in lines)
    return [] if broke else [test for test in tests if test.partition("[")[0] in failed]


def _summary(printed: str) -> list[str]:
    """Return the lines of the summary: above it, what was logged may begin like them."""
    return printed.rpartition(" short test summary info ")[2].splitlines()
