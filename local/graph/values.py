"""Checks of the members that a client may write on an event: types, enum values, shapes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.graph import bodies
from local.graph.errors import GraphError, invalid_body, validation_failure
from local.graph.zones import to_utc, writable_zone

SHOW_AS = ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown")
SENSITIVITY = ("normal", "personal", "private", "confidential")
IMPORTANCE = ("low", "normal", "high")
PROVIDERS = ("unknown", "skypeForBusiness", "skypeForConsumer", "teamsForBusiness")
_YEARS = range(1602, 4500)
"""What Exchange can store, less a year at each end so that no zone leads out of it."""
UNSET_TIME = "0001-01-01T00:00:00Z"
_ATTENDEE_TYPES = ("required", "optional", "resource")
_LOCATION_MEMBERS = frozenset(
    [
        "displayName",
        "locationEmailAddress",
        "address",
        "coordinates",
        "locationUri",
        "locationType",
        "uniqueId",
        "uniqueIdType",
    ]
)
_ADDRESS_MEMBERS = frozenset(["street", "city", "state", "countryOrRegion", "postalCode", "type", "postOfficeBox"])
_COORDINATES_MEMBERS = frozenset(["latitude", "longitude", "altitude", "accuracy", "altitudeAccuracy"])
_RESPONSES = ("none", "organizer", "tentativelyAccepted", "accepted", "declined", "notResponded")
_CLOCK = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?(Z?)")
_PROPERTY_ID = re.compile(
    r"(String|Integer|Boolean|Long|Short|Double|Float|Currency|CLSID|SystemTime|Binary|Object)\s+"
    r"(\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}\s+(Name\s+\S.*|Id\s+0x[0-9A-Fa-f]+)|0x[0-9A-Fa-f]+)"
)
EMPTY_LOCATION: dict[str, Any] = {
    "displayName": "", "locationType": "default", "uniqueIdType": "unknown", "address": {}, "coordinates": {},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A written dateTimeTimeZone: the instant, its zone as written, and whether it is midnight there."""

    instant: datetime
    zone: str
    midnight: bool


def unknown_member(name: str, kind: str = "event") -> GraphError:
    """A member that the type does not have; worded as in microsoft-graph-docs #4478."""
    return invalid_body(
        f"The property '{name}' does not exist on type 'Microsoft.OutlookServices.{kind[:1].upper()}{kind[1:]}'. Make "
        "sure to only use property names that are defined by the type or mark the type as open type."
    )


def wrong_type(name: str, wanted: str) -> GraphError:
    """A value of another JSON type than the schema's."""
    return invalid_body(f"Cannot convert the value of property '{name}' to the expected type '{wanted}'.")


def require_object(value: Any, kind: str, members: frozenset[str]) -> dict[str, Any]:
    """Return the value if it is an object with no members but this type's (annotations aside)."""
    if not isinstance(value, dict):
        raise wrong_type(kind, "Complex")
    for member in value:
        if member not in members and "@" not in member:
            raise unknown_member(member, kind)
    return value


def text(name: str, value: Any) -> str:
    """A string; null counts as empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong_type(name, "Edm.String")
    return value


def boolean(name: str, value: Any) -> bool:
    """A boolean, also spelt as a string: python-o365 writes every event so, as findMeetingTimes' own example does."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise wrong_type(name, "Edm.Boolean")
    return value


def whole(name: str, value: Any) -> int:
    """A 32-bit integer."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**31:
        raise wrong_type(name, "Edm.Int32")
    return value


def one_of(allowed: tuple[str, ...]) -> Callable[[str, Any], str]:
    """A check that takes one of the enum's values."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type(name, "Edm.Enum")
        if value not in allowed:
            raise invalid_body(f"Requested value '{value}' was not found.")
        return value

    return check


