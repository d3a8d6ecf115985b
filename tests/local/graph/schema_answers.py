"""Which model an answer of Graph has, by its request's path, and the check of whole answers and notifications."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
from msgraph.generated.models.attachment import Attachment
from msgraph.generated.models.calendar import Calendar
from msgraph.generated.models.convert_id_result import ConvertIdResult
from msgraph.generated.models.event import Event
from msgraph.generated.models.extension import Extension
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.group import Group
from msgraph.generated.models.mailbox_settings import MailboxSettings
from msgraph.generated.models.meeting_time_suggestions_result import MeetingTimeSuggestionsResult
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.online_meeting import OnlineMeeting
from msgraph.generated.models.org_contact import OrgContact
from msgraph.generated.models.organization import Organization
from msgraph.generated.models.schedule_information import ScheduleInformation
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.models.time_zone_information import TimeZoneInformation
from msgraph.generated.models.user import User

from tests.local.graph.schema import STRING, Checking, Member, Model, model_of, problems


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a path answers: a model, once or in a collection, and how ``@odata.context`` speaks of it."""

    model: Any
    context: str
    many: bool = False


_IN = r"me(?:/calendar|/calendars/[^/]+)?"
_LIST = r"(?:/events|/calendarView|/instances|Collection\((?:microsoft\.graph\.)?event\))(?:\([^)]*\))?"
_ONE = r"(?:\(.*\))?/\$entity"


def _function(kind: str) -> str:
    return rf"Collection\(microsoft\.graph\.{kind}\)"


_SHAPES: tuple[tuple[str, str, Shape], ...] = (
    ("GET", "me", Shape(model=User, context=f"users{_ONE}")),
    ("GET", "me/mailboxsettings", Shape(model=MailboxSettings, context=r".*/mailboxSettings")),
    ("GET", "me/calendars", Shape(model=Calendar, context=r".*/calendars(?:\(.*\))?", many=True)),
    ("POST", "me/calendars", Shape(model=Calendar, context=f".*/calendars{_ONE}")),
    ("GET PATCH", "me/calendar|me/calendars/[^/]+", Shape(model=Calendar, context=f".*/calendars?{_ONE}")),
    ("GET", f"{_IN}/events/[^/]+/calendar", Shape(model=Calendar, context=f".*/calendars?{_ONE}")),
    ("GET", f"{_IN}/events", Shape(model=Event, context=f".*{_LIST}", many=True)),
    ("POST", f"{_IN}/events", Shape(model=Event, context=f".*/events{_ONE}")),
    ("GET PATCH", f"{_IN}/events/[^/]+", Shape(model=Event, context=f".*/events{_ONE}")),
    ("GET", f"{_IN}/calendarview(?:/delta)?", Shape(model=Event, context=f".*{_LIST}", many=True)),
    ("GET", f"{_IN}/events/[^/]+/instances", Shape(model=Event, context=f".*{_LIST}", many=True)),
    ("GET", f"{_IN}/events/[^/]+/extensions", Shape(model=Extension, context=".*/extensions", many=True)),
    ("POST", f"{_IN}/events/[^/]+/extensions", Shape(model=Extension, context=f".*/extensions{_ONE}")),
    ("GET PATCH", f"{_IN}/events/[^/]+/extensions/[^/]+", Shape(model=Extension, context=f".*/extensions{_ONE}")),
    (
        "GET",
        f"{_IN}/events/[^/]+/attachments",
        Shape(model=Attachment, context=r".*/attachments(?:\(.*\))?", many=True),
    ),
    ("POST", f"{_IN}/events/[^/]+/attachments", Shape(model=Attachment, context=f".*/attachments{_ONE}")),
    ("GET", f"{_IN}/events/[^/]+/attachments/[^/]+", Shape(model=Attachment, context=f".*/attachments{_ONE}")),
    ("GET", f"{_IN}/events/[^/]+/attachments", Shape(model=FileAttachment, context=".*/attachments", many=True)),
    ("POST", f"{_IN}/events/[^/]+/attachments", Shape(model=FileAttachment, context=r".*/attachments/\$entity")),
    ("GET", f"{_IN}/events/[^/]+/attachments/[^/]+", Shape(model=FileAttachment, context=r".*/attachments/\$entity")),
    ("GET", "users(?:/delta)?", Shape(model=User, context="users", many=True)),
    ("GET", "contacts(?:/delta)?", Shape(model=OrgContact, context="contacts", many=True)),
    ("GET", "organization", Shape(model=Organization, context="organization", many=True)),
    ("GET", "groups|me/memberof", Shape(model=Group, context="groups", many=True)),
    ("GET", "me/onlinemeetings", Shape(model=OnlineMeeting, context="onlineMeetings", many=True)),
    ("GET", "subscriptions", Shape(model=Subscription, context="subscriptions", many=True)),
    ("POST", "subscriptions", Shape(model=Subscription, context=f"subscriptions{_ONE}")),
    ("GET PATCH", "subscriptions/[^/]+", Shape(model=Subscription, context=f"subscriptions{_ONE}")),
    (
        "POST",
        f"{_IN}/getschedule",
        Shape(model=ScheduleInformation, context=_function("scheduleInformation"), many=True),
    ),
    ("POST", "me/translateexchangeids", Shape(model=ConvertIdResult, context=_function("convertIdResult"), many=True)),
    (
        "GET",
        r"me/outlook/supportedtimezones(?:\(.*\))?",
        Shape(model=TimeZoneInformation, context=_function("timeZoneInformation"), many=True),
    ),
    (
        "POST",
        "me/findmeetingtimes",
        Shape(model=MeetingTimeSuggestionsResult, context=r"microsoft\.graph\.meetingTimeSuggestionsResult"),
    ),
)
_LINKS = frozenset({"@odata.nextLink", "@odata.deltaLink"})
_MINIMAL = frozenset({"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"})
"""An occurrence in delta has these seven and no others (allodia events_delta.json)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request as far as its answer's shape depends on it."""

    method: str
    path: str
    query: dict[str, str]

    @classmethod
    def of(cls, method: str, url: str) -> "Asked":
        """Read a full or relative URL; ``users/{own id}`` counts as ``me``, ``calendars('…')`` as ``calendars/…``."""
        split = urlsplit(url)
        path = split.path.removeprefix("/v1.0").strip("/").removesuffix("()")
        path = re.sub(r"^users(/(?!delta$)[^/]+|\('[^']*'\))", "me", path)
        path = re.sub(r"^(me/calendars)\('[^']*'\)", r"\1/*", path)
        return cls(method=method, path=path, query=dict(parse_qsl(split.query)))

    @property
    def delta(self) -> bool:
        """Whether it tracks changes."""
        return self.path.lower().endswith("/delta")

    @property
    def selected(self) -> frozenset[str] | None:
        """The members asked for, extended ones and expanded ones included; None for all."""
        if "$select" not in self.query:
            return None
        names = {name.partition("/")[0].strip() for name in self.query["$select"].split(",")}
        return frozenset(names | set(re.findall(r"(?:^|,)(\w+)", self.query.get("$expand", ""))))


