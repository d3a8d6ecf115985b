"""Access keys as the host makes them: random, with a mark and a checksum that secret scanners know.

Forty bytes in the URL-safe base64 alphabet: 33 random ones, three that read ``AzFu``, and the Marvin checksum of those
36, whose seed tells a master key from the others. Read in the host's SecretGenerator.cs.
"""

import base64
import secrets
import struct

MASTER_SEED = 0x4D61737465723030
FUNCTION_SEED = 0x46756E6374693030
_MARK = "AzFu"
_RANDOM_BYTES = 33
_WORD = 0xFFFFFFFF


def new_key(seed: int) -> str:
    """Return a fresh key."""
    marked = secrets.token_bytes(_RANDOM_BYTES) + base64.urlsafe_b64decode(_MARK)
    return base64.urlsafe_b64encode(marked + checksum(marked, seed)).decode()


def checksum(content: bytes, seed: int) -> bytes:
    """Return the four bytes that stand at the end of a key."""
    low, high = marvin(content, seed)
    return struct.pack("<I", low ^ high)


def marvin(content: bytes, seed: int) -> tuple[int, int]:
    """Return both halves of the Marvin hash, the low one first."""
    low, high = seed & _WORD, seed >> 32
    # A byte 0x80 ends the content, zeros fill the last word.
    padded = content + b"\x80" + bytes(-(len(content) + 1) % 4)
    for (word,) in struct.iter_unpack("<I", padded):
        low, high = _mix((low + word) & _WORD, high)
    return _mix(low, high)


def _mix(low: int, high: int) -> tuple[int, int]:
    high ^= low
    low = (_rotated(low, 20) + high) & _WORD
    high = _rotated(high, 9) ^ low
    low = (_rotated(low, 27) + high) & _WORD
    return low, _rotated(high, 19)


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _WORD
