"""Consent and tokens against the simulated Entra, through MSAL as it is."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from local.entra.app import Entra, build
from local.simkit.background import Background
from local.simkit.people import IVY, MARCO, ROSE, Account
from local.simkit.tls import Certificates, certificates
from shared.errors import ConsentFault, OperatorFault, ReconnectNeeded, Unavailable
from shared.graph.entra import SCOPES, EntraApp
from shared.graph.oauth import EntraConsent, EntraTokens, secret_name
from shared.ports import Grant
from shared.store.memory import MemorySecrets
from tests.local.entra.stranger import CLIENT_ID, REDIRECT, SECRET, Stranger, answer
from tests.support.values import StandingClock

INTEGRATION = "integration-1"
NAME = secret_name(INTEGRATION)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("oauth-tls"))


@pytest.fixture(scope="module")
def running(tls: Certificates) -> Iterator[tuple[str, Entra]]:
    entra = build([REDIRECT])
    with Background(entra.app, certificate=tls.server_file) as url:
        yield url, entra


@pytest.fixture
def stranger(running: tuple[str, Entra], tls: Certificates) -> Iterator[Stranger]:
    trust = ssl.create_default_context(cafile=str(tls.ca_file))
    with httpx.Client(base_url=running[0], verify=trust, trust_env=False) as web:
        assert web.post("/_control/reset").status_code == 200
        yield Stranger(web=web)


@pytest.fixture
def app(running: tuple[str, Entra], tls: Certificates, stranger: Stranger) -> EntraApp:
    return EntraApp(client_id=CLIENT_ID, authority_host=running[0], ca_file=str(tls.ca_file))


@pytest.fixture
def vault() -> MemorySecrets:
    return MemorySecrets({"azure-client-secret": SECRET})


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def tokens(app: EntraApp, vault: MemorySecrets, clock: StandingClock) -> EntraTokens:
    return EntraTokens(app, secrets=vault, clock=clock)


@pytest.fixture
def consent(app: EntraApp, tokens: EntraTokens) -> EntraConsent:
    return EntraConsent(app, tokens=tokens, redirect_uri=REDIRECT)


def coming_back(
    stranger: Stranger, auth_uri: object, *, who: Account = ROSE, decision: str = "accept"
) -> dict[str, str]:
    """Go through the pages as a person does; return the redirect's query."""
    picked = stranger.send(stranger.web.get(str(auth_uri)), upn=who.upn)
    return answer(stranger.send(picked, decision=decision))


@pytest.fixture
async def grant(consent: EntraConsent, stranger: Stranger) -> Grant:
    flow = await consent.begin(state="state-1")
    return await consent.finish(flow, coming_back(stranger, flow["auth_uri"]))


@pytest.fixture
async def connected(consent: EntraConsent, grant: Grant) -> None:
    await consent.keep(INTEGRATION, grant)


def token_requests(stranger: Stranger) -> int:
    received: list[dict[str, Any]] = stranger.web.get("/_control/requests").json()["requests"]
    return sum(request["path"].endswith("/token") for request in received)


async def test_the_flow_asks_for_safe_scopes_with_pkce_and_the_account_picker(consent: EntraConsent) -> None:
    flow = await consent.begin(state="state-1")
    asked = dict(parse_qsl(urlsplit(str(flow["auth_uri"])).query))
    assert set(asked["scope"].split()) == {*SCOPES, "openid", "profile", "offline_access"}
    assert (asked["prompt"], asked["state"], asked["redirect_uri"]) == ("select_account", "state-1", REDIRECT)
    assert asked["code_challenge_method"] == "S256"
    assert asked["nonce"]
    assert json.loads(json.dumps(flow)) == flow


@pytest.mark.parametrize("who", [ROSE, MARCO])
async def test_a_consent_tells_who_it_was(consent: EntraConsent, stranger: Stranger, who: Account) -> None:
    flow = await consent.begin(state="s")
    grant = await consent.finish(flow, coming_back(stranger, flow["auth_uri"], who=who))
    assert (grant.account.tenant_id, grant.account.account_id) == (who.tid, who.oid)
    assert (grant.account.email, grant.account.display_name) == (who.upn, who.name)


