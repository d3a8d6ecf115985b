"""Entra's own control routes, beside those that every simulator has. Bodies and answers are JSON; a bad body is 400.

- ``GET, POST /_control/knobs``: see ``knobs.py``.
- ``POST /_control/grants/revoke`` ``{"upn"}``: 50173 from now on; sessions end too.
- ``POST /_control/grants/expire`` ``{"upn"}``: refresh tokens answer 700082.
- ``POST /_control/grants/mfa`` ``{"upn", "required": true}``: 50076 until the next interactive sign-in.
- ``POST /_control/grants/withdraw-consent`` ``{"upn", "scopes": […]}``: 65001; without ``scopes`` all of them, and
  what an administrator consented to as well.
- ``POST /_control/grants/disable`` ``{"upn", "disabled": true}``: 50057.
- ``GET /_control/grants``: per person consent, refresh tokens, switches.
- ``POST /_control/grants/change`` ``{"upn", "change"}``: what happens to an account, and what it ends (the table of
  entra-docs ``refresh-tokens.md`` for confidential clients): ``passwordExpires``, ``passwordChangedByUser``,
  ``selfServicePasswordReset``, ``adminResetsPasswordInAzurePortal``, ``adminResetsPasswordInEntraAdminCenter``,
  ``userRevokes``, ``adminRevokes``, ``singleSignOut``.
- ``POST /_control/refusals`` ``{"number", "upn"}``: from now on every token request of this person (without ``upn``:
  everybody's) is refused with a number of ``catalogue.py``; 0 ends it, as does the person's next interactive sign-in
  where that would (MFA, sign-in frequency). Silent sign-ins are refused too; what no sign-in cures ends on an error
  page.
- ``POST /_control/client`` any of ``{"secret", "secretExpired", "disabled", "redirectUris", "spaRedirectUris",
  "signInAudience"}``: changes what the directory accepts, so that the application's own secret becomes wrong (7000215)
  or expired (7000222).
- ``POST /_control/codes`` ``{"upn", "scopes", "redirect_uri", "code_challenge", "nonce", "state"}``: consents, and
  answers ``{"code", "state", "client_info"}`` without any page. S256 is assumed for ``code_challenge``. ``tenant`` is
  the segment under which the code is to be redeemed (``common``).
- ``POST /_control/keys/rotate``: signs with a new key; the old one stays published, unless ``{"withdraw": true}``.
- ``GET /_control/issued``: how many secret values were issued, by kind; ``?values=1`` shows them (leak tests).
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.entra import scopes as scope_rules
from local.entra import tenants
from local.entra.catalogue import CATALOGUE
from local.entra.errors import EntraError
from local.entra.state import AUDIENCES, Directory
from local.entra.tokens import client_info
from local.simkit.bodies import flag, optional_text, read_object, text, texts, whole
from local.simkit.people import ACCOUNTS, Account

CHANGES: dict[str, tuple[str, ...]] = {
    "passwordExpires": (),
    "passwordChangedByUser": ("sessions",),
    "selfServicePasswordReset": ("sessions",),
    "adminResetsPasswordInAzurePortal": ("sessions",),
    "adminResetsPasswordInEntraAdminCenter": ("sessions", "grants"),
    "userRevokes": ("sessions", "grants"),
    "adminRevokes": ("sessions", "grants"),
    "singleSignOut": ("sessions",),
}
"""What each change revokes: password-based cookies, and refresh tokens of confidential clients."""
Act = Callable[[dict[str, Any]], dict[str, Any]]


class Control:
    """Arranges and shows the state."""

    def __init__(self, directory: Directory, changed: Callable[[], None]) -> None:
        self._directory = directory
        self._changed = changed

    @property
    def routes(self) -> list[Route]:
        """The routes listed above."""
        acts: dict[str, Act] = {
            "knobs": self._knobs,
            "grants/revoke": self._revoke,
            "grants/expire": self._expire,
            "grants/mfa": self._mfa,
            "grants/withdraw-consent": self._withdraw,
            "grants/disable": self._disable,
            "client": self._client,
            "codes": self._code,
            "grants/change": self._change,
            "refusals": self._refuse,
            "keys/rotate": lambda body: {
                "kid": self._directory.mint.rotate(withdraw=flag(body, "withdraw", False)).kid
            },
        }
        shown = [
            Route("/_control/knobs", self._show_knobs, methods=["GET"]),
            Route("/_control/grants", self._show_grants, methods=["GET"]),
            Route("/_control/issued", self._show_issued, methods=["GET"]),
        ]
        return shown + [Route(f"/_control/{path}", self._taking(act), methods=["POST"]) for path, act in acts.items()]

    def _taking(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                answer = act(await read_object(request))
            except (ValueError, EntraError) as error:
                reason = error.message if isinstance(error, EntraError) else str(error)
                return JSONResponse({"error": reason}, status_code=400)
            self._changed()
            return JSONResponse(answer)

        return endpoint

    async def _show_knobs(self, _: Request) -> Response:
        return JSONResponse(self._directory.knobs.shown)

    async def _show_grants(self, _: Request) -> Response:
        return JSONResponse({account.upn: self._grant(account) for account in ACCOUNTS})

    async def _show_issued(self, request: Request) -> Response:
        issued = self._directory.issued
        answer: dict[str, Any] = {"counts": Counter(item.kind for item in issued)}
        if request.query_params.get("values"):
            answer["issued"] = [{"kind": item.kind, "upn": item.upn, "value": item.value} for item in issued]
        return JSONResponse(answer)

    def _grant(self, account: Account) -> dict[str, Any]:
        standing = self._directory.standing(account)
        held = [token for token in self._directory.refresh_tokens.values() if token.account == account]
        return {
            "consented": sorted(self._directory.consented(account)),
            "refreshTokens": len(held),
            "usableRefreshTokens": sum(token.epoch == standing.epoch and not token.expired for token in held),
            "revocations": standing.epoch,
            "mfaRequired": standing.mfa_required,
            "disabled": standing.disabled,
        }

    def _knobs(self, body: dict[str, Any]) -> dict[str, Any]:
        self._directory.knobs = self._directory.knobs.turned(body)
        return self._directory.knobs.shown

    def _revoke(self, body: dict[str, Any]) -> dict[str, Any]:
        account = _account(body)
        self._directory.revoke(account)
        return self._grant(account)

    def _change(self, body: dict[str, Any]) -> dict[str, Any]:
        account = _account(body)
        ends = CHANGES.get(text(body, "change"))
        if ends is None:
            raise ValueError(f"change must be one of {', '.join(CHANGES)}")
        if "grants" in ends:
            self._directory.revoke(account)
        elif "sessions" in ends:
            self._directory.standing(account).sessions += 1
        return self._grant(account)

    def _refuse(self, body: dict[str, Any]) -> dict[str, Any]:
        number = whole(body, "number", 0)
        if number and number not in CATALOGUE:
            raise ValueError(f"number must be 0 or one of {', '.join(map(str, sorted(CATALOGUE)))}")
        if "upn" in body:
            self._directory.standing(_account(body)).refusal = number
        else:
            self._directory.client.refusal = number
        return {"number": number, "upn": body.get("upn")}

    def _expire(self, body: dict[str, Any]) -> dict[str, Any]:
        account = _account(body)
        self._directory.expire(account)
        return self._grant(account)

    def _mfa(self, body: dict[str, Any]) -> dict[str, Any]:
        account = _account(body)
        self._directory.standing(account).mfa_required = flag(body, "required", True)
        return self._grant(account)

    def _disable(self, body: dict[str, Any]) -> dict[str, Any]:
        account = _account(body)
        self._directory.standing(account).disabled = flag(body, "disabled", True)
        return self._grant(account)

    def _withdraw(self, body: dict[str, Any]) -> dict[str, Any]:
        account = _account(body)
        withdrawn = set(texts(body, "scopes", ()) or self._directory.consented(account))
        self._directory.standing(account).consented -= withdrawn
        self._directory.admin_consent.get(account.tid, set()).difference_update(withdrawn)
        return self._grant(account)

    def _client(self, body: dict[str, Any]) -> dict[str, Any]:
        old = self._directory.client
        audience = text(body, "signInAudience", old.audience)
        if audience not in AUDIENCES:
            raise ValueError(f"signInAudience must be one of {', '.join(AUDIENCES)}")
        client = self._directory.client = replace(
            old,
            secret=text(body, "secret", old.secret),
            secret_expired=flag(body, "secretExpired", old.secret_expired),
            disabled=flag(body, "disabled", old.disabled),
            redirect_uris=texts(body, "redirectUris", old.redirect_uris),
            spa_redirect_uris=texts(body, "spaRedirectUris", old.spa_redirect_uris),
            audience=audience,
        )
        return {
            "clientId": client.client_id,
            "secretExpired": client.secret_expired,
            "disabled": client.disabled,
            "redirectUris": client.redirect_uris,
            "spaRedirectUris": client.spa_redirect_uris,
            "signInAudience": client.audience,
        }

    def _code(self, body: dict[str, Any]) -> dict[str, Any]:
        account = _account(body)
        client = self._directory.client
        wanted = body.get("scopes", client.permissions)
        named = wanted if isinstance(wanted, str) else " ".join(texts(body, "scopes", client.permissions))
        scopes = scope_rules.parse(named, client.permissions)
        redirect_uri = text(body, "redirect_uri", next(iter(client.redirect_uris), ""))
        state, tenant = optional_text(body, "state"), tenants.known(text(body, "tenant", "common"))
        proof = {
            "nonce": optional_text(body, "nonce"),
            "challenge": optional_text(body, "code_challenge"),
            "method": text(body, "code_challenge_method", "S256"),
        }
        if redirect_uri not in client.redirect_uris:
            raise EntraError(50011, {"redirect_uri": redirect_uri, "client_id": client.client_id})
        self._directory.standing(account).consented |= set(scopes)
        code = self._directory.new_code(
            account,
            tenant=tenants.canonical(tenant),
            redirect_uri=redirect_uri,
            scopes=scopes,
            **proof,
        )
        return {"code": code.value, "state": state, "client_info": client_info(account)}


def _account(body: dict[str, Any]) -> Account:
    account = tenants.person(text(body, "upn", ""))
    if account is None:
        raise ValueError(f"upn must be one of {', '.join(item.upn for item in ACCOUNTS)}")
    return account
