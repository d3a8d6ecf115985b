"""The calendar that a user wants synced: one of the mailbox, or a separate one of ours, which is never made twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.integration import CalendarInfo, Integration
from shared.errors import StateConflict, Unavailable
from shared.log import log_action
from shared.ports import Outlook

NAMES = ("WedSync", "WedSync calendar")
"""The second where the first is taken by a calendar that cannot be ours."""


@dataclass(frozen=True, kw_only=True)
class WantedCalendar:
    """Finds the calendar, or makes it."""

    outlook: Outlook

    async def run(self, integration: Integration) -> CalendarInfo | None:
        """Return the calendar to sync; None where the one that was chosen is gone or cannot be written to."""
        listed = [each for each in await self.outlook.calendars(integration.integration_id) if each.can_edit]
        if integration.preferences.create_separate_calendar:
            return await self._separate(integration, listed)
        return _with_id(listed, integration.wanted_calendar_id)

    async def _separate(self, integration: Integration, listed: Sequence[CalendarInfo]) -> CalendarInfo:
        """By its stored id, then by its marker, then by its name; a crash after it was made leaves it marked."""
        if known := _with_id(listed, integration.separate_calendar_id):
            return known
        marked = await self.outlook.marked_calendars(integration.integration_id, integration.integration_id)
        owner = next((each.owner_address for each in listed if each.is_default), "")
        own = [each for each in listed if not each.is_default and each.owner_address == owner]
        ours = [each for each in marked if each.can_edit] + [each for each in own if _is_named(each, NAMES[0])]
        return ours[0] if ours else await self._made(integration)

    async def _made(self, integration: Integration) -> CalendarInfo:
        for name in NAMES:
            try:
                made = await self.outlook.create_calendar(
                    integration.integration_id, name=name, marker=integration.integration_id
                )
            except StateConflict:
                listed = await self.outlook.calendars(integration.integration_id)
                if not any(_is_named(each, name) for each in listed):
                    break  # made a moment ago, and lists do not show it yet
                continue
            log_action("calendar_created", integration=integration.integration_id)
            return made
        raise Unavailable("graph", code="CalendarNotListed")


def _with_id(listed: Sequence[CalendarInfo], calendar_id: str) -> CalendarInfo | None:
    return next((each for each in listed if each.calendar_id == calendar_id), None)


def _is_named(calendar: CalendarInfo, name: str) -> bool:
    return calendar.name.strip().casefold() == name.casefold()