def answer_problems(response: httpx.Response) -> list[str]:
    """Return what is wrong with an answer that has been read; ``$batch`` item by item."""
    request = response.request
    asked = Asked.of(request.method, str(request.url))
    body = response.json() if response.content else None
    found = []
    if body is not None and not response.headers.get("content-type", "").startswith("application/json"):
        found.append("content-type: not JSON")
    if asked.path.lower() in ("$batch", "%24batch") and response.status_code == 200:
        found += _batch(json.loads(request.content), body)
    else:
        found += _body(asked, response.status_code, body)
    return [f"{asked.method} /{unquote(asked.path)} {response.status_code} {each}" for each in found]


def _batch(sent: Any, body: Any) -> Iterator[str]:
    requests = {each["id"]: each for each in sent["requests"]}
    if sorted(requests) != sorted(each["id"] for each in body["responses"]):
        yield "/responses: not one for each request"
    for each in body["responses"]:
        wanted = requests[each["id"]]
        for name in each.keys() - {"id", "status", "headers", "body"}:
            yield f"/responses/{name}: no such member"
        for problem in _body(Asked.of(wanted["method"], wanted["url"]), each["status"], each.get("body")):
            yield f"[{each['id']}] {wanted['method']} {wanted['url']} {each['status']} {problem}"


def _body(asked: Asked, status: int, body: Any) -> Iterator[str]:
    if status >= 400:
        if body is not None:
            yield from problems(body, ODataError)
        return
    if status in (202, 204) or body is None:
        if (status in (202, 204)) != (body is None):
            yield "200 and 201 have a body, 202 and 204 have none"
        return
    setting = re.fullmatch(r"me/mailboxsettings/(\w+)", asked.path, re.IGNORECASE)
    if setting:
        yield from _setting(setting[1], body)
        return
    for methods, pattern, shape in _SHAPES:
        if asked.method in methods.split() and re.fullmatch(pattern, asked.path, re.IGNORECASE):
            yield from _shaped(asked, shape, body)
            return
    yield "no model is known for this path"


