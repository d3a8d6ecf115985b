"""Which prefixes an event's subject may have."""

import re
import unicodedata

import pytest

from shared.core.prefix import LONGEST_PREFIX, VISIBLE_PREFIX, prefix_fault


@pytest.mark.parametrize("prefix", ["", "WedSync: ", "婚礼 · ", "[W] ", "x" * 50, "*", "🫨 "])
def test_good_prefixes(prefix: str) -> None:
    assert prefix_fault(prefix) == ""
    assert re.search(VISIBLE_PREFIX, prefix)


@pytest.mark.parametrize("prefix", ["x" * 51, "a\nb", "a\tb", "a\x00", " a", " ", "\u200ea", "a\u2028", "🫨\ufffe"])
def test_bad_prefixes(prefix: str) -> None:
    assert prefix_fault(prefix)
    assert len(prefix) > LONGEST_PREFIX or not re.search(VISIBLE_PREFIX, prefix)


def test_exactly_what_is_known_to_be_invisible_is_refused() -> None:
    """Not what Python's tables do not know yet: each year brings signs that people can see."""
    unseen = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    for code in range(0x110000):
        letter = chr(code)
        noncharacter = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
        expected = noncharacter or unicodedata.category(letter) in unseen
        assert bool(prefix_fault(f"a{letter}")) is expected, hex(code)
