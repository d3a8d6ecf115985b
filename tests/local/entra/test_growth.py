"""What a simulated Entra that runs for days keeps, and when it forgets."""

import httpx
import pytest

from local.entra import sessions, state
from local.entra.knobs import Knobs
from tests.local.entra.stranger import MARCO, ROSE, Stranger, read_page, refused

DAY = 86_400


def held(stranger: Stranger, upn: str = ROSE) -> int:
    return int(stranger.web.get("/_control/grants").json()[upn]["refreshTokens"])


def test_a_refresh_token_long_past_its_end_is_dropped(stranger: Stranger) -> None:
    """So long it is told that it has expired; then nobody knows it any more."""
    days = Knobs().refresh_token_days
    old = stranger.tokens()["refresh_token"]
    stranger.order("clock", {"advanceSeconds": (days + 1) * DAY})
    refused(stranger.refresh(old), "invalid_grant", 700082)
    stranger.web.cookies.clear()
    stranger.tokens(MARCO)
    refused(stranger.refresh(old), "invalid_grant", 700082)
    stranger.order("clock", {"advanceSeconds": days * DAY})
    stranger.tokens(MARCO)
    assert (held(stranger), held(stranger, MARCO)) == (0, 2)
    refused(stranger.refresh(old), "invalid_grant", 70000)


def test_so_many_refresh_tokens_of_a_person_are_remembered(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "REFRESH_TOKENS_KEPT", 3)
    marcos = stranger.tokens(MARCO)["refresh_token"]
    stranger.web.cookies.clear()
    line = [stranger.tokens()["refresh_token"]]
    for _ in range(4):
        line.append(stranger.refresh(line[-1]).json()["refresh_token"])
    assert held(stranger) == 3
    refused(stranger.refresh(line[0]), "invalid_grant", 70000)
    assert stranger.refresh(line[-1]).status_code == 200
    assert stranger.refresh(marcos).status_code == 200


def test_so_many_browsers_are_remembered(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_KEPT", 2)
    jars = []
    for _ in range(3):
        stranger.web.cookies.clear()
        stranger.code()
        jars.append(httpx.Cookies(stranger.web.cookies))
    seen = []
    for jar in jars:
        stranger.web.cookies = jar
        answer = stranger.authorize()
        seen.append(answer.status_code if answer.status_code == 302 else read_page(answer).heading)
    assert seen == ["Pick an account", 302, 302]
