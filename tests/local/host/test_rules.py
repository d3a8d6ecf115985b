"""The host's own rules, each of which puts one function in error: functions.md 1.2."""

import pytest

from local.host.functions import Binding, Function
from local.host.rules import find_errors
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources


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


@behaviour("H35", Grade.DOCUMENTED, sources.SCRIPT_HOST)
@pytest.mark.parametrize("route", ["admin", "Admin/x", "runtime/y", "administrator"])
def test_h35_reserved_routes(route: str) -> None:
    assert "conflicts with one or more built in routes" in find_errors([http("f", route)])["f"]


@behaviour("H35", Grade.DOCUMENTED, sources.SCRIPT_HOST)
def test_h35_the_later_of_two_functions_with_the_same_route_is_in_error() -> None:
    assert list(find_errors([http("a", "Items/"), http("b", "items")])) == ["b"]
    assert list(find_errors([http("a", "items", "GET"), http("b", "items", "GET", "POST")])) == ["b"]
    assert find_errors([http("a", "items", "GET"), http("b", "items", "POST")]) == {}


def test_a_binding_that_this_host_does_not_know_is_named() -> None:
    trigger = Binding(type="blobTrigger", name="blob", direction="IN", members={})
    function = Function(name="f", function_id="f", bindings=(trigger,))
    assert find_errors([function]) == {"f": "The binding type 'blobTrigger' is not supported by this host."}


@behaviour("H74", Grade.ASSUMED, sources.BUNDLE, sources.SCRIPT_HOST)
def test_h74_queues_come_with_the_bundle_and_the_rest_is_built_in() -> None:
    def triggered(kind: str) -> Function:
        return Function(
            name=kind, function_id=kind, bindings=(Binding(type=kind, name="x", direction="IN", members={}),)
        )

    functions = [http("h"), triggered("queueTrigger"), triggered("timerTrigger")]
    assert find_errors(functions, bundled=True) == {}
    (name, reason) = find_errors(functions, bundled=False).popitem()
    assert (name, reason.split(".")[0]) == ("queueTrigger", "The binding type(s) 'queueTrigger' are not registered")


def test_binding_names_are_unique_in_a_function() -> None:
    function = http("f")
    twice = Function(name="f", function_id="f", bindings=(*function.bindings, function.bindings[0]))
    assert "must be unique" in find_errors([twice])["f"]
