"""``/token``: authorization_code, refresh_token and client_credentials (S3, S4, S7-S10)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.entra import scopes as scope_rules
from local.entra import tenants, tokens
from local.entra.authorize import text_fields
from local.entra.errors import EntraError, Occasion, correlation_id, token_body
from local.entra.request import check_client
from local.entra.state import Code, Directory, RefreshToken
from local.simkit.people import Account

RESOURCES = (
    scope_rules.GRAPH,
    "https://vault.azure.net",
    "https://storage.azure.com",
    "https://management.azure.com",
)
"""Resources for which an application or a managed identity gets a token here."""
DAY = 86400


def stamp(seconds: float) -> str:
    """Return a moment as Entra writes it into the text of 50173 and 700082."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


class Token:
    """The token endpoint."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    @property
    def routes(self) -> list[Route]:
        """The endpoint, for every tenant segment."""
        return [Route("/{tenant}/oauth2/v2.0/token", self.token, methods=["GET", "POST", "OPTIONS"])]

    async def token(self, request: Request) -> Response:
        """Answer 200 with tokens, or 400/401 with the documented error body."""
        headers = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
        try:
            if request.method != "POST":
                raise EntraError(900561, {"method": request.method})
            tenant = tenants.known(request.path_params["tenant"])
            form = with_basic(text_fields(await request.form()), request.headers.get("authorization"))
            body = self._grant(form, tenant, request)
        except EntraError as error:
            asked = correlation_id(request.headers.get("client-request-id"))
            occasion = Occasion(at=self._directory.clock.now(), correlation_id=asked)
            body = token_body(error, occasion, self._directory.knobs.error_names)
            return JSONResponse(body, status_code=error.status, headers=headers)
        return JSONResponse(body, headers=headers)

    def _grant(self, form: Mapping[str, str], tenant: str, request: Request) -> dict[str, Any]:
        grant_type = _needed(form, "grant_type")
        client = self._directory.client
        check_client(form, client, tenant)
        if grant_type not in ("authorization_code", "refresh_token", "client_credentials"):
            raise EntraError(70003, {"grant_type": grant_type})
        # The real service reads the shape of a code before it looks at the secret.
        if grant_type == "authorization_code" and not _needed(form, "code").startswith("1.A"):
            raise EntraError(9002313)
        self._check_secret(form, request)
        if grant_type == "client_credentials":
            return self._client_credentials(form, tenant)
        issuer = f"{request.url.scheme}://{request.url.netloc}"
        if grant_type == "authorization_code":
            return self._authorization_code(form, tenant, issuer)
        return self._refresh(form, tenant, issuer)

    def _check_secret(self, form: Mapping[str, str], request: Request) -> None:
        client = self._directory.client
        secret = form.get("client_secret", "")
        names = {"client_id": client.client_id}
        if origin := request.headers.get("origin"):
            raise EntraError(9002326, {"origin": origin})
        if not secret:
            raise EntraError(7000218)
        if not hmac.compare_digest(secret.encode(), client.secret.encode()):
            raise EntraError(7000215, names)
        if client.secret_expired:
            raise EntraError(7000222, names)

    def _authorization_code(self, form: Mapping[str, str], tenant: str, issuer: str) -> dict[str, Any]:
        directory = self._directory
        code = directory.codes.get(form["code"])
        if code is None:
            raise EntraError(9002313)
        if code.redeemed:
            raise EntraError(54005)
        if directory.clock.timestamp() - code.issued > directory.knobs.code_seconds:
            raise EntraError(70008)
        redirect_uri = _needed(form, "redirect_uri")
        if redirect_uri != code.redirect_uri:
            raise EntraError(500112, {"redirect_uri": redirect_uri, "expected": code.redirect_uri})
        verifier = form.get("code_verifier", "")
        if verifier:
            directory.note("code_verifier", code.account, verifier)
        if not proves(code, verifier):
            raise EntraError(501481)
        self._check_person(code.account, tenant=tenant, epoch=code.epoch, issued=code.issued)
        withheld = directory.knobs.withheld_scopes
        wanted = tuple(name for name in self._wanted(form, code.account, granted=code.scopes) if name not in withheld)
        code.redeemed = True
        offline = "offline_access" in code.scopes and "offline_access" not in withheld
        refresh = directory.new_refresh_token(code.account, scopes=code.scopes, epoch=code.epoch) if offline else None
        return self._answer(
            code.account, form=form, scopes=wanted, issuer=issuer, nonce=code.nonce, refresh_token=refresh
        )

    def _refresh(self, form: Mapping[str, str], tenant: str, issuer: str) -> dict[str, Any]:
        """The redeemed token stays alive until it expires or is revoked (S8, ``refresh-tokens.md``)."""
        directory = self._directory
        token = directory.refresh_tokens.get(_needed(form, "refresh_token"))
        if token is None:
            raise EntraError(70000)
        days = directory.knobs.refresh_token_days
        if token.expired or directory.clock.timestamp() - token.issued > days * DAY:
            raise EntraError(700082, {"issued": stamp(token.issued), "days": days})
        self._check_person(token.account, tenant=tenant, epoch=token.epoch, issued=token.issued)
        wanted = self._wanted(form, token.account, granted=token.scopes)
        following = directory.new_refresh_token(token.account, scopes=token.scopes, epoch=token.epoch)
        return self._answer(token.account, form=form, scopes=wanted, issuer=issuer, nonce=None, refresh_token=following)

    def _check_person(self, account: Account, *, tenant: str, epoch: int, issued: float) -> None:
        """Refuse a dead grant: revoked, disabled, of another tenant, or waiting for MFA (S9)."""
        standing = self._directory.standing(account)
        client = self._directory.client
        if epoch != standing.epoch:
            raise EntraError(50173, {"issued": stamp(issued), "revoked": stamp(standing.revoked)})
        if standing.disabled:
            raise EntraError(50057)
        if not tenants.admits(tenant, account):
            names = {"upn": account.upn, "tenant": tenant, "client_id": client.client_id, "name": client.name}
            raise EntraError(50020, names)
        if standing.mfa_required:
            raise EntraError(50076)

    def _wanted(self, form: Mapping[str, str], account: Account, *, granted: tuple[str, ...]) -> tuple[str, ...]:
        """Return the scopes to issue; 65001 where consent is missing or was withdrawn."""
        client = self._directory.client
        asked = form.get("scope", "")
        wanted = scope_rules.parse(asked, client.permissions) if asked.strip() else granted
        if self._directory.lacks_consent(account, wanted):
            raise EntraError(65001, {"client_id": client.client_id, "name": client.name})
        return scope_rules.working(wanted, personal=account.personal)

    def _answer(
        self,
        account: Account,
        *,
        form: Mapping[str, str],
        scopes: tuple[str, ...],
        issuer: str,
        nonce: str | None,
        refresh_token: RefreshToken | None,
    ) -> dict[str, Any]:
        directory, knobs = self._directory, self._directory.knobs
        client_id = directory.client.client_id
        life = tokens.Life(issued=int(directory.clock.timestamp()), seconds=knobs.access_token_seconds)
        access = directory.mint.sign(tokens.graph_claims(account, client_id=client_id, scopes=scopes, life=life))
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": scope_rules.answered(
                scopes, qualified=knobs.scope_form == "qualified", echo_offline=knobs.echo_offline_access
            ),
            "expires_in": max(life.seconds - 1, 0),
            "ext_expires_in": max(life.seconds - 1, 0),
            "access_token": directory.note("access_token", account, access),
        }
        if refresh_token:
            answer["refresh_token"] = refresh_token.value
        if "openid" in scopes:
            claims = tokens.id_claims(
                account, client_id=client_id, issuer=issuer, scopes=scopes, nonce=nonce, life=life
            )
            answer["id_token"] = directory.note("id_token", account, directory.mint.sign(claims))
        if form.get("client_info") == "1":
            answer["client_info"] = tokens.client_info(account)
        return answer

    def _client_credentials(self, form: Mapping[str, str], tenant: str) -> dict[str, Any]:
        directory = self._directory
        tid = tenants.tenant_id(tenant)
        if tid is None:
            raise EntraError(50059)
        scope = _needed(form, "scope")
        resource, _, name = scope.rpartition("/")
        if name != ".default" or " " in scope:
            raise EntraError(1002012, {"scope": scope})
        if resource.rstrip("/") not in RESOURCES:
            raise EntraError(500011, {"resource": resource, "tenant": tenant})
        life = tokens.Life(issued=int(directory.clock.timestamp()), seconds=directory.knobs.access_token_seconds)
        claims = tokens.application_claims(
            resource=resource, client_id=directory.client.client_id, oid=tokens.SERVICE_OID, tid=tid, life=life
        )
        access = directory.note("access_token", None, directory.mint.sign(claims))
        lasts = max(life.seconds - 1, 0)
        return {"token_type": "Bearer", "expires_in": lasts, "ext_expires_in": lasts, "access_token": access}


def proves(code: Code, verifier: str) -> bool:
    """Whether the verifier belongs to the code's challenge (S3).

    A verifier for a code that was asked without a challenge is refused too, so that nobody strips PKCE unnoticed
    (assumed).
    """
    if code.challenge is None:
        return not verifier
    if code.method == "plain":
        return hmac.compare_digest(verifier.encode(), code.challenge.encode())
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, code.challenge.encode())


def with_basic(form: Mapping[str, str], header: str | None) -> dict[str, str]:
    """Return the form with the client's id and secret from HTTP Basic, where they came that way (RFC 6749 2.3.1)."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return dict(form)
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as broken:
        raise EntraError(7000218) from broken
    return {**form, "client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _needed(form: Mapping[str, str], parameter: str) -> str:
    value = form.get(parameter, "")
    if not value:
        raise EntraError(900144, {"parameter": parameter})
    return value
