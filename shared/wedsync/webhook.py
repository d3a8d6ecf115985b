"""What WedSync posts to us: notices of changed events, signed as Standard Webhooks says. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

from standardwebhooks import Webhook, WebhookVerificationError

from shared.errors import InvalidInput, NotSignedIn, OperatorFault

WEBHOOK_SECRET = "wedsync-webhook-secret"  # noqa: S105 - the secret's name
ChangeKind = Literal["event.created", "event.updated", "event.deleted"]
_KINDS: Mapping[str, ChangeKind] = {
    "event.created": "event.created",
    "event.updated": "event.updated",
    "event.deleted": "event.deleted",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WedSyncNotice:
    """A user's event changed. ``message_id`` is the same when the notice is sent again."""

    message_id: str
    kind: ChangeKind
    user_id: str
    event_id: str
    version: int


def parse(secret: str, headers: Mapping[str, str], body: bytes) -> WedSyncNotice | None:
    """Return the notice, or None for a type that we do not know.

    ``NotSignedIn`` for a bad or missing signature, and for one more than five minutes off; ``InvalidInput`` for a
    signed body that is no notice; ``OperatorFault`` for a secret that cannot be one.
    """
    named = {name.lower(): value for name, value in headers.items()}
    message = _verified(secret, named, body)
    data = message.get("data")
    if not isinstance(message.get("type"), str) or not isinstance(data, dict):
        raise InvalidInput("malformed_webhook", "The body has no type or no data.")
    kind = _KINDS.get(str(message["type"]))
    if kind is None:
        return None
    user_id, event_id, version = data.get("userId"), data.get("eventId"), data.get("version")
    if not (_is_id(user_id) and _is_id(event_id)):
        raise InvalidInput("malformed_webhook", "The data names no user or no event.")
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidInput("malformed_webhook", "The version is not an integer.")
    return WedSyncNotice(
        message_id=named.get("webhook-id", ""), kind=kind, user_id=user_id, event_id=event_id, version=version
    )


def _is_id(value: object) -> TypeGuard[str]:
    """Whether it is text that keys and messages can hold: JSON may hold half a character, a lone surrogate."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= each <= "\udfff" for each in value)


def _verified(secret: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, object]:
    try:
        webhook = Webhook(secret)
    except Exception:
        raise OperatorFault("wedsync", code="WebhookSecret") from None
    try:
        webhook.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: a signature that is not base64, a body not UTF-8
        raise NotSignedIn("invalid_signature", "The signature is missing, wrong or too old.") from None
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InvalidInput("malformed_webhook", "The body is not a JSON object.")
    return message
