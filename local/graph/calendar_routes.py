"""Calendars, the account and its settings (section 6)."""

from typing import Any

from local.graph import ids, projection, query, values, zones
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, invalid_body, invalid_request
from local.graph.list_routes import next_link
from local.graph.service import READ, WRITE, Graph, scope
from local.graph.state import Calendar

COLORS = (
    "auto", "lightBlue", "lightGreen", "lightOrange", "lightGray", "lightYellow", "lightTeal", "lightPink",
    "lightBrown", "lightRed", "maxColor",
)  # fmt: skip
_WRITABLE = frozenset({"name", "color", "singleValueExtendedProperties"})
_MEMBERS = frozenset(
    [
        "id",
        "name",
        "color",
        "hexColor",
        "groupClassId",
        "isDefaultCalendar",
        "changeKey",
        "canShare",
        "canViewPrivateItems",
        "canEdit",
        "allowedOnlineMeetingProviders",
        "defaultOnlineMeetingProvider",
        "isTallyingResponses",
        "isRemovable",
        "owner",
    ]
)
_SETTINGS = ("MailboxSettings.Read", "MailboxSettings.ReadWrite")


def _shown(call: Call, calendar: Calendar) -> dict[str, Any]:
    body = projection.calendar(calendar, call.prefer)
    selected = query.select(call.query, _MEMBERS, "calendar")
    if selected is not None:
        body = {name: value for name, value in body.items() if name in selected | {"id"}}
    for each in query.expand(call.query, "calendar"):
        if each.name == "singleValueExtendedProperties":
            found = [{"id": key, "value": calendar.extended[key]} for key in each.ids if key in calendar.extended]
            if found:
                body["singleValueExtendedProperties"] = found
    return body


def _entity(call: Call, calendar: Calendar, status: int = 200) -> Answer:
    context = f"{call.base}/$metadata#users('{call.caller.account.graph_id}')/calendars/$entity"
    return Answer(
        status=status, body={"@odata.context": context, **_shown(call, calendar)}, headers=call.prefer.headers
    )


def listed(_: Graph, call: Call) -> Answer:
    """GET all calendars."""
    call.caller.require(*READ)
    query.refuse_others(call.query, query.LIST_OPTIONS)
    tests, order = query.where(call.query, "calendar"), query.order(call.query, "calendar")
    found = [
        calendar
        for calendar in call.mailbox.calendars
        if all(test(projection.calendar(calendar, call.prefer), calendar.extended) for test in tests)
    ]
    for name, descending in reversed(order):
        found.sort(key=lambda each: query.member(projection.calendar(each, call.prefer), name), reverse=descending)
    top = query.number(call.query, "$top", max(len(found), 1), low=1, high=1000)
    skip = query.number(call.query, "$skip", 0)
    context = f"users('{call.caller.account.graph_id}')/calendars"
    shown = [_shown(call, calendar) for calendar in found[skip : skip + top]]
    body: dict[str, Any] = projection.collection(call.base, context, shown)
    if skip + top < len(found):
        body["@odata.nextLink"] = next_link(call, skip=skip + top, top=top)
    return Answer(body=body, headers=call.prefer.headers)


def read(_: Graph, call: Call) -> Answer:
    """GET one calendar."""
    call.caller.require(*READ)
    query.refuse_collection_options(call.query)
    return _entity(call, scope(call) or call.mailbox.default_calendar)


def create(graph: Graph, call: Call) -> Answer:
    """POST a calendar: 201."""
    call.caller.require(*WRITE)
    name, color, extended = _checked(call, None)
    if not name:
        raise invalid_request("A calendar needs a name.")
    made = call.mailbox.add_calendar(name)
    made.color = color or "auto"
    made.extended |= extended
    graph.settling.calendar_made(made)
    return _entity(call, made, 201)


def patch(graph: Graph, call: Call) -> Answer:
    """PATCH name, colour or marker of a calendar."""
    call.caller.require(*WRITE)
    calendar = scope(call) or call.mailbox.default_calendar
    name, color, extended = _checked(call, calendar)
    calendar.name = name or calendar.name
    calendar.color = color or calendar.color
    calendar.extended |= extended
    call.mailbox.sequence += 1
    calendar.change_key = ids.change_key(call.mailbox.account.oid, call.mailbox.sequence)
    graph.sender.calendar_changed(calendar, "updated")
    return _entity(call, calendar)


def _checked(call: Call, own: Calendar | None) -> tuple[str, str, dict[str, str]]:
    if not isinstance(call.body, dict):
        raise invalid_body("Unable to read JSON request payload.")
    for member in call.body:
        if member not in _WRITABLE | _MEMBERS and "@" not in member:
            raise values.unknown_member(member, "calendar")
    name = values.text("name", call.body.get("name")).strip()
    for other in call.mailbox.calendars:
        if other is not own and name and other.name.lower() == name.lower():
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    color = values.one_of(COLORS)("color", call.body["color"]) if "color" in call.body else ""
    extended = call.body.get("singleValueExtendedProperties", [])
    return name, color, values.extended("singleValueExtendedProperties", extended)


def delete(graph: Graph, call: Call) -> Answer:
    """DELETE a calendar with its events: 204; the default one stays."""
    call.caller.require(*WRITE)
    calendar = scope(call) or call.mailbox.default_calendar
    if calendar.default:
        raise invalid_request("The default calendar cannot be deleted.")
    for item in list(calendar.items.values()):
        graph.outbox.removed(item)
        call.mailbox.remove(item, purge=True)
    call.mailbox.calendars.remove(calendar)
    graph.sender.calendar_changed(calendar, "deleted")
    return Answer(status=204)


def me(_: Graph, call: Call) -> Answer:
    """GET the account."""
    call.caller.require("User.Read", "User.ReadWrite")
    body = projection.me(call.caller.account)
    selected = query.select(call.query, frozenset(body), "user")
    shown = {name: value for name, value in body.items() if selected is None or name in selected}
    return Answer(body={"@odata.context": f"{call.base}/$metadata#users/$entity", **shown})


def mailbox_settings(_: Graph, call: Call) -> Answer:
    """GET the mailbox settings."""
    call.caller.require(*_SETTINGS)
    return Answer(body={"@odata.context": _settings_context(call), **projection.mailbox_settings(call.mailbox)})


def _settings_context(call: Call) -> str:
    return f"{call.base}/$metadata#users('{call.caller.account.graph_id}')/mailboxSettings"


def one_setting(_: Graph, call: Call) -> Answer:
    """GET one of the settings, for example the time zone."""
    call.caller.require(*_SETTINGS)
    found = projection.mailbox_settings(call.mailbox)
    name = call.segments[-1]
    if name not in found:
        raise GraphError(400, "RequestBroker--ParseUri", f"Resource not found for the segment '{name}'.")
    value = found[name]
    shown = value if isinstance(value, dict) else {"value": value}
    return Answer(body={"@odata.context": f"{_settings_context(call)}/{name}", **shown})


def time_zones(_: Graph, call: Call) -> Answer:
    """GET the zones that Exchange knows, by Windows or IANA name."""
    call.caller.require("User.Read", *_SETTINGS)
    iana = "Iana" in call.segments[-1]
    known = zones.supported_iana() if iana else zones.supported()
    return Answer(body=projection.collection(call.base, "Collection(microsoft.graph.timeZoneInformation)", known))
