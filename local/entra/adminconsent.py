"""``/adminconsent``: an administrator consents for the whole tenant (``v2-admin-consent.md``).

Rose is the administrator of the work tenant (assumed). Fields of the form: as in ``authorize.py``, with the actions
``/{tenant}/adminconsent/login`` and ``/{tenant}/adminconsent/decide``.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.entra import pages, tenants
from local.entra.authorize import Authorize, text_fields
from local.entra.errors import EntraError, redirect_parameters
from local.entra.request import ReturnAddress, check_client, return_address
from local.entra.scopes import MEANINGS, answered, parse
from local.entra.state import Directory
from local.simkit.people import ACCOUNTS, ROSE, Account

ADMINISTRATORS = (ROSE,)
KEPT = 100
"""How many unfinished consents are remembered."""


@dataclass(kw_only=True)
class Wish:
    """One admin consent under way."""

    back: ReturnAddress
    scopes: tuple[str, ...]
    ctx: str
    account: Account | None = None


class AdminConsent:
    """The endpoint and its two pages."""

    def __init__(self, directory: Directory, authorize: Authorize) -> None:
        self._directory = directory
        self._authorize = authorize
        self._wishes: dict[str, Wish] = {}

    @property
    def routes(self) -> list[Route]:
        """With and without ``/v2.0``; only the former takes ``scope``."""
        return [
            Route("/{tenant}/adminconsent", self.begin),
            Route("/{tenant}/v2.0/adminconsent", self.begin),
            Route("/{tenant}/adminconsent/login", self.login, methods=["POST"]),
            Route("/{tenant}/adminconsent/decide", self.decide, methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Show who could consent, or refuse on a page."""
        given = text_fields(request.query_params)
        client = self._directory.client
        try:
            tenant = tenants.known(request.path_params["tenant"])
            check_client(given, client, tenant)
            back = return_address({**self._registered(request), **given, "response_mode": "query"}, client)
            if "/v2.0/" in request.url.path and not given.get("scope"):
                raise EntraError(900144, {"parameter": "scope"})
            scopes = parse(given["scope"], client.permissions) if given.get("scope") else client.permissions
        except EntraError as error:
            return self._authorize.error_page(request, error)
        wish = Wish(back=back, scopes=scopes, ctx=self._directory.source.text("admin consent", 24))
        self._wishes = dict([*self._wishes.items(), (wish.ctx, wish)][-KEPT:])
        return pages.render(
            "pick",
            title="Pick an account",
            app=client.name,
            action=f"/{tenant}/adminconsent/login",
            ctx=wish.ctx,
            accounts=[account for account in ACCOUNTS if tenants.admits(tenant, account)],
            signed_in=[],
        )

    def _registered(self, request: Request) -> dict[str, str]:
        """The link that documentation tells administrators to put together has no ``redirect_uri``
        (entra-docs ``enterprise-apps/grant-admin-consent.md``): the first registered one is used (assumed)."""
        uris = self._directory.client.redirect_uris
        return {} if "/v2.0/" in request.url.path or not uris else {"redirect_uri": uris[0]}

    async def login(self, request: Request) -> Response:
        """Show the consent page to an administrator, "Need admin approval" to anybody else of the tenant."""
        given = text_fields(await request.form())
        wish = self._wishes.get(given.get("ctx", ""))
        account = tenants.person(given.get("upn", ""))
        tenant = request.path_params["tenant"]
        client = self._directory.client
        if wish is None or (account is None and given.get("decision") != "cancel"):
            return self._authorize.error_page(request, EntraError(90014))
        if account is None:
            return self._finish(request, wish, accepted=False)
        if account.personal:
            names = {"upn": account.upn, "tenant": tenant, "client_id": client.client_id, "name": client.name}
            return self._authorize.error_page(request, EntraError(50020, names))
        wish.account = account
        action = f"/{tenant}/adminconsent/decide"
        if account not in ADMINISTRATORS:
            message = EntraError(90094, {"name": client.name}).message
            return pages.render(
                "approval",
                title="Need admin approval",
                account=account,
                message=message,
                code="AADSTS90094",
                action=action,
                ctx=wish.ctx,
            )
        return pages.render(
            "consent",
            title="Permissions requested",
            heading="Permissions requested. Review for your organization",
            app=client.name,
            account=account,
            scopes=[(name, MEANINGS[name]) for name in wish.scopes],
            for_everyone=True,
            tenant_name=tenants.WORK_NAME,
            action=action,
            ctx=wish.ctx,
        )

    async def decide(self, request: Request) -> Response:
        """Take the administrator's answer."""
        given = text_fields(await request.form())
        wish = self._wishes.get(given.get("ctx", ""))
        if wish is None or wish.account is None:
            return self._authorize.error_page(request, EntraError(90014))
        accepted = given.get("decision") == "accept" and wish.account in ADMINISTRATORS
        return self._finish(request, wish, accepted=accepted)

    def _finish(self, request: Request, wish: Wish, *, accepted: bool) -> Response:
        self._wishes.pop(wish.ctx, None)
        tid = wish.account.tid if wish.account else ""
        answer = {"admin_consent": "True", "tenant": tid}
        if accepted:
            self._directory.admin_consent.setdefault(tid, set()).update(wish.scopes)
            return wish.back.send({**answer, "scope": answered(wish.scopes, qualified=True, echo_offline=True)})
        occasion = self._directory.occasion(request.headers.get("client-request-id"))
        error = EntraError(65004, error="consent_required")
        return wish.back.send({**redirect_parameters(error, occasion, self._directory.knobs.error_names), **answer})
