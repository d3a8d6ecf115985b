"""Whether both calendars are equal, read from the simulators alone and by rules written here, not by the product's."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

PREFIX = "WedSync: "
MARKER = "WedSyncMapping"


@dataclass(frozen=True, kw_only=True, order=True)
class Entry:
    """An event as a person would compare it."""

    title: str
    start: str
    end: str
    all_day: bool
    place: str
    text: str
    private: bool


def squeezed(text: str) -> str:
    return " ".join(text.replace("\xa0", " ").split())


def of_wedsync(event: dict[str, Any], *, prefix: str = "") -> Entry:
    """Our copy of it in Outlook should read like this, under the prefix."""
    start, end = _wedsync_times(event)
    place = event["location"] or {}
    return Entry(
        title=cut(squeezed(prefix + event["title"])),
        start=start,
        end=end,
        all_day=event["allDay"],
        place=squeezed(f"{place.get('name', '')} {place.get('address', '')}"),
        text=squeezed(event["description"] or ""),
        private=event["private"],
    )


def of_outlook(item: dict[str, Any]) -> Entry:
    """Read a full item; private ones as a planner's assistant would see them."""
    address = item["location"].get("address") or {}
    street = " ".join(
        str(address[part]) for part in ("street", "postalCode", "city", "state", "countryOrRegion") if address.get(part)
    )
    start, end = _outlook_times(item)
    return Entry(
        title=squeezed(item["subject"]),
        start=start,
        end=end,
        all_day=item["isAllDay"],
        place=squeezed(f"{item['location'].get('displayName', '')} {street}"),
        text=squeezed(item["bodyText"]),
        private=item["sensitivity"] in ("private", "confidential"),
    )


def cut(title: str) -> str:
    """A subject holds 255 UTF-16 units."""
    raw = title.encode("utf-16-le")
    return squeezed(raw[: 255 * 2].decode("utf-16-le", errors="ignore")) if len(raw) > 510 else title


def _wedsync_times(event: dict[str, Any]) -> tuple[str, str]:
    if event["allDay"]:
        return event["start"][:10], event["end"][:10]
    zone = ZoneInfo(event["timeZone"])
    moments = [datetime.fromisoformat(event[name]).replace(tzinfo=zone).astimezone(UTC) for name in ("start", "end")]
    return moments[0].isoformat(), max(moments).isoformat()


def _outlook_times(item: dict[str, Any]) -> tuple[str, str]:
    moments = [datetime.fromisoformat(item[name]["dateTime"][:19]).replace(tzinfo=UTC) for name in ("start", "end")]
    if not item["isAllDay"]:
        return moments[0].isoformat(), moments[1].isoformat()
    zone = ZoneInfo(_iana(item["originalStartTimeZone"]))
    return tuple(moment.astimezone(zone).date().isoformat() for moment in moments)  # type: ignore[return-value]


def _iana(name: str) -> str:
    from tzlocal.windows_tz import win_tz  # noqa: PLC0415

    return str(win_tz.get(name, name or "UTC"))


def is_ours(item: dict[str, Any]) -> bool:
    """Our copies carry our extended property and a transactionId that no Outlook gives."""
    marked = any(MARKER in str(name) for name in item.get("singleValueExtendedProperties", {}))
    return marked and not str(item.get("transactionId") or "localevent:").startswith("localevent:")


def travel_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return the travel-time block of an event, as if WedSync had it as an event; a private one tells no title."""
    start = datetime.fromisoformat(event["start"]).replace(tzinfo=ZoneInfo(event["timeZone"])).astimezone(UTC)
    return event | {
        "title": "Travel" if event["private"] else f"Travel: {event['title']}",
        "start": (start - timedelta(minutes=event["travelMinutes"])).replace(tzinfo=None).isoformat(),
        "end": start.replace(tzinfo=None).isoformat(),
        "timeZone": "UTC",
        "location": None,
        "description": "",
    }


def window(now: datetime) -> tuple[datetime, datetime]:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=180), day + timedelta(days=1460)


def differences(
    wedsync: list[dict[str, Any]],
    items: list[dict[str, Any]],
    view: list[dict[str, Any]],
    *,
    but: frozenset[str] = frozenset(),
    travel: bool = False,
) -> list[str]:
    """Return in words where the calendars differ; ``but`` names WedSync ids with an open conflict.

    ``travel``: events with travel minutes have a block before them in Outlook.
    """
    found: list[str] = []
    ours = [item for item in items if is_ours(item)]
    own = [event for event in wedsync if not event["externalId"] and event["id"] not in but]
    led = [travel_of(event) for event in own if travel and event["travelMinutes"] and not event["allDay"]]
    own += led
    wanted = Counter(of_wedsync(event, prefix=PREFIX) for event in own)
    present = Counter(of_outlook(item) for item in ours)
    skipped = len([event for event in wedsync if not event["externalId"]]) - (len(own) - len(led))
    if sum(present.values()) != sum(wanted.values()) + skipped:
        found.append(f"{sum(wanted.values()) + skipped} WedSync events have {sum(present.values())} copies")
    found += [f"missing in Outlook: {entry}" for entry in (wanted - present)]
    if not skipped:
        found += [f"only in Outlook: {entry}" for entry in (present - wanted)]
    found += _imported(wedsync, view, {item["id"] for item in ours}, but)
    return found


def _imported(
    wedsync: list[dict[str, Any]], view: list[dict[str, Any]], ours: set[str], but: frozenset[str]
) -> list[str]:
    found = []
    by_external = Counter(event["externalId"] for event in wedsync if event["externalId"])
    found += [f"imported {count} times: {name}" for name, count in by_external.items() if count > 1]
    imported = {event["externalId"]: event for event in wedsync if event["externalId"]}
    foreign = [item for item in view if item["id"] not in ours and not item["isCancelled"]]
    if len(foreign) != len(imported):
        found.append(f"{len(foreign)} Outlook events are {len(imported)} in WedSync")
    for item in foreign:
        event = next((imported[name] for name in imported if name.endswith(_external_tail(item))), None)
        if event is None:
            found.append(f"not imported: {item['type']} {of_outlook(item)}")
        elif event["id"] not in but:
            found += _same(event, item)
    return found


def _external_tail(item: dict[str, Any]) -> str:
    if item["type"] in ("occurrence", "exception"):
        return f":{item['seriesMasterId']}:{_original_day(item)}"
    return f":{item['id']}"


def _original_day(item: dict[str, Any]) -> str:
    day = re.search(r"(\d{4}-\d{2}-\d{2})$", str(item.get("occurrenceId") or ""))
    assert day, "an occurrence without its day"
    return date.fromisoformat(day.group(1)).isoformat()


def _same(event: dict[str, Any], item: dict[str, Any]) -> list[str]:
    left, right = of_wedsync(event), of_outlook(item)
    if right.private:
        seen = (left.start, left.end, left.all_day, left.place, left.text, left.private)
        return (
            [] if seen == (right.start, right.end, right.all_day, "", "", True) else [f"masked badly: {left} {right}"]
        )
    return [] if left == right else [f"differs: WedSync {left} Outlook {right}"]
