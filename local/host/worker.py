"""Microsoft's own worker code: it indexes the app, checks signatures, converts values and runs the functions.

The library ``azure-functions-runtime`` is what Azure runs inside its worker process; the objects of its protocol are
stood in for by plain records, which is its documented seam for running without protobuf. It indexes once per process.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime import handle_event, native_invocation
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.bindings.meta import load_binding_registry

from local.host.errors import StartupError
from local.host.functions import Function, Retry, parse_binding
from local.host.values import Invocation, Outcome, Value

SCRIPT_SETTING = "PYTHON_SCRIPT_FILE_NAME"


class _Record:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class _BindingInfo(_Record):
    """Called as a constructor and read for the four directions."""

    undefined, out, inout = 0, 1, 2


# The fourth direction is a Python keyword.
setattr(_BindingInfo, "in", 0)


def index(app_root: Path) -> list[Function]:
    """Import the app and return its functions, sorted by name as the host does; StartupError says what is wrong."""
    script = os.environ.get(SCRIPT_SETTING, "function_app.py")
    file = app_root / script
    if not file.is_file():
        raise StartupError(f"there is no {script} in {app_root}: 0 functions found (Custom)")
    sys.path.insert(0, str(app_root))
    os.chdir(app_root)
    handle_event.protos = SimpleNamespace(
        BindingInfo=_BindingInfo, RpcFunctionMetadata=_Record, RpcRetryOptions=_Record
    )
    load_binding_registry()
    try:
        metadata = handle_event.index_functions(str(file), str(app_root))
    except Exception as error:
        raise StartupError(f"the worker could not index {script}: {type(error).__name__}: {error}") from error
    functions = [
        Function(
            name=item.name,
            function_id=item.function_id,
            bindings=tuple(parse_binding(raw) for raw in item.raw_bindings),
            retry=_retry(item.retry_options),
        )
        for item in metadata
    ]
    return sorted(functions, key=lambda function: function.name.lower())


def start_threads() -> None:
    """Open the pool in which sync functions run; ``PYTHON_THREADPOOL_THREAD_COUNT`` sets its size."""
    runtime.start_threadpool_executor()


def current_invocation() -> str | None:
    """Return the id of the invocation in whose task or thread this is called."""
    found: str | None = runtime.invocation_id_cv.get()
    return found


async def invoke(invocation: Invocation) -> Outcome:
    """Run one function once; exceptions of its own come back in the outcome."""
    succeeded, returned, outputs, error, trace = await native_invocation.invocation_request_native(
        invocation.id,
        invocation.function_id,
        [(invocation.parameter, _to_datum(invocation.value))],
        _texts(invocation.metadata),
        trace_parent=invocation.trace_parent,
        trace_state="",
        retry_count=invocation.retry.count,
        max_retry_count=invocation.retry.maximum,
        retry_exception=invocation.retry.error,
    )
    return Outcome(
        succeeded=succeeded,
        returned=None if returned is None else _from_datum(returned),
        outputs=tuple((name, _from_datum(datum)) for name, datum in outputs),
        error=_plain(error or ""),
        trace=_plain(trace or ""),
    )


def _texts(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _to_datum(value: Value) -> Any:
    if value.type != "http":
        return Datum(value.value, value.type)
    members = dict(value.value)
    request: dict[str, Any] = {"body": Datum(members["body"], "bytes")}
    request |= {name: Datum(members[name], "string") for name in ("method", "url")}
    request |= {name: _texts(members[name]) for name in ("headers", "query", "params")}
    return Datum(request, "http")


def _from_datum(datum: Any) -> Value:
    """Return the value as the worker's protocol carries it: plain text and bytes, lists and dicts as JSON.

    What a function returns may be of classes of the app's own, which the host's process does not have.
    """
    if datum.type == "http":
        return Value(_response(datum.value), "http")
    if datum.type == "bytes":
        return Value(bytes(datum.value), "bytes")
    if datum.type == "string":
        return Value(_plain(datum.value), "string")
    return Value(_plain(datum.value if datum.type == "json" else json.dumps(datum.value)), "json")


def _response(members: dict[str, Any]) -> dict[str, Any]:
    cookies = [_plain(morsel.OutputString()) for cookie in members["cookies"] or () for morsel in cookie.values()]
    return {
        "status_code": _plain(members["status_code"].value),
        "headers": {_plain(name): _plain(header.value) for name, header in members["headers"].items()},
        "cookies": cookies,
        "body": bytes(members["body"].value),
    }


def _plain(text: Any) -> str:
    """Return the characters of a text of any class; TypeError for what is none."""
    return str.__str__(text)


def _retry(options: Any) -> Retry | None:
    if options is None:
        return None
    fixed: timedelta | None = getattr(options, "delay_interval", None)
    first = fixed if fixed is not None else options.minimum_interval
    longest = fixed if fixed is not None else options.maximum_interval
    return Retry(maximum=options.max_retry_count, first=first, longest=longest)
