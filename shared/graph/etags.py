"""Graph's two forms of an event's etag.

Full entities carry ``W/"<change key>"``. Notifications and minimal occurrences carry a longer base64 in which eight
header bytes stand before the same change key: 0F 00 00 00 and its length as 32 bits (facts S24, C42, section 2.3).
"""

import base64
import binascii

_KIND = b"\x0f\x00\x00\x00"
_HEADER = 8


def change_key_of(etag: str) -> str:
    """Return the change key in an etag of either form, so that the two compare; empty when in doubt."""
    given = _decoded(etag)
    if given.startswith(_KIND):
        given = given[_HEADER:] if _is_long(given) else b""
    return base64.b64encode(given).decode() if given else ""


def short_etag(etag: str) -> str:
    """Return the form that ``If-Match`` takes; an etag that is not in the long form stays what it is."""
    return f'W/"{change_key_of(etag)}"' if _is_long(_decoded(etag)) else etag


def _decoded(etag: str) -> bytes:
    quoted = etag.strip().removeprefix("W/").removeprefix('"').removesuffix('"')
    try:
        return base64.b64decode(quoted, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _is_long(given: bytes) -> bool:
    length = int.from_bytes(given[4:_HEADER], "little")
    return given.startswith(_KIND) and 0 < length == len(given) - _HEADER
