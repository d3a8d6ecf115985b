"""The host's own rules, each of which puts one function in error: functions.md 1.2."""

import pytest

from local.host.functions import Binding, Function
from local.host.rules import find_errors


def http(name: str, route: str = "", *methods: str, binding: str = "req") -> Function:
    members = {"route": route or name, "methods": list(methods)}
    return Function(
        name=name,
        function_id=name,
        bindings=(
            Binding(type="httpTrigger", name=binding, direction="IN", members=members),
            Binding(type="http", name="$return", direction="OUT", members={}),
        ),
    )


@pytest.mark.parametrize("name", ["1st", "with space", "a" * 129, "host", "HOST", "ü"])
def test_function_names(name: str) -> None:
    assert list(find_errors([http(name), http("fine")])) == [name]


@pytest.mark.parametrize(("binding", "wrong"), [("snake_case", False), ("two__underscores", True), ("1st", True)])
def test_binding_names(binding: str, wrong: bool) -> None:
    assert bool(find_errors([http("f", binding=binding)])) is wrong


@pytest.mark.parametrize("route", ["admin", "Admin/x", "runtime/y", "administrator"])
def test_reserved_routes(route: str) -> None:
    assert "conflicts with one or more built in routes" in find_errors([http("f", route)])["f"]


def test_the_later_of_two_functions_with_the_same_route_is_in_error() -> None:
    assert list(find_errors([http("a", "Items/"), http("b", "items")])) == ["b"]
    assert list(find_errors([http("a", "items", "GET"), http("b", "items", "GET", "POST")])) == ["b"]
    assert find_errors([http("a", "items", "GET"), http("b", "items", "POST")]) == {}


def test_a_binding_that_this_host_does_not_know_is_named() -> None:
    trigger = Binding(type="blobTrigger", name="blob", direction="IN", members={})
    function = Function(name="f", function_id="f", bindings=(trigger,))
    assert find_errors([function]) == {"f": "The binding type 'blobTrigger' is not supported by this host."}


def test_binding_names_are_unique_in_a_function() -> None:
    function = http("f")
    twice = Function(name="f", function_id="f", bindings=(*function.bindings, function.bindings[0]))
    assert "must be unique" in find_errors([twice])["f"]