async def test_a_declined_consent(consent: EntraConsent, stranger: Stranger) -> None:
    flow = await consent.begin(state="s")
    with pytest.raises(ConsentFault) as caught:
        await consent.finish(flow, coming_back(stranger, flow["auth_uri"], decision="decline"))
    assert caught.value.code == "access_denied"


async def test_an_administrator_has_to_approve(consent: EntraConsent, stranger: Stranger, app: EntraApp) -> None:
    flow = await consent.begin(state="s")
    picked = stranger.send(stranger.web.get(str(flow["auth_uri"])), upn=IVY.upn)
    with pytest.raises(ConsentFault) as caught:
        await consent.finish(flow, answer(stranger.send(picked, decision="return")))
    assert caught.value.code == "admin_approval_required"
    assert caught.value.link == app.admin_consent_url


@pytest.mark.parametrize("state", ["other", ""])
async def test_another_state_is_not_redeemed(consent: EntraConsent, stranger: Stranger, state: str) -> None:
    flow = await consent.begin(state="s")
    back = coming_back(stranger, flow["auth_uri"]) | {"state": state}
    with pytest.raises(ConsentFault) as caught:
        await consent.finish(flow, back)
    assert caught.value.code == "state_mismatch"
    assert token_requests(stranger) == 0


async def test_another_flows_nonce_is_refused(consent: EntraConsent, stranger: Stranger) -> None:
    flow = await consent.begin(state="s")
    back = coming_back(stranger, flow["auth_uri"])
    with pytest.raises(ConsentFault) as caught:
        await consent.finish({**flow, "nonce": "another"}, back)
    assert caught.value.code == "state_mismatch"


@pytest.mark.parametrize("spoilt", [{"code": "never-issued"}, {}])
async def test_a_code_works_once(consent: EntraConsent, stranger: Stranger, spoilt: dict[str, str]) -> None:
    flow = await consent.begin(state="s")
    back = coming_back(stranger, flow["auth_uri"])
    if not spoilt:
        await consent.finish(flow, back)
    with pytest.raises(ConsentFault) as caught:
        await consent.finish(flow, back | spoilt)
    assert caught.value.code == "consent_failed"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("User.Read MailboxSettings.Read offline_access openid profile", "missing_scope"),
        (" ".join([*SCOPES, "openid", "profile"]), "missing_refresh_token"),
    ],
)
async def test_a_grant_that_is_too_small(consent: EntraConsent, stranger: Stranger, asked: str, code: str) -> None:
    flow = dict(await consent.begin(state="s")) | {"scope": asked.split()}
    sent = dict(parse_qsl(urlsplit(str(flow["auth_uri"])).query))
    made = stranger.order(
        "codes",
        {
            "upn": ROSE.upn,
            "scopes": asked,
            "redirect_uri": REDIRECT,
            "code_challenge": sent["code_challenge"],
            "nonce": sent["nonce"],
            "state": "s",
        },
    )
    with pytest.raises(ConsentFault) as caught:
        await consent.finish(flow, {"code": made["code"], "state": "s"})
    assert caught.value.code == code


async def test_what_the_vault_keeps_holds_no_access_token(
    grant: Grant, consent: EntraConsent, vault: MemorySecrets, clock: StandingClock
) -> None:
    assert json.loads(grant.token_cache)["AccessToken"]
    await consent.keep(INTEGRATION, grant)
    kept = json.loads(await vault.get(NAME) or "")
    assert kept["savedAt"] == clock.now().isoformat()
    assert kept["cache"]["RefreshToken"]
    assert "AccessToken" not in kept["cache"]
    assert "IdToken" not in kept["cache"]


@pytest.mark.usefixtures("connected")
async def test_an_access_token_is_kept_in_memory_until_it_is_old(
    tokens: EntraTokens, stranger: Stranger, clock: StandingClock
) -> None:
    before = token_requests(stranger)
    first = await tokens.access_token(INTEGRATION)
    clock.advance(minutes=54)
    assert await tokens.access_token(INTEGRATION) == first
    assert token_requests(stranger) == before + 1
    clock.advance(minutes=2)
    assert await tokens.access_token(INTEGRATION) != first
    assert token_requests(stranger) == before + 2


