"""The limits of Table Storage that the emulator does not hold: the size of a row, what is no key, what is no column.

The formula of the size is typed from "Understanding the Table service data model" and the blog post on how the size of
an entity is calculated: 4 bytes + 2 for each character of both keys + for each property 8 + 2 for each character of its
name + its value (string: 2 for each character + 4; binary: its bytes + 4; Int32 4; Int64 8; Boolean 1).
"""

from collections.abc import Mapping
from uuid import uuid4

import pytest
from azure.data.tables import EdmType, EntityProperty
from azure.data.tables.aio import TableServiceClient
from hypothesis import given
from hypothesis import strategies as st

from local.azurite import Azurite
from shared.errors import StoreFault
from shared.store.rows import Delete, Insert, Property, Row, Upsert, check, check_transaction

MEBIBYTE = 1_048_576
names = st.from_regex(r"[a-z][A-Za-z0-9_]{0,40}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8"), max_size=300)
whole_numbers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**31 - 1, 2**31, -(2**31), -(2**31) - 1])
properties = texts | whole_numbers | st.booleans() | st.binary(max_size=300)
keys = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=60)


def characters(text: str) -> int:
    """Count what the service calls characters: those beyond U+FFFF are two."""
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def value_bytes(value: Property) -> int:
    if isinstance(value, bool):
        return 1
    if isinstance(value, int):
        return 4 if -2147483648 <= value <= 2147483647 else 8
    return 2 * characters(value) + 4 if isinstance(value, str) else len(value) + 4


def row_bytes(row: Row) -> int:
    columns = sum(8 + 2 * characters(name) + value_bytes(value) for name, value in row.columns.items())
    return 4 + 2 * (characters(row.partition) + characters(row.key)) + columns


def refused(row: Row) -> bool:
    try:
        check(Insert(row))
    except StoreFault:
        return True
    return False


@given(keys, keys, st.dictionaries(names, properties, max_size=20), st.integers(-3, 3))
def test_a_row_is_refused_from_the_byte_on_that_is_too_much(
    partition: str, key: str, columns: Mapping[str, Property], over: int
) -> None:
    # Up to the limit with sixteen binary columns; their names are not among the drawn ones.
    room = MEBIBYTE + over - row_bytes(Row(partition=partition, key=key, columns=columns))
    each = 8 + 2 * 3 + 4
    left = room - 16 * each
    sizes = [left // 16 + (number < left % 16) for number in range(16)]
    filled = {**columns, **{f"X{number:02}": bytes(size) for number, size in enumerate(sizes)}}
    row = Row(partition=partition, key=key, columns=filled)
    assert row_bytes(row) == MEBIBYTE + over
    assert refused(row) == (over > 0)


@given(st.integers(32_760, 32_776), st.sampled_from(["x", "é", "語", "🎂"]))
def test_a_text_has_at_most_32_ki_utf_16_units(units: int, character: str) -> None:
    each = characters(character)
    text = character * (units // each) + "x" * (units % each)
    assert refused(Row(partition="p", key="k", columns={"text": text})) == (units > 32_768)


@given(st.integers(65_530, 65_542))
def test_a_binary_has_at_most_64_ki_bytes(size: int) -> None:
    assert refused(Row(partition="p", key="k", columns={"binary": bytes(size)})) == (size > 65_536)


@given(st.integers(245, 260))
def test_a_row_has_at_most_252_properties_of_its_own(count: int) -> None:
    assert refused(Row(partition="p", key="k", columns={f"p{number}": 1 for number in range(count)})) == (count > 252)


@given(whole_numbers | st.integers(-(2**70), 2**70))
def test_a_whole_number_fits_64_bits(number: int) -> None:
    fits = -9223372036854775808 <= number <= 9223372036854775807
    assert refused(Row(partition="p", key="k", columns={"n": number})) == (not fits)


@given(st.integers(1010, 1040), st.sampled_from(["x", "é", "語", "🎂"]))
def test_a_key_has_at_most_1_kib(size: int, character: str) -> None:
    each = len(character.encode())
    key = character * (size // each) + "x" * (size % each)
    assert refused(Row(partition=key, key="k")) == refused(Row(partition="p", key=key)) == (size > 1024)


@pytest.mark.parametrize("character", [*"/\\#?", *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)))])
def test_what_the_service_refuses_in_keys(character: str) -> None:
    for row in (Row(partition=f"a{character}b", key="k"), Row(partition="p", key=f"a{character}b")):
        assert refused(row)
        with pytest.raises(StoreFault):
            check(Delete(row))


