"""What every implementation of ``Mappings`` has to do."""

import asyncio
import random
from dataclasses import replace

import pytest

from shared.core.event import Field
from shared.core.mapping import EventMapping, Role
from shared.core.states import MappingState
from shared.errors import RowChanged, RowExists, StoreFault
from shared.ports import Mappings, Stored
from shared.store.rows import Delete, Row, Span, Table, Tables
from tests.support.values import NOON, content, mapping, new_id


def stored(outcome: Stored[EventMapping] | Exception) -> Stored[EventMapping]:
    assert isinstance(outcome, Stored), outcome
    return outcome


async def insert(mappings: Mappings, value: EventMapping) -> Stored[EventMapping]:
    (outcome,) = await mappings.insert([value])
    return stored(outcome)


async def lose(tables: Tables, partition: str, key: str) -> None:
    """Take a row away, as no part of the service does."""
    await tables.write(Table.MAPPINGS, Delete(Row(partition=partition, key=key)))


async def keys_of(tables: Tables, partition: str) -> list[str]:
    pages = [page async for page in tables.query(Table.MAPPINGS, Span(partition=partition))]
    return [row.key for page in pages for row in page]


class MappingsContract:
    """Needs fixtures ``mappings`` and ``operations`` (the list of requests made so far)."""

    @pytest.fixture
    async def home(self, mappings: Mappings) -> str:
        """An integration in its first epoch."""
        integration_id = new_id()
        await mappings.raise_epoch(integration_id, 1)
        return integration_id

    async def test_found_by_each_id(self, mappings: Mappings, home: str) -> None:
        value = mapping(integration_id=home, outlook_id="AAMkAD=/+#?é", base_o=content(title="🎂"))
        value = replace(value, held=frozenset({Field.TITLE}))
        made = await insert(mappings, value)
        assert made.value == value
        assert await mappings.get(home, value.mapping_id) == made
        assert await mappings.by_wedsync(home, value.wedsync_id or "") == made
        assert await mappings.by_outlook(home, "AAMkAD=/+#?é") == made
        assert [item async for item in mappings.all(home)] == [made]

    async def test_what_is_not_there(self, mappings: Mappings, home: str) -> None:
        assert await mappings.get(home, "x") is None
        assert await mappings.by_wedsync(home, "x") is None
        assert await mappings.by_outlook(home, "x") is None
        assert [item async for item in mappings.all(home)] == []

    async def test_ids_are_case_sensitive(self, mappings: Mappings, home: str) -> None:
        lower = await insert(mappings, mapping(integration_id=home, wedsync_id="id", outlook_id="aa"))
        upper = await insert(mappings, mapping(integration_id=home, wedsync_id="ID", outlook_id="AA"))
        assert await mappings.by_wedsync(home, "id") == lower
        assert await mappings.by_wedsync(home, "ID") == upper
        assert await mappings.by_outlook(home, "AA") == upper

    async def test_roles_are_apart(self, mappings: Mappings, home: str) -> None:
        event = await insert(mappings, mapping(integration_id=home, wedsync_id="w"))
        travel = await insert(mappings, mapping(integration_id=home, wedsync_id="w", role=Role.TRAVEL))
        assert await mappings.by_wedsync(home, "w") == event
        assert await mappings.by_wedsync(home, "w", Role.TRAVEL) == travel

    async def test_a_wedsync_event_is_mapped_once(self, mappings: Mappings, home: str) -> None:
        first = await insert(mappings, mapping(integration_id=home, wedsync_id="w"))
        (second,) = await mappings.insert([mapping(integration_id=home, wedsync_id="w")])
        assert isinstance(second, RowExists)
        assert [item async for item in mappings.all(home)] == [first]

    async def test_one_that_is_too_large_holds_up_no_other(self, mappings: Mappings, home: str) -> None:
        noise = "".join(random.Random(1).choices([chr(code) for code in range(0x4E00, 0x9FA0)], k=700_000))
        values = [mapping(integration_id=home) for _ in range(3)]
        large = replace(values[1], base_o=content(description=noise))
        before, refused, after = await mappings.insert([values[0], large, values[2]])
        assert type(refused) is StoreFault
        kept = stored(before), stored(after)
        grown = Stored(value=replace(large, mapping_id=values[0].mapping_id), tag=kept[0].tag)
        moved = Stored(value=replace(values[2], quarantine="x"), tag=kept[1].tag)
        refused, after = await mappings.save([grown, moved])
        assert type(refused) is StoreFault
        assert [item async for item in mappings.all(home)] in ([kept[0], stored(after)], [stored(after), kept[0]])

    async def test_an_outlook_event_is_mapped_once(self, mappings: Mappings, home: str) -> None:
        await insert(mappings, mapping(integration_id=home, outlook_id="o"))
        (second,) = await mappings.insert([mapping(integration_id=home, outlook_id="o")])
        assert isinstance(second, RowExists)

    async def test_races_for_one_event_have_one_winner(self, mappings: Mappings, home: str) -> None:
        outcomes = await asyncio.gather(
            *(mappings.insert([mapping(integration_id=home, wedsync_id="w")]) for _ in range(8))
        )
        assert sum(isinstance(outcome, Stored) for (outcome,) in outcomes) == 1
        assert sum(isinstance(outcome, RowExists) for (outcome,) in outcomes) == 7

    async def test_inserts_at_once_do_not_hinder_each_other(self, mappings: Mappings, home: str) -> None:
        outcomes = await asyncio.gather(*(mappings.insert([mapping(integration_id=home)]) for _ in range(5)))
        assert all(isinstance(outcome, Stored) for (outcome,) in outcomes)

    async def test_two_of_the_same_in_one_call(self, mappings: Mappings, home: str) -> None:
        first, second = (mapping(integration_id=home, wedsync_id="w") for _ in range(2))
        outcomes = await mappings.insert([first, second])
        assert stored(outcomes[0]).value == first
        assert isinstance(outcomes[1], RowExists)

    async def test_many_with_one_that_fails(self, mappings: Mappings, home: str) -> None:
        await insert(mappings, mapping(integration_id=home, wedsync_id="taken"))
        values = [mapping(integration_id=home) for _ in range(120)]
        values[60] = replace(values[60], wedsync_id="taken")
        outcomes = await mappings.insert(values)
        assert isinstance(outcomes[60], RowExists)
        assert [stored(outcome).value for outcome in (*outcomes[:60], *outcomes[61:])] == values[:60] + values[61:]
        assert len([item async for item in mappings.all(home)]) == 120

    async def test_insert_needs_the_present_epoch(self, mappings: Mappings, home: str) -> None:
        await mappings.raise_epoch(home, 2)
        old, new, next_one = await mappings.insert([mapping(integration_id=home, epoch=epoch) for epoch in (1, 2, 3)])
        assert isinstance(old, RowChanged)
        assert isinstance(new, Stored)
        assert isinstance(next_one, RowChanged)

    async def test_without_an_epoch_only_zero_passes(self, mappings: Mappings) -> None:
        home = new_id()
        assert await mappings.epoch(home) == 0
        first, second = await mappings.insert([mapping(integration_id=home, epoch=epoch) for epoch in (0, 1)])
        assert isinstance(first, Stored)
        assert isinstance(second, RowChanged)
        (again,) = await mappings.insert([mapping(integration_id=home, epoch=0)])
        assert isinstance(again, Stored)

    async def test_without_an_epoch_a_taken_event_is_taken(self, mappings: Mappings) -> None:
        home = new_id()
        outcomes = await asyncio.gather(
            *(mappings.insert([mapping(integration_id=home, epoch=0, wedsync_id="w")]) for _ in range(4))
        )
        assert sum(isinstance(outcome, Stored) for (outcome,) in outcomes) == 1
        assert sum(isinstance(outcome, RowExists) for (outcome,) in outcomes) == 3

    async def test_the_epoch_only_rises(self, mappings: Mappings, home: str) -> None:
        await mappings.raise_epoch(home, 5)
        await mappings.raise_epoch(home, 3)
        assert await mappings.epoch(home) == 5
        await asyncio.gather(*(mappings.raise_epoch(home, to) for to in (6, 9, 7)))
        assert await mappings.epoch(home) == 9

    async def test_raising_the_epoch_fences_inserts_that_are_under_way(self, mappings: Mappings, home: str) -> None:
        started = asyncio.Event()

        async def insert_until_fenced() -> None:
            while True:
                (outcome,) = await mappings.insert([mapping(integration_id=home)])
                started.set()
                if isinstance(outcome, RowChanged):
                    return

        writers = [asyncio.create_task(insert_until_fenced()) for _ in range(3)]
        await started.wait()
        await mappings.raise_epoch(home, 2)
        after = {item.value.mapping_id async for item in mappings.all(home)}
        await asyncio.gather(*writers)
        assert {item.value.mapping_id async for item in mappings.all(home)} == after

    async def test_save_adds_and_moves_pointers(self, mappings: Mappings, home: str) -> None:
        made = await insert(mappings, mapping(integration_id=home, wedsync_id="w"))
        linked = replace(made.value, state=MappingState.LINKED, outlook_id="o1", intent=None, last_synced_at=NOON)
        (outcome,) = await mappings.save([replace(made, value=linked)])
        saved = stored(outcome)
        assert await mappings.by_outlook(home, "o1") == saved
        (outcome,) = await mappings.save([replace(saved, value=replace(linked, outlook_id="o2"))])
        moved = stored(outcome)
        assert await mappings.by_outlook(home, "o1") is None
        assert await mappings.by_outlook(home, "o2") == moved
        (outcome,) = await mappings.save([replace(moved, value=replace(linked, outlook_id=None))])
        assert await mappings.by_outlook(home, "o2") is None
        assert await mappings.by_wedsync(home, "w") == stored(outcome)
        assert isinstance(await insert(mappings, mapping(integration_id=home, outlook_id="o2")), Stored)

    async def test_save_needs_the_tag(self, mappings: Mappings, home: str) -> None:
        made = await insert(mappings, mapping(integration_id=home))
        (first,) = await mappings.save([replace(made, value=replace(made.value, failures=1))])
        (second,) = await mappings.save([replace(made, value=replace(made.value, failures=2))])
        assert isinstance(second, RowChanged)
        assert await mappings.get(home, made.value.mapping_id) == first

    async def test_save_of_a_tag_that_was_read(self, mappings: Mappings, home: str) -> None:
        await insert(mappings, mapping(integration_id=home, wedsync_id="w", outlook_id="o1"))
        found = await mappings.by_wedsync(home, "w")
        assert found is not None
        (outcome,) = await mappings.save([replace(found, value=replace(found.value, outlook_id="o2"))])
        assert await mappings.by_outlook(home, "o1") is None
        assert await mappings.by_outlook(home, "o2") == outcome

    async def test_save_takes_no_foreign_pointer(self, mappings: Mappings, home: str) -> None:
        owner = await insert(mappings, mapping(integration_id=home, outlook_id="o"))
        made = await insert(mappings, mapping(integration_id=home))
        (outcome,) = await mappings.save([replace(made, value=replace(made.value, outlook_id="o"))])
        assert isinstance(outcome, RowExists)
        assert await mappings.by_outlook(home, "o") == owner
        assert await mappings.get(home, made.value.mapping_id) == made

    async def test_save_of_many_with_one_that_changed(self, mappings: Mappings, home: str) -> None:
        made = [stored(item) for item in await mappings.insert([mapping(integration_id=home) for _ in range(70)])]
        await mappings.save([replace(made[3], value=replace(made[3].value, failures=1))])
        wanted = [replace(item, value=replace(item.value, outlook_id=item.value.mapping_id)) for item in made]
        outcomes = await mappings.save(wanted)
        assert isinstance(outcomes[3], RowChanged)
        for item, outcome in zip(wanted, outcomes, strict=True):
            if item is not wanted[3]:
                assert stored(outcome).value == item.value
                assert await mappings.by_outlook(home, item.value.mapping_id) == outcome

    async def test_remove_takes_the_pointers_along(self, mappings: Mappings, home: str) -> None:
        made = await insert(mappings, mapping(integration_id=home, wedsync_id="w", outlook_id="o"))
        (changed,) = await mappings.save([made])
        with pytest.raises(RowChanged):
            await mappings.remove(made)
        await mappings.remove(stored(changed))
        assert await mappings.get(home, made.value.mapping_id) is None
        assert await mappings.by_wedsync(home, "w") is None
        assert await mappings.by_outlook(home, "o") is None
        await insert(mappings, mapping(integration_id=home, wedsync_id="w", outlook_id="o"))

    async def test_forget_all_keeps_the_epoch_and_others(self, mappings: Mappings, home: str) -> None:
        other = new_id()
        await mappings.raise_epoch(other, 1)
        kept = await insert(mappings, mapping(integration_id=other))
        await mappings.insert([mapping(integration_id=home, outlook_id=f"o{number}") for number in range(120)])
        assert await mappings.forget_all(home) == 120
        assert [item async for item in mappings.all(home)] == []
        assert await mappings.by_outlook(home, "o7") is None
        assert await mappings.epoch(home) == 1
        assert [item async for item in mappings.all(other)] == [kept]
        assert await mappings.forget_all(home) == 0

    async def test_nothing_to_mend(self, mappings: Mappings, home: str) -> None:
        await insert(mappings, mapping(integration_id=home, outlook_id="o1"))
        await insert(mappings, mapping(integration_id=home, wedsync_id=None))
        assert await mappings.mend(home) == 0
        assert await mappings.mend(new_id()) == 0

    async def test_pointers_without_their_mapping_are_removed(
        self, mappings: Mappings, tables: Tables, home: str
    ) -> None:
        kept = await insert(mappings, mapping(integration_id=home, wedsync_id="w0", outlook_id="o0"))
        lost = await insert(mappings, mapping(integration_id=home, wedsync_id="w1", outlook_id="o1"))
        await lose(tables, home, f"m|{lost.value.mapping_id}")
        assert await mappings.mend(home) == 2
        again = await insert(mappings, mapping(integration_id=home, wedsync_id="w1", outlook_id="o1"))
        assert await mappings.by_wedsync(home, "w1") == again
        assert await mappings.by_outlook(home, "o0") == kept
        assert await mappings.mend(home) == 0

    async def test_missing_pointers_are_written(self, mappings: Mappings, tables: Tables, home: str) -> None:
        made = await insert(mappings, mapping(integration_id=home, wedsync_id="w1", outlook_id="o1"))
        await lose(tables, home, "w|w1|event")
        assert await mappings.by_wedsync(home, "w1") is None
        assert await mappings.mend(home) == 1
        found = await mappings.by_wedsync(home, "w1")
        assert found is not None
        assert found.value == made.value
        assert isinstance((await mappings.save([found]))[0], Stored)

    async def test_of_two_mappings_with_the_same_ids_one_stays(
        self, mappings: Mappings, tables: Tables, home: str
    ) -> None:
        """The pointers were lost, and somebody mapped the events once more."""
        before = await insert(mappings, mapping(integration_id=home, wedsync_id="w1", outlook_id="o1"))
        for key in await keys_of(tables, home):
            if key.startswith(("w|", "o|")):
                await lose(tables, home, key)
        after = await insert(mappings, mapping(integration_id=home, wedsync_id="w1", outlook_id="o1"))
        assert await mappings.mend(home) == 1
        assert [item.value async for item in mappings.all(home)] == [after.value]
        assert await mappings.get(home, before.value.mapping_id) is None

    async def test_long_content(self, mappings: Mappings, home: str) -> None:
        # Hardly compressible, so that it takes several parts.
        words = "".join(f"{number * 2654435761 % 2**32:x} " for number in range(20_000))
        made = await insert(mappings, mapping(integration_id=home, base_w=content(description=words)))
        assert await mappings.get(home, made.value.mapping_id) == made

    async def test_how_many_requests(self, mappings: Mappings, home: str, operations: list[str]) -> None:
        await insert(mappings, mapping(integration_id=home, wedsync_id="w", outlook_id="o"))

        def counted() -> int:
            count = len(operations)
            operations.clear()
            return count

        operations.clear()
        made = await insert(mappings, mapping(integration_id=home))
        assert counted() == 2
        await mappings.save([replace(made, value=replace(made.value, outlook_id="new"))])
        assert counted() == 1
        await mappings.by_wedsync(home, "w")
        assert counted() == 2
        await mappings.by_outlook(home, "o")
        assert counted() == 2
        await mappings.by_outlook(home, "nowhere")
        assert counted() == 1
        await mappings.get(home, made.value.mapping_id)
        assert counted() == 1
        # 33 mappings of three rows and the epoch make a transaction.
        await mappings.insert([mapping(integration_id=home, outlook_id=f"m{number}") for number in range(66)])
        assert counted() == 4
