"""Tables that refuse or are not there: which error of ours comes out, and what the stores do about it."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.errors import OperatorFault, RowChanged, RowExists, StoreFault, SyncFault, Throttled, Unavailable
from shared.ports import Due, Stored
from shared.store.due import TableDueList
from shared.store.mappings import TableMappings
from shared.store.memory import MemoryTables
from shared.store.rows import Insert, Row, Span, Table
from shared.store.tables import AzureTables
from tests.support.far_end import FarEnd, connection_string
from tests.support.values import NOON, mapping, new_id

ROW = Row(partition="p", key="k", columns={"n": 1})


async def each_call(tables: AzureTables) -> list[Exception]:
    """Return what reading, writing, a transaction and a query raise."""

    async def query() -> None:
        async for _ in tables.query(Table.MAPPINGS, Span(partition="p")):
            pass

    raised: list[Exception] = []
    for attempt in (
        tables.get(Table.MAPPINGS, "p", "k"),
        tables.write(Table.MAPPINGS, Insert(ROW)),
        tables.transact(Table.MAPPINGS, [Insert(ROW)]),
        query(),
    ):
        try:
            await attempt
        except SyncFault as error:
            raised.append(error)
    await tables.close()
    return raised


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (503, "ServerBusy", Throttled),
        (429, "TooManyRequests", Throttled),
        (500, "InternalError", Unavailable),
        (500, "OperationTimedOut", Unavailable),
        (502, "", Unavailable),
        (408, "RequestTimeout", Unavailable),
        (403, "AuthorizationFailure", OperatorFault),
        (401, "NoAuthenticationInformation", OperatorFault),
        (400, "PropertyValueTooLarge", StoreFault),
        (400, "InvalidInput", StoreFault),
    ],
)
async def test_what_a_refusal_becomes(far_end: FarEnd, status: int, code: str, fault: type[Exception]) -> None:
    far_end.answer(status, code=code)
    raised = await each_call(AzureTables(connection_string=connection_string(far_end.url), retries=0))
    assert [type(error) for error in raised] == [fault] * 4


async def test_how_long_to_wait(far_end: FarEnd) -> None:
    far_end.answer(503, code="ServerBusy", retry_after="11")
    raised = await each_call(AzureTables(connection_string=connection_string(far_end.url), retries=0))
    assert [error.retry_after for error in raised if isinstance(error, Throttled)] == [11.0] * 4


async def test_retries_are_few(far_end: FarEnd) -> None:
    far_end.answer(500, code="InternalError")
    tables = AzureTables(connection_string=connection_string(far_end.url), retries=2)
    with pytest.raises(Unavailable):
        await tables.get(Table.MAPPINGS, "p", "k")
    await tables.close()
    assert len(far_end.requests) == 3


async def test_nobody_there(unused_url: str) -> None:
    raised = await each_call(AzureTables(connection_string=connection_string(unused_url), retries=0))
    assert [type(error) for error in raised] == [Unavailable] * 4


async def test_a_message_says_nothing_of_the_rows(far_end: FarEnd) -> None:
    far_end.answer(400, code="InvalidInput", body=b'{"odata.error":{"message":{"value":"CANARY"}}}')
    raised = await each_call(AzureTables(connection_string=connection_string(far_end.url), retries=0))
    assert not any("CANARY" in str(error) for error in raised)


async def test_without_a_way_to_sign_in() -> None:
    with pytest.raises(OperatorFault):
        await AzureTables(endpoint="https://account.table.core.windows.net").get(Table.MAPPINGS, "p", "k")


async def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    tables = AzureTables(connection_string=connection_string("http://127.0.0.1:1"), ca_file=str(tmp_path / "no.pem"))
    with pytest.raises(FileNotFoundError):
        await tables.get(Table.MAPPINGS, "p", "k")


@pytest.mark.parametrize("fault", [Unavailable("tables"), Throttled("tables")])
async def test_mappings_hand_trouble_on(fault: Exception) -> None:
    tables = MemoryTables()
    mappings = TableMappings(tables)
    value = mapping()
    await mappings.raise_epoch(value.integration_id, 1)

    def fail(operation: str, _table: str) -> None:
        if operation == "transact":
            raise fault

    tables.before = fail
    with pytest.raises(type(fault)):
        await mappings.insert([value])
    tables.before = lambda operation, table: None
    (made,) = await mappings.insert([value])
    assert isinstance(made, Stored)
    tables.before = fail
    for attempt in (mappings.save([made]), mappings.remove(made), mappings.forget_all(value.integration_id)):
        with pytest.raises(type(fault)):
            await attempt


class Contended:
    """Raises on the named operation: always, or so many times."""

    def __init__(self, operation: str, fault: Exception, times: int = 10**6) -> None:
        self.operation, self.fault, self.left = operation, fault, times

    def __call__(self, operation: str, _table: str) -> None:
        if operation == self.operation and self.left:
            self.left -= 1
            raise self.fault


async def no_sleep(_seconds: float) -> None:
    """Return at once."""


async def test_a_contended_epoch_row_is_tried_again() -> None:
    tables = MemoryTables()
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    mappings = TableMappings(tables, sleep=note)
    value = mapping(epoch=0)
    tables.before = Contended("transact", RowChanged(), times=3)
    (outcome,) = await mappings.insert([value])
    assert not isinstance(outcome, Exception)
    assert len(waits) == 3
    assert all(0 <= wait <= 0.3 for wait in waits)


async def test_an_epoch_row_that_stays_contended() -> None:
    tables = MemoryTables(before=Contended("transact", RowChanged()))
    mappings = TableMappings(tables, sleep=no_sleep)
    (outcome,) = await mappings.insert([mapping(epoch=0)])
    assert isinstance(outcome, RowChanged)
    tables.before = Contended("insert", RowExists())
    with pytest.raises(StoreFault):
        await mappings.raise_epoch(new_id(), 1)


async def test_without_an_epoch_row_anothers_first_insert_is_no_refusal() -> None:
    tables = MemoryTables()
    mappings = TableMappings(tables, sleep=no_sleep)
    first = mapping(epoch=0)
    second = replace(mapping(epoch=0), integration_id=first.integration_id)
    ((one,), (two,)) = [await mappings.insert([value]) for value in (first, second)]
    assert not isinstance(one, Exception)
    assert not isinstance(two, Exception)


async def test_a_contended_due_list() -> None:
    tables = MemoryTables(before=Contended("insert", RowExists()))
    with pytest.raises(StoreFault):
        await TableDueList(tables).put(Due(kind="k", integration_id="i", at=NOON))
