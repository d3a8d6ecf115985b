"""Control routes, the managed identity endpoint, and the state file."""

import ssl
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from local.entra.app import build
from local.simkit.background import Background
from local.simkit.tls import Certificates
from tests.local.entra.stranger import MARCO, REDIRECT, ROSE, Stranger, read_page


def test_reset_forgets_consent_grants_sessions_and_knobs(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("knobs", {"accessTokenSeconds": 5})
    stranger.order("client", {"secret": "other"})
    stranger.order("reset")
    assert stranger.refresh(token).json()["error_codes"] == [70000]
    assert stranger.web.get("/_control/knobs").json()["accessTokenSeconds"] == 3600
    assert read_page(stranger.send(stranger.authorize(), upn=ROSE)).heading == "Permissions requested"


def test_grants_are_counted_by_person(stranger: Stranger) -> None:
    stranger.refresh(stranger.tokens()["refresh_token"])
    stranger.order("grants/expire", {"upn": ROSE})
    shown = stranger.web.get("/_control/grants").json()
    assert shown[ROSE]["refreshTokens"] == 2
    assert shown[ROSE]["usableRefreshTokens"] == 0
    assert "Calendars.ReadWrite" in shown[ROSE]["consented"]
    assert shown[MARCO]["refreshTokens"] == 0


def test_issued_values_are_shown_only_when_asked(stranger: Stranger) -> None:
    body = stranger.tokens()
    plain = stranger.web.get("/_control/issued")
    assert body["refresh_token"] not in plain.text
    assert plain.json()["counts"]["refresh_token"] == 1
    values = {item["value"] for item in stranger.web.get("/_control/issued?values=1").json()["issued"]}
    assert {body["access_token"], body["refresh_token"], body["id_token"]} <= values


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("knobs", {"noSuchKnob": 1}),
        ("knobs", {"accessTokenSeconds": "long"}),
        ("grants/revoke", {"upn": "nobody@nowhere.example"}),
        ("codes", {"upn": ROSE, "redirect_uri": "https://evil.example"}),
        ("codes", {"upn": ROSE, "scopes": "Calendars.Juggle"}),
    ],
)
def test_bad_orders_are_refused(stranger: Stranger, path: str, body: dict[str, Any]) -> None:
    assert stranger.web.post(f"/_control/{path}", json=body).status_code == 400


def test_a_fault_strikes_the_token_endpoint(stranger: Stranger) -> None:
    token = stranger.tokens()["refresh_token"]
    stranger.order("faults", {"action": "status", "path": "/token$", "status": 503, "retry_after": 2, "count": 1})
    hit = stranger.refresh(token)
    assert (hit.status_code, hit.headers["retry-after"]) == (503, "2")
    assert hit.json()["error"] == "temporarily_unavailable"
    assert stranger.refresh(token).status_code == 200


def test_grants_and_keys_outlive_a_restart(tls: Certificates, trust: ssl.SSLContext, tmp_path: Path) -> None:
    def run(work: Any) -> Any:
        entra = build([REDIRECT], tmp_path / "entra.json")
        with (
            Background(entra.app, certificate=tls.server_file) as url,
            httpx.Client(base_url=url, verify=trust, trust_env=False) as web,
        ):
            return work(Stranger(web=web))

    first = run(lambda stranger: stranger.tokens())
    keys = run(lambda stranger: stranger.web.get("/common/discovery/v2.0/keys").json()["keys"])
    assert {key["kid"] for key in keys} == {jwt.get_unverified_header(first["access_token"])["kid"]}
    assert run(lambda stranger: stranger.refresh(first["refresh_token"])).status_code == 200
    assert (tmp_path / "entra.json").stat().st_mode & 0o077 == 0
