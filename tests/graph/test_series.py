"""Series where a mailbox leaves out what others say: no ``occurrenceId``, no master on the page."""

from datetime import date
from typing import Any

import httpx

from shared.core.event import OutlookKind
from shared.graph.calendar import GraphOutlook
from shared.graph.client import GraphClient
from shared.graph.delta import read_page
from shared.graph.memory import SeriesMasters
from tests.contracts.outlook_port import WINDOW
from tests.graph.conftest import BASE, INTEGRATION, IssuedTokens, Pauses, at
from tests.support.values import new_id


def instance(day: int, **members: Any) -> dict[str, Any]:
    return {
        "id": f"o-{day}",
        "seriesMasterId": "m",
        "type": "occurrence",
        "subject": "Weekly",
        "start": at(f"2026-08-{day:02}T15:30:00.0000000"),
        "end": at(f"2026-08-{day:02}T16:00:00.0000000"),
    } | members


async def test_dates_without_occurrence_ids_are_those_of_the_series_zone(pauses: Pauses) -> None:
    asked: list[str] = []

    def graph(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path.endswith("/instances"):
            return httpx.Response(200, json={"value": [instance(4), instance(11, occurrenceId="OID.m.2026-08-11")]})
        return httpx.Response(200, json={"recurrence": {"range": {"recurrenceTimeZone": "Tokyo Standard Time"}}})

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens(), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(graph)
    )
    found = await GraphOutlook(client).instances(INTEGRATION, series_id="m", window=WINDOW)
    assert [state.occurrence_date for state in found] == [date(2026, 8, 5), date(2026, 8, 11)]
    assert {state.series_id for state in found} == {"m"}
    assert asked == ["/v1.0/me/events/m/instances", "/v1.0/me/events/m"]


def test_an_occurrence_whose_master_was_not_seen_is_unresolved() -> None:
    minimal = instance(4)
    del minimal["subject"]
    removed = {"id": "gone", "@removed": {"reason": "deleted"}}
    page = read_page("i", {"value": [minimal, removed, removed, {"id": ""}, "junk"]}, SeriesMasters())
    assert page.unresolved == ("o-4",)
    (state,) = page.occurrences
    assert (state.content.title, state.kind, state.series_id) == ("", OutlookKind.OCCURRENCE, "m")
    assert page.removed == ("gone",)
    assert page.events == ()


def test_a_master_may_stand_behind_its_occurrences() -> None:
    minimal = instance(4)
    del minimal["subject"]
    master = {"id": "m", "type": "seriesMaster", "subject": "Weekly", "originalStartTimeZone": "UTC"}
    page = read_page("i", {"value": [minimal, master]}, SeriesMasters())
    assert page.unresolved == ()
    assert [state.content.title for state in (*page.occurrences, *page.events)] == ["Weekly", "Weekly"]
