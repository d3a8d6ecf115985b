"""Microsoft's own Python client, unmodified, pointed at the simulated Graph by its documented means."""

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.event import Event
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory

from local.simkit.people import Account
from tests.local.graph.conftest import SCOPES, checked_by, token

WARNS_OF_ITSELF = [
    pytest.mark.filterwarnings(r"ignore::DeprecationWarning:kiota_abstractions\..*"),
    pytest.mark.filterwarnings(r"ignore::DeprecationWarning:msgraph\..*"),
]
"""Marks for a test module: importing the client's request builders warns of classes that it deprecates itself."""


class Credential:
    """An azure-core credential: hands out test tokens of one account."""

    def __init__(self, account: Account, scopes: str) -> None:
        self._account = account
        self._scopes = scopes

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(token(self._account, scopes=self._scopes), int(time.time()) + 3600)

    async def close(self) -> None:
        return None


@asynccontextmanager
async def client_of(
    account: Account, graph_url: str, trust: ssl.SSLContext, schema: Any, *, scopes: str = SCOPES
) -> AsyncIterator[GraphServiceClient]:
    """A client with Microsoft's default middleware; only the address and the trusted authority are ours. What it is
    answered is checked against the public schema as well."""
    base = f"{graph_url}/v1.0"
    async with httpx.AsyncClient(
        base_url=base, verify=trust, trust_env=False, timeout=30, event_hooks=checked_by(schema)
    ) as http:
        wired = GraphClientFactory.create_with_default_middleware(client=http, options=options)
        signing = AzureIdentityAuthenticationProvider(Credential(account, scopes), allowed_hosts=["localhost"])
        adapter = GraphRequestAdapter(signing, client=wired)
        adapter.base_url = base
        yield GraphServiceClient(request_adapter=adapter)


def asking(parameters: Any = None, **headers: str) -> Any:
    """A request configuration; header names are given with ``_`` for ``-``."""
    made = RequestConfiguration(query_parameters=parameters)
    for name, value in headers.items():
        made.headers.add(name.replace("_", "-"), value)
    return made


def moment(clock: str, zone: str = "UTC") -> DateTimeTimeZone:
    return DateTimeTimeZone(date_time=clock, time_zone=zone)


def tasting(**members: Any) -> Event:
    """An event of an hour."""
    wanted = {"subject": "Cake tasting", "start": moment("2026-08-04T14:00:00"), "end": moment("2026-08-04T15:00:00")}
    return Event(**(wanted | members))
