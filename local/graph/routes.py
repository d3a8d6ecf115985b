"""The paths that the simulated Graph has; whatever else is asked for is refused (S28)."""

from collections.abc import Awaitable
from typing import Any

from local.graph import (
    attachments,
    calendar_routes,
    event_routes,
    id_routes,
    list_routes,
    meeting_routes,
    personal,
    schedule,
    subscription_routes,
    suggestions,
)
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, unknown_segment
from local.graph.service import Graph, Handler

_DIRECTORY: dict[str, Handler] = {
    "users": personal.users,
    "users/delta": personal.users,
    "contacts": personal.contacts,
    "contacts/delta": personal.contacts,
    "organization": personal.organization,
    "groups": personal.groups,
    "me/memberof": personal.groups,
    "me/onlinemeetings": personal.online_meetings,
}
"""What personal accounts lack and work accounts need directory permissions for (S60)."""
_Node = dict[str, Any]
_LEAF = ""
_ID = "*"


def _tree() -> _Node:
    root: _Node = {}
    for path, methods in _paths().items():
        node = root
        for part in path.split("/"):
            node = node.setdefault(part, {})
        node[_LEAF] = methods
    return root


def _paths() -> dict[str, dict[str, Handler]]:
    """Return methods by path; ``me`` stands for the caller, ``*`` for an id."""
    paths: dict[str, dict[str, Handler]] = {
        "me": {"GET": calendar_routes.me},
        "me/mailboxsettings": {"GET": calendar_routes.mailbox_settings},
        "me/mailboxsettings/*": {"GET": calendar_routes.one_setting},
        "me/outlook/supportedtimezones": {"GET": calendar_routes.time_zones},
        "me/outlook/*": {"GET": _outlook_function},
        "me/translateexchangeids": {"POST": id_routes.translate},
        "me/findmeetingtimes": {"POST": suggestions.find_meeting_times},
        "me/calendars": {"GET": calendar_routes.listed, "POST": calendar_routes.create},
        "subscriptions": {"GET": subscription_routes.listed, "POST": subscription_routes.create},
        "subscriptions/*": {
            "GET": subscription_routes.read,
            "PATCH": subscription_routes.patch,
            "DELETE": subscription_routes.delete,
        },
        "subscriptions/*/reauthorize": {"POST": subscription_routes.reauthorize},
    }
    paths |= {path: {"GET": handler} for path, handler in _DIRECTORY.items()}
    one: dict[str, Handler] = {"GET": calendar_routes.read, "PATCH": calendar_routes.patch}
    paths["me/calendar"] = one
    paths["me/calendars/*"] = one | {"DELETE": calendar_routes.delete}
    paths["me/calendars/*/permanentdelete"] = {"POST": calendar_routes.delete}
    for prefix in ("me/calendar", "me/calendars/*"):
        paths[f"{prefix}/getschedule"] = {"POST": schedule.get_schedule}
    for prefix in ("me", "me/calendar", "me/calendars/*"):
        paths |= _event_paths(prefix)
    return paths


def _event_paths(prefix: str) -> dict[str, dict[str, Handler]]:
    event = f"{prefix}/events/*"
    answers: dict[str, dict[str, Handler]] = {
        f"{event}/{name}": {"POST": meeting_routes.respond} for name in ("accept", "tentativelyaccept", "decline")
    }
    return {
        f"{prefix}/events": {"GET": list_routes.events, "POST": event_routes.create},
        f"{prefix}/calendarview": {"GET": list_routes.calendar_view},
        f"{prefix}/calendarview/delta": {"GET": list_routes.calendar_delta},
        event: {"GET": event_routes.read, "PATCH": event_routes.patch, "DELETE": event_routes.delete},
        f"{event}/calendar": {"GET": event_routes.own_calendar},
        f"{event}/instances": {"GET": list_routes.instances},
        f"{event}/permanentdelete": {"POST": event_routes.permanent_delete},
        f"{event}/cancel": {"POST": meeting_routes.cancel},
        f"{event}/attachments": {"GET": attachments.listed, "POST": attachments.add},
        f"{event}/attachments/*": {"GET": attachments.one, "DELETE": attachments.one},
        f"{event}/extensions": {"GET": event_routes.extensions, "POST": event_routes.extensions},
        f"{event}/extensions/*": {
            "GET": event_routes.one_extension,
            "PATCH": event_routes.one_extension,
            "DELETE": event_routes.one_extension,
        },
        **answers,
    }


def _outlook_function(graph: Graph, call: Call) -> Answer:
    if not call.segments[-1].lower().startswith("supportedtimezones("):
        raise unknown_segment(call.segments[-1])
    return calendar_routes.time_zones(graph, call)


_ROUTES = _tree()


def handler(method: str, segments: tuple[str, ...]) -> Handler:
    """Return what answers that method and path, or refuse."""
    node = _ROUTES
    for segment in segments:
        following = node.get(segment.lower()) if segment else None
        if following is None:
            following = node.get(_ID) if segment else None
        if following is None:
            raise unknown_segment(segment)
        node = following
    methods: dict[str, Handler] = node.get(_LEAF, {})
    if not methods:
        raise unknown_segment(segments[-1])
    if method not in methods:
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    return methods[method]


async def run(graph: Graph, call: Call, chosen: Handler) -> Answer:
    """Let the handler answer."""
    answer = chosen(graph, call)
    return await answer if isinstance(answer, Awaitable) else answer
