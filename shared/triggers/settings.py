"""Changing the settings of a connection."""

from typing import Any, cast

import azure.functions as func

from shared.core.integration import Direction, GuestUpdates, ImportOutlookEvents, OnOutlookDelete
from shared.core.settings_change import SettingsChange
from shared.errors import Unprocessable
from shared.service import App
from shared.triggers import present
from shared.triggers.http import Call, Reply, endpoint
from shared.triggers.rates import SETTINGS
from shared.triggers.settings_shapes import CopyLeftShape, SettingsRequest, SettingsResponse, SettingsWarning
from shared.usecases.change_settings import SettingsChanged

blueprint = func.Blueprint()
_ENUMS = {
    "on_outlook_delete": OnOutlookDelete,
    "import_outlook_events": ImportOutlookEvents,
    "guest_updates": GuestUpdates,
}


@endpoint(blueprint, route="calendar/outlook/settings", method="PUT", rate=SETTINGS)
async def change_settings(app: App, call: Call) -> Reply:
    """Change the settings that are named, and leave the rest as they are."""
    change = wanted_change(call.json(SettingsRequest))
    changed = await app.change_settings.run(await call.user(), change)
    return Reply(body=presented(changed, reconnect_url=app.settings.reconnect_page))


def wanted_change(request: SettingsRequest) -> SettingsChange:
    """Return the change that a request asks for; ``syncPreferences.syncDirection`` counts as ``syncDirection``."""
    named = request.sync_preferences.model_dump(exclude_none=True) if request.sync_preferences else {}
    alias = named.pop("sync_direction", None)
    if alias and request.sync_direction and alias != request.sync_direction:
        raise Unprocessable("two_directions", "syncDirection is given twice, with different values.")
    direction = request.sync_direction or alias
    if "notification_minutes" in named:
        named["notification_minutes"] = tuple(named["notification_minutes"])
    named |= {name: _ENUMS[name](value) for name, value in named.items() if name in _ENUMS}
    return SettingsChange(
        calendar_id=request.calendar_id,
        direction=Direction(direction) if direction else None,
        sync_enabled=request.sync_enabled,
        webhooks=request.webhook_enabled,
        preferences=named,
        remove_rules=tuple(request.remove_resolution_rules or ()),
    )


def presented(value: SettingsChanged, *, reconnect_url: str) -> SettingsResponse:
    """Return the answer to a change; its integration is the one that the status shows."""
    return SettingsResponse(
        integration=present.integration(value.integration, value.rules, reconnect_url=reconnect_url),
        webhook_subscription_updated=value.subscription_updated,
        sync_schedule_changed=value.schedule_changed,
        requires_full_resync=value.full_resync,
        copies_removed=value.copies.removed,
        copies_moved=value.copies.moved,
        copies_left=[
            CopyLeftShape(event_id=copy.event_id, title=copy.title, reason=cast(Any, copy.reason))
            for copy in value.copies.left
        ],
        warnings=_warnings(value),
        sync_id=value.sync_id or None,
    )


def _warnings(value: SettingsChanged) -> list[SettingsWarning]:
    if not value.unrepresentable:
        return []
    listed = ", ".join(str(minutes) for minutes in value.unrepresentable)
    return [
        SettingsWarning(
            code="reminders_not_representable",
            detail=f"Outlook holds one reminder for each event; these stay in WedSync alone: {listed} minutes.",
        )
    ]
