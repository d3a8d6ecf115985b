"""The JSON of secrets, deleted secrets and pages of them."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from local.keyvault.errors import bad_parameter
from local.keyvault.knobs import Knobs
from local.keyvault.state import Secret, Version

T = TypeVar("T")
PAGE = 25
"""The largest page, and the default (Learn, "Get Secrets": ``maxresults``)."""


def attributes(version: Version, knobs: Knobs) -> dict[str, Any]:
    """Return ``attributes``; the dates only where they are set."""
    shown: dict[str, Any] = {"enabled": version.enabled}
    if version.nbf is not None:
        shown["nbf"] = version.nbf
    if version.exp is not None:
        shown["exp"] = version.exp
    return {
        **shown,
        "created": version.created,
        "updated": version.updated,
        "recoveryLevel": "Recoverable" if knobs.purge_protection else "Recoverable+Purgeable",
        "recoverableDays": knobs.retention_days,
    }


def item(base: str, secret: Secret, version: Version, knobs: Knobs, *, versioned: bool) -> dict[str, Any]:
    """Return a secret without its value; lists of secrets name no version."""
    tail = f"/{version.ident}" if versioned else ""
    shown: dict[str, Any] = {
        "id": f"{base}/secrets/{secret.name}{tail}",
        "attributes": attributes(version, knobs),
    }
    if version.content_type is not None:
        shown["contentType"] = version.content_type
    if version.tags is not None:
        shown["tags"] = version.tags
    return shown


def bundle(base: str, secret: Secret, version: Version, knobs: Knobs) -> dict[str, Any]:
    """Return a secret with its value."""
    return {"value": version.value, **item(base, secret, version, knobs, versioned=True)}


def deleted(base: str, secret: Secret, knobs: Knobs, *, versioned: bool) -> dict[str, Any]:
    """Return a soft-deleted secret, which never shows its value."""
    return {
        "recoveryId": f"{base}/deletedsecrets/{secret.name}",
        "deletedDate": secret.deleted,
        "scheduledPurgeDate": secret.purge_due,
        **item(base, secret, secret.current, knobs, versioned=versioned),
    }


def page(url: str, entries: Sequence[T], query: dict[str, str], show: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """Return one page: ``value``, and ``nextLink`` (null at the end). The skip token is opaque to clients."""
    size = _size(query.get("maxresults"))
    begin = _skip(query.get("$skiptoken"))
    following = begin + size
    link = None
    if following < len(entries):
        token = base64.urlsafe_b64encode(f"from {following}".encode()).decode()
        link = f"{url}?{urlencode({'api-version': query['api-version'], '$skiptoken': token, 'maxresults': size})}"
    return {"value": [show(entry) for entry in entries[begin:following]], "nextLink": link}


def _size(text: str | None) -> int:
    if text is None:
        return PAGE
    if not text.isdecimal() or not 1 <= int(text) <= PAGE:
        raise bad_parameter(f"maxresults must be between 1 and {PAGE}.")
    return int(text)


def _skip(token: str | None) -> int:
    if token is None:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(" ")
        if word == "from":
            return int(number)
    except (binascii.Error, ValueError) as error:
        raise bad_parameter("The skip token is malformed.") from error
    raise bad_parameter("The skip token is malformed.")
