"""The managed identity endpoint of App Service and Functions, over plain HTTP on its own port.

``GET /msi/token?api-version=2019-08-01&resource=…[&client_id=…]`` with ``X-IDENTITY-HEADER``
(Learn, "App Service managed identity, REST endpoint reference"; azure-sdk-for-python #11346). The statuses of refusals
are not documented: 401 for the header and 400 otherwise are assumed.
"""

import hmac
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.entra import tokens
from local.entra.state import Directory
from local.entra.token import RESOURCES
from local.simkit.people import WORK_TENANT

IDENTITY_HEADER = "stand-identity-header"
IDENTITY_CLIENT_ID = "3f9b2c64-8f0e-4a51-b6d3-0c7e5a914d20"
"""The one identity assigned to the app. Any other ``client_id`` is refused, the Entra application's own included."""
API_VERSION = "2019-08-01"
LIFETIME = 24 * 3600
"""Managed identity tokens live for a day."""
_OTHER_NAMES = ("principal_id", "object_id", "mi_res_id")


class ManagedIdentity:
    """The endpoint."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    @property
    def routes(self) -> list[Route]:
        """The endpoint's single path."""
        return [Route("/msi/token", self.token)]

    async def token(self, request: Request) -> Response:
        """Answer a token for a known resource."""
        refusal = _refusal(request)
        if refusal:
            return refusal
        resource = request.query_params["resource"]
        directory = self._directory
        life = tokens.Life(issued=int(directory.clock.timestamp()), seconds=LIFETIME)
        claims = tokens.application_claims(
            resource=resource, client_id=IDENTITY_CLIENT_ID, oid=tokens.IDENTITY_OID, tid=WORK_TENANT, life=life
        )
        body = {
            "access_token": directory.note("access_token", None, directory.mint.sign(claims)),
            "expires_on": str(life.issued + life.seconds),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": IDENTITY_CLIENT_ID,
        }
        return JSONResponse(body)


def _refusal(request: Request) -> Response | None:
    asked = request.query_params
    resource = asked.get("resource", "")
    if not hmac.compare_digest(request.headers.get("x-identity-header", "").encode(), IDENTITY_HEADER.encode()):
        return _refuse(401, "The X-IDENTITY-HEADER header is missing or does not match.")
    if asked.get("api-version") != API_VERSION:
        return _refuse(400, f"The api-version {asked.get('api-version')} is not supported. Use {API_VERSION}.")
    if not resource:
        return _refuse(400, "The resource parameter is missing.")
    if any(name in asked for name in _OTHER_NAMES) or asked.get("client_id", IDENTITY_CLIENT_ID) != IDENTITY_CLIENT_ID:
        return _refuse(
            400, "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
        )
    if resource.rstrip("/") not in RESOURCES:
        return _refuse(500, f"AADSTS500011: The resource principal named {resource} was not found in the tenant.")
    return None


def _refuse(status: int, message: str) -> Response:
    return JSONResponse(
        {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())}, status_code=status
    )
