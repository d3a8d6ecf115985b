"""Faults to order: which request fails, how, how often; sent again with the same requests, they hit the same ones.

What decides: an order counts the requests that match it in the order in which the simulator began to handle them, which
is the order of their numbers in the request log (the items of a ``$batch`` follow each other as they stand in it).
``after``, ``every`` and ``count`` go by that count. ``probability`` does not: its draw is made from the seed, the
request itself (person, method, path with query, item) and how often this same request has come, so that requests which
overtake each other are hit all the same. Orders for one person or path count only theirs: with several people at work,
give each an order of their own.
"""

import random
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any

ON_REQUESTS = ("status", "latency", "hang_after_commit", "fail_after_commit", "drop_connection")
ON_MESSAGES = ("lose", "double", "reorder", "delay")
ON_STATE = ("expire_delta", "revoke_grant")
ACTIONS = (*ON_REQUESTS, *ON_MESSAGES, *ON_STATE)
"""What a fault may do: to requests, to outgoing notifications or webhooks, to the state before the request is read."""

_KEPT = 1000
SEEN_KEPT = 10_000
"""How many different requests an order with a probability counts; of those it forgets, the first draw comes again."""
_PATTERNS = ("method", "path", "person", "item")
_LEAST = {"every": 1, "after": 0, "status": 200, "retry_after": 0, "seconds": 0, "probability": 0, "count": 1}
_MOST = {"status": 599, "probability": 1}


@dataclass(kw_only=True)
class Fault:
    """One standing order.

    ``method``, ``path``, ``person`` (upn of the mailbox or token, a WedSync user's id) and ``item`` (a request's id
    within a ``$batch``) are regular expressions, matched in full but for ``path``, which is searched for. An ``item``
    leaves requests outside batches alone. ``after`` lets so many matches pass; ``every`` = n hits each n-th from there
    on; ``probability`` hits at random, from ``seed``; ``count`` ends it after so many hits (None: never). ``status``,
    ``code``, ``message`` and ``retry_after`` (seconds) shape an error answer; ``seconds`` shapes latency and delays.
    ``hit`` holds the numbers of the latest requests that were hit.
    """

    action: str
    method: str = ".*"
    path: str = ""
    person: str = ""
    item: str = ""
    after: int = 0
    every: int = 1
    probability: float = 1.0
    count: int | None = None
    seed: int = 0
    status: int = 503
    code: str = ""
    message: str = ""
    retry_after: float | None = None
    seconds: float = 0.0
    number: int = field(default=0, init=False)
    matched: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)
    hit: list[int] = field(default_factory=list, init=False)
    _seen: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        _check(self)

    @property
    def order(self) -> dict[str, Any]:
        """What to send to order the same again."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.init}

    @property
    def shown(self) -> dict[str, Any]:
        """The order and what came of it, as the control API shows it."""
        found = {name: value for name, value in asdict(self).items() if name != "_seen"}
        return {**found, "order": self.order}

    def strikes(self, method: str, path: str, *, person: str = "", item: str = "", number: int | None = None) -> bool:
        """Count this request and say whether the fault hits it."""
        if self.count is not None and self.hits >= self.count:
            return False
        if not self._matches(method, path, person, item):
            return False
        self.matched += 1
        if self.matched <= self.after or (self.matched - self.after) % self.every:
            return False
        if self.probability < 1 and self._draw(f"{person} {method} {path} {item}") >= self.probability:
            return False
        self.hits += 1
        if number is not None:
            self.hit.append(int(number))
            del self.hit[:-_KEPT]
        return True

    def _matches(self, method: str, path: str, person: str, item: str) -> bool:
        if not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        if self.person and not re.fullmatch(self.person, person):
            return False
        return not self.item or bool(item and re.fullmatch(self.item, item))

    def _draw(self, request: str) -> float:
        self._seen[request] = self._seen.pop(request, 0) + 1
        if len(self._seen) > SEEN_KEPT:
            del self._seen[next(iter(self._seen))]
        return random.Random(f"{self.seed} {self._seen[request]} {request}").random()


class Faults:
    """The standing orders of one simulator."""

    def __init__(self, actions: tuple[str, ...] = ACTIONS) -> None:
        self.orders: list[Fault] = []
        self.actions = actions
        self._hits: dict[int, list[int]] = {}
        self._taken = 0

    def add(self, order: Any) -> Fault:
        """Take one order as the control API receives it (members of ``Fault``); ValueError says what is wrong."""
        if not isinstance(order, dict):
            raise ValueError("an order is a JSON object")
        known = {item.name: item for item in fields(Fault) if item.init}
        if unknown := sorted(set(order) - set(known)):
            raise ValueError(f"unknown member {unknown[0]!r}; one of {', '.join(known)}")
        if "action" not in order:
            raise ValueError(f"'action' is missing; one of {', '.join(self.actions)}")
        if order["action"] not in self.actions:
            raise ValueError(f"unknown action {order['action']!r}; one of {', '.join(self.actions)}")
        fault = Fault(**order)
        self._taken += 1
        fault.number = self._taken
        self.orders.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all orders."""
        self.orders.clear()

    def reset(self) -> None:
        """Forget all orders and which requests they hit."""
        self.orders.clear()
        self._hits.clear()
        self._taken = 0

    def strike(
        self, method: str, path: str, *actions: str, person: str = "", item: str = "", number: int | None = None
    ) -> Fault | None:
        """Return the first order among ``actions`` that hits this request, or None; later ones do not count it."""
        for order in self.orders:
            if order.action in actions and order.strikes(method, path, person=person, item=item, number=number):
                if number is not None:
                    self._hits.setdefault(number, []).append(order.number)
                return order
        return None

    def that_hit(self, number: int | None) -> tuple[int, ...]:
        """Return the numbers of the orders that have hit a request, and forget it."""
        return tuple(self._hits.pop(number, ())) if number is not None else ()


def _check(fault: Fault) -> None:
    """Raise ValueError for a member of the wrong kind or out of its range."""
    if fault.action not in ACTIONS:
        raise ValueError(f"unknown action {fault.action!r}; one of {', '.join(ACTIONS)}")
    for item in (each for each in fields(fault) if each.init):
        value = getattr(fault, item.name)
        _check_kind(item.name, value, str(item.type))
        if isinstance(value, int | float) and item.name in _LEAST and value < _LEAST[item.name]:
            raise ValueError(f"{item.name!r} must be at least {_LEAST[item.name]}")
        if isinstance(value, int | float) and item.name in _MOST and value > _MOST[item.name]:
            raise ValueError(f"{item.name!r} must be at most {_MOST[item.name]}")
    for name in _PATTERNS:
        try:
            re.compile(getattr(fault, name))
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{name!r} is not a regular expression: {error}") from error


def _check_kind(name: str, value: Any, annotation: str) -> None:
    kind, _, optional = annotation.replace("<class '", "").replace("'>", "").partition(" | ")
    if value is None and optional:
        return
    accepted: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float)}
    if isinstance(value, bool) or not isinstance(value, accepted[kind]):
        raise ValueError(f"{name!r} takes {kind}{' or null' if optional else ''}, not {value!r}")
