"""What a run has read of both sides: everything in the window, or what changed since the cursors."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.core.event import OutlookState, Side, WedSyncState
from shared.core.integration import SyncWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A reading of both sides, maybe still under way. A run that is interrupted keeps it, and goes on from there.

    ``complete``: both sides are read to the end of the window, so that absence counts. ``gone`` are ids of
    ``@removed`` items, which prove nothing; ``reread`` are series whose instances were all read; ``bare`` are series
    of which an occurrence came without content; ``unreadable`` are ids of WedSync events that are there, though
    nothing else is known of them.

    ``wedsync_cursor`` and ``link`` are where the reading goes on, ``delta_link`` (once all pages of Outlook were read)
    is where the next one begins. ``series`` are those still to be read again. ``left``: of the mapped pairs only these
    are still to be settled, None for all; ``done`` are the new events that are not. ``empty`` are the sides that showed
    not one of the mapped events, though they were read to the end. ``settings_version`` is that of the settings by
    which the run began to decide. ``gently``: a far end was too busy, so it is asked for one thing at a time now.
    """

    window: SyncWindow
    complete: bool
    wedsync: Mapping[str, WedSyncState] = field(default_factory=dict)
    outlook: Mapping[str, OutlookState] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    reread: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    wedsync_cursor: str = ""
    wedsync_read: bool = False
    link: str = ""
    delta_link: str = ""
    series: frozenset[str] | None = None
    left: frozenset[str] | None = None
    done: frozenset[str] = frozenset()
    empty: frozenset[Side] = frozenset()
    settings_version: int = 0
    gently: bool = False

    @property
    def finished(self) -> bool:
        """Whether nothing is left to be read."""
        return self.wedsync_read and bool(self.delta_link) and self.series == frozenset()
