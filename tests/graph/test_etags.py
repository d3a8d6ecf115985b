"""Both forms of an etag (S24)."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.graph.etags import change_key_of, short_etag

HEADER = bytes.fromhex("0f00000016000000")


def short(key: bytes) -> str:
    return f'W/"{base64.b64encode(key).decode()}"'


@given(st.binary(min_size=22, max_size=22).filter(lambda key: not key.startswith(HEADER[:4])))
def test_the_two_forms_of_one_key_compare(key: bytes) -> None:
    long = short(HEADER + key)
    assert long != short(key)
    assert change_key_of(long) == change_key_of(short(key)) == base64.b64encode(key).decode()
    assert short_etag(long) == short_etag(short(key)) == short(key)


@pytest.mark.parametrize("odd", ["", 'W/""', 'W/"not base64!"', "W/", 'W/"DwAAABYAAAA="', 'W/"DwAAABYAAABhYmM="', "ü"])
def test_doubt_is_an_empty_key_and_leaves_the_etag_alone(odd: str) -> None:
    assert change_key_of(odd) == ""
    assert short_etag(odd) == odd


def test_a_change_key_compares_without_its_quotes() -> None:
    assert change_key_of("c3RhbGU=") == change_key_of('W/"c3RhbGU="') == "c3RhbGU="
