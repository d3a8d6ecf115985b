"""Online meetings: where a calendar has a provider, its link, and how a meeting stops being online (S35)."""

from typing import Any

from local.graph import bodies
from local.graph.state import Calendar

OFFLINE = {"isOnlineMeeting": False, "onlineMeetingProvider": "unknown", "onlineMeeting": None}


def providers(calendar: Calendar) -> list[str]:
    """Return a calendar's ``allowedOnlineMeetingProviders``: personal accounts have none (#9741)."""
    return ["unknown"] if calendar.mailbox.account.personal else ["teamsForBusiness"]


def meet(props: dict[str, Any], calendar: Calendar) -> None:
    """Make a join link where ``isOnlineMeeting`` asks for one; the wish is dropped silently where the calendar does
    not have the provider (#9741). No provider named means the calendar's default one."""
    if not props["isOnlineMeeting"] or props["onlineMeeting"]:
        return
    allowed = providers(calendar)
    wanted = props["onlineMeetingProvider"]
    if wanted == "unknown":
        wanted = allowed[0]
    if wanted == "unknown" or wanted not in allowed:
        props |= OFFLINE
        return
    box = calendar.mailbox
    tenant, own = box.account.tid, box.store.source.digits(f"meeting {box.account.upn}", 16)
    thread = f"19%3ameeting_{own}%40thread.v2"
    url = f"https://teams.microsoft.com/l/meetup-join/{thread}/0?context=%7b%22Tid%22%3a%22{tenant}%22%7d"
    props |= {"onlineMeetingProvider": wanted, "onlineMeeting": {"joinUrl": url}}
    props["body"] = bodies.with_join_block(props["body"], url)


def kept(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return what a PATCH leaves of an online meeting: it cannot be unset or switched to another provider
    (outlook-calendar-online-meetings.md), but a body without the join block ends it (event-update.md)."""
    if not old.get("onlineMeeting"):
        return {}
    if "body" in new and old["onlineMeeting"]["joinUrl"] not in new["body"]:
        return OFFLINE
    return {name: old[name] for name in ("isOnlineMeeting", "onlineMeetingProvider")}
