"""The sample people: two planners in WedSync and their Microsoft accounts.

Every simulator knows the same people, so that a token of one names a mailbox of another.
"""

from dataclasses import dataclass

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
WORK_TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A Microsoft account. ``oid`` is the object id in id_tokens; ``graph_id`` is what ``/me`` answers as ``id``."""

    upn: str
    name: str
    oid: str
    tid: str
    graph_id: str
    time_zone: str

    @property
    def personal(self) -> bool:
        """Whether this is an outlook.com account, for which part of Graph is missing."""
        return self.tid == PERSONAL_TENANT


@dataclass(frozen=True, kw_only=True)
class Planner:
    """A WedSync user. ``account`` is the Outlook account that they would connect."""

    user_id: str
    name: str
    account: Account


ROSE = Account(
    upn="rose@havenweddings.example",
    name="Rose Haven",
    oid="2b7f1c7e-0f63-4f0c-9a53-5c3f4b8e1a01",
    tid=WORK_TENANT,
    graph_id="2b7f1c7e-0f63-4f0c-9a53-5c3f4b8e1a01",
    time_zone="GMT Standard Time",
)
MARCO = Account(
    upn="marco.sposi@outlook.example",
    name="Marco Sposi",
    oid="00000000-0000-0000-3c5d-7e9fa1b2c304",
    tid=PERSONAL_TENANT,
    graph_id="3c5d7e9fa1b2c304",
    time_zone="W. Europe Standard Time",
)
IVY = Account(
    upn="ivy@havenweddings.example",
    name="Ivy Haven",
    oid="7d0a4e52-91c4-4c02-8a3e-6a1b9d7e2b05",
    tid=WORK_TENANT,
    graph_id="7d0a4e52-91c4-4c02-8a3e-6a1b9d7e2b05",
    time_zone="Eastern Standard Time",
)
ACCOUNTS = (ROSE, MARCO, IVY)
PLANNERS = (
    Planner(user_id="planner-rose", name="Rose Haven", account=ROSE),
    Planner(user_id="planner-marco", name="Marco Sposi", account=MARCO),
)
