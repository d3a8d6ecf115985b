"""Consent and tokens against the simulated Entra, through MSAL as it is."""

import asyncio
import json
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from local.entra.app import Entra, build
from local.simkit.background import Background
from local.simkit.people import IVY, MARCO, ROSE, Account
from local.simkit.tls import Certificates, certificates
from shared.errors import ConsentFault, OperatorFault, ReconnectNeeded, Unavailable
from shared.graph.entra import SCOPES, EntraApp
from shared.graph.grants import Grants, secret_name
from shared.graph.oauth import EntraConsent, EntraTokens
from shared.ports import Grant, Secrets
from shared.store.leases import TableLeases
from shared.store.memory import MemorySecrets, MemoryTables
from shared.store.rows import Table
from tests.local.entra.stranger import CLIENT_ID, REDIRECT, SECRET, Stranger, answer
from tests.support.values import StandingClock, integration, new_id

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


def worker(app: EntraApp, vault: Secrets, clock: StandingClock, tables: MemoryTables | None = None) -> EntraTokens:
    """The tokens of one process; those of several share their tables."""
    leases = TableLeases(tables or MemoryTables(), clock, row="grant-lease")
    grants = Grants(secrets=vault, leases=leases, clock=clock, new_id=new_id)
    return EntraTokens(app, grants=grants, secrets=vault, clock=clock)


@pytest.fixture
def tables() -> MemoryTables:
    return MemoryTables()


@pytest.fixture
def tokens(app: EntraApp, vault: MemorySecrets, clock: StandingClock, tables: MemoryTables) -> EntraTokens:
    return worker(app, vault, clock, tables)


@pytest.fixture
def consent(app: EntraApp, tokens: EntraTokens) -> EntraConsent:
    return EntraConsent(app, tokens=tokens, redirect_uri=REDIRECT)


def coming_back(
    stranger: Stranger, auth_uri: object, *, who: Account = ROSE, decision: str = "accept"
) -> dict[str, str]:
    """Go through the pages as a person does; return the redirect's query."""
    picked = stranger.send(stranger.web.get(str(auth_uri)), upn=who.upn)
    if picked.status_code == 302:  # consented before
        return answer(picked)
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
    assert await worker(app, ReadOnly(held), clock).access_token(INTEGRATION)


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
    elsewhere = worker(replace(app, tenant_id="no-such-tenant"), vault, clock)
    consent = EntraConsent(replace(app, tenant_id="no-such-tenant"), tokens=elsewhere, redirect_uri=REDIRECT)
    with pytest.raises(OperatorFault):
        await consent.begin(state="s")


async def test_without_the_apps_secret_nothing_begins(app: EntraApp, clock: StandingClock) -> None:
    tokens = worker(app, MemorySecrets(), clock)
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
        elsewhere = worker(replace(app, authority_host=url), vault, clock)
        with pytest.raises(Unavailable):
            await elsewhere.access_token(INTEGRATION)
    assert await tokens.access_token(INTEGRATION)


# --- Several processes ----------------------------------------------------------------------------------------------


