"""Entra ID through MSAL: building the application, and what Entra's errors mean. Blocking; call it in a thread.

Errors are told apart by OAuth's ``error`` while tokens are refreshed (fact C6). On the way back from the consent page
that is too coarse to tell a person what to do, so there the AADSTS numbers in the text refine it (section 1.3).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from shared.errors import ConsentFault, OperatorFault, ReconnectNeeded, SyncFault, Unavailable

if TYPE_CHECKING:
    import msal
    import requests

SERVICE = "entra"
SCOPES = ("User.Read", "Calendars.ReadWrite", "MailboxSettings.Read")
"""What personal accounts can grant too (fact C2); MSAL adds openid, profile and offline_access."""
CLIENT_SECRET = "azure-client-secret"  # noqa: S105 - the secret's name
_TIMEOUT = (5.0, 30.0)
_RESOURCE = "https://graph.microsoft.com/"

_DECLINED = frozenset({"65004"})
_ADMIN_ALONE = frozenset({"90094", "90093", "90095"})
_ADMIN = _ADMIN_ALONE | {"65001"}
_ADMIN_REASON = "An administrator of your organization has to approve WedSync before the calendar can be read again."
_UNSUPPORTED = frozenset({"50020", "50194", "500200", "500208", "50105"})
_OURS = frozenset({"invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource", "invalid_request"})
_USERS = {
    "invalid_grant": "Microsoft has ended the permission, for example after a password reset or a long pause.",
    "interaction_required": "Microsoft asks for another sign-in before it lets the calendar be read.",
    "consent_required": "The permission to use the calendar was withdrawn.",
    "login_required": "Microsoft asks for another sign-in before it lets the calendar be read.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraApp:
    """The app registration that users consent to, and where Entra is.

    ``ca_file`` is a certificate authority to trust besides the usual ones.
    """

    client_id: str
    tenant_id: str = "common"
    authority_host: str = "https://login.microsoftonline.com"
    ca_file: str = ""

    @property
    def authority(self) -> str:
        """The authority that MSAL is given."""
        return f"{self.authority_host.rstrip('/')}/{self.tenant_id}"

    @property
    def admin_consent_url(self) -> str:
        """Where an administrator grants the permissions for a whole organization."""
        tenant = "organizations" if self.tenant_id in ("common", "consumers") else self.tenant_id
        return f"{self.authority_host.rstrip('/')}/{tenant}/adminconsent?{urlencode({'client_id': self.client_id})}"

    def open(self, secret: str, cache: "msal.TokenCache") -> "msal.ConfidentialClientApplication":
        """Return MSAL's application, which fetches Entra's metadata now.

        MSAL asks login.microsoftonline.com whether it knows a host, which it does not of a private one: so it is
        told not to ask for hosts that it does not know by itself.
        """
        import msal  # noqa: PLC0415 - 80 ms that no cold start needs
        from msal.authority import WELL_KNOWN_AUTHORITY_HOSTS  # noqa: PLC0415

        known = urlsplit(self.authority_host).hostname in WELL_KNOWN_AUTHORITY_HOSTS
        return msal.ConfidentialClientApplication(
            self.client_id,
            client_credential=secret,
            authority=self.authority,
            token_cache=cache,
            http_client=self._session(),
            instance_discovery=None if known else False,
        )

    def reach(self) -> None:
        """Return if Entra tells its metadata (OpenID Connect discovery); blocking. ``Unavailable`` otherwise."""
        try:
            with self._session() as session:
                answer = session.get(f"{self.authority}/v2.0/.well-known/openid-configuration")
        except transport_faults() as error:
            raise Unavailable(SERVICE, code=type(error).__name__) from None
        if answer.status_code != 200:
            raise Unavailable(SERVICE, status=answer.status_code)

    def _session(self) -> "requests.Session":
        import ssl  # noqa: PLC0415

        import certifi  # noqa: PLC0415
        import requests  # noqa: PLC0415
        from requests.adapters import HTTPAdapter  # noqa: PLC0415

        trust = ssl.create_default_context(cafile=certifi.where())
        if self.ca_file:
            trust.load_verify_locations(cafile=self.ca_file)

        class Trusting(HTTPAdapter):
            """Connects with our trust, and never waits for ever."""

            def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                super().init_poolmanager(*args, **kwargs, ssl_context=trust)

            def send(self, request: "requests.PreparedRequest", **kwargs: Any) -> "requests.Response":  # type: ignore[override]
                kwargs["timeout"] = kwargs.get("timeout") or _TIMEOUT
                return super().send(request, **kwargs)

        session = requests.Session()
        session.trust_env = False  # this machine's proxy and CA settings are not this service's
        session.mount("https://", Trusting())
        return session


def transport_faults() -> tuple[type[Exception], ...]:
    """Return what MSAL raises when Entra does not answer, or answers 5xx."""
    import requests  # noqa: PLC0415
    from msal.exceptions import MsalServiceError  # noqa: PLC0415

    return (requests.RequestException, MsalServiceError)


def refresh_fault(app: EntraApp, answer: Mapping[str, Any]) -> SyncFault:
    """Return what an error answer to a refresh means (fact C6).

    That an administrator has to approve is in the AADSTS numbers alone; without it the user would be sent through a
    consent that cannot succeed.
    """
    error = str(answer.get("error", ""))
    if error in _USERS:
        if _numbers(answer) & _ADMIN_ALONE:
            return ReconnectNeeded(_ADMIN_REASON, code="admin_approval_required", link=app.admin_consent_url)
        suberror = "consent_required" if answer.get("suberror") == "consent_required" else error
        return ReconnectNeeded(_USERS[suberror], code=suberror)
    if error in _OURS:
        return OperatorFault(SERVICE, code=error)
    return Unavailable(SERVICE, code=error or "no_error")


def _numbers(answer: Mapping[str, Any]) -> set[str]:
    return set(re.findall(r"AADSTS(\d+)", str(answer.get("error_description", ""))))


def consent_fault(app: EntraApp, answer: Mapping[str, Any]) -> SyncFault:
    """Return what an error on the way back from the consent page, or at the redemption of the code, means."""
    error = str(answer.get("error", ""))
    numbers = _numbers(answer)
    if numbers & _DECLINED:
        return ConsentFault("access_denied")
    if numbers & _ADMIN or error == "consent_required":
        return ConsentFault("admin_approval_required", link=app.admin_consent_url)
    if numbers & _UNSUPPORTED:
        return ConsentFault("account_unsupported")
    if error == "access_denied":
        return ConsentFault("access_denied")
    return OperatorFault(SERVICE, code=error) if error in _OURS else ConsentFault("consent_failed")


def missing_scopes(granted: str) -> frozenset[str]:
    """Return what was asked for and not granted. Names may be qualified and in another case (fact C9)."""
    if not granted.strip():  # an answer without scope grants what was asked for (RFC 6749 section 5.1)
        return frozenset()
    given = {scope.casefold().removeprefix(_RESOURCE) for scope in granted.split()}
    return frozenset(scope for scope in SCOPES if scope.casefold() not in given)
