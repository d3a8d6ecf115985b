"""Access keys, enforced only when asked for, as Core Tools do with ``--enableAuth``.

They live where Azure keeps them, in blobs (``key_blobs``), or in a JSON file: ``{"masterKey": "…", "systemKeys":
{name: key}, "hostKeys": {name: key}, "functionKeys": {function: {name: key}}}``.
"""

import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.host.errors import StartupError

REREAD_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys that this host knows."""

    master: str = ""
    system: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def level(self, given: str, function: str) -> str:
        """Return the level that a key gives for a function: ``ADMIN``, ``SYSTEM``, ``FUNCTION`` or ``ANONYMOUS``."""
        if not given:
            return "ANONYMOUS"
        own = next((keys for name, keys in self.functions.items() if name.lower() == function.lower()), {})
        for level, keys in (
            ("ADMIN", [self.master]),
            ("SYSTEM", list(self.system.values())),
            ("FUNCTION", [*self.host.values(), *own.values()]),
        ):
            if any(key and hmac.compare_digest(key.encode(), given.encode()) for key in keys):
                return level
        return "ANONYMOUS"


class KeyRing:
    """Keys as they were read last. A key that nobody knows has them read again, at most once a minute."""

    def __init__(self, read: Callable[[], Awaitable[Keys]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._keys: Keys | None = None
        self._read_at = 0.0

    async def level(self, given: str, function: str = "") -> str:
        """Return the level that a key gives for a function; keys are read, or made, at the first one given."""
        if not given:
            return "ANONYMOUS"
        level = (await self._known()).level(given, function)
        if level == "ANONYMOUS" and self._clock() - self._read_at >= REREAD_SECONDS:
            self._keys = None
            level = (await self._known()).level(given, function)
        return level

    async def allows(self, *, required: str, given: str, function: str = "") -> bool:
        """Say whether a key satisfies a level: the same level or admin; anonymous lets everybody in."""
        return required == "ANONYMOUS" or await self.level(given, function) in {required, "ADMIN"}

    async def _known(self) -> Keys:
        if self._keys is None:
            self._keys = await self._read()
            self._read_at = self._clock()
        return self._keys


def load_keys(file: Path) -> Keys:
    """Read the keys file; StartupError says what is wrong."""
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartupError(f"cannot read the keys file {file}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise StartupError(f"{file} is not JSON: {error}") from None
    return Keys(
        master=str(content.get("masterKey", "")),
        system=content.get("systemKeys", {}),
        host=content.get("hostKeys", {}),
        functions=content.get("functionKeys", {}),
    )