class Interrupted(MemorySecrets):
    """The vault as one process sees it; ``meanwhile`` begins right before the ``at``-th call, counted from 0."""

    def __init__(self, shared: MemorySecrets, at: int, meanwhile: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__()
        self.values = shared.values
        self.left = at
        self.meanwhile = meanwhile
        self.others: list[asyncio.Task[None]] = []

    async def get(self, name: str) -> str | None:
        await self._interrupt()
        return await super().get(name)

    async def put(self, name: str, value: str) -> None:
        await self._interrupt()
        await super().put(name, value)

    async def _interrupt(self) -> None:
        self.left -= 1
        if self.left == -1:
            self.others.append(asyncio.create_task(self.meanwhile()))
            for _ in range(100):  # as far as it gets: it may have to wait for this very process
                await asyncio.sleep(0)


async def consents(consent: EntraConsent, stranger: Stranger, who: Account = ROSE) -> Grant:
    stranger.web.cookies.clear()
    flow = await consent.begin(state=new_id())
    return await consent.finish(flow, coming_back(stranger, flow["auth_uri"], who=who))


def refresh_token_in(vault: MemorySecrets) -> str:
    (row,) = json.loads(vault.values[NAME])["cache"]["RefreshToken"].values()
    return str(row["secret"])


@pytest.mark.usefixtures("connected")
async def test_two_workers_refresh_at_once_and_no_rotated_token_is_lost(
    app: EntraApp, vault: MemorySecrets, clock: StandingClock, tables: MemoryTables
) -> None:
    before = refresh_token_in(vault)
    clock.advance(days=2)
    workers = [worker(app, vault, clock, tables) for _ in range(2)]
    assert all(await asyncio.gather(*(each.access_token(INTEGRATION) for each in workers)))
    rotated = refresh_token_in(vault)
    assert rotated != before
    assert json.loads(vault.values[NAME])["savedAt"] == clock.now().isoformat()
    clock.advance(days=2)
    assert await worker(app, vault, clock, tables).access_token(INTEGRATION)
    assert refresh_token_in(vault) not in (before, rotated)


async def guarded(tables: MemoryTables) -> bool:
    """Whether a row is left that guards the grant."""
    return await tables.get(Table.INTEGRATIONS, f"i|{INTEGRATION}", "grant-lease") is not None


@pytest.mark.usefixtures("connected")
async def test_of_a_grant_that_was_forgotten_no_guard_is_left(consent: EntraConsent, tables: MemoryTables) -> None:
    assert await guarded(tables)
    for _ in range(2):
        await consent.forget(INTEGRATION)
        assert not await guarded(tables)


@pytest.mark.usefixtures("connected")
async def test_who_saves_after_the_end_leaves_no_guard(
    vault: MemorySecrets, clock: StandingClock, tables: MemoryTables, consent: EntraConsent
) -> None:
    grants = Grants(secrets=vault, leases=TableLeases(tables, clock, row="grant-lease"), clock=clock, new_id=new_id)
    kept = await grants.read(INTEGRATION)
    assert kept is not None
    await consent.forget(INTEGRATION)
    assert not await grants.rotate(INTEGRATION, kept, "{}")
    assert not await guarded(tables)
    assert NAME not in vault.values


@pytest.mark.usefixtures("connected")
async def test_a_vault_that_deletes_nothing_holds_nobody_up(
    app: EntraApp, vault: MemorySecrets, clock: StandingClock, tables: MemoryTables
) -> None:
    class Stubborn(MemorySecrets):
        async def remove(self, name: str) -> None:
            raise Unavailable("keyvault")

    with pytest.raises(Unavailable):
        await worker(app, Stubborn(vault.values), clock, tables).forget(INTEGRATION)
    assert await guarded(tables)
    await worker(app, vault, clock, tables).forget(INTEGRATION)
    assert NAME not in vault.values
    assert not await guarded(tables)


async def test_of_more_connections_than_there_is_room_for_the_longest_unasked_makes_room(
    app: EntraApp, vault: MemorySecrets, clock: StandingClock, grant: Grant, stranger: Stranger
) -> None:
    leases = TableLeases(MemoryTables(), clock, row="grant-lease")
    grants = Grants(secrets=vault, leases=leases, clock=clock, new_id=new_id)
    tokens = EntraTokens(app, grants=grants, secrets=vault, clock=clock, most_held=3)
    names = [f"integration-{number}" for number in range(4)]
    for name in names:
        await tokens.keep(name, grant.token_cache)
        tokens.belongs(integration(integration_id=name))

    async def refreshed(*asked: str) -> int:
        before = token_requests(stranger)
        for name in asked:
            assert await tokens.access_token(name)
        return token_requests(stranger) - before

    assert await refreshed(*names[:3]) == 3
    assert await refreshed(names[0]) == 0, "it has been asked for, and is the youngest now"
    assert await refreshed(names[3]) == 1
    assert await refreshed(names[0], names[2], names[3]) == 0
    assert await refreshed(names[1]) == 1, "it made room"
    assert await refreshed(names[2], names[3]) == 0, "and now the one that was asked for before these did"
    assert await refreshed(names[0]) == 1


STEPS = range(4)
"""A worker reads the grant and the app's secret, refreshes, reads the grant again, saves."""


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("at", STEPS)
async def test_a_late_rotated_token_does_not_replace_a_new_grant(
    app: EntraApp,
    vault: MemorySecrets,
    clock: StandingClock,
    tables: MemoryTables,
    consent: EntraConsent,
    stranger: Stranger,
    at: int,
) -> None:
    clock.advance(days=2)
    again = await consents(consent, stranger)
    seen = Interrupted(vault, at, lambda: consent.keep(INTEGRATION, again))
    assert await worker(app, seen, clock, tables).access_token(INTEGRATION)
    await asyncio.gather(*seen.others)
    assert seen.others
    (row,) = json.loads(again.token_cache)["RefreshToken"].values()
    assert refresh_token_in(vault) == row["secret"]


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("at", STEPS)
async def test_a_late_rotated_token_does_not_come_back_after_a_disconnect(
    app: EntraApp, vault: MemorySecrets, clock: StandingClock, tables: MemoryTables, consent: EntraConsent, at: int
) -> None:
    clock.advance(days=2)
    seen = Interrupted(vault, at, lambda: consent.forget(INTEGRATION))
    with suppress(ReconnectNeeded):
        await worker(app, seen, clock, tables).access_token(INTEGRATION)
    await asyncio.gather(*seen.others)
    assert seen.others
    assert NAME not in vault.values
    assert not await guarded(tables)


@pytest.mark.usefixtures("connected")
async def test_a_dead_grant_that_was_replaced_meanwhile_asks_nobody(
    app: EntraApp,
    vault: MemorySecrets,
    clock: StandingClock,
    tables: MemoryTables,
    consent: EntraConsent,
    stranger: Stranger,
) -> None:
    stranger.order("grants/revoke", {"upn": ROSE.upn})
    again = await consents(consent, stranger)
    seen = Interrupted(vault, 1, lambda: consent.keep(INTEGRATION, again))
    assert await worker(app, seen, clock, tables).access_token(INTEGRATION)


@pytest.mark.usefixtures("connected")
async def test_a_worker_that_died_while_saving_delays_a_new_grant_by_its_lease_alone(
    app: EntraApp,
    vault: MemorySecrets,
    clock: StandingClock,
    tables: MemoryTables,
    consent: EntraConsent,
    stranger: Stranger,
) -> None:
    again = await consents(consent, stranger)
    leases = TableLeases(tables, clock, row="grant-lease")
    assert await leases.acquire(INTEGRATION, owner="dead", until=clock.now() + timedelta(seconds=30))

    async def passing(seconds: float) -> None:
        clock.advance(seconds=seconds)

    began = clock.now()
    grants = Grants(secrets=vault, leases=leases, clock=clock, new_id=new_id, sleep=passing)
    await grants.keep(INTEGRATION, again.token_cache)
    assert clock.now() - began <= timedelta(seconds=31)
    (row,) = json.loads(again.token_cache)["RefreshToken"].values()
    assert refresh_token_in(vault) == row["secret"]


@pytest.mark.usefixtures("connected")
async def test_nobody_saves_a_rotated_token_while_a_new_grant_is_on_its_way(
    vault: MemorySecrets, clock: StandingClock, tables: MemoryTables, grant: Grant
) -> None:
    """The vault still shows the old grant, and takes the new one a moment later: whoever is slower would have it."""
    under_way, go_on = asyncio.Event(), asyncio.Event()

    class Slow(MemorySecrets):
        async def put(self, name: str, value: str) -> None:
            under_way.set()
            await go_on.wait()
            await super().put(name, value)

    def grants(secrets: Secrets) -> Grants:
        leases = TableLeases(tables, clock, row="grant-lease")
        return Grants(secrets=secrets, leases=leases, clock=clock, new_id=new_id)

    kept = await grants(vault).read(INTEGRATION)
    assert kept is not None
    slow = Slow(vault.values)
    keeping = asyncio.create_task(grants(slow).keep(INTEGRATION, grant.token_cache))
    await under_way.wait()
    assert not await grants(vault).rotate(INTEGRATION, kept, json.dumps({"RefreshToken": {"r": {"secret": "late"}}}))
    assert vault.values[NAME] == kept.secret
    go_on.set()
    await keeping
    assert await grants(vault).rotate(INTEGRATION, kept, "{}"), "nobody is at it any more"


async def test_a_new_grant_waits_no_longer_than_anybody_may_save(vault: MemorySecrets, clock: StandingClock) -> None:
    leases = TableLeases(MemoryTables(), clock, row="grant-lease")
    await leases.acquire(INTEGRATION, owner="somebody", until=clock.now() + timedelta(days=1))

    async def passing(seconds: float) -> None:
        clock.advance(seconds=seconds)

    grants = Grants(secrets=vault, leases=leases, clock=clock, new_id=new_id, sleep=passing)
    with pytest.raises(Unavailable):
        await grants.keep(INTEGRATION, "{}")


@pytest.mark.usefixtures("connected")
async def test_another_accounts_token_is_not_used_for_a_connection_made_anew(
    app: EntraApp,
    vault: MemorySecrets,
    clock: StandingClock,
    tables: MemoryTables,
    consent: EntraConsent,
    stranger: Stranger,
) -> None:
    """Rose disconnects and connects Marco's account, in one process; another still holds a token of Rose's."""
    roses = integration(integration_id=INTEGRATION, tenant_id=ROSE.tid, account_id=ROSE.oid)
    other = worker(app, vault, clock, tables)
    other.belongs(roses)
    held = await other.access_token(INTEGRATION)
    other.belongs(roses)
    assert await other.access_token(INTEGRATION) == held
    await consent.forget(INTEGRATION)
    await consent.keep(INTEGRATION, await consents(consent, stranger, MARCO))
    other.belongs(replace(roses, tenant_id=MARCO.tid, account_id=MARCO.oid))
    token = await other.access_token(INTEGRATION)
    assert jwt.decode(token, options={"verify_signature": False})["oid"] == MARCO.oid
    assert jwt.decode(held, options={"verify_signature": False})["oid"] == ROSE.oid


# --- Tokens that nobody uses ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("connected")
async def test_an_idle_grant_is_renewed(consent: EntraConsent, vault: MemorySecrets, clock: StandingClock) -> None:
    before = refresh_token_in(vault)
    clock.advance(days=30)
    assert not await consent.renew(INTEGRATION, saved_before=clock.now() - timedelta(days=30))
    assert refresh_token_in(vault) == before
    clock.advance(minutes=1)
    assert await consent.renew(INTEGRATION, saved_before=clock.now() - timedelta(days=30))
    assert refresh_token_in(vault) != before
    assert json.loads(vault.values[NAME])["savedAt"] == clock.now().isoformat()


@pytest.mark.usefixtures("connected")
async def test_a_renewal_that_the_vault_did_not_keep_has_failed(
    app: EntraApp, vault: MemorySecrets, clock: StandingClock
) -> None:
    class Failing(MemorySecrets):
        async def put(self, name: str, value: str) -> None:
            raise Unavailable("keyvault")

    with pytest.raises(Unavailable):
        await worker(app, Failing(vault.values), clock).renew(INTEGRATION, saved_before=clock.now() + timedelta(days=1))


@pytest.mark.parametrize("fault", [{"action": "status", "status": 503}, {"action": "drop_connection"}])
async def test_whether_entra_is_within_reach(app: EntraApp, stranger: Stranger, fault: dict[str, Any]) -> None:
    await asyncio.to_thread(app.reach)
    stranger.web.post("/_control/faults", json=fault | {"path": "openid-configuration"})
    with pytest.raises(Unavailable):
        await asyncio.to_thread(app.reach)
    stranger.web.request("DELETE", "/_control/faults")
