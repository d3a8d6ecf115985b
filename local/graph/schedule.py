"""getSchedule: who is free when, for accounts of the caller's organization (S63, calendar-getschedule.md)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.graph import views
from local.graph.calls import Answer, Call
from local.graph.errors import GraphError, invalid_body
from local.graph.knobs import Knobs
from local.graph.personal import refuse_personal
from local.graph.projection import mailbox_settings
from local.graph.service import READ, Graph
from local.graph.state import Mailbox
from local.graph.values import moment, strings, whole
from local.graph.views import View
from local.graph.zones import wire

_MEMBERS = frozenset({"schedules", "starttime", "endtime", "availabilityviewinterval"})
_LONGEST = timedelta(days=62)
_ENTRIES = 1000
_RANK = ("oof", "busy", "tentative", "workingElsewhere", "free", "unknown")
"""Which status a slot shows when several events touch it; the first wins."""
_DIGITS = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "unknown": "0"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A checked request."""

    addresses: list[str]
    start: datetime
    end: datetime
    slot: timedelta

    @property
    def slots(self) -> Iterator[tuple[datetime, datetime]]:
        """The slots of the availability view; the last one ends with the window."""
        low = self.start
        while low < self.end:
            yield low, min(low + self.slot, self.end)
            low += self.slot


def get_schedule(graph: Graph, call: Call) -> Answer:
    """POST getSchedule: one entry for each address; an unknown one has an ``error`` and the call is still 200."""
    refuse_personal(graph, call)
    call.caller.require(*READ, "Calendars.ReadBasic")
    asked = _asked(call.body, graph.knobs)
    found = [_information(graph, call, asked, address) for address in asked.addresses]
    context = f"{call.base}/$metadata#Collection(microsoft.graph.scheduleInformation)"
    return Answer(body={"@odata.context": context, "value": found}, headers=call.prefer.headers)


def colleague(graph: Graph, call: Call, address: str) -> Mailbox | None:
    """Return a mailbox of the caller's own organization; the directory knows no other address."""
    own = call.caller.account.tid
    for upn, box in graph.store.mailboxes.items():
        if upn.lower() == address.lower() and box.account.tid == own:
            return box
    return None


def in_window(box: Mailbox, start: datetime, end: datetime) -> list[View]:
    """Return what the default calendar, the only one that counts, holds in the window."""
    return views.calendar_view(box.default_calendar, start, end)


def _asked(body: Any, knobs: Knobs) -> Asked:
    if not isinstance(body, dict) or {name.lower() for name in body if "@" not in name} - _MEMBERS:
        raise invalid_body("The parameters of the action are malformed.")
    given = {name.lower(): value for name, value in body.items()}
    addresses = strings("schedules", given.get("schedules"))
    if len(addresses) > knobs.maxSchedules:
        raise GraphError(
            400,
            "ErrorMailboxDataArrayTooBig",
            f"There are too many target users in the EmailAddress array. The allowed size = {knobs.maxSchedules}; the "
            f"actual size = {len(addresses)}.",
        )
    start, end = (moment(name, given.get(name.lower())).instant for name in ("startTime", "endTime"))
    _check_window(end - start)
    slot = timedelta(minutes=_minutes(given))
    if not timedelta(minutes=5) <= slot <= min(timedelta(minutes=1440), end - start):
        raise GraphError(
            400,
            "ErrorInvalidMergedFreeBusyInterval",
            "The specified merged free/busy interval is not valid. Specify an interval that is less than the free/busy "
            "time window and between 5 and 1440 minutes.",
        )
    return Asked(addresses=addresses, start=start, end=end, slot=slot)


def _check_window(length: timedelta) -> None:
    if length <= timedelta():
        raise GraphError(
            400,
            "ErrorInvalidTimeInterval",
            "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid.",
        )
    if length > _LONGEST:
        raise GraphError(
            400,
            "ErrorTimeIntervalTooBig",
            "The requested time duration specified for FreeBusyViewOptions.TimeWindow is too long. The allowed limit = "
            f"{_LONGEST.days} days; the actual limit = {-(-length // timedelta(days=1))} days.",
        )


def _minutes(given: dict[str, Any]) -> int:
    """Return the slot's length; null is a known fault of the service (microsoft-graph-docs #4494)."""
    written = given.get("availabilityviewinterval", 30)
    if written is None:
        raise GraphError(500, "ErrorInternalServerError", "An internal server error occurred. The operation failed.")
    if isinstance(written, str) and written.isdigit():
        return int(written)
    return whole("availabilityViewInterval", written)


def _information(graph: Graph, call: Call, asked: Asked, address: str) -> dict[str, Any]:
    box = colleague(graph, call, address)
    if box is None:
        message = f"Unable to resolve e-mail address {address} to an Active Directory object."
        return {"scheduleId": address, "error": {"message": message, "responseCode": "5009"}}
    found = in_window(box, asked.start, asked.end)
    if len(found) > _ENTRIES:
        message = (
            f"The result set contains too many calendar entries. The allowed size is {_ENTRIES}; the actual size is "
            f"{len(found)}."
        )
        return {"scheduleId": address, "error": {"message": message, "responseCode": "5006"}}
    own = box is call.mailbox
    return {
        "scheduleId": address,
        "availabilityView": "".join(_digit(found, low, high, graph.knobs) for low, high in asked.slots),
        "scheduleItems": [_entry(view, call.prefer.time_zone, own=own) for view in found],
        "workingHours": mailbox_settings(box)["workingHours"],
    }


def status_in(found: list[View], low: datetime, high: datetime) -> str:
    """Return the strongest status of the events that touch a slot."""
    touching = {view.props["showAs"] for view in found if view.span.start < high and view.span.end > low}
    return next((status for status in _RANK if status in touching), "free")


def _digit(found: list[View], low: datetime, high: datetime, knobs: Knobs) -> str:
    return (_DIGITS | {"workingElsewhere": knobs.workingElsewhereDigit})[status_in(found, low, high)]


def _entry(view: View, zone: str, *, own: bool) -> dict[str, Any]:
    """Return one event; a colleague's calendar shows times alone, a private event never more."""
    private = view.props["sensitivity"] in ("private", "confidential")
    shown: dict[str, Any] = {
        "status": view.props["showAs"],
        "start": wire(view.span.start, zone),
        "end": wire(view.span.end, zone),
    }
    if own:
        shown["isPrivate"] = private
    if own and not private:
        shown |= {"subject": view.props["subject"], "location": view.props["location"]["displayName"]}
    return shown
