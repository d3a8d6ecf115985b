"""A stranger's way through the simulated Entra: plain HTTP, no script, no knowledge of the inside."""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt

CLIENT_ID = "7c1f0a52-5a86-4f4e-9d0f-2d4c6b8e9a10"
SECRET = "stand-client-secret"
WORK = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
REDIRECT = "https://localhost:7443/api/integrations/outlook/callback"
VERIFIER = "a-verifier-of-the-least-length-that-is-allowed-by-rfc7636"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ROSE = "rose@havenweddings.example"
MARCO = "marco.sposi@outlook.example"
IVY = "ivy@havenweddings.example"
GRAPH_SCOPES = "Calendars.ReadWrite User.Read"


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a stranger needs of a page: its heading, and the form to send back."""

    heading: str
    action: str
    ctx: str
    text: str


@dataclass(kw_only=True)
class Stranger:
    """One browser without script: keeps cookies, follows no redirect by itself."""

    web: httpx.Client

    def authorize(self, tenant: str = "common", /, **changed: str | None) -> httpx.Response:
        """GET the authorization URL; a parameter changed to None is left out."""
        parameters: dict[str, str | None] = {
            "client_id": CLIENT_ID,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": f"{GRAPH_SCOPES} offline_access openid profile",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changed,
        }
        sent = {name: value for name, value in parameters.items() if value is not None}
        return self.web.get(f"/{tenant}/oauth2/v2.0/authorize", params=sent)

    def send(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """POST a page's form with these fields."""
        form = read_page(page)
        return self.web.post(form.action, data={"ctx": form.ctx, **fields})

    def code(self, upn: str = ROSE, **changed: str | None) -> str:
        """Go through whatever pages come and return the code."""
        response = self.authorize(**changed)
        if response.status_code == 200:
            response = self.send(response, upn=upn)
        if response.status_code == 200:
            response = self.send(response, decision="accept")
        return answer(response)["code"]

    def token(self, tenant: str = "common", /, **fields: str | None) -> httpx.Response:
        """POST to the token endpoint; a field given as None is left out."""
        given = {"client_id": CLIENT_ID, "client_secret": SECRET, **fields}
        sent = {name: value for name, value in given.items() if value is not None}
        return self.web.post(f"/{tenant}/oauth2/v2.0/token", data=sent)

    def redeem(self, code: str, **fields: str | None) -> httpx.Response:
        """Redeem a code as a correct client would, but for ``fields``."""
        given = {"redirect_uri": REDIRECT, "code_verifier": VERIFIER, **fields}
        return self.token(grant_type="authorization_code", code=code, **given)

    def refresh(self, refresh_token: str, **fields: str | None) -> httpx.Response:
        """Redeem a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **fields)

    def tokens(self, upn: str = ROSE, **changed: str | None) -> dict[str, Any]:
        """Return the first tokens of a person, straight through the pages."""
        response = self.redeem(self.code(upn, **changed))
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def order(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """POST to the control API."""
        response = self.web.post(f"/_control/{path}", json=body or {})
        assert response.status_code == 200, response.text
        return response.json()


def read_page(response: httpx.Response) -> Page:
    """Return the form of a page."""
    assert response.status_code == 200, response.text
    found = {
        "heading": r"<h1[^>]*>([^<]*)</h1>",
        "action": r'<form method="post" action="([^"]*)"',
        "ctx": r'name="ctx" value="([^"]*)"',
    }
    parts = {name: re.search(pattern, response.text) for name, pattern in found.items()}
    return Page(text=response.text, **{name: part.group(1) if part else "" for name, part in parts.items()})


def answer(response: httpx.Response) -> dict[str, str]:
    """Return the parameters that a redirect brings back to the application."""
    assert response.status_code == 302, response.text
    location = response.headers["location"]
    assert location.startswith(f"{REDIRECT}?"), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def refused(response: httpx.Response, error: str, number: int, status: int | None = 400) -> dict[str, Any]:
    """Check a refusal and its documented shape; return it. ``status`` None: any refusal's."""
    body: dict[str, Any] = response.json()
    assert (body["error"], body["error_codes"]) == (error, [number]), body
    assert response.status_code in ((400, 401) if status is None else (status,))
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    for member in ("trace_id", "correlation_id", "timestamp"):
        assert body[member] in body["error_description"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])
    assert body["error_uri"].endswith(f"code={number}")
    return body


def claims(token: str, stranger: Stranger, audience: str) -> dict[str, Any]:
    """Return a token's claims after checking its signature against the published keys."""
    keys = jwt.PyJWKSet.from_dict(stranger.web.get("/common/discovery/v2.0/keys").json())
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in keys.keys if key.key_id == kid)
    decoded: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=audience)
    return decoded
