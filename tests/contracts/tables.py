"""What every implementation of ``Tables`` has to do."""

import asyncio
from collections.abc import Mapping

import pytest

from shared.errors import RowChanged, RowExists, StoreFault
from shared.store.rows import Delete, Insert, Operation, Property, Replace, Row, Span, Table, Tables, Upsert
from tests.support.values import new_id

TABLE = Table.MAPPINGS


def row(key: str = "a", *, partition: str, **columns: Property) -> Row:
    return wide(columns, key=key, partition=partition)


def wide(columns: Mapping[str, Property], *, partition: str, key: str = "a") -> Row:
    return Row(partition=partition, key=key, columns=columns)


class TablesContract:
    """Needs a fixture ``tables``."""

    @pytest.fixture
    def partition(self) -> str:
        return new_id()

    async def test_values_come_back_as_they_were(self, tables: Tables, partition: str) -> None:
        columns: dict[str, Property] = {
            "text": "Ærø 🎂 '\"&<",
            "empty": "",
            "yes": True,
            "no": False,
            "small": -(2**31),
            "large": 2**63 - 1,
            "zero": 0,
            "binary": bytes(range(256)),
        }
        tag = await tables.write(TABLE, Insert(wide(columns, partition=partition)))
        found = await tables.get(TABLE, partition, "a")
        assert found is not None
        assert dict(found.columns) == columns
        assert {name: type(value) for name, value in found.columns.items()} == {
            name: type(value) for name, value in columns.items()
        }
        assert found.tag == tag != ""

    async def test_what_is_not_there_is_none(self, tables: Tables, partition: str) -> None:
        assert await tables.get(TABLE, partition, "a") is None
        assert [rows async for page in tables.query(TABLE, Span(partition=partition)) for rows in page] == []

    async def test_insert_is_conditional(self, tables: Tables, partition: str) -> None:
        await tables.write(TABLE, Insert(row(partition=partition, n=1)))
        with pytest.raises(RowExists):
            await tables.write(TABLE, Insert(row(partition=partition, n=2)))
        found = await tables.get(TABLE, partition, "a")
        assert found is not None
        assert found.columns["n"] == 1

    async def test_replace_takes_the_tag_that_was_read(self, tables: Tables, partition: str) -> None:
        first = await tables.write(TABLE, Insert(row(partition=partition, n=1, gone="x")))
        second = await tables.write(TABLE, Replace(row(partition=partition, n=2), first))
        assert second != first
        with pytest.raises(RowChanged):
            await tables.write(TABLE, Replace(row(partition=partition, n=3), first))
        found = await tables.get(TABLE, partition, "a")
        assert found is not None
        assert dict(found.columns) == {"n": 2}
        assert found.tag == second

    async def test_replace_of_what_is_not_there(self, tables: Tables, partition: str) -> None:
        tag = await tables.write(TABLE, Insert(row(partition=partition)))
        with pytest.raises(RowChanged):
            await tables.write(TABLE, Replace(row("b", partition=partition), tag))

    async def test_upsert(self, tables: Tables, partition: str) -> None:
        await tables.write(TABLE, Upsert(row(partition=partition, n=1)))
        await tables.write(TABLE, Upsert(row(partition=partition, n=2)))
        found = await tables.get(TABLE, partition, "a")
        assert found is not None
        assert found.columns["n"] == 2

    async def test_delete(self, tables: Tables, partition: str) -> None:
        stale = await tables.write(TABLE, Insert(row(partition=partition, n=1)))
        tag = await tables.write(TABLE, Upsert(row(partition=partition, n=2)))
        with pytest.raises(RowChanged):
            await tables.write(TABLE, Delete(row(partition=partition), stale))
        await tables.write(TABLE, Delete(row(partition=partition), tag))
        for again in ("*", tag):
            with pytest.raises(RowChanged):
                await tables.write(TABLE, Delete(row(partition=partition), again))

    async def test_transaction_is_all_or_none(self, tables: Tables, partition: str) -> None:
        stale = await tables.write(TABLE, Insert(row(partition=partition, n=1)))
        tag = await tables.write(TABLE, Upsert(row(partition=partition, n=2)))
        failing: list[tuple[Operation, type[Exception]]] = [
            (Insert(row(partition=partition)), RowExists),
            (Replace(row(partition=partition), stale), RowChanged),
            (Delete(row(partition=partition), stale), RowChanged),
            (Delete(row("nowhere", partition=partition)), RowChanged),
        ]
        for operation, fault in failing:
            with pytest.raises(fault):
                await tables.transact(TABLE, [Insert(row("b", partition=partition)), operation])
            assert await tables.get(TABLE, partition, "b") is None
        found = await tables.get(TABLE, partition, "a")
        assert found is not None
        assert found.tag == tag

    async def test_transaction_returns_the_tags(self, tables: Tables, partition: str) -> None:
        tag = await tables.write(TABLE, Insert(row(partition=partition)))
        await tables.write(TABLE, Insert(row("b", partition=partition)))
        operations: list[Operation] = [
            Replace(row(partition=partition, n=2), tag),
            Delete(row("b", partition=partition)),
            Insert(row("c", partition=partition)),
            Upsert(row("d", partition=partition)),
        ]
        tags = await tables.transact(TABLE, operations)
        assert tags[1] == ""
        for key, written in zip("acd", (tags[0], tags[2], tags[3]), strict=True):
            found = await tables.get(TABLE, partition, key)
            assert found is not None
            assert found.tag == written

    async def test_a_hundred_at_once_and_no_more(self, tables: Tables, partition: str) -> None:
        inserts = [Insert(row(f"{number:03}", partition=partition)) for number in range(101)]
        with pytest.raises(StoreFault):
            await tables.transact(TABLE, inserts)
        assert len(await tables.transact(TABLE, inserts[:100])) == 100

    async def test_ranges_in_the_order_of_keys(self, tables: Tables, partition: str) -> None:
        for key in ("m|2", "o|1", "m|1", "n", "m|10", "m"):
            await tables.write(TABLE, Insert(row(key, partition=partition, n=1, other=2)))
        span = Span.prefix(partition, "m|", columns=("n",))
        found = [item async for page in tables.query(TABLE, span) for item in page]
        assert [item.key for item in found] == ["m|1", "m|10", "m|2"]
        assert all(dict(item.columns) == {"n": 1} for item in found)

    async def test_ranges_over_partitions(self, tables: Tables, partition: str) -> None:
        for number in range(4):
            await tables.write(TABLE, Insert(row(partition=f"{partition}|{number}")))
        span = Span(partition_from=f"{partition}|1", partition_to=f"{partition}|3")
        found = [item.partition async for page in tables.query(TABLE, span) for item in page]
        assert found == [f"{partition}|1", f"{partition}|2"]

    async def test_pages_of_a_thousand(self, tables: Tables, partition: str) -> None:
        rows = [Insert(row(f"{number:05}", partition=partition)) for number in range(1010)]
        for start in range(0, len(rows), 100):
            await tables.transact(TABLE, rows[start : start + 100])
        pages = [page async for page in tables.query(TABLE, Span(partition=partition))]
        assert [len(page) for page in pages] == [1000, 10]
        small = [page async for page in tables.query(TABLE, Span(partition=partition), page_size=500)]
        assert [len(page) for page in small] == [500, 500, 10]
        assert [item for page in small for item in page] == [item for page in pages for item in page]

    async def test_only_one_of_many_wins(self, tables: Tables, partition: str) -> None:
        tag = await tables.write(TABLE, Insert(row(partition=partition)))
        results = await asyncio.gather(
            *(tables.write(TABLE, Replace(row(partition=partition, n=number), tag)) for number in range(10)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, str) for result in results) == 1
        assert sum(isinstance(result, RowChanged) for result in results) == 9

    @pytest.mark.parametrize("character", [*"/\\#?%+", "\t", "\x7f", "\x85"])
    async def test_characters_that_keys_may_not_have(self, tables: Tables, partition: str, character: str) -> None:
        with pytest.raises(StoreFault):
            await tables.write(TABLE, Insert(row(f"a{character}b", partition=partition)))
        with pytest.raises(StoreFault):
            await tables.write(TABLE, Insert(row(partition=f"{partition}{character}")))

    async def test_characters_that_keys_may_have(self, tables: Tables, partition: str) -> None:
        key = "a|b=c'd&e f;g,h:i@j$k!l*m(n)~o_p.q"
        await tables.write(TABLE, Insert(row(key, partition=partition)))
        found = await tables.get(TABLE, partition, key)
        assert found is not None
        assert found.key == key
        await tables.transact(TABLE, [Delete(row(key, partition=partition), found.tag)])

    async def test_rows_that_are_too_large(self, tables: Tables, partition: str) -> None:
        part = b"x" * 65536
        large: list[dict[str, Property]] = [
            {"text": "x" * 32769},
            {"text": "🎂" * 16385},
            {"binary": part + b"x"},
            {"number": 2**63},
            {f"p{number}": number for number in range(253)},
            {f"p{number}": part for number in range(16)},
        ]
        for columns in large:
            with pytest.raises(StoreFault):
                await tables.write(TABLE, Insert(wide(columns, partition=partition)))
        allowed: dict[str, Property] = {f"p{number}": part for number in range(15)}
        await tables.write(TABLE, Insert(wide(allowed, partition=partition)))
        await tables.write(TABLE, Insert(row("b", partition=partition, text="🎂" * 16384)))

    async def test_transactions_that_are_too_large(self, tables: Tables, partition: str) -> None:
        columns: dict[str, Property] = {f"p{number}": b"x" * 65536 for number in range(12)}
        with pytest.raises(StoreFault):
            await tables.transact(TABLE, [Insert(wide(columns, key=f"{n}", partition=partition)) for n in range(5)])
        with pytest.raises(StoreFault):
            await tables.transact(TABLE, [Insert(row(partition=partition)), Insert(row(partition=partition))])
        with pytest.raises(StoreFault):
            await tables.transact(TABLE, [Insert(row(partition=partition)), Insert(row(partition=new_id()))])
        with pytest.raises(StoreFault):
            await tables.transact(TABLE, [])
