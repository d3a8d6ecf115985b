"""What a run counts."""

from dataclasses import fields

import pytest

from shared.core.history import Tally


def test_counts_add_up_one_by_one() -> None:
    names = [each.name for each in fields(Tally)]
    one = Tally(**{name: number for number, name in enumerate(names, 1)})
    two = Tally(**{name: 100 * number for number, name in enumerate(names, 1)})
    assert one + two == Tally(**{name: 101 * number for number, name in enumerate(names, 1)})
    assert one + Tally() == one


@pytest.mark.parametrize("name", ["created", "updated", "deleted", "conflicts", "held", "noted"])
def test_what_is_worth_telling(name: str) -> None:
    assert Tally(**{name: 1}).changed


def test_an_echo_is_not() -> None:
    assert not Tally(total=1, handled=1, graph_requests=2).changed
