"""What personal accounts lack, and how they are told: 400 or 401, never 403 (S60, live captures).

Work accounts find the same paths behind directory permissions that a calendar app does not hold.
"""

from typing import Any

from local.graph import projection
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError
from local.graph.service import Graph
from local.simkit.people import Account

_USERS = ("User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All")
_CONTACTS = ("OrgContact.Read.All", "Directory.Read.All")
_GROUPS = ("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All")
_ORGANIZATION = ("User.Read", "Organization.Read.All", "Directory.Read.All")
_MEETINGS = ("OnlineMeetings.Read", "OnlineMeetings.ReadWrite")


def _unsupported() -> GraphError:
    """A workload that has no address for personal accounts (error/contacts_msa_unsupported.json)."""
    return GraphError(
        400,
        "BadRequest",
        "This API is not supported for MSA accounts (no addressUrl for Microsoft.DirectoryServices,False).",
    )


def _nameless() -> GraphError:
    """A directory API that does not say what it minds (error/contacts_directory_unauthorized.json)."""
    error = GraphError(401, "UnknownError")
    error.message = ""
    return error


def refuse_personal(graph: Graph, call: Call) -> None:
    """Refuse a personal account at a calendar API that it lacks; which of the two answers it is, is a knob."""
    if not call.caller.account.personal:
        return
    if graph.knobs.personalRefusal == 401:
        raise _nameless()
    raise GraphError(400, "BadRequest", "This API is not supported for MSA accounts.")


def _require(call: Call, *scopes: str) -> None:
    if call.caller.scopes.isdisjoint(scopes):
        raise GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _colleagues(graph: Graph, call: Call) -> list[Account]:
    own = call.caller.account.tid
    return [box.account for box in graph.store.mailboxes.values() if box.account.tid == own]


def _collection(call: Call, context: str, value: list[dict[str, Any]]) -> Answer:
    return Answer(body=projection.collection(call.base, context, value))


def users(graph: Graph, call: Call) -> Answer:
    """GET the people of the organization, also as the one round of a delta."""
    if call.caller.account.personal:
        raise _nameless()
    _require(call, *_USERS)
    answer = _collection(call, "users", [projection.me(account) for account in _colleagues(graph, call)])
    if call.segments[-1].lower() == "delta":
        answer.body["@odata.deltaLink"] = f"{call.base}/users/delta?$deltatoken=latest"
    return answer


def contacts(_: Graph, call: Call) -> Answer:
    """GET the organization's contacts; the stand has none."""
    if call.caller.account.personal:
        raise _unsupported()
    _require(call, *_CONTACTS)
    answer = _collection(call, "contacts", [])
    if call.segments[-1].lower() == "delta":
        answer.body["@odata.deltaLink"] = f"{call.base}/contacts/delta?$deltatoken=latest"
    return answer


def organization(_: Graph, call: Call) -> Answer:
    """GET the organization that the caller belongs to."""
    if call.caller.account.personal:
        raise _unsupported()
    _require(call, *_ORGANIZATION)
    account = call.caller.account
    name = account.upn.partition("@")[2]
    return _collection(call, "organization", [{"id": account.tid, "displayName": name, "tenantType": "AAD"}])


def groups(_: Graph, call: Call) -> Answer:
    """GET the groups; the stand has none."""
    if call.caller.account.personal:
        raise _nameless()
    _require(call, *_GROUPS)
    return _collection(call, "groups", [])


def online_meetings(_: Graph, call: Call) -> Answer:
    """GET the online meetings of the Teams API, which knows no personal accounts (#13612); the stand has none."""
    if call.caller.account.personal:
        raise GraphError(401, "AuthenticationError", "Error authenticating with resource")
    _require(call, *_MEETINGS)
    return _collection(call, "onlineMeetings", [])
