"""A running simulated Entra, reset before each test."""

import ssl
from collections.abc import Iterator

import httpx
import msal
import pytest
import requests

from local.entra.app import Entra, build
from local.simkit.background import Background
from local.simkit.tls import Certificates, certificates
from tests.local.entra.stranger import CLIENT_ID, REDIRECT, SECRET, Stranger
from tests.local.hollow import Hollow


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("entra-tls"))


@pytest.fixture(scope="session")
def running(tls: Certificates, hollow: bool) -> Iterator[tuple[str, str, Entra]]:
    entra = build([REDIRECT])
    with (
        Background(Hollow(entra.app) if hollow else entra.app, certificate=tls.server_file) as url,
        Background(Hollow(entra.identity) if hollow else entra.identity) as identity_url,
    ):
        yield url, identity_url, entra


@pytest.fixture
def entra_url(running: tuple[str, str, Entra]) -> str:
    return running[0]


@pytest.fixture
def identity_url(running: tuple[str, str, Entra], stranger: Stranger) -> str:
    return running[1]


@pytest.fixture
def trust(tls: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls.ca_file))


@pytest.fixture
def stranger(entra_url: str, trust: ssl.SSLContext) -> Iterator[Stranger]:
    with httpx.Client(base_url=entra_url, verify=trust, trust_env=False) as web:
        assert web.post("/_control/reset").status_code == 200
        yield Stranger(web=web)


@pytest.fixture
def msal_app(entra_url: str, tls: Certificates, stranger: Stranger) -> Iterator[msal.ConfidentialClientApplication]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(tls.ca_file)
        yield msal.ConfidentialClientApplication(
            CLIENT_ID,
            client_credential=SECRET,
            authority=f"{entra_url}/common",
            instance_discovery=False,
            http_client=session,
            token_cache=msal.SerializableTokenCache(),
        )
