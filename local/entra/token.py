"""``/token``: authorization_code, refresh_token and client_credentials (S3, S4, S7-S10)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.entra import scopes as scope_rules
from local.entra import tenants, tokens
from local.entra.authorize import text_fields
from local.entra.credentials import check_browser, check_secret, needed, proves, with_basic
from local.entra.errors import EntraError, token_body
from local.entra.request import check_client
from local.entra.state import Directory, RefreshToken
from local.simkit.people import PERSONAL_TENANT, Account

RESOURCES = (
    scope_rules.GRAPH,
    "https://vault.azure.net",
    "https://storage.azure.com",
    "https://management.azure.com",
)
"""Resources for which an application or a managed identity gets a token here."""
DAY = 86400
HOUR = 3600
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def stamp(seconds: float) -> str:
    """Return a moment as Entra writes it into the text of 50173 and 700082."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a URL-encoded form, which every sample of ``v2-oauth2-auth-code-flow.md`` sends; a body of
    another kind holds none (assumed)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return text_fields(await request.form()) if kind == "application/x-www-form-urlencoded" else {}


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
        if request.method == "OPTIONS":
            return Response(headers={"Allow": "POST, OPTIONS", **headers})
        try:
            if request.method != "POST":
                raise EntraError(900561, {"method": request.method})
            tenant = tenants.known(request.path_params["tenant"])
            form = with_basic(await _form(request), request.headers.get("authorization"))
            body = self._grant(form, tenant, request)
        except EntraError as error:
            occasion = self._directory.occasion(request.headers.get("client-request-id"))
            body = token_body(error, occasion, self._directory.knobs.error_names)
            return JSONResponse(body, status_code=error.status, headers=headers)
        return JSONResponse(body, headers=headers)

    def _grant(self, form: Mapping[str, str], tenant: str, request: Request) -> dict[str, Any]:
        grant_type = needed(form, "grant_type")
        client = self._directory.client
        check_client(form, client, tenant)
        if grant_type == "password" and tenants.tenant_id(tenant) in (None, PERSONAL_TENANT):
            raise EntraError(9001023)
        if grant_type not in ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE):
            raise EntraError(70003, {"grant_type": grant_type})
        # The real service reads the shape of a code before it looks at the secret.
        if grant_type == "authorization_code" and not needed(form, "code").startswith("1.A"):
            raise EntraError(9002313)
        origin = request.headers.get("origin")
        if self._for_browser(form):
            check_browser(form, origin=origin)
        else:
            check_secret(form, client, origin=origin)
        if grant_type == DEVICE_CODE:
            # No device code was ever issued: the registration allows no public client flows.
            raise EntraError(70018)
        if grant_type == "client_credentials":
            return self._client_credentials(form, tenant)
        issuer = f"{request.url.scheme}://{request.url.netloc}"
        if grant_type == "authorization_code":
            return self._authorization_code(form, tenant, issuer)
        return self._refresh(form, tenant, issuer)

    def _for_browser(self, form: Mapping[str, str]) -> bool:
        """Whether the code or refresh token was issued to a redirect URI of the type ``spa``."""
        code = self._directory.codes.get(form.get("code", ""))
        token = self._directory.refresh_tokens.get(form.get("refresh_token", ""))
        return bool(code and code.redirect_uri in self._directory.client.spa_redirect_uris) or bool(token and token.spa)

    def _authorization_code(self, form: Mapping[str, str], tenant: str, issuer: str) -> dict[str, Any]:
        directory = self._directory
        code = directory.codes.get(form["code"])
        if code is None:
            raise EntraError(9002313)
        if code.redeemed:
            raise EntraError(54005)
        if directory.clock.timestamp() - code.issued > directory.knobs.code_seconds:
            raise EntraError(70008)
        if tenants.canonical(tenant) != code.tenant:
            raise EntraError(700005)
        redirect_uri = needed(form, "redirect_uri")
        if redirect_uri != code.redirect_uri:
            raise EntraError(500112, {"redirect_uri": redirect_uri, "expected": code.redirect_uri})
        verifier = form.get("code_verifier", "")
        if verifier:
            directory.note("code_verifier", code.account, verifier)
        if not proves(code, verifier):
            raise EntraError(501481)
        self._check_person(code.account, tenant=tenant, epoch=code.epoch, issued=code.issued)
        withheld = directory.knobs.withheld_scopes
        asked = self._wanted(form, code.account, granted=code.scopes, lacking="consent_required")
        wanted = tuple(name for name in asked if name not in withheld)
        code.redeemed = True
        offline = "offline_access" in code.scopes and "offline_access" not in withheld
        spa = code.redirect_uri in directory.client.spa_redirect_uris
        refresh = None
        if offline:
            refresh = directory.new_refresh_token(code.account, scopes=code.scopes, epoch=code.epoch, spa=spa)
        return self._answer(
            code.account, form=form, scopes=wanted, issuer=issuer, nonce=code.nonce, refresh_token=refresh
        )

    def _refresh(self, form: Mapping[str, str], tenant: str, issuer: str) -> dict[str, Any]:
        """The redeemed token stays alive until it expires or is revoked (S8, ``refresh-tokens.md``)."""
        directory = self._directory
        token = directory.refresh_tokens.get(needed(form, "refresh_token"))
        if token is None:
            raise EntraError(70000)
        self._check_age(token)
        self._check_person(token.account, tenant=tenant, epoch=token.epoch, issued=token.issued)
        wanted = self._wanted(form, token.account, granted=token.scopes)
        following = directory.new_refresh_token(
            token.account, scopes=token.scopes, epoch=token.epoch, spa=token.spa, first=token.first
        )
        return self._answer(token.account, form=form, scopes=wanted, issuer=issuer, nonce=None, refresh_token=following)

    def _check_age(self, token: RefreshToken) -> None:
        """Refuse a token unused for 90 days, or one of a single-page app a day after its line began (S8)."""
        now, knobs = self._directory.clock.timestamp(), self._directory.knobs
        if token.spa and now - token.first > knobs.spa_refresh_token_hours * HOUR:
            lasts = f"{knobs.spa_refresh_token_hours // 24}.{knobs.spa_refresh_token_hours % 24:02}:00:00"
            raise EntraError(700084, {"issued": stamp(token.first), "lasts": lasts})
        if token.expired or now - token.issued > knobs.refresh_token_days * DAY:
            raise EntraError(700082, {"issued": stamp(token.issued), "days": knobs.refresh_token_days})

    def _check_person(self, account: Account, *, tenant: str, epoch: int, issued: float) -> None:
        """Refuse a dead grant: revoked, disabled, of another tenant, by order, or waiting for MFA (S9)."""
        standing = self._directory.standing(account)
        client = self._directory.client
        if epoch != standing.epoch:
            raise EntraError(50173, {"issued": stamp(issued), "revoked": stamp(standing.revoked)})
        if standing.disabled:
            raise EntraError(50057)
        if stranger := tenants.unwelcome(account, tenant, client):
            raise stranger
        if standing.refusal:
            names = {"upn": account.upn, "tenant": tenant, "client_id": client.client_id, "name": client.name}
            raise EntraError(standing.refusal, {**names, "issued": stamp(issued), "seconds": 0})
        if standing.mfa_required:
            raise EntraError(50076)

    def _wanted(
        self, form: Mapping[str, str], account: Account, *, granted: tuple[str, ...], lacking: str | None = None
    ) -> tuple[str, ...]:
        """Return the scopes to issue; 65001 where consent is missing or was withdrawn.

        ``lacking`` is the error where the request itself names a scope without consent.
        """
        client = self._directory.client
        asked = form.get("scope", "")
        wanted = scope_rules.parse(asked, client.permissions) if asked.strip() else granted
        if self._directory.lacks_consent(account, wanted):
            names = {"client_id": client.client_id, "name": client.name}
            raise EntraError(65001, names, error=lacking if asked.strip() else None)
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
        scope = needed(form, "scope")
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
