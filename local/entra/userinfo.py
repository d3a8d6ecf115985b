"""``/oidc/userinfo`` (entra-docs ``userinfo.md``): the claims of whoever the access token belongs to.

The real endpoint is Graph's; the metadata of this simulator names the one here. Refusals wear Graph's envelope, which
is assumed for this path.
"""

import uuid
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.entra.scopes import GRAPH
from local.entra.state import Directory
from local.entra.tokens import pairwise
from local.simkit.people import ACCOUNTS


class UserInfo:
    """The endpoint."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    @property
    def routes(self) -> list[Route]:
        """Its single path, for GET and POST."""
        return [Route("/oidc/userinfo", self.show, methods=["GET", "POST"])]

    async def show(self, request: Request) -> Response:
        """Answer the claims; 401 without a valid token of a person, 403 where it lacks ``openid``."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = self._verified(token) if scheme.lower() == "bearer" else None
        account = next((item for item in ACCOUNTS if claims and item.oid == claims.get("oid")), None)
        if claims is None or account is None:
            return self._refuse(401, "InvalidAuthenticationToken", "Access token is empty or not valid.")
        scopes = str(claims.get("scp", "")).split()
        if "openid" not in scopes:
            return self._refuse(
                403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
            )
        given, _, family = account.name.rpartition(" ")
        body = {"sub": pairwise(str(claims["appid"]), account)}
        if "profile" in scopes:
            body |= {"name": account.name, "family_name": family, "given_name": given}
        body["picture"] = f"{GRAPH}/v1.0/me/photo/$value"
        if "email" in scopes:
            body["email"] = account.upn
        return JSONResponse(body)

    def _verified(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token for Graph that one of the published keys signed and that has not expired."""
        for key in self._directory.mint.keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key.private.public_key(),
                    algorithms=["RS256"],
                    audience=GRAPH,
                    options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
                )
            except jwt.InvalidTokenError:
                continue
            return claims if claims["exp"] > self._directory.clock.timestamp() else None
        return None

    def _refuse(self, status: int, code: str, message: str) -> Response:
        inner = {
            "date": self._directory.clock.now().strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": str(uuid.uuid4()),
        }
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        error = {"code": code, "message": message, "innerError": inner}
        return JSONResponse({"error": error}, status_code=status, headers=headers)
