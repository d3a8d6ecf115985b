"""Reading pytest's summary: did a test see through the lie, or did something break?"""

import re

_SEEN = re.compile(r"FAILED \S.*? - (assert |AssertionError|Failed: DID NOT RAISE|KeyError: )")
"""An assertion that did not hold, or an answer without a member that the honest one has."""
_CRASH = "Exception in ASGI application"


def seen_through(printed: str) -> bool:
    """Whether at least one test failed by what was answered, and no fixture, import or simulator broke."""
    lines = _summary(printed)
    broke = _CRASH in printed or any(line.startswith("ERROR ") for line in lines)
    return not broke and any(_SEEN.match(line) for line in lines)


def last_words(printed: str) -> str:
    """Return the line that says best what went wrong."""
    if _CRASH in printed:
        return "the simulator raised an exception"
    telling = [line for line in _summary(printed) if line.startswith(("FAILED", "ERROR"))]
    return (telling or printed.splitlines() or [""])[-1][:300]


def _summary(printed: str) -> list[str]:
    """Return the lines of the summary: above it, what was logged may begin like them."""
    return printed.rpartition(" short test summary info ")[2].splitlines()
