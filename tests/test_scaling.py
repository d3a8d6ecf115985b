"""The figures of docs/scaling.md and docs/architecture.md are those that tests count, and the sums are right."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import figures as of

ROOT = Path(__file__).parent.parent
SCALING = (ROOT / "docs" / "scaling.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
USERS = (10_000, 100_000, 1_000_000)
DAY = 86_400
MONTH = 30


def amount(number: float) -> str:
    """Whole, but for what is small."""
    return f"{number:.1f}" if number < 2 else f"{number:,.0f}"


def about(number: float) -> str:
    """Three digits that say something."""
    scale = 10 ** (len(str(int(number))) - 3)
    return f"{round(number / scale) * scale:,}"


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A row of the arithmetic: what each user causes in a day, and the limit in a second."""

    name: str
    formula: str
    a_day: float
    limit: float
    bold: bool = False

    @property
    def line(self) -> str:
        cells = [amount(users * self.a_day / DAY) for users in USERS]
        met = about(self.limit * DAY / self.a_day)
        last = f"{self.limit:,.0f} | {f'**{met}**' if self.bold else met}"
        return f"| {self.name} | {self.formula} | {' | '.join(cells)} | {last} |"


ROWS = (
    Mean(name="vault reads/s, at worst", formula="users × 97 / day", a_day=of.VAULT_AT_WORST, limit=400, bold=True),
    Mean(name="vault reads/s, at best", formula="users × 25 / day", a_day=25, limit=400),
    Mean(name="vault versions written/s", formula="users × 1 / day", a_day=1, limit=30),
    Mean(
        name="storage operations/s",
        formula=f"users × {of.STORAGE_A_DAY:,} / day",
        a_day=of.STORAGE_A_DAY,
        limit=20_000,
        bold=True,
    ),
    Mean(name="operations/s on `outlook-run-jobs`", formula="runs × 3", a_day=of.RUNS_A_DAY * 3, limit=2_000),
    Mean(
        name="entities/s in the busiest partition of `OutlookDue`",
        formula="runs × 2 / 4 shards",
        a_day=of.RUNS_A_DAY / 2,
        limit=2_000,
    ),
    Mean(
        name="requests to Graph/s",
        formula=f"users × {of.GRAPH_EDITED} / day",
        a_day=of.GRAPH_EDITED,
        limit=13_000,
    ),
)

A_DAY = (
    f"| requests to Graph | {of.GRAPH_IDLE} ({of.RUNS_A_DAY} delta, {of.LISTS_A_DAY} list of subscriptions); "
    f"{of.GRAPH_MEAN} over a week | {of.GRAPH_EDITED} |",
    f"| requests to WedSync | {of.WEDSYNC_IDLE} | {of.WEDSYNC_EDITED} |",
    f"| storage operations of the service | {of.STORED_IDLE:,}: {of.RUNS_A_DAY} runs of {of.STORED_PER_SCHEDULED_RUN} "
    f"| {of.STORED_EDITED:,} |",
    f"| the host's own receiving and deleting of messages | {of.HOST_IDLE} | {of.HOST_EDITED} |",
    f"| storage operations together | {of.STORED_IDLE + of.HOST_IDLE:,} | {of.STORAGE_A_DAY:,} |",
    f"| executions of functions | {of.EXECUTIONS_IDLE} | {of.EXECUTIONS_EDITED} |",
)

ARCHITECTURES = (
    f"| edit in WedSync, edit in Outlook, new event, deletion in WedSync | 1 | {of.STORED_PER_EDIT} |",
    f"| incremental run that finds nothing | 1 | {of.STORED_PER_ASKED_RUN}; "
    f"{of.STORED_PER_SCHEDULED_RUN} with the timer's part |",
    f"| import of N events | ceil(N / 200) + 1, no item of a batch | {of.STORED_PER_IMPORT} N |",
    f"| push of N new events | N items in ceil(N / 20) requests, 1 for what is there | {of.STORED_PER_PUSH} N |",
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_arithmetic_is_that_of_the_day(row: Mean) -> None:
    assert row.line in SCALING


@pytest.mark.parametrize("line", A_DAY)
def test_the_day_is_what_is_counted(line: str) -> None:
    assert line in SCALING


@pytest.mark.parametrize("line", ARCHITECTURES)
def test_the_budgets_are_what_is_counted(line: str) -> None:
    assert line in ARCHITECTURE


def test_the_price_is_that_of_the_day() -> None:
    """For 1,000 users and a month. The prices are in the rows, with their sources above them."""
    operations = of.STORAGE_A_DAY * MONTH * 1000
    executions = of.EXECUTIONS_EDITED * MONTH * 1000
    work = executions * 0.5 / 8 * 2
    lines = of.LINES_IDLE + of.LINES_PER_EDIT * of.EDITS_A_DAY
    logs, requests = (count * MONTH * 1000 * 0.7 / 1e6 for count in (lines, of.EXECUTIONS_EDITED))
    reads = [25 * MONTH * 1000, of.VAULT_AT_WORST * MONTH * 1000]
    dollars = {
        "storage operations": operations / 1e4 * 0.00036,
        "storage, 300 events": 10 * 0.045,
        "executions": executions / 1e6 * 0.40,
        "execution time": work * 0.000026,
        "logs": logs * 2.76,
        "requests": requests * 2.76,
    }
    vault = [count / 1e4 * 0.03 for count in reads]
    together = [sum(dollars.values()) + each for each in vault]
    for line in (
        f"| storage operations | {of.STORAGE_A_DAY:,} × 30 × 1,000 = {operations / 1e6:.0f} million "
        f"| 0.00036 for 10,000 | {dollars['storage operations']:.2f} |",
        f"| executions | {of.EXECUTIONS_EDITED} × 30 × 1,000 = {executions / 1e6:.1f} million | 0.40 a million "
        f"| {dollars['executions']:.2f} |",
        f"| {about(work)} GB-s | 0.000026 a GB-s | {dollars['execution time']:.2f} |",
        f"| vault | {reads[0] / 1e6:.2f} to {reads[1] / 1e6:.1f} million | 0.03 for 10,000 "
        f"| {vault[0]:.2f} to {vault[1]:.2f} |",
        f"| logs, {of.LINES_IDLE} lines of 0.7 KB a day and {of.LINES_PER_EDIT} for each edit "
        f"| {logs:.1f} GB | 2.76 a GB | {dollars['logs']:.2f} |",
        f"| {requests:.1f} GB | 2.76 a GB | {dollars['requests']:.2f} |",
        f"| **together** | | | **{together[0]:.0f} to {together[1]:.0f}** |",
    ):
        assert line in SCALING


def test_what_binds_first_is_named() -> None:
    """In the order in which the limits are met, and a third of that for a day that is not even."""
    bound = sorted((row.limit * DAY / row.a_day, row.name) for row in ROWS)[:3]
    assert [name for _, name in bound] == [ROWS[0].name, ROWS[3].name, ROWS[4].name]
    first, second, third = (users for users, _ in bound)
    named = SCALING[SCALING.index("**What binds first") :][:400]
    for users in (first, second, third):
        assert about(users) in named
        assert f"{round(users / 3, -4):,.0f}" in named
