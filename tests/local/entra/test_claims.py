"""S10-S12: client_info and the claims of tokens, over plain HTTPS."""

import base64
import json

import pytest

from tests.local.entra.sources import AUTH_CODE, ERRORS, ID_TOKEN, MSAL, OIDC, PERMISSIONS
from tests.local.entra.stranger import CLIENT_ID, MARCO, PERSONAL, ROSE, SECRET, WORK, Stranger, answer, claims, refused
from tests.local.evidence import Grade, behaviour


@behaviour("S10", Grade.DOCUMENTED, MSAL)
def test_s10_client_info_comes_only_when_asked(stranger: Stranger) -> None:
    assert "client_info" not in stranger.tokens()
    body = stranger.redeem(stranger.code(), client_info="1").json()
    decoded = json.loads(base64.urlsafe_b64decode(body["client_info"] + "=="))
    assert decoded == {"uid": "2b7f1c7e-0f63-4f0c-9a53-5c3f4b8e1a01", "utid": WORK}


@behaviour("S10", Grade.DOCUMENTED, ID_TOKEN)
def test_s10_the_id_token_names_the_account(stranger: Stranger, entra_url: str) -> None:
    body = claims(stranger.tokens(nonce="as sent")["id_token"], stranger, CLIENT_ID)
    assert body["iss"] == f"{entra_url}/{WORK}/v2.0"
    assert (body["oid"], body["tid"]) == ("2b7f1c7e-0f63-4f0c-9a53-5c3f4b8e1a01", WORK)
    assert (body["ver"], body["nonce"]) == ("2.0", "as sent")
    assert (body["preferred_username"], body["name"]) == (ROSE, "Rose Haven")
    assert body["sub"] not in (body["oid"], ROSE)


@behaviour("S10", Grade.DOCUMENTED, ID_TOKEN)
def test_s10_claims_need_their_scopes_and_the_nonce_is_never_invented(stranger: Stranger) -> None:
    body = claims(stranger.tokens(scope="openid email", nonce=None)["id_token"], stranger, CLIENT_ID)
    assert {"nonce", "preferred_username", "name"}.isdisjoint(body)
    assert body["email"] == ROSE


@behaviour("S10", Grade.DOCUMENTED, AUTH_CODE)
def test_s10_the_access_token_is_for_graph(stranger: Stranger) -> None:
    answer = stranger.tokens()
    body = claims(answer["access_token"], stranger, "https://graph.microsoft.com")
    assert (body["appid"], body["upn"], body["tid"]) == (CLIENT_ID, ROSE, WORK)
    assert body["iss"] == f"https://sts.windows.net/{WORK}/"
    assert set(body["scp"].split()) == {"Calendars.ReadWrite", "User.Read", "openid", "profile"}
    assert body["exp"] - body["iat"] == 3600
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)


@behaviour("S11", Grade.DOCUMENTED, OIDC, ID_TOKEN)
def test_s11_a_personal_account_has_the_personal_tenant(stranger: Stranger) -> None:
    body = claims(stranger.tokens(MARCO)["id_token"], stranger, CLIENT_ID)
    assert (body["tid"], body["oid"]) == (PERSONAL, "00000000-0000-0000-3c5d-7e9fa1b2c304")


@behaviour("S11", Grade.DOCUMENTED, ERRORS)
def test_s11_a_grant_is_refused_under_another_tenant(stranger: Stranger) -> None:
    token = stranger.tokens(MARCO)["refresh_token"]
    form = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "refresh_token", "refresh_token": token}
    refused(stranger.web.post(f"/{WORK}/oauth2/v2.0/token", data=form), "invalid_grant", 50020)
    assert stranger.web.post("/consumers/oauth2/v2.0/token", data=form).status_code == 200


@pytest.mark.parametrize("scope", ["OnlineMeetings.ReadWrite", "Calendars.ReadWrite.Shared"])
@behaviour("S12", Grade.DOCUMENTED, PERMISSIONS)
def test_s12_personal_accounts_get_no_work_scopes(stranger: Stranger, scope: str) -> None:
    asked = f"{scope} Calendars.ReadWrite"
    assert stranger.tokens(MARCO, scope=asked)["scope"] == "Calendars.ReadWrite"
    assert stranger.tokens(ROSE, scope=asked, prompt="select_account")["scope"] == asked


@behaviour("S10", Grade.DOCUMENTED, ID_TOKEN)
def test_s10_the_id_token_says_when_it_lives_and_carries_opaque_claims(stranger: Stranger) -> None:
    body = claims(stranger.tokens()["id_token"], stranger, CLIENT_ID)
    assert body["iat"] == body["nbf"] < body["exp"]
    assert all(isinstance(body[name], str) for name in ("aio", "rh", "uti"))
    assert claims(stranger.tokens()["id_token"], stranger, CLIENT_ID)["uti"] != body["uti"]


@behaviour("S10", Grade.DOCUMENTED, ID_TOKEN)
def test_s10_the_subject_is_the_persons_in_this_application_alone(stranger: Stranger) -> None:
    first = stranger.tokens()
    again = claims(stranger.tokens(prompt="login")["id_token"], stranger, CLIENT_ID)
    mine = claims(first["id_token"], stranger, CLIENT_ID)
    graphs = claims(first["access_token"], stranger, "https://graph.microsoft.com")
    other = claims(stranger.tokens(MARCO, prompt="select_account")["id_token"], stranger, CLIENT_ID)
    assert mine["sub"] == again["sub"]
    assert len({mine["sub"], graphs["sub"], other["sub"]}) == 3


@behaviour("S10", Grade.ASSUMED, MSAL)
def test_s10_the_redirect_brings_client_info_when_asked(stranger: Stranger) -> None:
    back = answer(stranger.send(stranger.send(stranger.authorize(client_info="1"), upn=MARCO), decision="accept"))
    decoded = json.loads(base64.urlsafe_b64decode(back["client_info"] + "=="))
    assert decoded == {"uid": "00000000-0000-0000-3c5d-7e9fa1b2c304", "utid": PERSONAL}
    assert "client_info" not in answer(stranger.authorize())
