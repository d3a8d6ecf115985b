"""Zone names: IANA's, Windows' and Exchange's."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import win_tz

from shared.core.zones import iana_of, same_zone, windows_of
from tests.core.strategies import LAWS

PLACES = sorted(available_timezones() - {"localtime", "Factory", "posixrules"})
NAMES = st.sampled_from([*PLACES, *sorted(win_tz), "", "tzone://Microsoft/Custom", "nowhere"])


@pytest.mark.parametrize("name", PLACES)
def test_every_zone_of_this_machine_is_known(name: str) -> None:
    assert iana_of(name.upper()) == iana_of(name)
    assert iana_of(name) in {name, "UTC"}
    assert (windows_of(name) is None) == (name == "Antarctica/Troll")


@pytest.mark.parametrize("name", sorted(win_tz))
def test_every_windows_zone_comes_back(name: str) -> None:
    place = iana_of(name.lower())
    assert place is not None
    assert windows_of(place) == windows_of(name) == name
    assert same_zone(place, name)


@pytest.mark.parametrize(
    ("name", "iana"),
    [
        ("tzone://Microsoft/Utc", "UTC"),
        ("Z", "UTC"),
        ("Etc/GMT", "UTC"),
        ("GMT Standard Time", "Europe/London"),
        ("tzone://Microsoft/Custom", None),
        ("", None),
    ],
)
def test_odd_names(name: str, iana: str | None) -> None:
    assert iana_of(name) == iana


@LAWS
@given(NAMES, NAMES, NAMES)
def test_sameness_is_an_equivalence(a: str, b: str, c: str) -> None:
    assert same_zone(a, a)
    assert same_zone(a, b) == same_zone(b, a)
    assert not (same_zone(a, b) and same_zone(b, c)) or same_zone(a, c)


def test_zones_of_one_windows_zone_are_the_same() -> None:
    assert same_zone("Europe/Kiev", "Europe/Kyiv")
    assert same_zone("Asia/Calcutta", "India Standard Time")
    assert not same_zone("Europe/London", "UTC")
    assert not same_zone("Antarctica/Troll", "UTC")
    assert same_zone("Antarctica/Troll", "antarctica/troll ")
