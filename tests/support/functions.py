"""The app's functions as they are registered. The library lets an app be asked once in a process, so it is kept."""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import function_app


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A function with its trigger's members."""

    call: Any
    trigger: dict[str, Any]

    @property
    def is_http(self) -> bool:
        return str(self.trigger["type"]) == "httpTrigger"

    @property
    def methods(self) -> list[str]:
        """None are named for a function that takes them all."""
        return [str(method).rpartition(".")[2] for method in self.trigger.get("methods") or ()]


@cache
def functions() -> dict[str, Registered]:
    return {
        str(function.get_function_name()): Registered(
            call=function.get_user_function(), trigger=cast(Any, function.get_trigger()).get_dict_repr()
        )
        for function in function_app.app.get_functions()
    }
