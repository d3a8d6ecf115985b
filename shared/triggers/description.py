"""What the API says of itself: its OpenAPI document, and which methods a path takes."""

import re

import azure.functions as func

from shared.errors import NotFound
from shared.service import App
from shared.triggers.http import ROUTES, Call, Reply, endpoint, not_allowed, preflight
from shared.triggers.rates import NOTHING, SHARED

blueprint = func.Blueprint()


@endpoint(blueprint, route="openapi.json", method="GET", rate=SHARED, signed_in=False)
async def api_document(app: App, call: Call) -> Reply:
    """Return the OpenAPI document of this API."""
    from shared.triggers.openapi.document import text  # noqa: PLC0415 - half a second that no start has to pay

    del app, call
    return Reply(body=text(), headers={"Content-Type": "application/json"})


@endpoint(blueprint, route="{*path}", method="", rate=NOTHING, signed_in=False)
async def without_route(app: App, call: Call) -> Reply:
    """Answer a CORS preflight; say of any other method that the path takes others, or that there is nothing at it.

    The host tries the functions in the order of their names and takes the first whose route and method fit, so the name
    of this one has to be the last; without it the host answers 404 with no body to a wrong method.
    """
    if call.method.upper() == "OPTIONS":
        return preflight(app, call)
    methods = methods_of(call.params.get("path", ""))
    if not methods:
        raise NotFound("not_found", "There is nothing at this path.")
    return not_allowed(methods)


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods that a path below ``api/`` takes."""
    return tuple(
        sorted(
            each.method
            for each in ROUTES.values()
            if "*" not in each.route
            and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(each.route)), path.strip("/"), re.IGNORECASE)
        )
    )
