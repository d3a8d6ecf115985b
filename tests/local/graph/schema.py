"""The public Graph schema as ``msgraph-sdk``'s models know it, and a check of JSON bodies against it.

Each generated model hands out one deserializer for each member it knows (``get_field_deserializers``); run against a
node that only notes what it was asked for, they tell the member's type. So members, types and enum values come from
Microsoft's own client. What travels on the wire without being in that schema is listed in ``ON_THE_WIRE`` with its
source, what clients cannot do without in ``NEEDED``.

Running a model's deserializers imports every model that it can lead to, about three seconds for the event: once a
session, and only where a body is checked.
"""

import base64
import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

DOCS = "https://learn.microsoft.com/en-us/graph/api"
ALLODIA = "https://github.com/allodia-eu/email-calendar-sync-engine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A member's type: a primitive's name, an enum's values or a model, once or in a collection."""

    kind: str
    of: Any = None
    many: bool = False


def _words(written: str) -> frozenset[str]:
    return frozenset(written.split())


STRING = Member(kind="string")
LOCAL = Member(kind="localDateTime")
EVENT_NEEDS = _words(
    "id changeKey createdDateTime lastModifiedDateTime transactionId iCalUId uid originalStartTimeZone "
    "originalEndTimeZone subject bodyPreview body isAllDay isCancelled isOrganizer type seriesMasterId occurrenceId "
    "showAs sensitivity importance categories isReminderOn reminderMinutesBeforeStart responseRequested "
    "allowNewTimeProposals hideAttendees isDraft responseStatus start end location locations recurrence attendees "
    "organizer isOnlineMeeting onlineMeetingProvider onlineMeetingUrl onlineMeeting hasAttachments webLink"
)
"""An event in full, as captured (allodia's event fixtures; composed in section 2.1 of the fact sheet)."""

ON_THE_WIRE: dict[str, dict[str, tuple[Member, str]]] = {
    "Event": {
        "uid": (STRING, f"{ALLODIA} event fixtures: the same on every member of a series"),
        "occurrenceId": (STRING, f"{ALLODIA} events_delta.json; {DOCS}/event-get"),
    },
    "Calendar": {"groupClassId": (STRING, f"{ALLODIA} calendars.json")},
    "InnerError": {
        "date": (LOCAL, f"{ALLODIA} error fixtures: no offset"),
    },
}
"""What the service sends though its public schema does not say so, each with where it was seen."""

NEEDED: dict[str, frozenset[str]] = {
    "Event": EVENT_NEEDS,
    "Calendar": _words(
        "id name color hexColor changeKey canEdit canShare canViewPrivateItems isDefaultCalendar isRemovable "
        "isTallyingResponses allowedOnlineMeetingProviders defaultOnlineMeetingProvider owner"
    ),
    "Subscription": _words(
        "id resource changeType clientState notificationUrl lifecycleNotificationUrl expirationDateTime applicationId "
        "creatorId latestSupportedTlsVersion includeResourceData encryptionCertificate encryptionCertificateId "
        "notificationQueryOptions notificationUrlAppId"
    ),
    "User": _words(
        "id businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname "
        "userPrincipalName"
    ),
    "MailboxSettings": _words(
        "automaticRepliesSetting dateFormat language timeFormat timeZone userPurpose workingHours"
    ),
    "ScheduleInformation": frozenset({"scheduleId"}),
    "ScheduleItem": frozenset({"status", "start", "end"}),
    "OpenTypeExtension": frozenset({"id", "extensionName", "@odata.type"}),
    "SingleValueLegacyExtendedProperty": frozenset({"id", "value"}),
    "DateTimeTimeZone": frozenset({"dateTime", "timeZone"}),
    "PatternedRecurrence": frozenset({"pattern", "range"}),
    "RecurrencePattern": frozenset({"type", "interval", "month", "dayOfMonth", "firstDayOfWeek", "index"}),
    "RecurrenceRange": frozenset({"type", "startDate", "endDate", "recurrenceTimeZone", "numberOfOccurrences"}),
    "Attendee": frozenset({"type", "status", "emailAddress"}),
    "Recipient": frozenset({"emailAddress"}),
    "EmailAddress": frozenset({"name", "address"}),
    "ResponseStatus": frozenset({"response", "time"}),
    "ItemBody": frozenset({"contentType", "content"}),
    "Location": frozenset({"displayName", "locationType"}),
    "WorkingHours": frozenset({"daysOfWeek", "startTime", "endTime", "timeZone"}),
    "AutomaticRepliesSetting": frozenset({"status", "externalAudience"}),
    "ConvertIdResult": frozenset({"sourceId", "targetId"}),
    "TimeZoneInformation": frozenset({"alias", "displayName"}),
    "MeetingTimeSuggestionsResult": frozenset({"emptySuggestionsReason", "meetingTimeSuggestions"}),
    "ODataError": frozenset({"error"}),
    "MainError": frozenset({"code", "message"}),
    "InnerError": frozenset({"date", "request-id", "client-request-id"}),
}
"""What is there in every full answer: the default members of the resource's page and the captures."""

