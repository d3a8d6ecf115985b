"""Faults to order: which request fails, how, how often. A seed makes a failing run replay exactly."""

import random
import re
from dataclasses import dataclass, field
from typing import Any

ACTIONS = ("status", "latency", "hang_after_commit", "drop_connection", "lose", "double", "reorder", "delay")
"""What a fault may do. The first four act on requests; the last four on outgoing notifications or webhooks."""


@dataclass(kw_only=True)
class Fault:
    """One standing order.

    ``every`` = n hits each n-th match; ``probability`` hits at random, from ``seed``; ``count`` ends it after so many
    hits (None: never). ``status``, ``code``, ``message`` and ``retry_after`` (seconds) shape an error answer;
    ``seconds`` shapes latency and delays. ``method`` and ``path`` are regular expressions, matched in full and
    searched for, respectively.
    """

    action: str
    method: str = ".*"
    path: str = ""
    every: int = 1
    probability: float = 1.0
    count: int | None = None
    seed: int = 0
    status: int = 503
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    seconds: float = 0.0
    matched: int = 0
    hits: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise ValueError(f"unknown action {self.action!r}; one of {', '.join(ACTIONS)}")
        re.compile(self.method)
        re.compile(self.path)
        self._random = random.Random(self.seed)

    def strikes(self, method: str, path: str) -> bool:
        """Count this request and say whether the fault hits it."""
        if self.count is not None and self.hits >= self.count:
            return False
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        self.matched += 1
        if self.matched % self.every or self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The standing orders of one simulator."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []

    def add(self, order: dict[str, Any]) -> Fault:
        """Take one order as the control API receives it (snake_case members of ``Fault``); ValueError if malformed."""
        try:
            fault = Fault(**order)
        except TypeError as error:
            raise ValueError(str(error)) from error
        self.orders.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all orders."""
        self.orders.clear()

    def strike(self, method: str, path: str, *actions: str) -> Fault | None:
        """Return the first order among ``actions`` that hits this request, or None."""
        for order in self.orders:
            if order.action in actions and order.strikes(method, path):
                return order
        return None