def strings(name: str, value: Any) -> list[str]:
    """A collection of strings; null is refused."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong_type(name, "Collection(Edm.String)")
    return list(value)


def body(name: str, value: Any) -> str:
    """An itemBody; returns the HTML that Exchange keeps (S17)."""
    if value is None:
        return bodies.SHELL
    given = require_object(value, "itemBody", frozenset({"contentType", "content"}))
    kind = one_of(("text", "html"))("contentType", str(given.get("contentType", "text")).lower())
    return bodies.store(kind, text("content", given.get("content")))


def moment(name: str, value: Any) -> Moment:
    """A dateTimeTimeZone. A ``Z`` beside another zone is read as local digits (section 2.6); offsets are refused."""
    given = require_object(value, "dateTimeTimeZone", frozenset({"dateTime", "timeZone"}))
    written = given.get("dateTime")
    match = _CLOCK.fullmatch(written) if isinstance(written, str) else None
    if match is None:
        raise wrong_type(name, "Edm.DateTime")
    zone_name = text("timeZone", given.get("timeZone")) or "UTC"
    writable_zone(zone_name)
    try:
        local = datetime.fromisoformat(match[1] + (match[2] or "")[:7])
        instant = to_utc(local, zone_name)
    except (ValueError, OverflowError):
        raise validation_failure() from None
    if local.year not in _YEARS:
        raise validation_failure()
    midnight = (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
    return Moment(instant=instant.astimezone(UTC), zone=zone_name, midnight=midnight)


def location(name: str, value: Any) -> dict[str, Any]:
    """A location; returns the form in which it is read, empty for null or without a name."""
    if value is None:
        return EMPTY_LOCATION
    given = require_object(value, "location", _LOCATION_MEMBERS)
    shown = text("displayName", given.get("displayName"))
    kept: dict[str, Any] = {name: text(name, given.get(name)) for name in ("locationEmailAddress", "locationUri")}
    for member, members in (("address", _ADDRESS_MEMBERS), ("coordinates", _COORDINATES_MEMBERS)):
        kept[member] = require_object(given.get(member) or {}, member, members)
    kept = {member: each for member, each in kept.items() if each}
    if not shown and not kept:
        return EMPTY_LOCATION
    if not shown:
        return EMPTY_LOCATION | kept
    return {"displayName": shown, "locationType": "default", "uniqueId": shown, "uniqueIdType": "private", **kept}


def locations(name: str, value: Any) -> list[dict[str, Any]]:
    """A collection of locations, the empty ones dropped."""
    if not isinstance(value, list):
        raise wrong_type(name, "Collection(location)")
    made = [location(name, item) for item in value]
    return [place for place in made if place["displayName"]]


def attendees(name: str, value: Any) -> list[dict[str, Any]]:
    """A collection of at most 500 attendees, with the answers that are written there: ``unanswered`` drops them."""
    if not isinstance(value, list):
        raise wrong_type(name, "Collection(attendee)")
    if len(value) > 500:
        raise validation_failure()
    return [_attendee(item) for item in value]


def _attendee(value: Any) -> dict[str, Any]:
    given = require_object(value, "attendee", frozenset({"emailAddress", "type", "status", "proposedNewTime"}))
    mail = require_object(given.get("emailAddress"), "emailAddress", frozenset({"name", "address"}))
    address = text("address", mail.get("address"))
    if "@" not in address:
        raise validation_failure()
    status = require_object(given.get("status") or {}, "responseStatus", frozenset({"response", "time"}))
    answer = one_of(_RESPONSES)("response", status.get("response") or "none")
    return {
        "type": one_of(_ATTENDEE_TYPES)("type", given.get("type") or "required"),
        "status": {"response": answer, "time": text("time", status.get("time")) or UNSET_TIME},
        "emailAddress": {"name": text("name", mail.get("name")) or address, "address": address},
    }


def extended(name: str, value: Any) -> dict[str, str]:
    """singleValueExtendedProperties as a mapping of id to value (S36)."""
    if not isinstance(value, list):
        raise wrong_type(name, "Collection(singleValueLegacyExtendedProperty)")
    found = {}
    for item in value:
        given = require_object(item, "singleValueLegacyExtendedProperty", frozenset({"id", "value"}))
        found[property_id(given.get("id"))] = text("value", given.get("value"))
    return found


def property_id(value: Any) -> str:
    """Return an extended property's id if it is one; blanks between its parts count once."""
    if not isinstance(value, str) or not _PROPERTY_ID.fullmatch(value):
        raise GraphError(400, "ErrorInvalidProperty", f"The extended property id '{value}' is invalid.")
    return value


def extensions(name: str, value: Any) -> dict[str, dict[str, Any]]:
    """Open extensions as a mapping of name to members (S36)."""
    if not isinstance(value, list):
        raise wrong_type(name, "Collection(extension)")
    return dict(extension(item) for item in value)


def extension(value: Any) -> tuple[str, dict[str, Any]]:
    """One open extension: its name and its members. Type and name are required, and what is kept is primitive
    (opentypeextension-post-opentypeextension.md); how Graph words the refusals is not known."""
    if not isinstance(value, dict):
        raise wrong_type("extensions", "microsoft.graph.openTypeExtension")
    kind, name = value.get("@odata.type"), value.get("extensionName")
    if not isinstance(kind, str) or kind.lstrip("#").lower() != "microsoft.graph.opentypeextension":
        raise invalid_body("The '@odata.type' of an extension must be 'microsoft.graph.openTypeExtension'.")
    if not isinstance(name, str) or not name:
        raise invalid_body("An open extension needs an extensionName.")
    members = {key: item for key, item in value.items() if "@" not in key and key not in ("id", "extensionName")}
    for key, item in members.items():
        if any(isinstance(each, dict | list) for each in (item if isinstance(item, list) else [item])):
            raise invalid_body(f"The property '{key}' of an open extension takes primitive values.")
    return name, members
