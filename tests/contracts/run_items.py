"""What every implementation of ``RunItems`` has to do."""

import random
from dataclasses import replace

from shared.core.event import AllDay, CalendarEvent, EventType, OutlookState, Side, WedSyncState
from shared.core.integration import SyncWindow
from shared.core.pulled import Pulled
from shared.ports import RunItems
from tests.support.values import NOON, content, new_id


def wedsync_state(event_id: str, event: CalendarEvent) -> WedSyncState:
    return WedSyncState(
        event_id=event_id,
        version=7,
        updated_at=NOON,
        content=event,
        event_type=EventType.VENUE_VISIT,
        source=Side.WEDSYNC,
        travel_minutes=30,
    )


def outlook_state(event_id: str, event: CalendarEvent) -> OutlookState:
    return OutlookState(event_id=event_id, etag="1", changed_at=NOON, content=event, occurrence_date=NOON.date())


def reading(count: int = 2) -> Pulled:
    wedsync: dict[str, WedSyncState] = {}
    outlook: dict[str, OutlookState] = {}
    for number in range(count):
        wedsync[f"w{number}"] = wedsync_state(f"w{number}", content(title=f"Tasting {number}"))
        outlook[f"o{number}"] = outlook_state(f"o{number}", content(title="\ud800\n\r\u2028 alone"))
    return Pulled(
        window=SyncWindow.around(NOON, past_days=180, future_days=1460),
        complete=True,
        wedsync=wedsync,
        outlook=outlook,
        gone=frozenset({"gone", "o9"}),
        bare=frozenset({"series"}),
        wedsync_cursor="cursor",
        wedsync_read=True,
        link="https://graph.microsoft.com/v1.0/next?$skiptoken=x",
    )


class RunItemsContract:
    """Needs a fixture ``run_items``."""

    async def test_what_is_put_is_got(self, run_items: RunItems) -> None:
        home, run = new_id(), new_id()
        assert await run_items.get(home, run) is None
        value = reading()
        await run_items.put(home, run, value)
        assert await run_items.get(home, run) == value
        assert await run_items.get(home, new_id()) is None
        assert await run_items.get(new_id(), run) is None

    async def test_what_is_put_later_takes_its_place(self, run_items: RunItems) -> None:
        home, run = new_id(), new_id()
        await run_items.put(home, run, reading(30))
        done = replace(reading(1), series=frozenset(), left=frozenset(), delta_link="here")
        for value in (done, reading(3), done):
            await run_items.put(home, run, value)
            assert await run_items.get(home, run) == value

    async def test_all_day_and_none_survive(self, run_items: RunItems) -> None:
        home, run = new_id(), new_id()
        day = content(time=AllDay(start=NOON.date(), end=NOON.date(), zone="Europe/London"))
        value = replace(reading(0), outlook={"o": outlook_state("o", day)}, left=None, series=None)
        await run_items.put(home, run, value)
        assert await run_items.get(home, run) == value

    async def test_more_than_one_row_holds(self, run_items: RunItems) -> None:
        home, run = new_id(), new_id()
        noise = random.Random(1)
        states = {
            f"o{number}": outlook_state(f"o{number}", content(description=noise.randbytes(60_000).hex()))
            for number in range(40)
        }
        value = replace(reading(0), outlook=states)
        await run_items.put(home, run, value)
        assert await run_items.get(home, run) == value
        await run_items.forget(home, run)
        assert await run_items.get(home, run) is None

    async def test_forget(self, run_items: RunItems) -> None:
        home, run, other = new_id(), new_id(), new_id()
        await run_items.forget(home, run)
        for each in (run, other):
            await run_items.put(home, each, reading())
        await run_items.forget(home, run)
        assert await run_items.get(home, run) is None
        assert await run_items.get(home, other) == reading()

    async def test_forget_all(self, run_items: RunItems) -> None:
        home, elsewhere, run = new_id(), new_id(), new_id()
        for each in (home, elsewhere):
            await run_items.put(each, run, reading())
        await run_items.forget_all(home)
        assert await run_items.get(home, run) is None
        assert await run_items.get(elsewhere, run) == reading()
