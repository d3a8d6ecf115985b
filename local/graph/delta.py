"""``calendarView/delta``: frozen windows, opaque tokens, minimal occurrences, tombstones (S38-S45)."""

import base64
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.graph import ids, views
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, bad_request
from local.graph.projection import Projection, calendar_id
from local.graph.recurrence import overlaps
from local.graph.state import Calendar, Logged
from local.graph.views import View

_TOKENS = frozenset({"$skiptoken", "$deltatoken"})
_MAX_ROUNDS = 64
Tombstone = dict[str, Any]
Group = list[View | Tombstone]
"""What stays on one page: a single event, a tombstone, or a series with its occurrences."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """What a delta token says: calendar, frozen window (S45), and the last write that the client has seen."""

    calendar: str
    start: datetime
    end: datetime
    sequence: int
    generation: int


@dataclass(kw_only=True, slots=True)
class Round:
    """A round being paged through."""

    position: Position
    groups: list[Group]
    at: int = 0


def answer(call: Call, calendar: Calendar, projection: Projection) -> Answer:
    """Answer a first call, a next page or a later round."""
    for name in call.query:
        if name.startswith("$") and name not in _TOKENS:
            raise bad_request(f"The query parameter '{name}' is not supported on change tracking.")
    later = "$skiptoken" in call.query or call.query.get("$deltatoken")
    if later and ("startdatetime" in call.query or "enddatetime" in call.query):
        raise bad_request("The window of a delta token cannot be changed.")
    if "$skiptoken" in call.query:
        current = _resumed(call, calendar, projection)
    elif call.query.get("$deltatoken"):
        position = _read(call.query["$deltatoken"], call, calendar, projection)
        current = _next_round(calendar, position, projection)
    else:
        start, end = views.time_range(call.query)
        current = _first_round(calendar, start, end, projection)
    return _page(call, calendar, current, projection)


def _resumed(call: Call, calendar: Calendar, projection: Projection) -> Round:
    """Return the round that a skip token belongs to: 410 for one that was ours once (S43)."""
    token = call.query["$skiptoken"]
    known = calendar.mailbox.pages.get(token)
    if isinstance(known, Round) and known.position.calendar == calendar.immutable_id:
        return known
    _unsealed(token)
    raise _gone(call, calendar, projection, window="")


def _first_round(calendar: Calendar, start: datetime, end: datetime, projection: Projection) -> Round:
    shown = (list(views.in_range(item, start, end)) for item in list(calendar.listed.values()))
    groups = _shuffled([_group(found) for found in shown if found], projection)
    position = Position(
        calendar=calendar.immutable_id,
        start=start,
        end=end,
        sequence=calendar.mailbox.sequence,
        generation=calendar.mailbox.delta_generation,
    )
    return Round(position=position, groups=groups)


def _shuffled(groups: list[Group], projection: Projection) -> list[Group]:
    """Return what a round holds in no particular order, where the knob gives a seed (S42)."""
    if projection.knobs.deltaShuffle:
        random.Random(projection.knobs.deltaShuffle).shuffle(groups)
    return groups


def _group(found: list[View]) -> Group:
    """Put the master before its instances."""
    if found and found[0].day is not None:
        return [views.stored(found[0].item), *found]
    return list(found)


def _next_round(calendar: Calendar, old: Position, projection: Projection) -> Round:
    knobs = projection.knobs
    groups: list[Group] = []
    for entry in _since(calendar, old.sequence, knobs.deltaReplay):
        here = not entry.item.gone and entry.item.calendar is calendar
        found = list(views.in_range(entry.item, old.start, old.end)) if here else []
        if found:
            days = sorted(entry.item.cancelled) if knobs.deltaOccurrenceTombstones else []
            groups.append([*_group(found), *(_tombstone(ids.occurrence(_own_id(entry, projection), d)) for d in days)])
        elif knobs.deltaForeignTombstones or _was_inside(entry, old):
            groups.append([_tombstone(_own_id(entry, projection))])
    position = Position(
        calendar=old.calendar,
        start=old.start,
        end=old.end,
        sequence=calendar.mailbox.sequence,
        generation=old.generation,
    )
    return Round(position=position, groups=_shuffled(groups, projection))


def _own_id(entry: Logged, projection: Projection) -> str:
    return entry.immutable_id if projection.prefer.immutable else entry.regular_id


def _tombstone(gone: str) -> Tombstone:
    """Say that an id is gone, for whatever reason (S40)."""
    return {"@odata.type": "#microsoft.graph.event", "id": gone, "@removed": {"reason": "deleted"}}


def _since(calendar: Calendar, sequence: int, replay: int) -> Iterator[Logged]:
    """Yield the changes after a write, oldest first, and before them ``replay`` that the client had already (S42)."""
    found = []
    for entry in reversed(calendar.log.values()):
        if entry.sequence <= sequence:
            if replay <= 0:
                break
            replay -= 1
        found.append(entry)
    yield from reversed(found)


def _was_inside(entry: Logged, old: Position) -> bool:
    """Whether the item lay in the window by any of its writes."""
    return any(overlaps(start, end, old.start, old.end) for start, end in entry.spans)


def _page(call: Call, calendar: Calendar, current: Round, projection: Projection) -> Answer:
    size = call.prefer.page_size or projection.knobs.deltaPageSize
    size = min(size, projection.knobs.deltaMostPerPage)
    value: list[dict[str, Any]] = []
    at = current.at
    while at < len(current.groups) and (not value or len(value) + len(current.groups[at]) <= size):
        value += [_shown(each, projection) for each in current.groups[at]]
        at += 1
    ended = at >= len(current.groups) and not (projection.knobs.deltaEmptyPages and value)
    link = _link(call, calendar)
    body: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#Collection(event)", "value": value}
    if ended:
        body["@odata.deltaLink"] = f"{link}?$deltatoken={_token(current.position)}"
    else:
        box = calendar.mailbox
        token, pages = _sealed(box.store.source.octets(f"skiptoken {box.account.upn}", 24)), box.pages
        pages[token] = Round(position=current.position, groups=current.groups, at=at)
        while len(pages) > _MAX_ROUNDS:
            del pages[next(iter(pages))]
        body["@odata.nextLink"] = f"{link}?$skiptoken={token}"
    applied = ", ".join(("odata.track-changes", *call.prefer.applied))
    return Answer(body=body, headers={"Preference-Applied": applied})


def _shown(each: View | Tombstone, projection: Projection) -> dict[str, Any]:
    if isinstance(each, dict):
        return each
    if each.kind == "occurrence":
        return projection.minimal(each)
    return {"@odata.type": "#microsoft.graph.event", **projection.event(each)}


def _link(call: Call, calendar: Calendar) -> str:
    if "calendars" not in call.segments:
        return f"{call.base}/me/calendarView/delta"
    return f"{call.base}/me/calendars('{calendar_id(calendar, call.prefer)}')/calendarView/delta"


def _token(position: Position) -> str:
    stamp = [
        position.calendar,
        position.start.isoformat(),
        position.end.isoformat(),
        position.sequence,
        position.generation,
    ]
    return _sealed(json.dumps(stamp).encode())


def _sealed(raw: bytes) -> str:
    """Return an opaque token that says whether it is whole."""
    return base64.urlsafe_b64encode(zlib.crc32(raw).to_bytes(4, "big") + zlib.compress(raw)).decode().rstrip("=")


def _unsealed(token: str) -> bytes:
    """Return what a token holds, or 400 for one that is none of ours."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        raw = zlib.decompress(packed[4:])
    except (ValueError, zlib.error):
        raise _badly_formed() from None
    if zlib.crc32(raw).to_bytes(4, "big") != packed[:4]:
        raise _badly_formed()
    return raw


