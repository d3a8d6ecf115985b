"""Events and calendars as JSON, the way one request's Prefer header and query want them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from local.graph import bodies, ids, office_hours, online, views
from local.graph.knobs import Knobs
from local.graph.prefer import Prefer
from local.graph.query import Expand
from local.graph.state import Calendar, Mailbox
from local.graph.views import View
from local.graph.zones import windows_name, wire, wire_utc
from local.simkit.people import Account

PLAIN = tuple(
    [
        "subject",
        "importance",
        "sensitivity",
        "showAs",
        "categories",
        "isReminderOn",
        "reminderMinutesBeforeStart",
        "responseRequested",
        "allowNewTimeProposals",
        "hideAttendees",
        "isOnlineMeeting",
        "onlineMeetingProvider",
        "onlineMeeting",
        "isCancelled",
        "responseStatus",
        "location",
        "locations",
        "attendees",
    ]
)
"""Members that are read as they are stored."""
DEFAULT_MEMBERS = frozenset(PLAIN) | frozenset(
    [
        "id",
        "createdDateTime",
        "lastModifiedDateTime",
        "changeKey",
        "transactionId",
        "originalStartTimeZone",
        "originalEndTimeZone",
        "iCalUId",
        "uid",
        "bodyPreview",
        "body",
        "isAllDay",
        "isOrganizer",
        "type",
        "seriesMasterId",
        "occurrenceId",
        "isDraft",
        "start",
        "end",
        "recurrence",
        "organizer",
        "onlineMeetingUrl",
        "hasAttachments",
        "webLink",
    ]
)
ON_DEMAND = frozenset({"exceptionOccurrences", "cancelledOccurrences", "originalStart"})
"""Members that must be asked for by $select (S30)."""
SELECTABLE = DEFAULT_MEMBERS | ON_DEMAND
EXTENSION_ID = "microsoft.graph.openTypeExtension."
"""What stands before an open extension's name in its fully qualified id."""


@lru_cache(maxsize=4096)
def _text_of(html: str) -> str:
    return bodies.to_text(html)


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """How one request reads events."""

    prefer: Prefer
    knobs: Knobs
    base: str
    select: frozenset[str] | None = None
    expand: tuple[Expand, ...] = ()

    def event(self, view: View) -> dict[str, Any]:
        """Return an event in full, or its selected members; the etag is always there."""
        shown = self._all(view)
        if self.select is not None:
            keep = self.select | {"@odata.etag", "id"}
            shown = {name: value for name, value in shown.items() if name in keep}
            if "originalStart" in self.select:
                shown["originalStart"] = self._original_start(view)
        for expand in self.expand:
            self._expanded(view, expand, shown)
        return shown

    def entity(self, view: View) -> dict[str, Any]:
        """Return an event as a single-entity answer, with context and calendar links."""
        account = view.item.calendar.mailbox.account
        who = quote(account.upn, safe="")
        calendar = quote(calendar_id(view.item.calendar, self.prefer), safe="")
        link = f"{self.base}/users('{account.graph_id}')/calendars('{calendar}')"
        shown = self.event(view)
        view.item.link_reads += 1
        return {
            "@odata.context": f"{self.base}/$metadata#users('{who}')/events/$entity",
            **shown,
            **self._cancelled(view),
            "calendar@odata.associationLink": f"{link}/$ref",
            "calendar@odata.navigationLink": link,
        }

    def minimal(self, view: View) -> dict[str, Any]:
        """Return an occurrence as delta does (S39): seven members, Windows zone name, long etag."""
        zone = windows_name(self.prefer.time_zone)
        return {
            "@odata.type": "#microsoft.graph.event",
            "@odata.etag": ids.long_etag(view.item.change_key),
            "id": view.event_id(self.prefer.immutable),
            "seriesMasterId": self._item_id(view),
            "type": view.kind,
            "start": wire(view.span.start, zone),
            "end": wire(view.span.end, zone),
        }

    def _item_id(self, view: View) -> str:
        return view.item.immutable_id if self.prefer.immutable else view.item.regular_id

    def _all(self, view: View) -> dict[str, Any]:
        item, props, day = view.item, view.props, view.day
        event_id = view.event_id(self.prefer.immutable)
        text = _text_of(props["body"])
        return {
            "@odata.etag": ids.short_etag(item.change_key),
            "id": event_id,
            "createdDateTime": wire_utc(item.created),
            "lastModifiedDateTime": wire_utc(item.modified),
            "changeKey": item.change_key,
            "transactionId": item.transaction_id,
            "originalStartTimeZone": view.span.start_zone,
            "originalEndTimeZone": view.span.end_zone,
            "iCalUId": ids.instance_uid(item.uid, day) if day else item.uid,
            "uid": item.uid,
            "bodyPreview": bodies.preview(text),
            "body": {
                "contentType": "text" if self.prefer.text else "html",
                "content": text if self.prefer.text else props["body"],
            },
            "isAllDay": view.span.all_day,
            "isOrganizer": item.is_organizer,
            "type": view.kind,
            "seriesMasterId": self._item_id(view) if day else None,
            "occurrenceId": f"OID.{self._item_id(view)}.{day.isoformat()}" if day else None,
            "isDraft": False,
            "start": wire(view.span.start, self.prefer.time_zone),
            "end": wire(view.span.end, self.prefer.time_zone),
            "recurrence": item.recurrence.stored if item.recurrence and not day else None,
            "organizer": {"emailAddress": item.organizer},
            "onlineMeetingUrl": None,
            "hasAttachments": bool(item.attachments),
            "webLink": _web_link(item.calendar.mailbox.account, event_id),
            **{name: props[name] for name in PLAIN},
            **({"onlineMeeting": None} if item.link_reads < self.knobs.joinUrlReads else {}),
        }

    def _original_start(self, view: View) -> str | None:
        """Return where the series has the instance; null in many mailboxes (section 9, item 4), so a knob."""
        if view.day is None or view.item.recurrence is None or not self.knobs.originalStart:
            return None
        original = view.item.recurrence.start_on(view.day)
        return wire_utc(original) if original else None

    def _cancelled(self, view: View) -> dict[str, Any]:
        """Return the cancelled dates where a single master's GET selects them (S30, event-get-2026)."""
        if self.select is None or "cancelledOccurrences" not in self.select:
            return {}
        days = sorted(view.item.cancelled) if view.kind == "seriesMaster" else []
        return {"cancelledOccurrences": [f"OID.{self._item_id(view)}.{day.isoformat()}" for day in days]}

    def _expanded(self, view: View, expand: Expand, shown: dict[str, Any]) -> None:
        item = view.item
        if expand.name == "singleValueExtendedProperties":
            found = [{"id": key, "value": item.extended[key]} for key in expand.ids if key in item.extended]
            if found:
                shown["singleValueExtendedProperties"] = found
        elif expand.name == "extensions":
            wanted = {name.removeprefix(EXTENSION_ID) for name in expand.ids or item.extensions}
            shown["extensions"] = [extension(name, item.extensions[name]) for name in item.extensions if name in wanted]
        elif expand.name == "exceptionOccurrences" and view.kind == "seriesMaster":
            inner = Projection(prefer=self.prefer, knobs=self.knobs, base=self.base)
            changed = sorted(item.exceptions.values(), key=lambda each: each.day)
            shown["exceptionOccurrences"] = [inner.event(views.exceptional(item, each)) for each in changed]
        elif expand.name == "attachments":
            shown["attachments"] = list(item.attachments.values())
        elif expand.name == "calendar":
            shown["calendar"] = calendar(item.calendar, self.prefer)


