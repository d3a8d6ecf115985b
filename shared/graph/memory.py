"""What this process remembers of events that it has seen, to save requests. Nothing depends on it being there."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Generic, TypeVar

from shared.core.event import OutlookState
from shared.graph.etags import change_key_of
from shared.graph.protocol import text

V = TypeVar("V")
_EVENTS = 20_000
_MASTERS = 200


class Recent(Generic[V]):
    """The entries used last, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[str, V] = OrderedDict()

    def get(self, key: str) -> V | None:
        """Return an entry, which is then the one used last."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: str, value: V) -> None:
        """Keep an entry, at the cost of the one longest unused."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget an entry."""
        self._entries.pop(key, None)


class PlainEvents:
    """The events that had no online meeting at a given etag: their body can be written without reading it first."""

    def __init__(self) -> None:
        self._etags: Recent[str] = Recent(_EVENTS)

    def note(self, state: OutlookState) -> OutlookState:
        """Remember a state, and return it."""
        if state.online_meeting or not state.etag:
            self._etags.drop(state.event_id)
        else:
            self._etags.put(state.event_id, state.etag)
        return state

    def has(self, event_id: str, etag: str) -> bool:
        """Whether the event is known to be plain at this etag, on condition of which it will be written."""
        return bool(etag) and self._etags.get(event_id) == etag


class SeriesMasters:
    """Masters that a round of delta pages has shown, for the minimal occurrences on its later pages."""

    def __init__(self) -> None:
        self._masters: Recent[Mapping[str, object]] = Recent(_MASTERS)

    def note(self, integration_id: str, master: Mapping[str, object]) -> None:
        """Remember a master as it came."""
        self._masters.put(f"{integration_id}|{text(master.get('id'))}", master)

    def of(self, integration_id: str, occurrence: Mapping[str, object]) -> Mapping[str, object] | None:
        """Return the occurrence's master if it is the very same edition: a series shares one change key (S23)."""
        master = self._masters.get(f"{integration_id}|{text(occurrence.get('seriesMasterId'))}")
        if master is None:
            return None
        keys = {change_key_of(text(item.get("@odata.etag"))) for item in (master, occurrence)}
        return master if len(keys) == 1 and "" not in keys else None
