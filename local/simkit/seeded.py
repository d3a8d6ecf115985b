"""What a simulator makes up and its clients send back: ids, codes and tokens, opaque and yet the same in every run.

Everything is drawn from a seed that ``POST /_control/reset`` sets (0 unless told), each purpose from a row of its own.
So the same requests in the same order get the same, after a reset as in another process, and people who work at the
same time do not change what the others get. A real service's codes and tokens cannot be guessed; these can.
"""

import base64
import hashlib
import uuid
from collections import defaultdict


class Source:
    """Rows of values that look random. The simulators of a stand have a source each."""

    def __init__(self) -> None:
        self.seed = 0
        self._drawn: dict[str, int] = defaultdict(int)

    def restart(self, seed: int = 0) -> None:
        """Begin every row anew."""
        self.seed = seed
        self._drawn.clear()

    def octets(self, row: str, length: int) -> bytes:
        """Return the next bytes of a row."""
        self._drawn[row] += 1
        return hashlib.shake_256(f"{self.seed} {self._drawn[row]} {row}".encode()).digest(length)

    def text(self, row: str, length: int) -> str:
        """Return so many bytes in URL-safe base64."""
        return base64.urlsafe_b64encode(self.octets(row, length)).decode().rstrip("=")

    def digits(self, row: str, length: int) -> str:
        """Return so many bytes in hexadecimal."""
        return self.octets(row, length).hex()

    def guid(self, row: str) -> str:
        """Return a random-looking GUID (version 4)."""
        return str(uuid.UUID(bytes=self.octets(row, 16), version=4))
