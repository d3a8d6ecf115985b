"""Orders: what they match, when they hit, what they refuse, and that the same orders hit the same requests again."""

import random
from typing import Any

import pytest

from local.simkit.faults import ACTIONS, Faults

REQUESTS = [
    ("GET" if number % 3 else "POST", f"/v1.0/me/events/{number % 7}?page={number % 2}", ("rose", "marco")[number % 2])
    for number in range(200)
]


def hit(order: dict[str, Any], requests: list[tuple[str, str, str]]) -> list[int]:
    """Return the positions of the requests that are hit, all begun in this order."""
    faults = Faults()
    faults.add(order)
    return [
        number
        for number, (method, path, person) in enumerate(requests)
        if faults.strike(method, path, order["action"], person=person, number=number)
    ]


def test_an_order_hits_what_its_patterns_match() -> None:
    found = hit({"action": "status", "method": "POST", "path": r"/events/3\b", "person": "ro.*"}, REQUESTS)
    wanted = [
        n for n, (how, path, who) in enumerate(REQUESTS) if (how, who) == ("POST", "rose") and "/events/3" in path
    ]
    assert wanted
    assert found == wanted


def test_after_every_and_count_go_by_the_matches() -> None:
    order = {"action": "status", "path": "^/a$", "after": 3, "every": 2, "count": 2}
    requests = [("GET", path, "") for path in ("/a", "/b") * 10]
    assert hit(order, requests) == [8, 12]


def test_the_same_orders_and_requests_give_the_same_hits() -> None:
    order = {"action": "status", "probability": 0.3, "seed": 7}
    found = hit(order, REQUESTS)
    assert 30 < len(found) < 90
    assert hit(order, REQUESTS) == found
    assert hit(order | {"seed": 8}, REQUESTS) != found


def test_a_draw_does_not_depend_on_what_overtakes_the_request() -> None:
    """Requests of two people interleave in another way: the same ones are hit."""
    order = {"action": "status", "probability": 0.3, "seed": 7}

    def named(requests: list[tuple[str, str, str]]) -> list[tuple[str, str, str, int]]:
        seen: dict[tuple[str, str, str], int] = {}
        faults = Faults()
        faults.add(order)
        found = []
        for each in requests:
            seen[each] = seen.get(each, 0) + 1
            if faults.strike(each[0], each[1], "status", person=each[2]):
                found.append((*each, seen[each]))
        return sorted(found)

    shuffled = REQUESTS[:]
    random.Random(1).shuffle(shuffled)
    assert named(shuffled) == named(REQUESTS)
    assert named(REQUESTS)


def test_an_item_pattern_leaves_requests_outside_batches_alone() -> None:
    faults = Faults()
    faults.add({"action": "status", "item": "[23]"})
    assert faults.strike("POST", "/v1.0/$batch", "status") is None
    struck = [bool(faults.strike("PATCH", "/v1.0/me/events/1", "status", item=item)) for item in ("1", "2", "3", "23")]
    assert struck == [False, True, True, False]


def test_the_first_order_that_hits_is_taken_and_later_ones_do_not_count_it() -> None:
    faults = Faults()
    first, second = faults.add({"action": "status", "count": 1}), faults.add({"action": "status", "status": 500})
    assert faults.strike("GET", "/", "status", number=1) is first
    assert second.matched == 0
    assert faults.strike("GET", "/", "status", number=2) is second
    assert (faults.that_hit(1), faults.that_hit(2), faults.that_hit(3)) == ((1,), (2,), ())


def test_what_is_shown_can_be_sent_again() -> None:
    faults = Faults()
    order = {"action": "latency", "path": "events", "seconds": 1, "probability": 0.5, "seed": 3, "count": 4}
    fault = faults.add(order)
    for number in range(20):
        faults.strike("GET", f"/events/{number}", "latency", number=number)
    again = Faults().add(fault.shown["order"])
    assert again.order == fault.order
    assert fault.shown["order"].items() >= order.items()
    assert fault.shown["hits"] == 4
    assert len(fault.shown["hit"]) == 4


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ([], "an order is a JSON object"),
        ({}, "'action' is missing; one of status, latency"),
        ({"action": "explode"}, "unknown action 'explode'; one of status, latency"),
        ({"action": "status", "stauts": 500}, "unknown member 'stauts'; one of action, method"),
        ({"action": "status", "hits": 3}, "unknown member 'hits'"),
        ({"action": "status", "status": "500"}, "'status' takes int, not '500'"),
        ({"action": "status", "status": 199}, "'status' must be at least 200"),
        ({"action": "status", "every": 0}, "'every' must be at least 1"),
        ({"action": "status", "every": True}, "'every' takes int, not True"),
        ({"action": "status", "count": 1.5}, "'count' takes int or null, not 1.5"),
        ({"action": "status", "probability": 2}, "'probability' must be at most 1"),
        ({"action": "status", "path": "("}, "'path' is not a regular expression"),
        ({"action": "status", "path": None}, "'path' takes str, not None"),
        ({"action": "latency", "seconds": -1}, "'seconds' must be at least 0"),
    ],
)
def test_an_order_that_is_not_one_is_refused(order: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("(", r"\(")):
        Faults().add(order)


def test_a_simulator_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match=r"unknown action 'lose'; one of status$"):
        Faults(("status",)).add({"action": "lose"})
    assert {"expire_delta", "revoke_grant", "fail_after_commit"} <= set(ACTIONS)
