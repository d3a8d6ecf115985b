"""Browser sessions, and sign-ins under way."""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from local.entra.catalogue import CATALOGUE
from local.entra.request import AuthorizeRequest
from local.entra.state import Directory
from local.entra.tenants import admits
from local.simkit.people import Account

COOKIE = "ESTSAUTHPERSISTENT"
FLOW_SECONDS = 900
"""How long a page stays usable (assumed)."""

SESSIONS_KEPT = 1000
"""How many browsers are remembered; the oldest are signed out."""


@dataclass(kw_only=True)
class Session:
    """A browser's sign-ins: account name to the count of revoked sessions at which it signed in."""

    ident: str
    epochs: dict[str, tuple[Account, int]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Flow:
    """One authorization under way. ``ctx`` names it in the forms."""

    asked: AuthorizeRequest
    began: float
    ctx: str
    account: Account | None = None


class Sessions:
    """All browsers' sessions and flows of one simulator."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._sessions: dict[str, Session] = {}
        self._flows: dict[str, Flow] = {}

    def clear(self) -> None:
        """Forget all browsers."""
        self._sessions.clear()
        self._flows.clear()

    def of(self, request: Request) -> Session | None:
        """Return the browser's session, if it has one."""
        return self._sessions.get(request.cookies.get(COOKIE, ""))

    def accounts(self, session: Session | None, tenant: str) -> list[Account]:
        """Return who is signed in, may sign in under the tenant segment and was not revoked since."""
        held = session.epochs.values() if session else ()
        return [
            account
            for account, epoch in held
            if admits(tenant, account) and epoch == self._directory.standing(account).sessions
        ]

    def sign_in(self, session: Session | None, account: Account) -> Session:
        """Add the account to the session, made now where there is none. A fresh sign-in satisfies MFA and its kin."""
        session = session or Session(ident=self._directory.source.text("session", 24))
        standing = self._directory.standing(account)
        standing.mfa_required = False
        if standing.refusal and CATALOGUE[standing.refusal].cured:
            standing.refusal = 0
        session.epochs[account.upn] = (account, standing.sessions)
        self._sessions[session.ident] = session
        if len(self._sessions) > SESSIONS_KEPT:
            del self._sessions[next(iter(self._sessions))]
        return session

    def sign_out(self, session: Session | None) -> None:
        """End the session."""
        if session:
            self._sessions.pop(session.ident, None)

    @staticmethod
    def remember(response: Response, session: Session) -> None:
        """Set the session cookie, usable from another site's redirect as the real one is."""
        response.set_cookie(COOKIE, session.ident, secure=True, httponly=True, samesite="none", path="/")

    def begin(self, asked: AuthorizeRequest) -> Flow:
        """Start a flow; flows that nobody finished are dropped."""
        now = self._directory.clock.timestamp()
        self._flows = {key: flow for key, flow in self._flows.items() if now - flow.began < FLOW_SECONDS}
        flow = Flow(asked=asked, began=now, ctx=self._directory.source.text("flow", 24))
        self._flows[flow.ctx] = flow
        return flow

    def flow(self, ctx: str) -> Flow | None:
        """Return the flow that a form names, unless it has ended."""
        return self._flows.get(ctx)

    def end(self, flow: Flow) -> None:
        """A flow ends with its redirect; its pages are dead from then on."""
        self._flows.pop(flow.ctx, None)
