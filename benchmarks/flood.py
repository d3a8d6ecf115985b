"""How soon a POST of 1,000 notifications for 50 mailboxes is answered over HTTPS, beside one that asks for nothing.

On the whole stand: ``.venv/bin/python -m benchmarks.flood``. The plain answer is the same function's to a notification
of a subscription that nobody knows: one read, no message. The ratio of the two is what the service adds; the seconds
are those of this machine and of an emulator that does one thing at a time, so the processor time of each process is
stated beside them. The jobs that the POST leads to are not run meanwhile: on Azure other instances run them
(``--jobs`` lets this host run them, on the same two cores).
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from benchmarks.processes import family, processor_seconds
from local.stand import Stand
from shared.core.states import SubscriptionState
from shared.core.subscription import Subscription
from shared.store.subscriptions import TableSubscriptionRows
from shared.store.tables import AzureTables
from shared.usecases.subscribe import client_state_hash
from tests.support.flood import MAILBOXES, body, event_id, notification, subscription_id

WARM_UP = 5
NO_JOBS = {"AzureWebJobs.event_jobs.Disabled": "true"}


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Seconds of one kind of POST, and what each process worked for all of them together."""

    name: str
    seconds: list[float]
    processor: dict[str, float]

    @property
    def p50(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def p99(self) -> float:
        """What one in a hundred exceeds."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[98]


async def subscribe(stand: Stand, expires: datetime) -> None:
    """Enter a subscription for each mailbox."""
    tables = AzureTables(connection_string=stand.connection_string)
    rows = TableSubscriptionRows(tables)
    for number in range(MAILBOXES):
        await rows.put(
            Subscription(
                subscription_id=subscription_id(number),
                integration_id=f"i{number}",
                calendar_id="c",
                state=SubscriptionState.ACTIVE,
                client_state_hash=client_state_hash(f"secret {number}"),
                expires_at=expires,
            )
        )
    await tables.close()


async def measure(stand: Stand, posts: int) -> list[Taken]:
    """Send each kind in turn, so that all meet the same machine."""
    expires = datetime.now(UTC) + timedelta(days=6)
    await subscribe(stand, expires)
    flood = body(expires)["value"]
    kinds = {
        "1 notification, of nobody": [notification(MAILBOXES, event_id(MAILBOXES, 0), expires)],
        "1 notification": flood[:1],
        "1,000 notifications for 50 mailboxes": flood,
    }
    taken = {name: Taken(name=name, seconds=[], processor={}) for name in kinds}
    async with httpx.AsyncClient(verify=stand.trust, trust_env=False, timeout=60) as http:
        for turn in range(WARM_UP + posts):
            for name, value in kinds.items():
                before, began = worked(stand), time.perf_counter()
                answer = await http.post(f"{stand.urls.public}/api/calendar/outlook/webhook", json={"value": value})
                seconds = time.perf_counter() - began
                if answer.status_code != 202:
                    raise RuntimeError(f"{name}: {answer.status_code}")
                if turn >= WARM_UP:
                    taken[name].seconds.append(seconds)
                    for process, after in worked(stand).items():
                        total = taken[name].processor.get(process, 0.0) + after - before[process]
                        taken[name].processor[process] = total
    return list(taken.values())


def worked(stand: Stand) -> dict[str, float]:
    """Return the processor time so far of who takes part."""
    pids = stand.pids()
    return {name: sum(processor_seconds(pid) for pid in family(pids[name])) for name in ("host", "azurite")}


def shown(taken: list[Taken]) -> str:
    """Return a table; the ratio is to the first kind."""
    plain = taken[0]
    lines = [
        "| POST | p50 | p99 | slowest | p50 to the plain one | processor: host with worker, Azurite |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for each in taken:
        host, azurite = (each.processor[name] / len(each.seconds) for name in ("host", "azurite"))
        cells = [f"{each.p50:.3f} s", f"{each.p99:.3f} s", f"{max(each.seconds):.3f} s", f"{each.p50 / plain.p50:.1f}"]
        lines.append(f"| {each.name} | {' | '.join(cells)} | {host:.3f} s, {azurite:.3f} s |")
    return "\n".join(lines)


async def main() -> int:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--posts", type=int, default=200)
    asked.add_argument("--jobs", action="store_true", help="let the host run the jobs meanwhile")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {} if given.jobs else NO_JOBS
        async with Stand(work_folder=Path(folder), season=False, host_environment=environment) as stand:
            before = os.getloadavg()[0]
            taken = await measure(stand, given.posts)
    print(shown(taken))
    print(
        f"\n{given.posts} POSTs of each kind in turn; load average {before:.1f} before, {os.getloadavg()[0]:.1f} after."
    )
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
