"""A run of sign-ins that replays exactly, after a reset and in another process."""

import ssl
from typing import Any

import httpx

from local.entra.app import build
from local.simkit.background import Background
from local.simkit.tls import Certificates
from tests.local.entra.stranger import MARCO, REDIRECT, ROSE, Stranger


def run_of(stranger: Stranger) -> tuple[list[Any], list[str]]:
    """Return the request log, and the codes and refresh tokens."""
    stranger.web.cookies.clear()
    stranger.order("reset")
    stranger.order("faults", {"action": "status", "probability": 0.3, "seed": 2, "status": 503, "path": "token"})
    stranger.order("faults", {"action": "fail_after_commit", "probability": 0.3, "seed": 3, "path": "token"})
    for upn in (ROSE, MARCO, ROSE):
        stranger.web.cookies.clear()
        page = stranger.send(stranger.authorize(login_hint=upn, prompt="login"), upn=upn)
        if page.status_code == 200:
            stranger.send(page, decision="accept")
        made = stranger.order("codes", {"upn": upn})
        stranger.web.get("/common/oauth2/v2.0/token", params={"code": made["code"]})
        held = ""
        for _ in range(4):
            answer = stranger.refresh(held) if held else stranger.redeem(made["code"], code_verifier=None)
            held = answer.json().get("refresh_token", held)
            stranger.web.get("/common/oauth2/v2.0/token", params={"refresh_token": held})
    log = stranger.web.get("/_control/requests").json()["requests"]
    issued = stranger.web.get("/_control/issued?values=1").json()["issued"]
    return (
        [(each["method"], each["path"], each["status"], each["faults"]) for each in log],
        [each["value"] for each in issued if each["kind"] in ("code", "refresh_token")],
    )


def test_the_same_sign_ins_replay_exactly(stranger: Stranger, tls: Certificates, trust: ssl.SSLContext) -> None:
    first = run_of(stranger)
    log, issued = first
    assert {number for each in log for number in each[3]} == {1, 2}
    assert len(issued) == len(set(issued)) > 6
    assert run_of(stranger) == first
    with (
        Background(build([REDIRECT]).app, certificate=tls.server_file) as url,
        httpx.Client(base_url=url, verify=trust, trust_env=False) as web,
    ):
        assert run_of(Stranger(web=web)) == first


def test_the_names_of_pages_and_sessions_replay_as_well(stranger: Stranger) -> None:
    def names() -> list[str]:
        stranger.web.cookies.clear()
        stranger.order("reset")
        page = stranger.authorize()
        return [page.text, stranger.send(page, upn=ROSE).headers["set-cookie"].partition(";")[0]]

    first = names()
    assert names() == first
