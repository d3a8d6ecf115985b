"""Subscriptions: what may be subscribed, for how long, and the validation of both URLs (S46-S48, S53, S55)."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from cryptography.x509 import Certificate

from local.graph import richdata
from local.graph.auth import Caller
from local.graph.calls import split_path, split_query
from local.graph.errors import GraphError, invalid_body
from local.graph.knobs import Knobs
from local.graph.state import Calendar, Mailbox
from local.graph.values import boolean
from local.graph.zones import instant, wire_utc
from local.simkit.seeded import Source

_MEMBERS = frozenset(
    [
        "changeType",
        "notificationUrl",
        "lifecycleNotificationUrl",
        "resource",
        "expirationDateTime",
        "clientState",
        "latestSupportedTlsVersion",
        "notificationQueryOptions",
        "includeResourceData",
        "encryptionCertificate",
        "encryptionCertificateId",
        "notificationUrlAppId",
        "id",
        "applicationId",
        "creatorId",
    ]
)
_KINDS = frozenset({"created", "updated", "deleted"})
_TLS = ("v1_0", "v1_1", "v1_2", "v1_3")
"""Values of ``latestSupportedTlsVersion`` (subscription.md)."""
_FLOOR_MINUTES = 45
EXPIRED_KEPT = 100
"""How many expired subscriptions the control API shows."""


@dataclass(kw_only=True, slots=True)
class Subscription:
    """A subscription; ``calendar`` None means that it is for calendars themselves. ``immutable`` is the form of the
    ids in its notifications, fixed at creation. ``held`` is what waits while delivery is paused, with its times;
    ``token_expires`` belongs to the access token that last authorized it. With a ``certificate`` the members of
    ``select`` are sent along, encrypted."""

    id: str
    caller: Caller
    mailbox: Mailbox
    calendar: Calendar | None
    resource: str
    kinds: frozenset[str]
    change_type: str
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: datetime
    immutable: bool
    tls: str | None
    token_expires: float
    certificate: Certificate | None = None
    certificate_text: str | None = None
    certificate_id: str | None = None
    select: frozenset[str] = frozenset()
    paused: bool = False
    held: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """Return the subscription as read."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.caller.app_id,
            "changeType": self.change_type,
            "clientState": self.client_state,
            "notificationUrl": self.notification_url,
            "notificationQueryOptions": None,
            "lifecycleNotificationUrl": self.lifecycle_url,
            "expirationDateTime": wire_utc(self.expires),
            "creatorId": self.caller.account.graph_id,
            "includeResourceData": True if self.certificate else None,
            "latestSupportedTlsVersion": self.tls or "v1_2",
            "encryptionCertificate": self.certificate_text,
            "encryptionCertificateId": self.certificate_id,
            "notificationUrlAppId": None,
        }


def not_found() -> GraphError:
    """A dead subscription id (code unconfirmed, section 9 item 7)."""
    return GraphError(404, "ResourceNotFound", "The object was not found.")


def _extension_error(message: str) -> GraphError:
    return GraphError(400, "ExtensionError", message)


