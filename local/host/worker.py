"""Microsoft's own worker code: it indexes the app, checks signatures, converts values and runs the functions.

The library ``azure-functions-runtime`` is what Azure runs inside its worker process; the objects of its protocol are
stood in for by plain records, which is its documented seam for running without protobuf. It indexes once per process.
"""

import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
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

SCRIPT_SETTING = "PYTHON_SCRIPT_FILE_NAME"


class _Record:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class _BindingInfo(_Record):
    """Called as a constructor and read for the four directions."""

    undefined, out, inout = 0, 1, 2


# The fourth direction is a Python keyword.
setattr(_BindingInfo, "in", 0)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an invocation ended. ``error`` and ``trace`` are texts; ``outputs`` are the values set on output bindings."""

    succeeded: bool
    returned: Any = None
    outputs: tuple[tuple[str, Any], ...] = ()
    error: str = ""
    trace: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What a function sees as ``context.retry_context``."""

    count: int = 0
    maximum: int = 0
    error: str | None = None


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


def release_threads() -> None:
    """Let the pool end without waiting for what still runs in it."""
    executor = runtime.get_threadpool_executor()
    if executor is not None:
        executor.shutdown(wait=False, cancel_futures=True)


def current_invocation() -> str | None:
    """Return the id of the invocation in whose task or thread this is called."""
    found: str | None = runtime.invocation_id_cv.get()
    return found


async def invoke(
    function: Function,
    *,
    value: Any,
    metadata: Mapping[str, str],
    invocation_id: str,
    trace_parent: str,
    retry: Attempt,
) -> Outcome:
    """Run one function once; exceptions of its own come back in the outcome."""
    succeeded, returned, outputs, error, trace = await native_invocation.invocation_request_native(
        invocation_id,
        function.function_id,
        [(function.trigger.name, value)],
        {name: text(item) for name, item in metadata.items()},
        trace_parent=trace_parent,
        trace_state="",
        retry_count=retry.count,
        max_retry_count=retry.maximum,
        retry_exception=retry.error,
    )
    return Outcome(succeeded=succeeded, returned=returned, outputs=tuple(outputs), error=error or "", trace=trace or "")


def new_invocation_id() -> str:
    """Return a fresh invocation id."""
    return str(uuid.uuid4())


def text(value: str) -> Any:
    """Wrap a string for the worker."""
    return Datum(value, "string")


def json_text(value: str) -> Any:
    """Wrap a JSON document for the worker."""
    return Datum(value, "json")


def http_request(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    params: Mapping[str, str],
    body: bytes,
) -> Any:
    """Wrap an HTTP request for the worker; ``params`` are the route's parameters."""
    members: dict[str, Any] = {"method": text(method), "url": text(url), "body": Datum(body, "bytes")}
    for name, values in (("headers", headers), ("query", query), ("params", params)):
        members[name] = {key: text(value) for key, value in values.items()}
    return Datum(members, "http")


def _retry(options: Any) -> Retry | None:
    if options is None:
        return None
    fixed: timedelta | None = getattr(options, "delay_interval", None)
    first = fixed if fixed is not None else options.minimum_interval
    longest = fixed if fixed is not None else options.maximum_interval
    return Retry(maximum=options.max_retry_count, first=first, longest=longest)