OPEN = frozenset({"OpenTypeExtension"})
"""Types that carry members of anybody's making (CSDL ``OpenType="true"``)."""
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)")
_BY_DAY = ("weekly", "relativeMonthly", "relativeYearly")
_CLOCK = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_READERS = {
    "get_str_value": "string",
    "get_bool_value": "boolean",
    "get_int_value": "integer",
    "get_float_value": "number",
    "get_uuid_value": "guid",
    "get_datetime_value": "dateTime",
    "get_date_value": "date",
    "get_time_value": "time",
    "get_timedelta_value": "duration",
    "get_bytes_value": "base64",
    "get_enum_value": "enum",
    "get_collection_of_enum_values": "enum",
    "get_object_value": "object",
    "get_collection_of_object_values": "object",
}
_PRIMITIVES = {"str": "string", "bool": "boolean", "int": "integer", "float": "number", "UUID": "guid"}


class _Noting:
    """Stands in for a parse node: notes the one reader that a deserializer asks for."""

    def __init__(self) -> None:
        self.found = STRING

    def get_collection_of_primitive_values(self, primitive: type) -> None:
        self.found = Member(kind=_PRIMITIVES[primitive.__name__], many=True)

    def __getattr__(self, reader: str) -> Callable[..., None]:
        def note(of: Any = None) -> None:
            self.found = Member(kind=_READERS[reader], of=of, many="collection" in reader)

        return note


class _Typed:
    """A parse node that knows nothing but ``@odata.type``: a model's factory asks it which subtype to make."""

    def __init__(self, name: str | None) -> None:
        self._name = name

    def get_child_node(self, _: str) -> "_Typed | None":
        return self if self._name else None

    def get_str_value(self) -> str | None:
        return self._name


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Model:
    """A type's name and members. Made by hand only where ``msgraph-sdk`` has no model of a type."""

    name: str
    members: dict[str, Member]


@lru_cache(maxsize=512)
def model_of(generated: Hashable) -> Model:
    """Return what a generated model knows, and what was seen on the wire besides."""
    found = {}
    made: Any = generated
    for name, deserialize in made().get_field_deserializers().items():
        noting = _Noting()
        deserialize(noting)
        found[name] = noting.found
    name = made.__name__
    return Model(name=name, members=found | {each: member for each, (member, _) in ON_THE_WIRE.get(name, {}).items()})


def _resolved(model: Any, value: dict[str, Any]) -> Model:
    """Return the model, or the subtype of it that ``@odata.type`` names."""
    if isinstance(model, Model):
        return model
    subtype: Any = type(model.create_from_discriminator_value(_Typed(value.get("@odata.type"))))
    return model_of(subtype)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checking:
    """How strictly at the top: ``whole`` wants all needed members, ``selected`` these of them and no others."""

    whole: bool = True
    selected: frozenset[str] | None = None