@pytest.mark.parametrize("character", ["%", "+"])
def test_what_is_not_forbidden_but_breaks_on_its_way(character: str) -> None:
    # Some clients and proxies decode "%" and "+" in the URL of a row once more: it could not be read again.
    assert refused(Row(partition="p", key=f"a{character}b"))


def test_half_a_character_is_no_key() -> None:
    assert refused(Row(partition="p", key="a\ud83c"))


@pytest.mark.parametrize("name", ["", "a-b", "1st", "a b", "Timestamp", "PartitionKey", "RowKey", "x" * 256])
def test_what_is_no_property_name(name: str) -> None:
    assert refused(Row(partition="p", key="k", columns={name: 1}))
    assert not refused(Row(partition="p", key="k", columns={"x" * 255: 1}))


def test_a_transaction_has_at_most_a_hundred_operations() -> None:
    rows = [Row(partition="p", key=f"{number}") for number in range(101)]
    check_transaction([Insert(row) for row in rows[:100]])
    with pytest.raises(StoreFault, match="1 to 100 operations"):
        check_transaction([Insert(row) for row in rows])
    with pytest.raises(StoreFault, match="1 to 100 operations"):
        check_transaction([])


def test_a_transaction_stays_in_one_partition_and_touches_a_row_once() -> None:
    one, other = Row(partition="p", key="k"), Row(partition="q", key="l")
    with pytest.raises(StoreFault, match="one partition"):
        check_transaction([Insert(one), Insert(other)])
    with pytest.raises(StoreFault, match="once"):
        check_transaction([Insert(one), Delete(one)])


@given(st.integers(1, 12), st.integers(1, 15))
def test_a_transaction_stays_under_4_mib_on_the_wire(rows: int, columns: int) -> None:
    # Binary travels as base64: what 4 MiB of requests can hold is less than 4 MiB of rows.
    part = bytes(65_536)
    operations = [
        Insert(Row(partition="p", key=f"{number}", columns={f"p{index}": part for index in range(columns)}))
        for number in range(rows)
    ]
    body = rows * columns * (len(part) * 4 // 3)
    if body > 4 * MEBIBYTE:
        with pytest.raises(StoreFault, match="a transaction takes"):
            check_transaction(operations)
    elif body < 3.9 * MEBIBYTE:
        check_transaction(operations)


@pytest.mark.azurite
@pytest.mark.parametrize(
    "row",
    [
        Row(partition="p", key="text", columns={f"c{number}": "語" * 1000 for number in range(100)}),
        Row(partition="p", key="quotes", columns={f"c{number}": '"\\\n' * 300 for number in range(100)}),
        Row(partition="p", key="small", columns={f"c{number}": b"x" for number in range(250)}),
        Row(partition="p", key="int64", columns={f"c{number}": -(2**63) for number in range(250)}),
        Row(partition="p", key="truths", columns={f"c{number}": False for number in range(250)}),
        Row(partition="p", key="binary", columns={f"c{number}": bytes(60_001) for number in range(4)}),
        Row(partition="語" * 341, key="é" * 512),
    ],
    ids=lambda row: row.key[:6],
)
async def test_a_write_takes_no_more_of_a_transaction_than_is_counted(azurite: Azurite, row: Row) -> None:
    sizes: list[int] = []
    tables = TableServiceClient.from_connection_string(
        azurite.connection_string,
        raw_request_hook=lambda request: sizes.append(len(request.http_request.body or b"")),
    )
    entity = {"PartitionKey": row.partition, "RowKey": row.key} | {
        name: EntityProperty(value, EdmType.INT64) if type(value) is int else value
        for name, value in row.columns.items()
    }
    async with tables:
        table = await tables.create_table(f"T{uuid4().hex}")
        for verb, operation in (("create", Insert(row)), ("upsert", Upsert(row)), ("delete", Delete(row))):
            await table.submit_transaction([(verb, entity)])
            # What frames the whole is not a part's.
            assert sizes[-1] - 256 <= check(operation)


def test_a_transaction_of_another_writing_is_refused_where_it_is_too_long_on_the_wire() -> None:
    # 10 rows of 100 columns of 1,000 characters, each "\\uXXXX": 6 MB.
    columns = {f"c{number}": "語" * 1000 for number in range(100)}
    with pytest.raises(StoreFault, match="a transaction takes"):
        check_transaction([Insert(Row(partition="p", key=f"{number}", columns=columns)) for number in range(10)])
