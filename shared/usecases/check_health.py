"""Whether the service and what it stands on answer: storage, the vault, Microsoft's two ends, WedSync."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import OperatorFault
from shared.log import log_action
from shared.ports import Clock

Probe = Callable[[], Awaitable[object]]
_FRESH = timedelta(seconds=5)
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """How one of them answered. ``fault`` is a kind of error, never its text, and empty where all is well."""

    name: str
    milliseconds: int
    fault: str = ""

    @property
    def well(self) -> bool:
        """Whether it answered."""
        return not self.fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All of them, at a time."""

    checked_at: datetime
    dependencies: tuple[Dependency, ...]

    @property
    def well(self) -> bool:
        """Whether all of them answered."""
        return all(each.well for each in self.dependencies)


@dataclass(kw_only=True)
class CheckHealth:
    """Asks all at once, five seconds at the most.

    An answer holds for five seconds and is shared by all who ask meanwhile: the endpoint is open to everybody, and must
    be no lever on what stands behind it.
    """

    probes: Mapping[str, Probe]
    clock: Clock
    _known: Health | None = field(default=None, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def run(self) -> Health:
        """Return what is known, or ask."""
        async with self._lock:
            if self._known is None or self.clock.now() - self._known.checked_at >= _FRESH:
                dependencies = await asyncio.gather(*(self._ask(name, probe) for name, probe in self.probes.items()))
                self._known = Health(checked_at=self.clock.now(), dependencies=tuple(dependencies))
                for each in dependencies:
                    if each.fault:
                        log_action("dependency_unwell", dependency=each.name, kind=each.fault, ms=each.milliseconds)
            return self._known

    async def _ask(self, name: str, probe: Probe) -> Dependency:
        began, fault = self.clock.now(), ""
        try:
            async with asyncio.timeout(_PATIENCE):
                await probe()
        except TimeoutError:
            fault = "timeout"
        except OperatorFault:
            fault = "configuration"
        except Exception as error:  # whatever it is, the others are still worth telling
            fault = type(error).__name__.lower()
        milliseconds = (self.clock.now() - began) // timedelta(milliseconds=1)
        return Dependency(name=name, milliseconds=milliseconds, fault=fault)
