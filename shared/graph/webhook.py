"""What Graph posts to us: the validation handshake, change notifications and lifecycle notices. Pure and lenient.

Junk is answered like anything else (fact C48), so what cannot be read is left out, never an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from shared.graph.etags import change_key_of
from shared.graph.protocol import members, rows, text

__all__ = ["Lifecycle", "LifecycleNotice", "Notification", "Notifications", "Validation", "change_key_of", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The handshake: answer 200, ``text/plain``, with this token alone (fact C47)."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One hint that an event changed. ``etag`` is of the long form; ``tenant_id`` may be empty (S49)."""

    subscription_id: str
    client_state: str
    change_type: str
    event_id: str
    etag: str = ""
    tenant_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleNotice:
    """``reauthorizationRequired``, ``subscriptionRemoved`` or ``missed``, or what Graph invents next."""

    subscription_id: str
    client_state: str
    event: str
    tenant_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """One POST's change notifications, of any number of subscriptions and tenants."""

    items: tuple[Notification, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """One POST's lifecycle notices, and the change notifications that came with them, if any."""

    items: tuple[LifecycleNotice, ...]
    changes: tuple[Notification, ...] = ()


def parse(query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Validation | Notifications | Lifecycle:
    """Return what a POST is. The handshake is known by its query parameter; ``query`` is decoded already."""
    named = {name.lower(): value for name, value in query.items()}
    if token := named.get("validationtoken"):
        return Validation(token=token)
    if "json" not in {name.lower(): value for name, value in headers.items()}.get("content-type", "json").lower():
        return Notifications()
    try:
        items = rows(json.loads(body))
    except (ValueError, RecursionError):
        return Notifications()
    notices = tuple(_notice(item) for item in items if _word(item.get("lifecycleEvent")))
    changes = tuple(_notification(item) for item in items if not _word(item.get("lifecycleEvent")))
    changes = tuple(change for change in changes if change.subscription_id and change.event_id)
    return Lifecycle(items=notices, changes=changes) if notices else Notifications(items=changes)


def _notice(item: Mapping[str, object]) -> LifecycleNotice:
    """Both payload forms: the documented one and that of 2026, which calls the tenant an organization (C51)."""
    named = _word(item.get("subscriptionId")) or _word(item.get("resource")).partition("Subscriptions/")[2]
    return LifecycleNotice(
        subscription_id=named,
        client_state=_word(item.get("clientState")),
        event=_word(item.get("lifecycleEvent")),
        tenant_id=_word(item.get("tenantId")) or _word(item.get("organizationId")),
    )


def _notification(item: Mapping[str, object]) -> Notification:
    resource = members(item.get("resourceData"))
    return Notification(
        subscription_id=_word(item.get("subscriptionId")),
        client_state=_word(item.get("clientState")),
        change_type=_word(item.get("changeType")),
        event_id=_word(resource.get("id")),
        etag=_word(resource.get("@odata.etag")),
        tenant_id=_word(item.get("tenantId")) or _word(item.get("organizationId")),
    )


def _word(value: object) -> str:
    """Return a JSON string, empty if it is none, or if it holds half a character, which no key or message can."""
    found = text(value)
    try:
        found.encode()
    except UnicodeEncodeError:
        return ""
    return found
