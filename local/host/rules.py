"""The host's own rules for functions: each breach puts that one function in error.

Read in the host's Utility.cs and ScriptHost.cs; the binding-name pattern is that of host 4.1038 and later.
"""

import re
from collections.abc import Iterable

from local.host.errors import FunctionError
from local.host.functions import Binding, Function
from local.host.routes import Route

_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
_BINDING_NAME = re.compile(r"(?!.*__)([a-zA-Z_][a-zA-Z0-9_]{0,127}|\$return)")
_TRIGGERS = {"httptrigger", "queuetrigger", "timertrigger"}
_OUTPUTS = {"http", "queue"}


def find_errors(functions: Iterable[Function], *, bundled: bool = True) -> dict[str, str]:
    """Return the reason for each function in error. ``functions`` must be in the order in which routes are matched.

    Timers and HTTP are part of the host; queues come with the extension bundle.
    """
    errors: dict[str, str] = {}
    accepted: list[Function] = []
    for function in functions:
        try:
            _check(function, accepted)
            if not bundled:
                _check_built_in(function)
        except FunctionError as error:
            errors[function.name] = str(error)
        else:
            accepted.append(function)
    return errors


def _check(function: Function, earlier: list[Function]) -> None:
    if not _FUNCTION_NAME.fullmatch(function.name):
        raise FunctionError(f"'{function.name}' is not a valid function name.")
    if function.name.lower() == "host":
        raise FunctionError("'host' is a reserved function name.")
    names: set[str] = set()
    for binding in function.bindings:
        _check_binding(binding, names)
    if function.is_http:
        _check_route(function, earlier)


def _check_built_in(function: Function) -> None:
    for binding in function.bindings:
        if binding.type.lower().startswith("queue"):
            raise FunctionError(
                f"The binding type(s) '{binding.type}' are not registered. Please ensure the type is correct and the "
                "binding extension is installed."
            )


def _check_binding(binding: Binding, names: set[str]) -> None:
    if not _BINDING_NAME.fullmatch(binding.name):
        raise FunctionError(f"The binding name {binding.name} is invalid. Please assign a valid name to the binding.")
    if binding.name.lower() in names:
        raise FunctionError(f"Multiple bindings with name '{binding.name}' discovered. Binding names must be unique.")
    names.add(binding.name.lower())
    known = _TRIGGERS if binding.is_trigger else _OUTPUTS
    if binding.type.lower() not in known or (not binding.is_trigger and binding.direction == "IN"):
        raise FunctionError(f"The binding type '{binding.type}' is not supported by this host.")


def _check_route(function: Function, earlier: list[Function]) -> None:
    Route(function.route)
    if function.route.lower().startswith(("admin", "runtime")):
        raise FunctionError(f"The specified route conflicts with one or more built in routes: '{function.route}'.")
    for other in earlier:
        if not other.is_http or other.route.lower() != function.route.lower():
            continue
        if not other.methods or not function.methods or other.methods & function.methods:
            raise FunctionError(f"The route specified conflicts with the route defined by function '{other.name}'.")