def _web_link(account: Account, event_id: str) -> str:
    """Return where Outlook on the web shows an event; work accounts have a host of their own (#4294)."""
    host = "outlook.live.com" if account.personal else "outlook.office365.com"
    return f"https://{host}/owa/?itemid={quote(event_id, safe='')}&exvsurl=1&path=/calendar/item"


def extension(name: str, members: dict[str, Any]) -> dict[str, Any]:
    """Return an open extension as read."""
    return {
        "@odata.type": "#microsoft.graph.openTypeExtension",
        "id": f"{EXTENSION_ID}{name}",
        "extensionName": name,
        **members,
    }


def calendar_id(kept: Calendar, prefer: Prefer) -> str:
    """Return a calendar's id; the id preference changes it as well (#10626)."""
    return kept.immutable_id if prefer.immutable else kept.regular_id


def calendar(kept: Calendar, prefer: Prefer) -> dict[str, Any]:
    """Return a calendar as read (section 6)."""
    account = kept.mailbox.account
    allowed = online.providers(kept)
    return {
        "id": calendar_id(kept, prefer),
        "name": kept.name,
        "color": kept.color,
        "hexColor": "",
        "groupClassId": "0006f0b7-0000-0000-c000-000000000046",
        "isDefaultCalendar": kept.default,
        "changeKey": kept.change_key,
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": allowed,
        "defaultOnlineMeetingProvider": allowed[0],
        "isTallyingResponses": kept.default,
        "isRemovable": not kept.default,
        "owner": {"name": account.name, "address": account.upn},
    }


def me(account: Account) -> dict[str, Any]:
    """Return ``/me``."""
    given, _, family = account.name.partition(" ")
    return {
        "businessPhones": [],
        "displayName": account.name,
        "givenName": given,
        "jobTitle": None,
        "mail": None if account.personal else account.upn,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": "en-GB",
        "surname": family,
        "userPrincipalName": account.upn,
        "id": account.graph_id,
    }


def mailbox_settings(mailbox: Mailbox) -> dict[str, Any]:
    """Return ``/me/mailboxSettings``."""
    zone_name = mailbox.account.time_zone
    return {
        "archiveFolder": "",
        "timeZone": zone_name,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "dateFormat": "dd/MM/yyyy",
        "timeFormat": "HH:mm",
        "userPurpose": "user",
        "automaticRepliesSetting": {"status": "disabled", "externalAudience": "all"},
        "language": {"locale": "en-GB", "displayName": "English (United Kingdom)"},
        "workingHours": mailbox.working_hours or office_hours.usual(zone_name),
    }


def collection(base: str, context: str, value: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return a collection answer."""
    return {"@odata.context": f"{base}/$metadata#{context}", "value": list(value)}