class Subscriptions:
    """All subscriptions of all mailboxes."""

    def __init__(self, knobs: Knobs, client: httpx.AsyncClient, source: Source) -> None:
        self._source = source
        self._knobs = knobs
        self._client = client
        self.kept: dict[str, Subscription] = {}

    def alive(self, now: datetime) -> list[Subscription]:
        """Return what has not expired (S53)."""
        return [each for each in self.kept.values() if each.expires > now]

    def find(self, caller: Caller, subscription_id: str, now: datetime) -> Subscription:
        """Return the caller's living subscription or 404."""
        found = self.kept.get(subscription_id)
        if found is None or found.expires <= now or found.caller.app_id != caller.app_id:
            raise not_found()
        if found.caller.account is not caller.account:
            raise not_found()
        return found

    def listed(self, caller: Caller, now: datetime) -> list[Subscription]:
        """Return the caller's living subscriptions."""
        return [
            each
            for each in self.alive(now)
            if each.caller.account is caller.account and each.caller.app_id == caller.app_id
        ]

    async def create(self, body: Any, mailbox: Mailbox, caller: Caller, *, immutable: bool) -> Subscription:
        """Check, validate both URLs, keep."""
        if self._knobs.mailboxNotEnabled == caller.account.upn:
            message = "Operation: Create; Exception: [Status Code: ServiceUnavailable; Reason: backend 'Unknown']"
            raise GraphError(403, "ExtensionError", message)
        made = self._checked(body, mailbox, caller, immutable)
        self._refuse_duplicates(made, mailbox.store.now())
        urls = [made.notification_url, *([made.lifecycle_url] if made.lifecycle_url else [])]
        await asyncio.gather(*(self._validate(url) for url in urls))
        if made.calendar is not None and made.calendar not in mailbox.store.mailboxes[caller.account.upn].calendars:
            raise _extension_error("The value of parameter 'Resource' is invalid.")  # it went while we were asking
        self._refuse_duplicates(made, mailbox.store.now())
        self._forget_expired(mailbox.store.now())
        self.kept[made.id] = made
        return made

    def _forget_expired(self, now: datetime) -> None:
        """Drop the oldest of those that are over; clients are told 404 either way."""
        over = [each.id for each in self.kept.values() if each.expires <= now]
        for own in over[:-EXPIRED_KEPT]:
            del self.kept[own]

    async def patch(self, found: Subscription, body: Any, now: datetime) -> None:
        """Renew; a new notification URL is validated. The caller resumes delivery."""
        if not isinstance(body, dict) or set(body) - {"expirationDateTime", "notificationUrl"}:
            raise GraphError(400, "InvalidRequest", "Only expirationDateTime and notificationUrl can be updated.")
        expires = found.expires
        if "expirationDateTime" in body:
            expires = self._expiry(body["expirationDateTime"], now, rich=found.certificate is not None)
        if "notificationUrl" in body:
            url = _https(body["notificationUrl"], "notificationUrl")
            await self._validate(url)
            found.notification_url = url
        found.expires = expires

    def _checked(self, body: Any, mailbox: Mailbox, caller: Caller, immutable: bool) -> Subscription:
        if not isinstance(body, dict):
            raise invalid_body("Unable to read JSON request payload.")
        for name in body:
            if name not in _MEMBERS and "@" not in name:
                raise invalid_body(
                    f"The property '{name}' does not exist on type 'microsoft.graph.subscription'. Make sure to only "
                    "use property names that are defined by the type."
                )
        for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
            if not isinstance(body.get(name), str) or not body[name]:
                raise GraphError(400, "InvalidRequest", f"The value of '{name}' is required.")
        calendar, allowed = self._resource(body["resource"], mailbox)
        kinds = frozenset(kind.strip() for kind in body["changeType"].split(","))
        if not kinds <= allowed:
            raise _extension_error("The value of parameter 'ChangeType' is invalid for this resource.")
        state = body.get("clientState")
        if state is not None and (not isinstance(state, str) or len(state) > 128):
            raise GraphError(400, "InvalidRequest", "The clientState is longer than 128 characters.")
        lifecycle = body.get("lifecycleNotificationUrl")
        rich = boolean("includeResourceData", body.get("includeResourceData") or False)
        if body.get("latestSupportedTlsVersion") not in (None, *_TLS):
            raise GraphError(400, "InvalidRequest", f"latestSupportedTlsVersion must be one of {', '.join(_TLS)}.")
        made = Subscription(
            id=self._source.guid(f"subscription {caller.account.upn}"),
            caller=caller,
            mailbox=mailbox,
            calendar=calendar,
            resource=body["resource"],
            kinds=kinds,
            change_type=body["changeType"],
            notification_url=_https(body["notificationUrl"], "notificationUrl"),
            lifecycle_url=_https(lifecycle, "lifecycleNotificationUrl") if lifecycle else None,
            client_state=state,
            expires=self._expiry(body["expirationDateTime"], mailbox.store.now(), rich=rich),
            immutable=immutable,
            tls=body.get("latestSupportedTlsVersion"),
            token_expires=caller.expires,
        )
        if rich:
            _enrich(made, body)
        return made

    def _resource(self, resource: str, mailbox: Mailbox) -> tuple[Calendar | None, frozenset[str]]:
        segments = [part for part in split_path(resource.partition("?")[0]) if part]
        if segments[:1] == ["v1.0"]:
            segments = segments[1:]
        own = (mailbox.account.graph_id, mailbox.account.upn, mailbox.account.oid)
        if segments[:1] == ["me"]:
            rest = segments[1:]
        elif len(segments) > 1 and segments[0].lower() == "users" and segments[1] in own:
            rest = segments[2:]
        else:
            rest = []
        match [part if at == 1 else part.lower() for at, part in enumerate(rest)]:
            case ["events"] | ["calendar", "events"]:
                return mailbox.default_calendar, _KINDS
            case ["calendars"]:
                return None, _KINDS - {"created"}
            case ["calendars", calendar_id, "events"]:
                for calendar in mailbox.calendars:
                    if calendar.has_id(calendar_id):
                        return calendar, _KINDS
        raise _extension_error("The value of parameter 'Resource' is invalid.")

    def _expiry(self, written: Any, now: datetime, *, rich: bool) -> datetime:
        """Return the expiry: raised to 45 minutes, refused or clipped past the maximum (S47; the text: #7726)."""
        try:
            wanted = instant(written)
        except (TypeError, ValueError):
            raise GraphError(400, "InvalidRequest", "The expirationDateTime is malformed.") from None
        if wanted <= now:
            raise GraphError(400, "InvalidRequest", "The expirationDateTime must be in the future.")
        minutes = self._knobs.maxRichSubscriptionMinutes if rich else self._knobs.maxSubscriptionMinutes
        longest = now + timedelta(minutes=minutes)
        if wanted > longest + timedelta(seconds=5):
            if self._knobs.refuseLongSubscriptions:
                raise _extension_error(f"Subscription expiration can only be {minutes} minutes in the future.")
            wanted = longest
        return max(wanted, now + timedelta(minutes=_FLOOR_MINUTES))

    def _refuse_duplicates(self, made: Subscription, now: datetime) -> None:
        of_mailbox = [each for each in self.alive(now) if each.mailbox is made.mailbox]
        for each in of_mailbox:
            same = _normal(each.resource) == _normal(made.resource) and each.kinds == made.kinds
            if same and each.caller.app_id == made.caller.app_id:
                raise GraphError(
                    409, "InvalidRequest", f"Subscription Id <{each.id}> already exists for the requested combination"
                )
        if len(of_mailbox) >= self._knobs.maxSubscriptions:
            raise GraphError(403, "ExtensionError", "The mailbox has too many active subscriptions.")

    async def _validate(self, url: str) -> None:
        """Ask the endpoint to echo a token (S46): 200, text/plain, the token only, in time."""
        asked = self._source.guid("validation")
        token = f"Validation: Testing client application reachability for subscription {asked} &+=%"
        joint = "&" if urlsplit(url).query else "?"
        try:
            async with asyncio.timeout(self._knobs.validationSeconds):
                answer = await self._client.post(
                    f"{url}{joint}validationToken={quote(token, safe='')}",
                    headers={"Content-Type": "text/plain; charset=utf-8"},
                    timeout=None,
                )
        except TimeoutError:
            raise GraphError(400, "InvalidRequest", "Subscription validation request timed out.") from None
        except httpx.HTTPError:
            message = "The underlying connection was closed: An unexpected error occurred on a send."
            raise GraphError(400, "InvalidRequest", message) from None
        kind = answer.headers.get("content-type", "")
        if answer.status_code != 200 or not re.match(r"text/plain\b", kind) or answer.text != token:
            raise GraphError(
                400,
                "ValidationError",
                "Subscription validation request failed. Notification endpoint must respond with 200 OK to "
                "validation request.",
            )


