"""``/authorize`` and the pages behind it.

How to go through the pages without a browser: GET the authorization URL and keep the cookies. Every page has one
form; read its ``action`` and its hidden field ``ctx``, and POST (form-encoded) to that action

- page "Pick an account" or "Sign in": ``ctx`` and ``upn``; or ``ctx`` and ``decision=cancel``;
- page "Permissions requested": ``ctx`` and ``decision=accept`` or ``decision=decline``;
- page "Need admin approval": ``ctx`` and ``decision=return`` or ``decision=switch``.

The actions are ``/{tenant}/login`` and ``/{tenant}/consent``. The answer is the next page (200) or the redirect to the
application (302).
"""

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from local.entra import pages, tenants
from local.entra.errors import EntraError, Occasion, redirect_parameters
from local.entra.request import AuthorizeRequest, ReturnAddress, check_client, read, return_address
from local.entra.scopes import MEANINGS
from local.entra.sessions import Flow, Session, Sessions
from local.entra.state import Directory
from local.entra.tokens import client_info
from local.simkit.people import ACCOUNTS, Account


def text_fields(form: FormData | QueryParams) -> dict[str, str]:
    """Return the fields that are text, the last of a repeated one."""
    return {key: value for key, value in form.items() if isinstance(value, str)}


class Authorize:
    """The interactive endpoints."""

    def __init__(self, directory: Directory, sessions: Sessions) -> None:
        self._directory = directory
        self._sessions = sessions

    @property
    def routes(self) -> list[Route]:
        """The endpoints; ``authorize`` takes POST as well (OpenID Connect Core 3.1.2.1)."""
        return [
            Route("/{tenant}/oauth2/v2.0/authorize", self.authorize, methods=["GET", "POST"]),
            Route("/{tenant}/login", self.login, methods=["POST"]),
            Route("/{tenant}/consent", self.consent, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/logout", self.logout, methods=["GET", "POST"]),
        ]

    async def authorize(self, request: Request) -> Response:
        """Begin: refuse on a page, refuse at the application, answer at once, or show the first page."""
        given = text_fields(await request.form() if request.method == "POST" else request.query_params)
        client = self._directory.client
        try:
            tenant = tenants.known(request.path_params["tenant"])
            check_client(given, client, tenant)
            back = return_address(given, client)
        except EntraError as error:
            return self.error_page(request, error)
        try:
            asked = read(given, client=client, tenant=tenant, back=back)
        except EntraError as error:
            return self._refuse(request, back, error)
        session = self._sessions.of(request)
        account = self._known(session, asked)
        if asked.prompt == "none":
            return self._silent(request, asked, account)
        flow = self._sessions.begin(asked)
        if account is None or self._must_sign_in(account):
            return self._who(flow, session)
        flow.account = account
        return self._after_sign_in(request, flow)

    async def login(self, request: Request) -> Response:
        """Take the account that was picked or typed."""
        given = text_fields(await request.form())
        flow = self._sessions.flow(given.get("ctx", ""))
        if flow is None:
            return self.error_page(request, EntraError(90014))
        if given.get("decision") == "cancel":
            self._sessions.end(flow)
            return self._refuse(request, flow.asked.back, EntraError(65004, error="access_denied", subcode="cancel"))
        account = tenants.person(given.get("upn", ""))
        problem = self._unwelcome(flow, account, given.get("upn", ""))
        if account is None or problem:
            return self._sign_in_page(flow, upn=given.get("upn", ""), problem=problem)
        flow.account = account
        session = self._sessions.sign_in(self._sessions.of(request), account)
        response = self._after_sign_in(request, flow)
        self._sessions.remember(response, session)
        return response

    async def consent(self, request: Request) -> Response:
        """Take the answer to the consent page, or to "Need admin approval"."""
        given = text_fields(await request.form())
        flow = self._sessions.flow(given.get("ctx", ""))
        decision = given.get("decision")
        if flow is None or flow.account is None:
            return self.error_page(request, EntraError(90014))
        if decision == "switch":
            flow.account = None
            return self._pick_page(flow, self._sessions.of(request))
        if self._directory.needs_admin(flow.account, flow.asked.scopes):
            if decision != "return":
                return self._approval_page(flow, flow.account)
            self._sessions.end(flow)
            return self._refuse(request, flow.asked.back, self._no_approval())
        if decision == "accept":
            self._directory.standing(flow.account).consented |= set(flow.asked.scopes)
            return self._answer(flow, flow.account)
        self._sessions.end(flow)
        return self._refuse(request, flow.asked.back, EntraError(65004))

    async def logout(self, request: Request) -> Response:
        """End the session; go back only to a registered address."""
        try:
            tenants.known(request.path_params["tenant"])
        except EntraError as error:
            return self.error_page(request, error)
        self._sessions.sign_out(self._sessions.of(request))
        given = text_fields(await request.form() if request.method == "POST" else request.query_params)
        wanted = given.get("post_logout_redirect_uri", "")
        if wanted in self._directory.client.redirect_uris:
            return RedirectResponse(wanted, status_code=302, headers=pages.HEADERS)
        return pages.render("signed_out", title="Signed out")

    def error_page(self, request: Request, error: EntraError) -> Response:
        """Return Entra's own error page: for what must never be redirected."""
        occasion = self._occasion(request)
        return pages.render(
            "error", status=400, title="Error", code=f"AADSTS{error.number}", message=error.message, occasion=occasion
        )

    def _occasion(self, request: Request) -> Occasion:
        asked = request.headers.get("client-request-id") or request.query_params.get("client-request-id")
        return self._directory.occasion(asked)

    def _refuse(self, request: Request, back: ReturnAddress, error: EntraError) -> Response:
        names = self._directory.knobs.error_names
        return back.send(redirect_parameters(error, self._occasion(request), names))

    def _known(self, session: Session | None, asked: AuthorizeRequest) -> Account | None:
        """Return who may go on without a page: the one signed in, or the one that ``login_hint`` names."""
        if asked.prompt in ("login", "select_account"):
            return None
        client = self._directory.client
        held = self._sessions.accounts(session, asked.tenant)
        welcome = [item for item in held if not tenants.unwelcome(item, asked.tenant, client)]
        present = self._hinted(asked, welcome)
        if asked.login_hint:
            return next((account for account in present if account.upn == asked.login_hint), None)
        return present[0] if len(present) == 1 else None

    def _silent(self, request: Request, asked: AuthorizeRequest, account: Account | None) -> Response:
        """``prompt=none``: a code or an error, never a page (S5)."""
        if account is None:
            return self._refuse(request, asked.back, EntraError(50058))
        standing = self._directory.standing(account)
        name = {"client_id": asked.client_id, "name": self._directory.client.name, "upn": account.upn}
        if self._must_sign_in(account):
            number = 50057 if standing.disabled else standing.refusal or 50076
            return self._refuse(request, asked.back, EntraError(number, name, error="interaction_required"))
        if self._directory.lacks_consent(account, asked.scopes):
            error = EntraError(65001, name, error=self._directory.knobs.silent_consent_error)
            return self._refuse(request, asked.back, error)
        return self._answer(self._sessions.begin(asked), account)

    def _who(self, flow: Flow, session: Session | None) -> Response:
        if flow.asked.prompt == "login" or flow.asked.login_hint:
            return self._sign_in_page(flow, upn=flow.asked.login_hint, problem="")
        return self._pick_page(flow, session)

    def _pick_page(self, flow: Flow, session: Session | None) -> Response:
        tenant = flow.asked.tenant
        return pages.render(
            "pick",
            title="Pick an account",
            app=self._directory.client.name,
            action=f"/{tenant}/login",
            ctx=flow.ctx,
            accounts=self._hinted(flow.asked, [person for person in ACCOUNTS if tenants.admits(tenant, person)]),
            signed_in=self._sessions.accounts(session, tenant),
        )

    def _hinted(self, asked: AuthorizeRequest, accounts: list[Account]) -> list[Account]:
        """Return whom ``domain_hint`` leaves; a hint that fits nobody is no hint (assumed)."""
        return [item for item in accounts if tenants.hinted(asked.domain_hint, item)] or accounts

    def _must_sign_in(self, account: Account) -> bool:
        standing = self._directory.standing(account)
        return standing.mfa_required or standing.disabled or bool(standing.refusal)

    def _sign_in_page(self, flow: Flow, *, upn: str, problem: str) -> Response:
        return pages.render(
            "sign_in",
            title="Sign in",
            app=self._directory.client.name,
            action=f"/{flow.asked.tenant}/login",
            ctx=flow.ctx,
            upn=upn,
            problem=problem,
        )

    def _unwelcome(self, flow: Flow, account: Account | None, upn: str) -> str:
        """Return why this account cannot sign in here, or nothing."""
        error = None
        if account is None:
            error = EntraError(50034, {"upn": upn})
        elif self._directory.standing(account).disabled:
            error = EntraError(50057)
        else:
            error = tenants.unwelcome(account, flow.asked.tenant, self._directory.client)
        return f"AADSTS{error.number}: {error.message}" if error else ""

    def _after_sign_in(self, request: Request, flow: Flow) -> Response:
        account = flow.account
        if account is None:
            return self.error_page(request, EntraError(90014))
        if refusal := self._directory.standing(account).refusal:
            # What no sign-in cures is told on a page here and never to the application (assumed).
            names = {"client_id": flow.asked.client_id, "name": self._directory.client.name, "upn": account.upn}
            return self.error_page(request, EntraError(refusal, names))
        if self._directory.needs_admin(account, flow.asked.scopes):
            return self._approval_page(flow, account)
        if flow.asked.prompt == "consent" or self._directory.lacks_consent(account, flow.asked.scopes):
            return self._consent_page(flow, account)
        return self._answer(flow, account)

    def _consent_page(self, flow: Flow, account: Account) -> Response:
        return pages.render(
            "consent",
            title="Permissions requested",
            heading="Permissions requested",
            app=self._directory.client.name,
            account=account,
            scopes=[(name, MEANINGS[name]) for name in flow.asked.scopes],
            for_everyone=False,
            tenant_name=tenants.WORK_NAME,
            action=f"/{flow.asked.tenant}/consent",
            ctx=flow.ctx,
        )

    def _no_approval(self) -> EntraError:
        """What "Return to the application" brings back; the pairing is assumed, hence a knob."""
        directory = self._directory
        return EntraError(90094, {"name": directory.client.name}, error=directory.knobs.admin_approval_error)

    def _approval_page(self, flow: Flow, account: Account) -> Response:
        error = self._no_approval()
        return pages.render(
            "approval",
            title="Need admin approval",
            account=account,
            message=error.message,
            code=f"AADSTS{error.number}",
            action=f"/{flow.asked.tenant}/consent",
            ctx=flow.ctx,
        )

    def _answer(self, flow: Flow, account: Account) -> Response:
        asked = flow.asked
        self._sessions.end(flow)
        code = self._directory.new_code(
            account,
            tenant=tenants.canonical(asked.tenant),
            redirect_uri=asked.back.redirect_uri,
            scopes=asked.scopes,
            nonce=asked.nonce,
            challenge=asked.challenge,
            method=asked.method,
        )
        answer = {"code": code.value}
        if asked.wants_client_info:
            answer["client_info"] = client_info(account)
        return asked.back.send({**answer, "session_state": self._directory.source.guid("session_state")})
