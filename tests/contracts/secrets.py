"""What every implementation of ``Secrets`` has to do."""

import pytest

from shared.errors import StoreFault
from shared.ports import Secrets


class SecretsContract:
    """Needs a fixture ``secrets`` that begins empty."""

    async def test_put_get_remove(self, secrets: Secrets) -> None:
        assert await secrets.get("outlook-token-1") is None
        await secrets.put("outlook-token-1", '{"ä": "🎂"}')
        assert await secrets.get("outlook-token-1") == '{"ä": "🎂"}'
        await secrets.put("outlook-token-1", "second")
        assert await secrets.get("outlook-token-1") == "second"
        await secrets.remove("outlook-token-1")
        assert await secrets.get("outlook-token-1") is None
        await secrets.remove("outlook-token-1")

    async def test_a_removed_name_can_be_used_again(self, secrets: Secrets) -> None:
        for value in ("first", "second", "third"):
            await secrets.put("outlook-token-2", value)
            assert await secrets.get("outlook-token-2") == value
            await secrets.remove("outlook-token-2")

    @pytest.mark.parametrize("name", ["", "a_b", "a/b", "ä", "x" * 128])
    async def test_names_that_the_vault_refuses(self, secrets: Secrets, name: str) -> None:
        for attempt in (secrets.get(name), secrets.put(name, "x"), secrets.remove(name)):
            with pytest.raises(StoreFault):
                await attempt

    async def test_values_that_are_too_long(self, secrets: Secrets) -> None:
        await secrets.put("long", "x" * 25 * 1024)
        with pytest.raises(StoreFault):
            await secrets.put("long", "x" * 25 * 1024 + "x")
