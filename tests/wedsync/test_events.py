"""``WedSyncApi`` against simulated WedSync: the port's contract, and how it asks."""

import pytest

from shared.errors import OperatorFault, Rejected
from shared.store.memory import MemorySecrets
from shared.wedsync.client import WedSyncClient
from shared.wedsync.events import WedSyncApi
from tests.contracts.wedsync_port import USER, WedSyncContract, draft
from tests.support.values import new_id
from tests.wedsync.conftest import URL, Planner


class TestContract(WedSyncContract):
    pass


async def test_each_call_is_one_request(wedsync: WedSyncApi, planner: Planner) -> None:
    made = await wedsync.create(USER, wedsync.compose(draft()), idempotency_key=new_id())
    await wedsync.event(USER, made.event_id)
    await wedsync.by_external_id(USER, made.external_id or "")
    await wedsync.changes(USER)
    await wedsync.delete(USER, event_id=made.event_id, version=made.version)
    assert [request["method"] for request in await planner.requests()] == ["POST", "GET", "GET", "GET", "DELETE"]


async def test_an_unknown_user_is_no_missing_event(wedsync: WedSyncApi) -> None:
    with pytest.raises(Rejected):
        await wedsync.event("nobody/../planner-rose", "e-1")
    with pytest.raises(Rejected):
        await wedsync.changes("nobody")


async def test_a_wrong_service_token_is_the_operators_business(planner: Planner) -> None:
    for values in ({"wedsync-service-token": "wrong"}, {}):
        client = WedSyncClient(base_url=URL, secrets=MemorySecrets(values), transport=planner.http._transport)
        with pytest.raises(OperatorFault):
            await WedSyncApi(client).changes(USER)


async def test_a_service_token_changed_in_the_vault_is_read_again(
    planner: Planner, wedsync: WedSyncApi, client: WedSyncClient, vault: MemorySecrets
) -> None:
    await vault.put("wedsync-service-token", "an old one")
    with pytest.raises(OperatorFault):
        await wedsync.changes(USER)
    await vault.put("wedsync-service-token", "the-service-token")
    assert (await wedsync.changes(USER)).events == ()
