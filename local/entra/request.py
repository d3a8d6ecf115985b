"""Reading an authorization request, and bringing its answer back to the application (S2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from local.entra import pages
from local.entra.errors import EntraError
from local.entra.scopes import parse
from local.entra.state import Client
from local.entra.tenants import check_audience

PROMPTS = ("", "login", "none", "consent", "select_account")
MODES = ("query", "fragment", "form_post")
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, kw_only=True)
class ReturnAddress:
    """Where and how the answer goes: only ever to a registered redirect URI."""

    redirect_uri: str
    mode: str
    state: str | None

    def send(self, answer: Mapping[str, str]) -> Response:
        """Return the response that carries ``answer`` and the untouched ``state`` to the application."""
        fields = {**answer, **({"state": self.state} if self.state is not None else {})}
        if self.mode == "form_post":
            return pages.form_post(self.redirect_uri, fields)
        joint = "#" if self.mode == "fragment" else "&" if "?" in self.redirect_uri else "?"
        return RedirectResponse(
            f"{self.redirect_uri}{joint}{urlencode(fields)}", status_code=302, headers=pages.HEADERS
        )


@dataclass(frozen=True, kw_only=True)
class AuthorizeRequest:
    """A valid authorization request."""

    tenant: str
    client_id: str
    back: ReturnAddress
    scopes: tuple[str, ...]
    prompt: str
    login_hint: str
    domain_hint: str
    nonce: str | None
    challenge: str | None
    method: str
    wants_client_info: bool


def check_client(parameters: Mapping[str, str], client: Client, tenant: str) -> None:
    """Refuse an unknown or disabled application. Entra shows this on a page of its own and never redirects."""
    client_id = parameters.get("client_id", "")
    if not client_id:
        raise EntraError(900144, {"parameter": "client_id"})
    if client_id.lower() != client.client_id:
        raise EntraError(700016, {"client_id": client_id, "tenant": tenant})
    names = {"client_id": client_id, "name": client.name, "tenant": tenant}
    if client.disabled:
        raise EntraError(7000112, names)
    if client.refusal:
        raise EntraError(client.refusal, names)
    check_audience(tenant, client)


def return_address(parameters: Mapping[str, str], client: Client) -> ReturnAddress:
    """Return where the answer goes; EntraError 50011, never redirected, unless the URI is registered exactly."""
    redirect_uri = parameters.get("redirect_uri", "")
    if not redirect_uri:
        raise EntraError(900144, {"parameter": "redirect_uri"})
    if redirect_uri not in client.redirect_uris + client.spa_redirect_uris:
        raise EntraError(50011, {"redirect_uri": redirect_uri, "client_id": client.client_id})
    mode = parameters.get("response_mode", _default_mode(parameters))
    return ReturnAddress(
        redirect_uri=redirect_uri, mode=mode if mode in MODES else "query", state=parameters.get("state")
    )


def read(parameters: Mapping[str, str], *, client: Client, tenant: str, back: ReturnAddress) -> AuthorizeRequest:
    """Return the request; EntraError for what Entra would bring back to the application as an error."""
    response_type = parameters.get("response_type", "")
    if not response_type:
        raise EntraError(900144, {"parameter": "response_type"})
    if response_type != "code":
        # No implicit grant is enabled in the registration, so neither hybrid nor implicit answers.
        named = "id_token" if "id_token" in response_type.split() else response_type
        raise EntraError(700054 if named == "id_token" else 70005, {"response_type": named})
    if parameters.get("response_mode", "query") not in MODES:
        raise EntraError(70007, {"response_mode": parameters["response_mode"]})
    if not parameters.get("scope", "").strip():
        raise EntraError(900144, {"parameter": "scope"})
    challenge, method = _pkce(parameters)
    return AuthorizeRequest(
        tenant=tenant,
        client_id=client.client_id,
        back=back,
        scopes=parse(parameters["scope"], client.permissions),
        prompt=_prompt(parameters),
        login_hint=parameters.get("login_hint", "").strip().lower(),
        domain_hint=parameters.get("domain_hint", "").strip().lower(),
        nonce=parameters.get("nonce"),
        challenge=challenge,
        method=method,
        wants_client_info=parameters.get("client_info") == "1",
    )


def _prompt(parameters: Mapping[str, str]) -> str:
    """``login_hint`` together with ``select_account`` is not allowed (``v2-oauth2-auth-code-flow.md``)."""
    prompt = parameters.get("prompt", "")
    if prompt not in PROMPTS or (prompt == "select_account" and parameters.get("login_hint")):
        raise EntraError(90023, {"parameter": "prompt"})
    return prompt


def _pkce(parameters: Mapping[str, str]) -> tuple[str | None, str]:
    """Return challenge and method; an absent method means ``plain``, a method needs a challenge
    (``v2-oauth2-auth-code-flow.md``)."""
    challenge = parameters.get("code_challenge")
    method = parameters.get("code_challenge_method", "plain")
    if challenge is None and "code_challenge_method" not in parameters:
        return None, method
    if challenge is None or method not in ("S256", "plain") or not _CHALLENGE.fullmatch(challenge):
        # `invalid_grant` is not among the errors of this endpoint.
        raise EntraError(50147, error="invalid_request")
    return challenge, method


def _default_mode(parameters: Mapping[str, str]) -> str:
    """An answer with an ``id_token`` would go into the fragment, so its refusal does (assumed for the refusal)."""
    return "fragment" if {"id_token", "token"} & set(parameters.get("response_type", "").split()) else "query"
