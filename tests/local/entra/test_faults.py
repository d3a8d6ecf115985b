"""A grant that is revoked in the middle of things: the fault ``revoke_grant``."""

from tests.local.entra.stranger import CLIENT_ID, GRAPH_SCOPES, MARCO, REDIRECT, ROSE, SECRET, Stranger


def signed_in(stranger: Stranger, upn: str) -> str:
    """Return a refresh token of this person."""
    made = stranger.web.post(
        "/_control/codes",
        json={"upn": upn, "scopes": f"{GRAPH_SCOPES} offline_access", "redirect_uri": REDIRECT},
    ).json()
    return str(
        token(stranger, grant_type="authorization_code", code=made["code"], redirect_uri=REDIRECT)["refresh_token"]
    )


def token(stranger: Stranger, **form: str) -> dict[str, str]:
    sent = {"client_id": CLIENT_ID, "client_secret": SECRET, "scope": f"{GRAPH_SCOPES} offline_access", **form}
    return dict(stranger.web.post("/common/oauth2/v2.0/token", data=sent).json())


def test_the_grant_of_the_person_whose_request_is_hit_is_revoked(stranger: Stranger) -> None:
    rose, marco = signed_in(stranger, ROSE), signed_in(stranger, MARCO)
    order = {"action": "revoke_grant", "path": "/token", "person": "rose@.*", "after": 1, "count": 1}
    assert stranger.web.post("/_control/faults", json=order).status_code == 200
    assert "access_token" in token(stranger, grant_type="refresh_token", refresh_token=rose)
    assert "access_token" in token(stranger, grant_type="refresh_token", refresh_token=marco)
    refused = token(stranger, grant_type="refresh_token", refresh_token=rose)
    assert refused["error"] == "invalid_grant"
    assert "AADSTS50173" in refused["error_description"]
    assert "access_token" in token(stranger, grant_type="refresh_token", refresh_token=marco)
