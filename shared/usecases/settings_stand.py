"""Whether settings that a decision was made by are still those of the connection."""

from collections.abc import Iterable

from shared.core.integration import Integration
from shared.core.mapping import EventMapping
from shared.core.pair import NOTE_PREFIX_REMOVED
from shared.ports import Integrations


async def settings_stand(
    integrations: Integrations, integration: Integration, decided: Iterable[tuple[EventMapping, EventMapping]]
) -> bool:
    """Return False where a user seems to have taken a prefix off that another worker has just changed.

    ``decided`` are mappings before and after a decision. Only who has read the settings since they changed can tell the
    two apart. One read, and only where a prefix is missing.
    """
    if not any(_taken_off(before, after) for before, after in decided):
        return True
    present = await integrations.get(integration.integration_id)
    return present is not None and present.value.settings_version == integration.settings_version


def _taken_off(before: EventMapping, after: EventMapping) -> bool:
    return NOTE_PREFIX_REMOVED in after.notes and NOTE_PREFIX_REMOVED not in before.notes
