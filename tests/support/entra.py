"""Entra as far as a process without sockets can have it: the Consent port, and the tokens that Graph's client asks for.

MSAL talks through blocking sockets, so the far end cannot stand behind ASGI; ``shared.graph.oauth`` has tests of its
own against the simulator. Tokens are in the vault or nowhere, as with the real thing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from local.simkit import people
from shared.core.integration import Account
from shared.errors import ReconnectNeeded, SyncFault
from shared.ports import Grant, Secrets

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_FAR = 4_102_444_800  # 2100-01-01: how tokens run out is another test's matter


class PublishedKeys:
    """Entra's published keys, for Graph."""

    async def key(self, key_id: str) -> Any | None:
        return _KEY.public_key() if key_id == "test" else None


def graph_token(account: people.Account) -> str:
    claims = {
        "aud": "https://graph.microsoft.com",
        "iss": f"https://sts.windows.net/{account.tid}/",
        "appid": "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10",
        "oid": account.oid,
        "tid": account.tid,
        "upn": account.upn,
        "scp": "User.Read Calendars.ReadWrite MailboxSettings.Read",
        "nbf": 0,
        "exp": _FAR,
    }
    return jwt.encode(claims, _KEY, algorithm="RS256", headers={"kid": "test"})


@dataclass(kw_only=True)
class FakeEntra:
    """Whoever is named in the code has consented.

    ``revoked`` holds the ids of integrations whose grant is dead; ``held`` is what the process remembers. ``fault`` is
    what Entra answers to every refresh while it is set; ``renewed`` are the integrations whose rotated token was saved.
    """

    secrets: Secrets
    revoked: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)
    fault: SyncFault | None = None
    renewed: list[str] = field(default_factory=list)

    async def begin(self, *, state: str) -> Mapping[str, object]:
        return {"auth_uri": f"https://login.test/authorize?state={state}", "state": state}

    async def finish(self, flow: Mapping[str, object], answer: Mapping[str, str]) -> Grant:
        account = next(account for account in people.ACCOUNTS if account.upn == answer["code"])
        return Grant(
            account=Account(
                tenant_id=account.tid, account_id=account.oid, email=account.upn, display_name=account.name
            ),
            token_cache=json.dumps({"upn": account.upn}),
        )

    async def keep(self, integration_id: str, grant: Grant) -> None:
        self.revoked.discard(integration_id)
        self.held.pop(integration_id, None)
        await self.secrets.put(f"outlook-token-{integration_id}", grant.token_cache)

    async def forget(self, integration_id: str) -> None:
        self.held.pop(integration_id, None)
        await self.secrets.remove(f"outlook-token-{integration_id}")

    async def access_token(self, integration_id: str, *, refused: str = "") -> str:
        if integration_id in self.revoked:
            raise ReconnectNeeded("Outlook has to be connected again.", code="invalid_grant")
        if refused or integration_id not in self.held:
            if self.fault:
                raise self.fault
            kept = await self.secrets.get(f"outlook-token-{integration_id}")
            if kept is None:
                raise ReconnectNeeded("There are no tokens.", code="no_tokens")
            upn = json.loads(kept)["upn"]
            self.held[integration_id] = graph_token(next(each for each in people.ACCOUNTS if each.upn == upn))
        return self.held[integration_id]

    async def renew(self, integration_id: str, *, saved_before: datetime) -> bool:
        self.held.pop(integration_id, None)
        await self.access_token(integration_id)
        self.renewed.append(integration_id)
        return True
