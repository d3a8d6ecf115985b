"""The host's log: categories as in Azure, levels from host.json, one line for each entry on standard output.

A record logged inside an invocation has the category ``Function.<name>.User``; the host's own have their logger's name.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

LEVELS = {
    "trace": logging.NOTSET,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
"""The levels of .NET, as Python numbers them."""
_OWN = ("Host.", "Function.")


class Categories(logging.Filter):
    """Gives each record its category and drops those below the level that host.json sets for it."""

    def __init__(self, invocation: Callable[[], str | None]) -> None:
        super().__init__()
        self._invocation = invocation
        self.levels: Mapping[str, str] = {}
        self.running: dict[str, str] = {}
        """The function's name of each running invocation."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set ``record.category`` and say whether the record is wanted."""
        function = self.running.get(self._invocation() or "")
        if record.name.startswith(_OWN):
            category = record.name
        elif function is not None:
            category = f"Function.{function}.User"
        elif record.name.startswith("azure.") and record.levelno < logging.WARNING:
            # The host of Azure polls from another process: its storage traffic is not part of the app's log.
            return False
        else:
            category = "Host.Worker"
        record.__dict__["category"] = category
        return record.levelno >= self._least(category)

    def _least(self, category: str) -> int:
        name = category.lower()
        while name:
            if name in self.levels:
                return LEVELS.get(self.levels[name].lower(), logging.INFO)
            name = name.rpartition(".")[0]
        return LEVELS.get(self.levels.get("default", "").lower(), logging.INFO)


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        message = super().format(record)
        return f"[{moment}Z] {record.levelname} {getattr(record, 'category', record.name)}: {message}"


def configure(invocation: Callable[[], str | None] = lambda: None) -> Categories:
    """Send the root logger to standard output and return the filter that knows categories and levels.

    ``invocation`` says which invocation runs where a record is logged; in the host's own process none does.
    """
    categories = Categories(invocation)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Line("%(message)s"))
    handler.addFilter(categories)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    return categories