def _read(token: str, call: Call, calendar: Calendar, projection: Projection) -> Position:
    """Return the position of a token: 400 for none of ours, 410 for one that expired (S43), that is older than what the
    calendar remembers, or that was handed out before a reset and knows more than has happened."""
    try:
        where, start, end, sequence, generation = json.loads(_unsealed(token))
    except ValueError:
        raise _badly_formed() from None
    position = Position(
        calendar=where,
        start=datetime.fromisoformat(start),
        end=datetime.fromisoformat(end),
        sequence=sequence,
        generation=generation,
    )
    if where != calendar.immutable_id:
        raise _badly_formed()
    known = calendar.forgotten <= sequence <= calendar.mailbox.sequence
    if generation != calendar.mailbox.delta_generation or not known:
        window = f"startDateTime={_written(position.start)}&endDateTime={_written(position.end)}&"
        raise _gone(call, calendar, projection, window=window)
    return position


def _written(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _gone(call: Call, calendar: Calendar, projection: Projection, *, window: str) -> GraphError:
    """An expired token; spelling and ``Location`` are knobs. The link begins a new round over the same window."""
    knobs = projection.knobs
    headers = {"Location": f"{_link(call, calendar)}?{window}$deltatoken="} if knobs.goneLocation else {}
    message = "The sync state generation is not found; the sync state needs to be re-established."
    return GraphError(knobs.goneStatus, knobs.goneCode, message, headers=headers)


def _badly_formed() -> GraphError:
    return bad_request("Badly formed token.")
