"""1,000 events while everything goes wrong: throttling, refusals, notices lost and doubled, a host killed half-way."""

from pathlib import Path
from typing import Any

import pytest

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.journeys.compare import is_ours
from tests.journeys.loads import Edits, arrived, at_rest, edit_many, equal, load, outlook_events, wedsync_events
from tests.journeys.planner import Planner, eventually
from tests.journeys.steps import only_foreign_left
from tests.journeys.test_faults import full_sync, full_sync_after_a_crash, hits, order

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

HALF = 500

BUSY: dict[str, Any] = {"status": 429, "code": "ApplicationThrottled", "message": "Too busy.", "retry_after": 1}
DOWN: dict[str, Any] = {"status": 503, "code": "ServiceUnavailable", "message": "Down."}


async def test_a_thousand_events_while_everything_goes_wrong(tmp_path: Path) -> None:
    async with Stand(work_folder=tmp_path, season=False) as stand:
        rose = Planner(stand, PLANNERS[0])
        try:
            await load(rose, wedsync=wedsync_events(HALF, "Booking"), outlook=outlook_events(HALF, "Appointment"))
            await _let_things_go_wrong(stand, rose)
            await _connect_and_die(stand, rose)
            edits = await _edit_and_die(stand, rose)
            await _both_whole(stand, rose, edits)
            await _leave(rose)
        finally:
            await rose.close()


async def _let_things_go_wrong(stand: Stand, rose: Planner) -> None:
    await order(rose, stand.urls.graph, action="status", every=12, **BUSY)
    await order(rose, stand.urls.wedsync, action="status", every=40, **DOWN)
    for url in (stand.urls.graph, stand.urls.wedsync):
        await order(rose, url, action="lose", every=5)
        await order(rose, url, action="reorder", every=2, seconds=0.4)
        await order(rose, url, action="double")


async def _connect_and_die(stand: Stand, rose: Planner) -> None:
    await rose.connect()

    async def half_way() -> bool:
        return len([item for item in await rose.outlook_items() if is_ours(item)]) >= HALF // 2

    await eventually(half_way, "the first run is under way")
    stand.kill_host()
    assert len(await rose.wedsync_events()) < 2 * HALF or len(await rose.outlook_items()) < 2 * HALF
    await stand.start_host()
    await full_sync_after_a_crash(stand, rose)
    await eventually(lambda: equal(rose), "both sides are equal")


async def _edit_and_die(stand: Stand, rose: Planner) -> Edits:
    edits = await edit_many(rose)
    stand.kill_host()
    await stand.start_host()
    await rose.deliveries_done()
    await full_sync(rose)
    return edits


async def _both_whole(stand: Stand, rose: Planner, edits: Edits) -> None:
    """Nothing twice, nothing lost, nobody asked, nobody mailed; and that things did go wrong."""
    await at_rest(stand, rose)
    await arrived(rose, edits)
    assert len(await rose.wedsync_events()) == len(await rose.outlook_items()) == 2 * HALF
    assert await rose.conflicts() == []
    assert await rose.outbox() == []
    for url in (stand.urls.graph, stand.urls.wedsync):
        struck = await hits(rose, url)
        assert min(struck.values()) >= 5, struck


async def _leave(rose: Planner) -> None:
    foreign = {item["id"]: item for item in await rose.outlook_items() if not is_ours(item)}
    answer = await rose.call("DELETE", "calendar/outlook/integration")
    assert answer.status_code == 200, answer.text
    await eventually(lambda: only_foreign_left(rose, foreign), "only foreign events remain")
    assert len(await rose.wedsync_events()) == 2 * HALF, "nothing that was imported is taken away"
