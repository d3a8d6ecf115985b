"""``translateExchangeIds``: one form of an item's id for another (S27, user-translateexchangeids.md)."""

from collections.abc import Callable
from typing import Any

from local.graph import projection, values, views
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, bad_request
from local.graph.service import Graph

_SCOPES = (
    "User.ReadBasic.All", "User.Read", "User.ReadWrite", "User.Read.All", "User.ReadWrite.All",
)  # fmt: skip
_PARAMETERS = {name.lower(): name for name in ("inputIds", "sourceIdType", "targetIdType")}
"""Parameters of actions go by any case: msgraph-sdk writes them with a capital."""
_MOST = 1000
_EWS_TO_REST = str.maketrans("/+", "-_")
_REST_TO_EWS = str.maketrans("-_", "/+")


def _from_binary(written: str) -> str:
    """Return the id of a binary form, whose last digit counts the padding that was cut off."""
    return f"{written[:-1]}{'=' * int(written[-1])}" if written[-1:] in ("0", "1", "2") else written


def _to_binary(own: str) -> str:
    """Return an id in the URL-safe encoding of binary forms: a count in place of the padding."""
    bare = own.rstrip("=")
    return f"{bare}{len(own) - len(bare)}"


_FORMS: dict[str, tuple[bool, Callable[[str], str], Callable[[str], str]]] = {
    "restId": (False, str, str),
    "restImmutableEntryId": (True, str, str),
    "ewsId": (False, lambda written: written.translate(_EWS_TO_REST), lambda own: own.translate(_REST_TO_EWS)),
    "entryId": (False, _from_binary, _to_binary),
    "immutableEntryId": (True, _from_binary, _to_binary),
}
"""By format: whether it is immutable, how it becomes a REST id, and how it is made of one."""


def translate(_: Graph, call: Call) -> Answer:
    """POST up to 1,000 ids; each is answered with its counterpart or with what is wrong with it."""
    call.caller.require(*_SCOPES)
    given = {}
    for name, value in (call.body if isinstance(call.body, dict) else {}).items():
        if name.lower() not in _PARAMETERS:
            raise bad_request(f"The parameter '{name}' in the request payload is not a valid parameter.")
        given[_PARAMETERS[name.lower()]] = value
    wanted = values.strings("inputIds", given.get("inputIds"))
    if len(wanted) > _MOST:
        raise bad_request(f"The collection 'inputIds' holds more than {_MOST} strings.")
    source, target = (_form(name, given.get(name)) for name in ("sourceIdType", "targetIdType"))
    shown = [_translated(call, each, source, target) for each in wanted]
    return Answer(body=projection.collection(call.base, "Collection(microsoft.graph.convertIdResult)", shown))


def _form(name: str, value: Any) -> str:
    return values.one_of(tuple(_FORMS))(name, value)


def _translated(call: Call, written: str, source: str, target: str) -> dict[str, Any]:
    """Return a convertIdResult; an id that names nothing, or is of another format, gets ``errorDetails``."""
    try:
        immutable, read, _ = _FORMS[source]
        view = views.find(call.mailbox, read(written))
        if view.event_id(immutable) != read(written):
            raise bad_request("The id is not of the source id type.")
    except GraphError as error:
        details = {"code": error.code, "message": error.message}
        return {"sourceId": written, "targetId": None, "errorDetails": details}
    immutable, _, write = _FORMS[target]
    return {"sourceId": written, "targetId": write(view.event_id(immutable))}