@pytest.mark.usefixtures("connected")
async def test_many_callers_share_one_refresh(tokens: EntraTokens, stranger: Stranger) -> None:
    before = token_requests(stranger)
    found = await asyncio.gather(*(tokens.access_token(INTEGRATION) for _ in range(10)))
    assert len(set(found)) == 1
    again = await asyncio.gather(*(tokens.access_token(INTEGRATION, refused=found[0]) for _ in range(10)))
    assert len({found[0], *again}) == 2
    assert token_requests(stranger) == before + 2


@pytest.mark.usefixtures("connected")
async def test_a_rotated_refresh_token_is_saved_once_a_day(
    tokens: EntraTokens, vault: MemorySecrets, clock: StandingClock
) -> None:
    kept = await vault.get(NAME)
    clock.advance(hours=23)
    await tokens.access_token(INTEGRATION)
    assert await vault.get(NAME) == kept
    clock.advance(hours=2)
    await tokens.access_token(INTEGRATION)
    rotated = await vault.get(NAME)
    assert rotated != kept
    assert json.loads(rotated or "")["savedAt"] == clock.now().isoformat()
    assert "AccessToken" not in json.loads(rotated or "")["cache"]


@pytest.mark.usefixtures("connected")
async def test_a_vault_that_does_not_save_does_not_stop_the_sync(
    app: EntraApp, vault: MemorySecrets, clock: StandingClock
) -> None:
    class ReadOnly(MemorySecrets):
        async def put(self, name: str, value: str) -> None:
            raise Unavailable("vault")

    held = {NAME: await vault.get(NAME) or "", "azure-client-secret": SECRET}
    clock.advance(days=2)
    assert await EntraTokens(app, secrets=ReadOnly(held), clock=clock).access_token(INTEGRATION)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("order", ["revoke", "expire", "mfa", "withdraw-consent", "disable"])
async def test_a_dead_grant_needs_its_user(tokens: EntraTokens, stranger: Stranger, order: str) -> None:
    stranger.order(f"grants/{order}", {"upn": ROSE.upn})
    with pytest.raises(ReconnectNeeded) as caught:
        await tokens.access_token(INTEGRATION)
    assert "AADSTS" not in caught.value.reason


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("trouble", [{"secret": "another"}, {"secretExpired": True}, {"disabled": True}])
async def test_our_own_registration_is_the_operators_business(
    tokens: EntraTokens, stranger: Stranger, trouble: dict[str, Any]
) -> None:
    stranger.order("client", trouble)
    with pytest.raises(OperatorFault):
        await tokens.access_token(INTEGRATION)
    restored = {"secret": SECRET, "secretExpired": False, "disabled": False}
    stranger.order("client", restored)
    assert await tokens.access_token(INTEGRATION)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("path", ["openid-configuration", "/token"])
@pytest.mark.parametrize("fault", [{"action": "status", "status": 503}, {"action": "drop_connection"}])
async def test_an_entra_that_does_not_answer_is_tried_later(
    tokens: EntraTokens, stranger: Stranger, path: str, fault: dict[str, Any]
) -> None:
    stranger.web.post("/_control/faults", json=fault | {"path": path})
    with pytest.raises(Unavailable):
        await tokens.access_token(INTEGRATION)
    stranger.web.request("DELETE", "/_control/faults")
    assert await tokens.access_token(INTEGRATION)


async def test_settings_that_name_no_tenant(
    app: EntraApp, vault: MemorySecrets, clock: StandingClock, grant: Grant
) -> None:
    elsewhere = EntraTokens(replace(app, tenant_id="no-such-tenant"), secrets=vault, clock=clock)
    consent = EntraConsent(replace(app, tenant_id="no-such-tenant"), tokens=elsewhere, redirect_uri=REDIRECT)
    with pytest.raises(OperatorFault):
        await consent.begin(state="s")


