"""How a client proves itself at the token endpoint, and that it is the one that asked for the code."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import unquote_plus

from local.entra.errors import EntraError
from local.entra.state import Client, Code


def check_secret(form: Mapping[str, str], client: Client, *, origin: str | None) -> None:
    """Refuse a client that does not prove itself with its secret, or sends the secret from a browser."""
    secret = form.get("client_secret", "")
    names = {"client_id": client.client_id}
    if origin:
        raise EntraError(9002326, {"origin": origin})
    if not secret:
        raise EntraError(7000218)
    if not hmac.compare_digest(secret.encode(), client.secret.encode()):
        raise EntraError(7000215, names)
    if client.secret_expired:
        raise EntraError(7000222, names)


def check_browser(form: Mapping[str, str], *, origin: str | None) -> None:
    """Refuse a single-page app that is not in a browser, or that sends a secret (``v2-oauth2-auth-code-flow.md``)."""
    if not origin:
        raise EntraError(9002327)
    if "client_secret" in form or "client_assertion" in form:
        raise EntraError(700025)


def proves(code: Code, verifier: str) -> bool:
    """Whether the verifier belongs to the code's challenge (S3).

    A verifier for a code that was asked without a challenge is refused too, so that nobody strips PKCE unnoticed
    (assumed).
    """
    if code.challenge is None:
        return not verifier
    if code.method == "plain":
        return hmac.compare_digest(verifier.encode(), code.challenge.encode())
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, code.challenge.encode())


def with_basic(form: Mapping[str, str], header: str | None) -> dict[str, str]:
    """Return the form with the client's id and secret from HTTP Basic, where they came that way (RFC 6749 2.3.1)."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return dict(form)
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as broken:
        raise EntraError(7000218) from broken
    return {**form, "client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def needed(form: Mapping[str, str], parameter: str) -> str:
    """Return a parameter; 900144 where it is missing or empty."""
    value = form.get(parameter, "")
    if not value:
        raise EntraError(900144, {"parameter": parameter})
    return value
