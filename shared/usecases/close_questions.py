"""Close conflicts that nobody can answer any more: their pair is gone, or is not synced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.core.conflicts import superseded
from shared.core.history import Conflict
from shared.core.mapping import EventMapping
from shared.core.states import MappingState
from shared.log import log_action
from shared.ports import Clock, Conflicts, Mappings

_ANSWERABLE = (MappingState.LINKED, MappingState.INTENT)


@dataclass(frozen=True, kw_only=True)
class CloseQuestions:
    """Called by runs, which know all mappings. A crash between a conflict and its mapping can leave one behind."""

    conflicts: Conflicts
    mappings: Mappings
    clock: Clock

    async def run(
        self, integration_id: str, waiting: Mapping[str, Sequence[Conflict]], known: Mapping[str, EventMapping]
    ) -> int:
        """Close those of ``waiting``, by mapping, that are left over; return how many.

        ``known`` was read before them, so that what it lacks, or knows otherwise, is read again.
        """
        closed = 0
        for mapping_id, rows in waiting.items():
            mapping = known.get(mapping_id)
            if mapping is not None and mapping.state in _ANSWERABLE:
                continue
            present = await self.mappings.get(integration_id, mapping_id)
            if present is not None and present.value.state in _ANSWERABLE:
                continue
            for row in rows:
                closed += await self.conflicts.move(superseded(row, at=self.clock.now()))
        if closed:
            log_action("conflicts_closed", integration=integration_id, conflicts=closed)
        return closed
