"""The AADSTS catalogue, and the shapes in which Entra words a failure.

Numbers and meanings: ``reference-error-codes.md``. The pairing of a number with an OAuth ``error`` is partly assumed,
so the knob ``errorNames`` (``{"50076": "interaction_required"}``) changes it; a client must branch on ``error`` alone.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

GUIDANCE = "https://login.microsoftonline.com/error?code="


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the catalogue says of one number. ``text`` takes the parameters of the failure."""

    error: str
    text: str
    suberror: str | None = None


CATALOGUE: dict[int, Entry] = {
    900144: Entry(
        error="invalid_request",
        text="The request body must contain the following parameter: '{parameter}'.",
    ),
    900561: Entry(
        error="invalid_request", text="The endpoint only accepts POST, OPTIONS requests. Received a {method} request."
    ),
    90002: Entry(
        error="invalid_tenant",
        text="Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    90023: Entry(error="invalid_request", text="Unsupported '{parameter}' value."),
    9002313: Entry(error="invalid_grant", text="Invalid request. Request is malformed or invalid."),
    9002326: Entry(
        error="invalid_request",
        text="Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request "
        "origin: '{origin}'.",
    ),
    700016: Entry(
        error="unauthorized_client",
        text="Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant.",
    ),
    7000112: Entry(error="unauthorized_client", text="Application '{client_id}'({name}) is disabled."),
    7000215: Entry(
        error="invalid_client",
        text="Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        "not the client secret ID, for a secret added to app '{client_id}'.",
    ),
    7000218: Entry(
        error="invalid_client",
        text="The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    7000222: Entry(
        error="invalid_client",
        text="The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new "
        "keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
        "security: https://aka.ms/certCreds.",
    ),
    50011: Entry(
        error="invalid_request",
        text="The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured "
        "for the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your "
        "application in the Azure portal.",
    ),
    500112: Entry(
        error="invalid_client",
        text="The reply address '{redirect_uri}' does not match the reply address '{expected}' provided when "
        "requesting Authorization code.",
    ),
    700054: Entry(
        error="unsupported_response_type",
        text="response_type '{response_type}' is not enabled for the application.",
    ),
    70003: Entry(error="unsupported_grant_type", text="The app requested an unsupported grant type '{grant_type}'."),
    70011: Entry(
        error="invalid_scope",
        text="The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
    ),
    1002012: Entry(
        error="invalid_scope",
        text="The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
    ),
    650057: Entry(
        error="invalid_resource",
        text="Invalid resource. The client has requested access to a resource which is not listed in the requested "
        "permissions in the client's application registration. Resource value from request: {resource}.",
    ),
    500011: Entry(
        error="invalid_resource",
        text="The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant.",
    ),
    50059: Entry(
        error="invalid_request",
        text="No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    50147: Entry(error="invalid_request", text="The size or shape of the code challenge parameter isn't valid."),
    501481: Entry(
        error="invalid_grant",
        text="The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    54005: Entry(
        error="invalid_grant",
        text="OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
        "refresh token.",
    ),
    70008: Entry(
        error="invalid_grant",
        text="The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
    ),
    700082: Entry(
        error="invalid_grant",
        text="The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for "
        "{days}.00:00:00.",
    ),
    50173: Entry(
        error="invalid_grant",
        text="The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might "
        "have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before "
        "which tokens are not valid) for this user is '{revoked}'.",
        suberror="bad_token",
    ),
    70000: Entry(
        error="invalid_grant",
        text="The provided value for the 'refresh_token' parameter is not valid, or was issued to another client.",
        suberror="bad_token",
    ),
    50057: Entry(error="invalid_grant", text="The user account is disabled."),
    50076: Entry(
        error="invalid_grant",
        text="Due to a configuration change made by your administrator, or because you moved to a new location, you "
        "must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
        suberror="basic_action",
    ),
    65001: Entry(
        error="invalid_grant",
        text="The user or administrator has not consented to use the application with ID '{client_id}' named '{name}'. "
        "Send an interactive authorization request for this user and resource.",
        suberror="consent_required",
    ),
    65004: Entry(error="access_denied", text="User declined to consent to access the app."),
    90094: Entry(
        error="consent_required",
        text="{name} needs permission to access resources in your organization that only an admin can grant. Please "
        "ask an admin to grant permission to this app before you can use it.",
    ),
    50058: Entry(
        error="login_required",
        text="A silent sign-in request was sent but no user is signed in.",
    ),
    50020: Entry(
        error="invalid_grant",
        text="User account '{upn}' from identity provider does not exist in tenant '{tenant}' and cannot access the "
        "application '{client_id}'({name}) in that tenant.",
    ),
    50034: Entry(error="invalid_grant", text="The user account {upn} does not exist in the directory."),
    90014: Entry(
        error="invalid_request",
        text="The sign-in that this page belongs to has ended. Go back to the application and start again.",
    ),
}


@dataclass
class EntraError(Exception):
    """A failure by its number. ``error`` replaces the catalogue's pairing for this one case."""

    number: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    subcode: str | None = None

    @property
    def entry(self) -> Entry:
        """What the catalogue says."""
        return CATALOGUE[self.number]

    def name(self, names: Mapping[str, str]) -> str:
        """Return the OAuth ``error``; ``names`` is the knob that overrides the catalogue."""
        return names.get(str(self.number)) or self.error or self.entry.error

    @property
    def status(self) -> int:
        """HTTP 401 for a client that failed to prove itself, 400 otherwise (401 is assumed)."""
        return 401 if self.entry.error == "invalid_client" and self.number != 500112 else 400

    @property
    def message(self) -> str:
        """The sentence after the number."""
        return self.entry.text.format_map(_Tolerant(self.parameters))


class _Tolerant(dict[str, Any]):
    """Leaves a place in the text empty where the failure did not say."""

    def __missing__(self, key: str) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """When a failure happened and under which correlation id; every wording of it agrees on these."""

    at: datetime
    correlation_id: str
    trace_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def timestamp(self) -> str:
        """Entra's spelling of a moment, for example ``2026-05-02 09:11:12Z``."""
        return self.at.strftime("%Y-%m-%d %H:%M:%SZ")

    def describe(self, error: EntraError) -> str:
        """Return the ``error_description``."""
        return (
            f"AADSTS{error.number}: {error.message} Trace ID: {self.trace_id} "
            f"Correlation ID: {self.correlation_id} Timestamp: {self.timestamp}"
        )


def correlation_id(header: str | None) -> str:
    """Return the client's request id where it is a GUID, else a new one."""
    try:
        return str(uuid.UUID(header or ""))
    except ValueError:
        return str(uuid.uuid4())


def token_body(error: EntraError, occasion: Occasion, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the JSON of the token endpoint (``v2-oauth2-auth-code-flow.md``; ``suberror`` as MSAL reads it)."""
    body: dict[str, Any] = {
        "error": error.name(names),
        "error_description": occasion.describe(error),
        "error_codes": [error.number],
        "timestamp": occasion.timestamp,
        "trace_id": occasion.trace_id,
        "correlation_id": occasion.correlation_id,
        "error_uri": f"{GUIDANCE}{error.number}",
    }
    if error.entry.suberror:
        body["suberror"] = error.entry.suberror
    return body


def redirect_parameters(error: EntraError, occasion: Occasion, names: Mapping[str, str]) -> dict[str, str]:
    """Return what a refused authorization brings back to the application."""
    answer = {"error": error.name(names), "error_description": occasion.describe(error)}
    if error.subcode:
        answer["error_subcode"] = error.subcode
    answer["error_uri"] = f"{GUIDANCE}{error.number}"
    return answer
