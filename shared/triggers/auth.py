"""Connecting and disconnecting Outlook."""

from urllib.parse import quote, urlencode

import azure.functions as func

from shared.errors import SyncFault
from shared.service import App
from shared.triggers import present, shapes
from shared.triggers.http import Call, Problem, Reply, endpoint, problem_of
from shared.triggers.rates import CHECKED_FIRST, CONNECTING, LEAVING, LOOKS
from shared.usecases.connect import Connected, HandOver

blueprint = func.Blueprint()
COOKIE = "__Host-wedsync-oauth"
_ANSWER = ("code", "state", "error", "error_description", "session_state", "client_info")


@endpoint(blueprint, route="calendar/outlook/auth", method="GET", rate=CONNECTING)
async def begin_connect(app: App, call: Call) -> Reply:
    """Return where Microsoft asks for consent."""
    begun = await app.begin_connect.run(await call.user())
    start_url = f"{app.settings.public_base_url}/api/integrations/outlook/auth?{urlencode({'ticket': begun.ticket})}"
    return Reply(body=shapes.AuthResponse(auth_url=begun.auth_url, state=begun.state, start_url=start_url))


@endpoint(blueprint, route="calendar/outlook/auth/callback", method="POST", rate=CONNECTING)
async def finish_connect(app: App, call: Call) -> Reply:
    """Complete the consent for the signed-in user."""
    request = call.json(shapes.CallbackRequest)
    answer = {name: value for name, value in request.model_dump().items() if value}
    made = await app.finish_connect.by_post(await call.user(), answer)
    return Reply(
        body=shapes.CallbackResponse(
            success=True,
            integration=present.integration(made.integration),
            calendars=present.calendars(made.calendars),
        )
    )


@endpoint(blueprint, route="integrations/outlook/auth", method="GET", rate=CHECKED_FIRST, signed_in=False)
async def browser_begin_connect(app: App, call: Call) -> Reply:
    """Redeem a ticket: bind the browser by a cookie and send it to Microsoft."""
    try:
        bound = await app.begin_connect.redeem(call.query.get("ticket", ""))
    except SyncFault as fault:
        return _to_page(app, query={"error": _code_of(fault, "browser_begin_connect")})
    cookie = f"{COOKIE}={bound.cookie}; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
    return Reply(status=302, headers={"Location": bound.auth_url, "Set-Cookie": cookie})


@endpoint(blueprint, route="integrations/outlook/callback", method="GET", rate=CHECKED_FIRST, signed_in=False)
async def browser_finish_connect(app: App, call: Call) -> Reply:
    """Complete in the browser that began; any other browser's page completes by POST, with its user's token.

    An administrator who approved the app for an organization comes back here too, with ``admin_consent`` and no code:
    https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
    """
    if "admin_consent" in call.query and "code" not in call.query:
        refused = "error" in call.query
        return _to_page(app, query={"error": "admin_approval_required"} if refused else {"approved": "outlook"})
    answer = {name: call.query[name] for name in _ANSWER if call.query.get(name)}
    try:
        outcome = await app.finish_connect.by_browser(answer, call.cookie(COOKIE))
    except SyncFault as fault:
        return _to_page(app, query={"error": _code_of(fault, "browser_finish_connect")}, clear=True)
    match outcome:
        case Connected():
            return _to_page(app, query={"connected": "outlook"}, clear=True)
        case HandOver(answer=handed):
            return _to_page(app, fragment=dict(handed))


@endpoint(blueprint, route="calendar/outlook/calendars", method="GET", rate=LOOKS)
async def list_calendars(app: App, call: Call) -> Reply:
    """Return the mailbox's calendars."""
    integration, calendars = await app.list_calendars.run(await call.user())
    return Reply(
        body=shapes.CalendarsResponse(calendars=present.calendars(calendars), calendar_id=integration.calendar_id)
    )


@endpoint(blueprint, route="calendar/outlook/integration", method="DELETE", rate=LEAVING)
async def disconnect(app: App, call: Call) -> Reply:
    """Disconnect: remove our events from Outlook, and the connection."""
    return Reply(body=present.removal(await app.disconnect.by_user(await call.user())))


def _code_of(fault: SyncFault, where: str) -> str:
    problem = problem_of(fault, where).body
    return problem.code if isinstance(problem, Problem) else "internal"


def _to_page(
    app: App, *, query: dict[str, str] | None = None, fragment: dict[str, str] | None = None, clear: bool = False
) -> Reply:
    """Redirect to the WedSync page, the only place that redirects ever go to."""
    url = f"{app.settings.wedsync_app_url}/settings/integrations"
    if query:
        url += f"?{urlencode(query)}"
    if fragment:
        url += f"#{urlencode(fragment, quote_via=quote)}"
    headers = {"Location": url, "Referrer-Policy": "no-referrer"}
    if clear:
        headers["Set-Cookie"] = f"{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    return Reply(status=302, headers=headers)