WHOLE = Checking()


def problems(value: Any, model: Any, checking: Checking = WHOLE, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a JSON value of that model: unknown, missing and mistyped members, enum values."""
    if not isinstance(value, dict):
        yield f"{path or '/'}: {value!r:.60} is no object"
        return
    known = _resolved(model, value)
    for name, inner in value.items():
        if name in known.members:
            yield from _member(inner, known.members[name], f"{path}/{name}")
        elif "@" not in name and known.name not in OPEN:
            yield f"{path}/{name}: {known.name} has no such member"
    yield from _missing(value, known.name, checking, path)
    yield from _rules(value, known.name, path)


def _missing(value: dict[str, Any], model: str, checking: Checking, path: str) -> Iterator[str]:
    needed = NEEDED.get(model, frozenset()) if checking.whole else frozenset()
    if path.startswith("/meetingTimeSuggestions["):  # bare addresses and places (user-findmeetingtimes.md)
        needed -= {"name", "locationType"}
    if checking.selected is not None:
        needed = checking.selected & needed
        for name in value.keys() - checking.selected - {"id"}:
            if "@" not in name:
                yield f"{path}/{name}: was not selected"
    for name in sorted(needed - value.keys()):
        yield f"{path}/{name}: missing from {model}"


def _rules(value: dict[str, Any], model: str, path: str) -> Iterator[str]:
    """Check what the schema leaves open and the documentation does not."""
    if model == "DateTimeTimeZone" and not _CLOCK.fullmatch(str(value.get("dateTime"))):
        yield f"{path}/dateTime: {value.get('dateTime')!r} has not seven fraction digits and no offset"
    if model == "ScheduleInformation":
        wanted = {"error"} if "error" in value else {"availabilityView", "scheduleItems", "workingHours"}
        for name in sorted(wanted - value.keys()):
            yield f"{path}/{name}: missing from {model}"
    if model == "RecurrencePattern" and value.get("type") in _BY_DAY and not value.get("daysOfWeek"):
        yield f"{path}/daysOfWeek: missing from a {value['type']} pattern"
    if model == "Event" and "type" in value:
        yield from _event_rules(value, path)


def _event_rules(value: dict[str, Any], path: str) -> Iterator[str]:
    """What the event's page says of each type of event."""
    instance = value["type"] in ("occurrence", "exception")
    for name in ("seriesMasterId", "occurrenceId"):
        if name in value and (value[name] is not None) != instance:
            yield f"{path}/{name}: {value[name]!r} on a {value['type']}"
    if "recurrence" in value and (value["recurrence"] is not None) != (value["type"] == "seriesMaster"):
        yield f"{path}/recurrence: does not go with a {value['type']}"


def _member(value: Any, member: Member, path: str) -> Iterator[str]:
    if member.many:
        if not isinstance(value, list):
            yield f"{path}: {value!r:.60} is no collection"
            return
        for index, inner in enumerate(value):
            yield from _member(inner, replace(member, many=False), f"{path}[{index}]")
    elif value is None:
        return
    elif member.kind == "object":
        yield from problems(value, member.of, path=path)
    elif member.kind == "enum":
        allowed = [each.value for each in member.of]
        if value not in allowed:
            yield f"{path}: {value!r} is none of {member.of.__name__}'s {', '.join(allowed)}"
    elif not _PRIMITIVE[member.kind](value):
        yield f"{path}: {value!r:.60} is no {member.kind}"


def _matching(pattern: str | re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _is_base64(value: Any) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except ValueError:
        return False


_PRIMITIVE: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "guid": _matching(_GUID),
    "dateTime": _matching(DATE_TIME),
    "localDateTime": _matching(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),
    "date": _matching(r"\d{4}-\d\d-\d\d"),
    "time": _matching(r"\d\d:\d\d:\d\d(\.\d{1,7})?"),
    "duration": _matching(r"-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"),
    "base64": _is_base64,
}
