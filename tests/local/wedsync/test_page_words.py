"""What the page says: how the sync stands, how a series repeats, when something was."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local.wedsync.page.series import in_words
from local.wedsync.page.words import moment, standing
from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.page_steps import sign_in, titles
from tests.local.wedsync.test_page_calendars import graph_event, keep

NOW = datetime(2026, 6, 20, 12, 0, tzinfo=UTC)
FULL = {"syncType": "full_sync", "syncStatus": "completed"}
RUNNING = FULL | {"syncStatus": "in_progress"}


@pytest.mark.parametrize(
    ("integration", "stats", "runs", "said"),
    [
        ({}, {}, [], ("good", "Both calendars are in step.")),
        ({}, {"syncedEvents": 60}, [RUNNING], ("busy", "The first sync is running: 60 events so far.")),
        ({}, {"syncedEvents": 60}, [RUNNING, FULL], ("busy", "A full sync is running: 60 events so far.")),
        ({}, {"conflictedEvents": 1}, [FULL], ("warn", "1 event in conflict; everything else is in step.")),
        ({}, {"pendingEvents": 2}, [FULL], ("busy", "2 events not on both sides yet.")),
        ({"lastSyncStatus": "failed"}, {}, [FULL], ("bad", "The last sync failed; it is tried again by itself.")),
        ({"status": "paused"}, {"conflictedEvents": 1}, [], ("bad", "The sync is paused.")),
        ({"status": "disconnecting"}, {}, [RUNNING], ("busy", "The connection is being removed.")),
    ],
)
def test_the_standing(
    integration: dict[str, Any], stats: dict[str, Any], runs: list[dict[str, Any]], said: tuple[str, str]
) -> None:
    found = standing({"integration": integration, "syncStats": stats, "recentSyncHistory": runs})
    assert (found.kind, found.text) == said


@pytest.mark.parametrize(
    ("pattern", "span", "said"),
    [
        ({"type": "daily", "interval": 3}, {"type": "noEnd"}, "every 3 days"),
        ({"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday", "thursday"]}, {}, "every week on Tue and Thu"),
        (
            {"type": "weekly", "interval": 2, "daysOfWeek": ["monday"]},
            {"type": "endDate", "endDate": "2027-06-07"},
            "every 2 weeks on Mon, until 7 Jun 2027",
        ),
        (
            {"type": "absoluteMonthly", "dayOfMonth": 28},
            {"type": "numbered", "numberOfOccurrences": 12},
            "every month on day 28, 12 times",
        ),
        ({"type": "relativeMonthly", "index": "last", "daysOfWeek": ["friday"]}, {}, "every month on the last Fri"),
        ({"type": "absoluteYearly", "dayOfMonth": 14, "month": 3}, {}, "every year on day 14 of March"),
        (
            {"type": "relativeYearly", "index": "first", "daysOfWeek": ["sunday"], "month": 5},
            {},
            "the first Sun of May",
        ),
        ({"type": "lunar"}, {}, "repeats"),
    ],
)
def test_how_a_series_repeats(pattern: dict[str, Any], span: dict[str, Any], said: str) -> None:
    assert said in in_words({"pattern": pattern, "range": span})


def test_a_moment_has_its_date_unless_it_is_today() -> None:
    assert ">11:59:58 UTC<" in moment("2026-06-20T11:59:58Z", now=NOW)
    assert ">19 Jun 23:30 UTC<" in moment("2026-06-20T01:30:00+02:00", now=NOW)
    assert moment("", now=NOW) == moment(None, now=NOW) == "–"


async def test_what_a_series_brings_is_listed_by_date_and_not_counted(stand: Stand) -> None:
    weekly = {"pattern": {"type": "weekly", "daysOfWeek": ["monday"]}}
    keep(stand, graph_event(4), graph_event(-30, id="S", subject="Weekly", recurrence=weekly))
    stand.graph.occurrences[:] = [
        graph_event(2, id="S.2", subject="Weekly", seriesMasterId="S"),
        graph_event(4, subject="Outlook 4"),
    ]
    page = await sign_in(stand)
    assert titles(page, "outlook") == ["Weekly", "Outlook 4", "Weekly"]
    assert "2 events" in page.text
    assert "every week on Mon" in page.text


async def test_each_list_names_what_came_from_the_other(stand: Stand) -> None:
    mark = [{"id": "String {guid} Name WedSyncMapping", "value": "m"}]
    keep(
        stand,
        graph_event(1, singleValueExtendedProperties=mark, transactionId="f4a7380b"),
        graph_event(2, subject="A user's copy", singleValueExtendedProperties=mark, transactionId="localevent:1"),
    )
    page = await sign_in(stand)
    assert page.text.count("from WedSync") == 1
