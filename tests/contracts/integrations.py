"""What every implementation of ``Integrations`` has to do."""

import asyncio
from dataclasses import replace

import pytest

from shared.core.integration import Account, Preferences
from shared.core.states import IntegrationState
from shared.errors import RowChanged, RowExists
from shared.ports import Integrations
from tests.support.values import integration, new_id


def account() -> Account:
    return Account(tenant_id=new_id(), account_id=new_id())


class IntegrationsContract:
    """Needs a fixture ``integrations`` that begins empty."""

    async def test_found_by_user_and_by_id(self, integrations: Integrations) -> None:
        value = integration(user_id="auth0|sören/%2F+#?", delta_link="https://graph/" + "x" * 40_000)
        made = await integrations.insert(value)
        assert made.value == value
        assert await integrations.of_user(value.user_id) == made
        assert await integrations.get(value.integration_id) == made
        assert await integrations.get(value.integration_id) == made

    async def test_what_is_not_there(self, integrations: Integrations) -> None:
        assert await integrations.of_user("nobody") is None
        assert await integrations.get("nothing") is None

    async def test_a_user_has_one(self, integrations: Integrations) -> None:
        first = await integrations.insert(integration(user_id="anna"))
        second = integration(user_id="anna")
        with pytest.raises(RowExists):
            await integrations.insert(second)
        assert await integrations.of_user("anna") == first
        assert await integrations.get(second.integration_id) is None

    async def test_two_connections_of_a_user_at_once(self, integrations: Integrations) -> None:
        outcomes = await asyncio.gather(
            *(integrations.insert(integration(user_id="anna")) for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(outcome, RowExists) for outcome in outcomes) == 4
        assert len([item async for item in integrations.all()]) == 1

    async def test_users_whose_names_look_alike(self, integrations: Integrations) -> None:
        names = ["a/b", "a=2Fb", "a%2Fb", "a|b", "A/b", "x" * 2000, "x" * 2001]
        for name in names:
            await integrations.insert(integration(user_id=name))
        for name in names:
            found = await integrations.of_user(name)
            assert found is not None
            assert found.value.user_id == name

    async def test_save_needs_the_tag(self, integrations: Integrations) -> None:
        made = await integrations.insert(integration())
        paused = replace(made.value, state=IntegrationState.PAUSED, preferences=Preferences(event_prefix="Ä: "))
        saved = await integrations.save(replace(made, value=paused))
        assert await integrations.get(paused.integration_id) == saved
        with pytest.raises(RowChanged):
            await integrations.save(made)

    async def test_all(self, integrations: Integrations) -> None:
        made = [await integrations.insert(integration()) for _ in range(5)]
        found = [item async for item in integrations.all()]
        assert {item.value.integration_id for item in found} == {item.value.integration_id for item in made}
        assert all(item in found for item in made)

    async def test_an_account_is_taken_once(self, integrations: Integrations) -> None:
        wanted = account()
        assert await integrations.take_account(wanted, "first") == "first"
        assert await integrations.take_account(wanted, "first") == "first"
        assert await integrations.take_account(wanted, "second") == "first"
        assert await integrations.take_account(replace(wanted, account_id=new_id()), "second") == "second"

    async def test_an_account_is_given_back_by_its_holder_alone(self, integrations: Integrations) -> None:
        wanted = account()
        await integrations.take_account(wanted, "first")
        await integrations.release_account(wanted, "second")
        assert await integrations.take_account(wanted, "second") == "first"
        await integrations.release_account(wanted, "first")
        await integrations.release_account(wanted, "first")
        assert await integrations.take_account(wanted, "second") == "second"

    async def test_races_for_an_account(self, integrations: Integrations) -> None:
        wanted = account()
        holders = await asyncio.gather(*(integrations.take_account(wanted, f"i{number}") for number in range(6)))
        assert len(set(holders)) == 1