async def test_without_the_apps_secret_nothing_begins(app: EntraApp, clock: StandingClock) -> None:
    tokens = EntraTokens(app, secrets=MemorySecrets(), clock=clock)
    with pytest.raises(OperatorFault):
        await EntraConsent(app, tokens=tokens, redirect_uri=REDIRECT).begin(state="s")


@pytest.mark.parametrize("kept", [None, "", "{", "{}", '{"savedAt": "x", "cache": {}}', "[]", "null"])
async def test_without_tokens_the_user_has_to_connect(
    tokens: EntraTokens, vault: MemorySecrets, kept: str | None
) -> None:
    if kept is not None:
        await vault.put(NAME, kept)
    with pytest.raises(ReconnectNeeded):
        await tokens.access_token(INTEGRATION)


async def test_a_cache_without_account_or_refresh_token_needs_the_user(
    tokens: EntraTokens, vault: MemorySecrets, grant: Grant, clock: StandingClock
) -> None:
    whole = json.loads(grant.token_cache)
    for missing in ("Account", "RefreshToken"):
        cache = {section: rows for section, rows in whole.items() if section != missing}
        await vault.put(NAME, json.dumps({"savedAt": clock.now().isoformat(), "cache": cache}))
        with pytest.raises(ReconnectNeeded):
            await tokens.access_token(INTEGRATION)


@pytest.mark.usefixtures("connected")
async def test_forgetting_removes_the_tokens_here_and_there(
    consent: EntraConsent, tokens: EntraTokens, vault: MemorySecrets
) -> None:
    await tokens.access_token(INTEGRATION)
    await consent.forget(INTEGRATION)
    await consent.forget(INTEGRATION)
    assert await vault.get(NAME) is None
    with pytest.raises(ReconnectNeeded):
        await tokens.access_token(INTEGRATION)


@pytest.mark.usefixtures("connected")
async def test_a_new_grant_replaces_the_old_at_once(
    consent: EntraConsent, tokens: EntraTokens, stranger: Stranger
) -> None:
    first = await tokens.access_token(INTEGRATION)
    flow = await consent.begin(state="s2")
    stranger.web.cookies.clear()
    await consent.keep(INTEGRATION, await consent.finish(flow, coming_back(stranger, flow["auth_uri"], who=MARCO)))
    assert await tokens.access_token(INTEGRATION) != first


@pytest.mark.usefixtures("connected")
async def test_a_token_that_expires_soon_is_used_for_most_of_its_life(
    tokens: EntraTokens, stranger: Stranger, clock: StandingClock
) -> None:
    stranger.order("knobs", {"accessTokenSeconds": 100})
    first = await tokens.access_token(INTEGRATION)
    clock.advance(seconds=70)
    assert await tokens.access_token(INTEGRATION) == first
    clock.advance(seconds=20)
    assert await tokens.access_token(INTEGRATION) != first


async def test_scopes_may_come_back_qualified(consent: EntraConsent, stranger: Stranger) -> None:
    stranger.order("knobs", {"scopeForm": "qualified", "echoOfflineAccess": True})
    flow = await consent.begin(state="s")
    assert (await consent.finish(flow, coming_back(stranger, flow["auth_uri"]))).account.account_id == ROSE.oid


@pytest.mark.usefixtures("connected")
async def test_an_answer_that_is_no_json_is_tried_later(
    app: EntraApp,
    tls: Certificates,
    tokens: EntraTokens,
    vault: MemorySecrets,
    clock: StandingClock,
    stranger: Stranger,
) -> None:
    async def garbled(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        discovery = scope["path"].endswith("openid-configuration")
        host = dict(scope["headers"])[b"host"].decode()
        places = {name: f"https://{host}/common/{name}" for name in ("authorization_endpoint", "token_endpoint")}
        body = json.dumps(places).encode() if discovery else b"<h1>proxy</h1>"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    with Background(Starlette(routes=[Mount("/", app=garbled)]), certificate=tls.server_file) as url:
        kept = json.loads(await vault.get(NAME) or "")
        assert kept
        elsewhere = EntraTokens(replace(app, authority_host=url), secrets=vault, clock=clock)
        with pytest.raises(Unavailable):
            await elsewhere.access_token(INTEGRATION)
    assert await tokens.access_token(INTEGRATION)
