"""The AADSTS catalogue: every number that the simulator says, with the OAuth error it comes under.

Numbers and meanings: entra-docs ``reference-error-codes.md``, whose texts are followed where it has one. The pairing
of a number with an OAuth ``error`` and with a ``suberror`` is documented nowhere as a whole, so it is assumed, and the
knob ``errorNames`` (``{"50076": "interaction_required"}``) changes it; a client must branch on ``error`` alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the catalogue says of one number. ``text`` takes the parameters of the failure."""

    error: str
    text: str
    suberror: str | None = None
    status: int = 400
    challenge: bool = False
    """Whether the answer carries ``claims``, which the client hands to its next authorization request."""
    cured: bool = False
    """Whether the person's next interactive sign-in ends it."""


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
    70007: Entry(
        error="invalid_request",
        text="'{response_mode}' is not a supported value of 'response_mode' when requesting a token.",
    ),
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
        status=401,
        text="Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        "not the client secret ID, for a secret added to app '{client_id}'.",
    ),
    7000218: Entry(
        error="invalid_client",
        status=401,
        text="The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    7000222: Entry(
        error="invalid_client",
        status=401,
        text="The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new "
        "keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
        "security: https://aka.ms/certCreds.",
    ),
    700025: Entry(
        error="invalid_client",
        status=401,
        text="Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    70002: Entry(
        error="invalid_client",
        status=401,
        text="Error validating credentials. The specified client_secret does not match the expected value for this "
        "client. Correct the client_secret and try again.",
    ),
    70001: Entry(error="unauthorized_client", text="The application named {name} is disabled."),
    9002327: Entry(
        error="invalid_request",
        text="Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin "
        "requests.",
    ),
    9002332: Entry(
        error="invalid_request",
        text="Application '{client_id}'({name}) is configured for use by Microsoft Entra users only. Please do not use "
        "the /consumers endpoint to serve this request.",
    ),
    50194: Entry(
        error="invalid_request",
        text="Application '{client_id}'({name}) is not configured as a multi-tenant application. Usage of the /common "
        "endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or "
        "configure the application to be multi-tenant.",
    ),
    50049: Entry(error="invalid_instance", text="Unknown or invalid instance."),
    50050: Entry(error="invalid_request", text="The request is malformed."),
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
    70005: Entry(
        error="unsupported_response_type",
        text="The app returned an unsupported response type: response type '{response_type}' is not enabled for the "
        "application.",
    ),
    70018: Entry(
        error="bad_verification_code", text="Invalid verification code due to User typing in wrong user code."
    ),
    9001023: Entry(
        error="invalid_request",
        text="The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations "
        "or tenant-specific endpoint.",
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
    50147: Entry(error="invalid_grant", text="The size or shape of the code challenge parameter isn't valid."),
    501481: Entry(
        error="invalid_grant",
        text="The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    54005: Entry(
        error="invalid_grant",
        text="OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
        "refresh token.",
    ),
    700005: Entry(
        error="invalid_grant",
        text="Provided Authorization Code is intended to use against other tenant, thus rejected. OAuth2 Authorization "
        "Code must be redeemed against same tenant it was acquired for (/common or /{{tenant-ID}} as appropriate).",
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
    700084: Entry(
        error="invalid_grant",
        text="The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of "
        "{lasts}, which can't be extended. It is now expired and a new sign in request must be sent by the SPA to the "
        "sign in page. The token was issued on {issued}.",
    ),
    70043: Entry(
        error="invalid_grant",
        text="The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access. The "
        "token was issued on {issued} and the maximum allowed lifetime for this request is {seconds}.",
        suberror="token_expired",
        cured=True,
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
    50055: Entry(error="invalid_grant", text="The password is expired.", suberror="user_password_expired", cured=True),
    50132: Entry(
        error="invalid_grant",
        text="The session is not valid due to the following reasons: password expiration or recent password change, "
        "SSO Artifact is invalid or expired.",
        suberror="bad_token",
        cured=True,
    ),
    50133: Entry(
        error="invalid_grant",
        text="The session is not valid due to password expiration or recent password change.",
        suberror="bad_token",
        cured=True,
    ),
    50074: Entry(
        error="interaction_required",
        text="Strong Authentication is required.",
        suberror="basic_action",
        challenge=True,
        cured=True,
    ),
    50076: Entry(
        error="invalid_grant",
        text="Due to a configuration change made by your administrator, or because you moved to a new location, you "
        "must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
        suberror="basic_action",
        challenge=True,
        cured=True,
    ),
    50078: Entry(
        error="invalid_grant",
        text="Presented multi-factor authentication has expired due to policies configured by your administrator, you "
        "must refresh your multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
        suberror="basic_action",
        challenge=True,
        cured=True,
    ),
    50079: Entry(
        error="invalid_grant",
        text="Due to a configuration change made by your administrator, or because you moved to a new location, you "
        "must enroll in multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
        suberror="basic_action",
        challenge=True,
        cured=True,
    ),
    50158: Entry(
        error="interaction_required",
        text="External security challenge not satisfied. User will be redirected to another page or authentication "
        "provider to satisfy additional authentication challenges.",
        suberror="basic_action",
        challenge=True,
        cured=True,
    ),
    53000: Entry(
        error="interaction_required",
        text="Device is not in required device state: compliant. Conditional Access policy requires a compliant "
        "device, and the device is not compliant. The user must enroll their device with an approved MDM provider "
        "like Intune.",
        suberror="message_only",
    ),
    53003: Entry(
        error="interaction_required",
        text="Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        suberror="message_only",
        challenge=True,
    ),
    50105: Entry(
        error="invalid_grant",
        text="Your administrator has configured the application {name} ('{client_id}') to block users unless they are "
        "specifically granted ('assigned') access to the application. The signed in user '{upn}' is blocked because "
        "they are not a direct member of a group with access, nor had access directly assigned by an administrator.",
    ),
    500208: Entry(error="invalid_request", text="The domain is not a valid login domain for the account type."),
    50196: Entry(
        error="invalid_grant",
        text="The server terminated an operation because it encountered a client request loop. Please contact your app "
        "vendor.",
    ),
    650052: Entry(
        error="invalid_client",
        text="The app needs access to a service ('{name}') that your organization '{tenant}' has not subscribed to or "
        "enabled. Contact your IT Admin to review the configuration of your service subscriptions.",
    ),
    650056: Entry(
        error="invalid_client",
        text="Misconfigured application. This could be due to one of the following: the client has not listed any "
        "permissions for '{name}' in the requested permissions in the client's application registration. Or, the admin "
        "has not consented in the tenant. Please contact your admin to fix the configuration or consent on behalf of "
        "the tenant. Client app ID: {client_id}.",
    ),
    70012: Entry(
        error="server_error",
        status=500,
        text="A server error occurred while authenticating an MSA (consumer) user. Try again.",
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
