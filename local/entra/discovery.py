"""Metadata, keys and instance discovery (S1)."""

import json
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.entra import tenants
from local.entra.errors import EntraError, token_body
from local.entra.scopes import OPENID
from local.entra.state import Directory

PUBLIC_CLOUD = ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net")
"""The hosts of one cloud (MSAL 1.39 ``authority.py``, ``WELL_KNOWN_AUTHORITY_HOSTS``)."""


class Discovery:
    """What a client reads before it asks for anything."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    @property
    def routes(self) -> list[Route]:
        """The three documents. Instance discovery comes first: its path would match a tenant called ``common``."""
        return [
            Route("/common/discovery/instance", self.instance),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", self.metadata),
            Route("/{tenant}/discovery/v2.0/keys", self.keys),
        ]

    async def metadata(self, request: Request) -> Response:
        """Answer the OpenID Connect metadata of a tenant (``v2-protocols-oidc.md``)."""
        try:
            tenant = tenants.known(request.path_params["tenant"])
        except EntraError as error:
            return self._refuse(request, error)
        base = f"{request.url.scheme}://{request.url.netloc}"
        oauth = f"{base}/{tenant}/oauth2/v2.0"
        # For /common and /organizations the issuer is a template with a literal placeholder (assumed).
        issuer = tenants.tenant_id(tenant) or "{tenantid}"
        body = {
            "token_endpoint": f"{oauth}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": list(OPENID),
            "issuer": f"{base}/{issuer}/v2.0",
            "request_uri_parameter_supported": False,
            # Really at graph.microsoft.com; here on this host, so that no client leaves the stand.
            "userinfo_endpoint": f"{base}/oidc/userinfo",
            "authorization_endpoint": f"{oauth}/authorize",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{oauth}/logout",
            "claims_supported": [
                *("sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid"),
                *("at_hash", "c_hash", "email"),
            ],
            "tenant_region_scope": None,
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": "graph.microsoft.com",
        }
        return JSONResponse(body)

    async def keys(self, request: Request) -> Response:
        """Answer the signing keys; the same for every tenant."""
        try:
            tenants.known(request.path_params["tenant"])
        except EntraError as error:
            return self._refuse(request, error)
        return JSONResponse(self._directory.mint.jwks)

    async def instance(self, request: Request) -> Response:
        """Answer instance discovery as MSAL reads it: for this host, and for Microsoft's public cloud."""
        host = request.url.netloc
        asked = urlsplit(request.query_params.get("authorization_endpoint", ""))
        if not asked.netloc or "api-version" not in request.query_params:
            return self._refuse(request, EntraError(50050))
        if asked.netloc not in (host, *PUBLIC_CLOUD):
            return self._refuse(request, EntraError(50049))
        network, cache, *_ = PUBLIC_CLOUD if host in PUBLIC_CLOUD else (host, host)
        body = {
            "tenant_discovery_endpoint": f"{request.url.scheme}://{host}/common/v2.0/.well-known/openid-configuration",
            "api-version": request.query_params["api-version"],
            "metadata": [
                {
                    "preferred_network": network,
                    "preferred_cache": cache,
                    "aliases": list(PUBLIC_CLOUD) if host in PUBLIC_CLOUD else [host],
                }
            ],
        }
        return Response(json.dumps(body), media_type="application/json; charset=utf-8")

    def _refuse(self, request: Request, error: EntraError) -> Response:
        occasion = self._directory.occasion(request.headers.get("client-request-id"))
        body = token_body(error, occasion, self._directory.knobs.error_names)
        return JSONResponse(body, status_code=error.status)
