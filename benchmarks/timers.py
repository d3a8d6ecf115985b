"""What a tick of a timer takes with ten thousand integrations in the tables, and a POST for fifty mailboxes.

Against Azurite, through the service's own stores and clients: ``.venv/bin/python -m benchmarks.timers``. The operations
are exact and the same everywhere; seconds are those of this machine and of an emulator, and are only stated.
"""

import asyncio
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from local.azurite import azurite
from shared.core.stagger import share_of
from shared.core.states import SubscriptionState
from shared.core.subscription import Subscription
from shared.ports import Due
from shared.store.due import TableDueList
from shared.store.history import TableRuns
from shared.store.integrations import TableIntegrations
from shared.store.queues import StorageJobQueue
from shared.store.subscriptions import TableSubscriptionRows
from shared.store.tables import AzureTables
from shared.usecases.accept_notifications import AcceptNotifications, Notice
from shared.usecases.due_kinds import SAFETY
from shared.usecases.keep_up import EnqueueDue
from shared.usecases.request_sync import RequestSync
from shared.usecases.subscribe import client_state_hash

INTEGRATIONS = 10_000
INTERVAL = timedelta(minutes=15)
START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
AT_ONCE = 32
MAILBOXES, EACH = 50, 20


@dataclass(kw_only=True)
class SetClock:
    """Stands where it is put."""

    at: datetime = START

    def now(self) -> datetime:
        """Return the present."""
        return self.at


class Ids:
    """Random ids."""

    def new_id(self) -> str:
        """Return a random UUID."""
        return str(uuid4())

    def new_secret(self) -> str:
        """Return a random secret."""
        return uuid4().hex * 2


async def measured(what: str, asked: Counter[str], work: Callable[[], Awaitable[int]], *, traced: bool = False) -> None:
    """Do it and print what it asked of storage and the seconds; ``traced``, which is slow, the most memory held too."""
    asked.clear()
    if traced:
        tracemalloc.start()
    began = time.perf_counter()
    count = await work()
    seconds = time.perf_counter() - began
    peak = f"{tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB" if traced else ""
    tracemalloc.stop()
    parts = ", ".join(f"{number} {name}" for name, number in sorted(asked.items()))
    print(f"| {what} | {count:,} | {asked.total():,} ({parts}) | {peak} | {seconds:.2f} s |", flush=True)


async def enter(due: TableDueList) -> None:
    """Enter the next safety run of each integration, spread over the interval."""
    numbers = iter(range(INTEGRATIONS))

    async def some() -> None:
        for number in numbers:
            name = f"integration-{number}"
            await due.put(Due(kind=SAFETY, integration_id=name, at=START + share_of(name, INTERVAL)))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def main() -> int:
    """Measure and print a table."""
    asked: Counter[str] = Counter()

    def note(operation: str, _where: str) -> None:
        asked[operation] += 1

    print("| tick | handed out | storage operations | memory at most | seconds |\n|---|---:|---|---:|---:|")
    with azurite() as storage:
        tables = AzureTables(connection_string=storage.connection_string, on_operation=note)
        jobs = StorageJobQueue(connection_string=storage.connection_string, on_operation=note)
        try:
            await ticks(tables, jobs, asked)
            await flood(tables, jobs, asked)
        finally:
            await tables.close()
            await jobs.close()
    return 0


async def ticks(tables: AzureTables, jobs: StorageJobQueue, asked: Counter[str]) -> None:
    """A tick with nothing due, one of each minute, and one after which everything is due."""
    due, clock = TableDueList(tables), SetClock()
    timer = EnqueueDue(due=due, jobs=jobs, clock=clock, safety_sync_minutes=15)
    await enter(due)
    clock.at = START - timedelta(minutes=1)
    await measured("nothing due", asked, timer.safety_runs)
    for minute in range(3):
        clock.at = START + timedelta(minutes=minute, seconds=59)
        await measured(f"minute {minute + 1} of the 15", asked, timer.safety_runs, traced=minute == 1)
    for hour in range(1, 3):  # the second time they are handed out again, as nobody has taken them
        clock.at = START + timedelta(hours=hour)
        await measured("all of them due, after an outage", asked, timer.safety_runs, traced=hour == 1)
    clock.at += timedelta(minutes=1)
    await measured("a minute later, none of them taken yet", asked, timer.safety_runs)


async def flood(tables: AzureTables, jobs: StorageJobQueue, asked: Counter[str]) -> None:
    """1,000 notifications for 50 mailboxes in one POST, five times."""
    rows, clock, ids = TableSubscriptionRows(tables), SetClock(), Ids()
    integrations = TableIntegrations(tables)
    accept = AcceptNotifications(
        rows=rows,
        integrations=integrations,
        jobs=jobs,
        request_sync=RequestSync(integrations=integrations, runs=TableRuns(tables), jobs=jobs, ids=ids, clock=clock),
        ids=ids,
        clock=clock,
    )
    for number in range(MAILBOXES):
        await rows.put(
            Subscription(
                subscription_id=f"s{number}",
                integration_id=f"i{number}",
                calendar_id="c",
                state=SubscriptionState.ACTIVE,
                client_state_hash=client_state_hash(f"secret {number}"),
                expires_at=START + timedelta(days=6),
            )
        )
    notices = [
        Notice(subscription_id=f"s{mailbox}", client_state=f"secret {mailbox}", event_id=f"e{mailbox}-{event}")
        for event in range(EACH)
        for mailbox in range(MAILBOXES)
    ]
    for _ in range(5):
        await measured("1,000 notifications for 50 mailboxes in one POST", asked, lambda: accept.changes(notices))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