def _shaped(asked: Asked, shape: Shape, body: Any) -> Iterator[str]:
    context = body.get("@odata.context", "")
    tail = context.partition("/v1.0/$metadata#")[2]
    if not re.fullmatch(shape.context, tail):
        yield f"/@odata.context: {context!r} does not speak of {shape.model.__name__}"
    if not shape.many:
        yield from problems(body, shape.model, Checking(selected=asked.selected))
        return
    for name in body.keys() - {"value"}:
        if "@" not in name:
            yield f"/{name}: a collection has no such member"
    if not isinstance(body.get("value"), list):
        yield "/value: missing"
        return
    if asked.delta and len(_LINKS & body.keys()) != 1:
        yield "/: a delta page has a nextLink or a deltaLink"
    for index, item in enumerate(body["value"]):
        yield from _item(asked, shape, item, f"/value[{index}]")


def _item(asked: Asked, shape: Shape, item: Any, path: str) -> Iterator[str]:
    if not asked.delta:
        yield from problems(item, shape.model, Checking(selected=asked.selected), path)
    elif "@removed" in item:
        if item.keys() != {"@odata.type", "id", "@removed"} or item["@removed"] not in _REASONS:
            yield f"{path}: a removed item has its type, id and reason"
    else:
        if item.get("@odata.type") != "#microsoft.graph.event":
            yield f"{path}/@odata.type: missing"
        minimal = item.get("type") == "occurrence"
        yield from problems(item, shape.model, Checking(whole=not minimal), path)
        if minimal and item.keys() != _MINIMAL:
            yield f"{path}: an occurrence in delta has its seven members"


_REASONS = ({"reason": "deleted"}, {"reason": "changed"})


def _setting(name: str, body: Any) -> Iterator[str]:
    """A single setting: its members, or ``value`` for a primitive."""
    member = {each.lower(): kept for each, kept in model_of(MailboxSettings).members.items()}.get(name.lower())
    if member is None:
        yield "a setting that MailboxSettings does not know"
    elif f"/{name.lower()}" not in body.get("@odata.context", "").lower():
        yield "/@odata.context: missing"
    elif member.kind == "object":
        yield from problems(body, member.of)
    elif body.keys() != {"@odata.context", "value"}:
        yield "a primitive setting is in value"


class ChangeType(Enum):
    """CSDL ``changeType``."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class LifecycleEventType(Enum):
    """CSDL ``lifecycleEventType``."""

    MISSED = "missed"
    SUBSCRIPTION_REMOVED = "subscriptionRemoved"
    REAUTHORIZATION_REQUIRED = "reauthorizationRequired"


RESOURCE_DATA = Model(
    name="ResourceData",
    members={"id": STRING, "@odata.id": STRING, "@odata.type": STRING, "@odata.etag": STRING},
)
ENCRYPTED_CONTENT = Model(
    name="ChangeNotificationEncryptedContent",
    members={
        "data": STRING,
        "dataKey": STRING,
        "dataSignature": STRING,
        "encryptionCertificateId": STRING,
        "encryptionCertificateThumbprint": STRING,
    },
)
CHANGE_NOTIFICATION = Model(
    name="ChangeNotification",
    members={
        "changeType": Member(kind="enum", of=ChangeType),
        "clientState": STRING,
        "encryptedContent": Member(kind="object", of=ENCRYPTED_CONTENT),
        "id": STRING,
        "lifecycleEvent": Member(kind="enum", of=LifecycleEventType),
        "resource": STRING,
        "resourceData": Member(kind="object", of=RESOURCE_DATA),
        "subscriptionExpirationDateTime": Member(kind="dateTime"),
        "subscriptionId": Member(kind="guid"),
        "tenantId": Member(kind="guid"),
        "organizationId": Member(kind="guid"),
    },
)
"""https://learn.microsoft.com/en-us/graph/api/resources/changenotification; ``organizationId`` in lifecycle events as
seen in https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3103. The SDK has no model of it."""
_CHANGE = frozenset({"changeType", "clientState", "resource", "resourceData", "tenantId"})
_LIFECYCLE = frozenset({"lifecycleEvent", "clientState"})
_ALWAYS = frozenset({"subscriptionId", "subscriptionExpirationDateTime"})


def notification_problems(post: Any) -> list[str]:
    """Return what is wrong with the body of one POST to a notification URL."""
    if not isinstance(post, dict) or post.keys() != {"value"} or not post["value"]:
        return ["a collection of notifications has a value and nothing else"]
    found: list[str] = []
    for index, item in enumerate(post["value"]):
        path = f"/value[{index}]"
        # Personal accounts were seen with an empty tenant (https://github.com/microsoftgraph/microsoft-graph-docs/issues/3055).
        found += problems(
            item | ({"tenantId": None} if item.get("tenantId") == "" else {}), CHANGE_NOTIFICATION, path=path
        )
        if ("changeType" in item) == ("lifecycleEvent" in item):
            found.append(f"{path}: has either changeType or lifecycleEvent")
        needed = _ALWAYS | (_LIFECYCLE if "lifecycleEvent" in item else _CHANGE)
        found += [f"{path}/{name}: missing" for name in sorted(needed - item.keys())]
    return found