def _normal(resource: str) -> tuple[str, ...]:
    """Return a resource in one spelling: case means something in an id alone (S28)."""
    path, _, options = resource.partition("?")
    parts = [part for part in split_path(path) if part]
    own = ["" if at == 0 else parts[at - 1].lower() for at in range(len(parts))]
    return *(part if before == "calendars" else part.lower() for before, part in zip(own, parts, strict=True)), options


def _enrich(made: Subscription, body: dict[str, Any]) -> None:
    """Have resource data sent along: the resource must name the members, the body a certificate."""
    options = split_query(made.resource.partition("?")[2])
    made.select = frozenset(name.strip() for name in options.get("$select", "").split(",") if name.strip())
    if not made.select or made.calendar is None:
        raise _extension_error("Resource data of Outlook resources needs $select in the resource.")
    made.certificate_text, made.certificate_id = body.get("encryptionCertificate"), body.get("encryptionCertificateId")
    made.certificate = richdata.certificate(made.certificate_text, made.certificate_id)


def _https(url: Any, name: str) -> str:
    try:
        parts = httpx.URL(url)
    except (TypeError, httpx.InvalidURL):
        parts = httpx.URL()
    if parts.scheme != "https" or not parts.host or " " in parts.host or parts.fragment or not _port(parts):
        raise GraphError(400, "InvalidRequest", f"The {name} must be an https URL.")
    return str(url)


def _port(url: httpx.URL) -> bool:
    """Whether the port can be one."""
    return url.port is None or 0 < url.port < 2**16
