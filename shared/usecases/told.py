"""What is applied and asked is told in the log, wherever in the service it was decided.

The rows of the history say all of it to the user; the lines say to operators that it happened, and lead from an
invocation or a notification (``correlation``) to the run and the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.history import Conflict, SyncChange
from shared.log import Metric, log_action, log_metric
from shared.ports import Changes, Conflicts, Ports


@dataclass(frozen=True, kw_only=True)
class ToldChanges:
    """``Changes`` that says what is appended."""

    changes: Changes

    async def append(self, changes: Sequence[SyncChange]) -> None:
        """Add rows, then tell each: without content, by its ids."""
        await self.changes.append(changes)
        for each in changes:
            log_action(
                "change_applied",
                integration=each.integration_id,
                run=each.run_id,
                correlation=each.correlation,
                mapping=each.mapping_id,
                change=each.change_id,
                side=each.side.value,
                kind=each.kind.value,
                rule=each.rule,
            )

    async def of_mapping(self, integration_id: str, mapping_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one mapping, oldest first."""
        return await self.changes.of_mapping(integration_id, mapping_id)

    async def of_run(self, integration_id: str, run_id: str) -> tuple[SyncChange, ...]:
        """Return the changes of one run, oldest first."""
        return await self.changes.of_run(integration_id, run_id)

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove what was changed before then."""
        return await self.changes.forget_before(integration_id, before, limit=limit)


@dataclass(frozen=True, kw_only=True)
class ToldConflicts:
    """``Conflicts`` that says what is asked."""

    conflicts: Conflicts

    async def ask(self, conflict: Conflict) -> bool:
        """Insert one that waits; tell it if it is a new question."""
        asked = await self.conflicts.ask(conflict)
        if asked:
            field = conflict.field.value if conflict.field else "event"
            log_metric(Metric.CONFLICT_OPENED, field=field, rule=conflict.rule)
            log_action(
                "conflict_opened",
                integration=conflict.integration_id,
                mapping=conflict.mapping_id,
                conflict=conflict.conflict_id,
                field=field,
            )
        return asked

    async def move(self, conflict: Conflict) -> bool:
        """Replace a row that waits by what has become of it."""
        return await self.conflicts.move(conflict)

    async def get(self, integration_id: str, conflict_id: str) -> Conflict | None:
        """Return the conflict."""
        return await self.conflicts.get(integration_id, conflict_id)

    async def open_of(self, integration_id: str, mapping_id: str) -> tuple[Conflict, ...]:
        """Return the conflicts of one mapping that are not closed."""
        return await self.conflicts.open_of(integration_id, mapping_id)

    async def open_all(self, integration_id: str) -> tuple[Conflict, ...]:
        """Return all conflicts of the integration that are not closed."""
        return await self.conflicts.open_all(integration_id)

    async def forget_before(self, integration_id: str, before: datetime, *, limit: int = 1000) -> int:
        """Remove what was closed before then."""
        return await self.conflicts.forget_before(integration_id, before, limit=limit)

    async def forget_all(self, integration_id: str) -> None:
        """Remove every row of the integration."""
        await self.conflicts.forget_all(integration_id)


def told(ports: Ports) -> Ports:
    """Return the ports, of which those that change something for the user say so."""
    return replace(
        ports, changes=ToldChanges(changes=ports.changes), conflicts=ToldConflicts(conflicts=ports.conflicts)
    )
