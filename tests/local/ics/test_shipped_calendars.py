"""The calendars that icalendar and recurring_ical_events carry: nearly all taken, and shown at the same times."""

from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from local.ics import Conversion, Unreadable, convert
from tests.local.ics.calendars import OWNER, SHIPPED
from tests.local.ics.expansion import Shown, shown

pytestmark = pytest.mark.filterwarnings("ignore")
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
HOME = ZoneInfo("Europe/London")
BROKEN = {
    "fuzz_testcase_invalid_month.ics",
    "fuzz_testcase_vtimezone_lone_cr.ics",
    "issue_104_broken_calendar.ics",
    "parsing_error_in_UTC_offset.ics",
}
DIFFERENT = {
    "event_with_recurrence.ics": "floating series with EXDATEs in UTC: they name no occurrence, which is noted",
    "end_before_start_event.ics": "refused; the library swaps the ends",
    "invalid_duration.ics": "taken without length, as noted; the library drops it",
    "issue_117_until_before_dtstart.ics": "DTSTART always counts (RFC 5545 section 3.8.5.3); the library shows nothing",
    "issue_132_swapped_start_and_end.ics": "refused; the library swaps the ends",
    "issue_18_cancel_status.ics": "a cancelled occurrence is deleted; the library shows it",
    "issue_253_additional_recurrence_id.ics": "an edit of no occurrence is a single event, as noted",
    "issue_464_invalid_rdate.ics": "taken without the broken RDATE, as noted; the library drops it",
    "issue_75_range_parameter.ics": "THISANDFUTURE is refused",
    "parsing_error.ics": "taken without the broken EXDATE, as noted; the library drops it",
}
NO_LENGTH = {"example.ics", "Germany_Holidays.ics"}
MIXED_KINDS = {"issue_201_mixed_datetime_and_date.ics", "issue_201_test_matrix.ics"}


@cache
def converted(file: Path) -> Conversion:
    return convert(file.read_bytes(), OWNER)


def test_the_packages_ship_calendars() -> None:
    assert len(SHIPPED) > 200


def test_at_least_95_percent_of_vevents_with_a_start_are_taken() -> None:
    total = without_start = refused = 0
    reasons: Counter[str] = Counter()
    unreadable = set()
    for file in SHIPPED:
        try:
            outcome = converted(file)
        except Unreadable:
            unreadable.add(file.name)
            continue
        total += outcome.vevents
        for refusal in outcome.refusals:
            reasons[refusal.reason] += 1
            without_start += "DTSTART" in refusal.reason
            refused += "DTSTART" not in refusal.reason
    assert unreadable <= BROKEN
    assert 1 - refused / (total - without_start) >= 0.95, reasons


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_shown_at_the_times_that_the_library_finds(file: Path) -> None:
    if file.name in BROKEN:
        with pytest.raises(Unreadable):
            converted(file)
        return
    wanted = library(file)
    found = shown(converted(file).events, FIRST, LAST)
    if wanted is None or file.name in MIXED_KINDS:
        return
    if file.name in DIFFERENT:
        assert found != wanted, "no longer different: take it off the list"
    elif file.name in NO_LENGTH:
        assert [start for start, _ in found] == [start for start, _ in wanted]
    else:
        assert found == wanted


def library(file: Path) -> list[Shown] | None:
    """Return what recurring_ical_events finds; None for a file that it gives up on."""
    found: list[Shown] = []
    try:
        for root in icalendar.Component.from_ical(file.read_bytes(), multiple=True):
            whole = root
            if not isinstance(root, icalendar.Calendar):
                whole = icalendar.Calendar()
                whole.add_component(root)
            events = recurring_ical_events.of(whole, skip_bad_series=True).between(FIRST, LAST)
            found += [(_wire(event.start), _wire(event.end)) for event in events]
    except (KeyError, TypeError, AttributeError):
        return None
    return sorted(pair for pair in found if FIRST.isoformat() <= pair[0] < LAST.isoformat())


def _wire(moment: date | datetime) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return (moment if moment.tzinfo else moment.replace(tzinfo=HOME)).astimezone(UTC).isoformat()
