"""What the page says about each way in which connecting can end, about the sync's standing, and values in conflict."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import markupsafe

_OURS = "This is not your doing; tell whoever runs it."
CONNECT_ERRORS = {
    "access_denied": "You declined at Microsoft, so nothing was connected. Connect again whenever you like.",
    "state_expired": "This sign-in took longer than ten minutes or was used before. Please connect again.",
    "state_mismatch": "What came back from Microsoft does not belong to this sign-in. Please connect again.",
    "ticket_expired": "This link was used before or is older than a minute. Please connect again.",
    "admin_approval_required": "Your organisation's administrator has to approve WedSync first. Ask them to, then "
    "connect again.",
    "account_unsupported": "This kind of Microsoft account cannot be connected. Choose another account.",
    "consent_failed": "Microsoft did not complete the sign-in. Please connect again.",
    "missing_scope": "Microsoft did not grant access to your calendar. Connect again and allow it.",
    "missing_refresh_token": "Microsoft granted no lasting access, and the sync would end within the hour. "
    "Connect again and allow WedSync to keep its access.",
    "account_in_use": "This Microsoft account is connected to another WedSync user. Choose another account.",
    "different_account": "You chose another Microsoft account than the one connected before. Choose the same one, or "
    "disconnect first.",
    "disconnecting": "The earlier connection is still being removed. Try again in a moment.",
    "needs_reconnect": "Microsoft withdrew the access at once. Please connect again.",
    "calendar_gone": "The calendar that was synced is not there any more. Disconnect first, then connect again.",
    "calendar_unavailable": "This account has no mailbox with a calendar that WedSync may write to. Choose another.",
    "busy": "Microsoft asks us to wait. Please try again in a minute.",
    "unavailable": "Microsoft or our own storage did not answer. Please try again.",
    "configuration": f"The sync service is not set up correctly, so nothing was connected. {_OURS}",
    "internal": f"Something went wrong in the sync service, and nothing was connected. {_OURS}",
}


def connect_error(code: str) -> str:
    """Return a sentence for an error code; an unknown code is shown as it is."""
    return CONNECT_ERRORS.get(code, f"Outlook was not connected ({code}). Please try again.")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the sync stands, in one sentence; ``kind`` colours it."""

    kind: Literal["good", "busy", "warn", "bad"]
    text: str


_STOPPED = {
    "needs_reconnect": "Microsoft wants you to sign in again; nothing is synced until you reconnect.",
    "paused": "The sync is paused.",
    "disconnecting": "The connection is being removed.",
}


def standing(status: dict[str, Any]) -> Standing:
    """Return what matters most in an ``OutlookSyncStatusResponse``."""
    integration, stats = status.get("integration") or {}, status.get("syncStats") or {}
    state = str(integration.get("status", "connected"))
    if state in _STOPPED:
        return Standing(kind="busy" if state == "disconnecting" else "bad", text=_STOPPED[state])
    runs = [run for run in status.get("recentSyncHistory") or [] if run.get("syncType") == "full_sync"]
    if runs and runs[0].get("syncStatus") == "in_progress":
        first = "The first sync" if len(runs) == 1 else "A full sync"
        return Standing(kind="busy", text=f"{first} is running: {stats.get('syncedEvents', 0)} events so far.")
    if conflicts := stats.get("conflictedEvents"):
        return Standing(kind="warn", text=f"{_counted(conflicts, 'event')} in conflict; everything else is in step.")
    if integration.get("lastSyncStatus") == "failed":
        return Standing(kind="bad", text="The last sync failed; it is tried again by itself.")
    if pending := stats.get("pendingEvents"):
        return Standing(kind="busy", text=f"{_counted(pending, 'event')} not on both sides yet.")
    return Standing(kind="good", text="Both calendars are in step.")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def in_words(value: Any) -> str:
    """Return a conflict's value as a person reads it."""
    if value is None:
        return "deleted here"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(in_words(item) for item in value) or "nobody"
    if isinstance(value, dict):
        return _object(value)
    return str(value) or "empty"


def _object(value: dict[str, Any]) -> str:
    if "start" in value:
        span = f"{value['start']} – {value.get('end', '')}".replace("T", " ")
        return f"{span} ({'all day, ' if value.get('allDay') else ''}{value.get('timeZone', '')})"
    parts = [str(value[name]) for name in ("name", "address", "email") if value.get(name)]
    return ", ".join(parts) or "empty"


def moment(text: Any, *, now: datetime) -> markupsafe.Markup:
    """Return an instant on the wire as a time in UTC, with the date unless it is today's; an absent one is a dash."""
    try:
        at = datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return markupsafe.Markup("–")
    shown = f"{at:%H:%M:%S}" if at.date() == now.astimezone(UTC).date() else f"{at.day} {at:%b %H:%M}"
    return markupsafe.Markup('<time datetime="{}">{} UTC</time>').format(at.isoformat(), shown)


def removal_in_words(counts: dict[str, Any]) -> str:
    """Say what disconnecting removed (``RemoveIntegrationResponse`` with its additions)."""
    said = f"Outlook is disconnected: {_counted(counts.get('eventsDeleted', 0), 'event')} removed from Outlook, "
    said += f"{_counted(counts.get('mappingsDeleted', 0), 'link')} removed, "
    said += "notifications stopped." if counts.get("webhookUnsubscribed") else "notifications were not stopped."
    if counts.get("status") == "in_progress":
        said += " The rest is being removed now."
    if counts.get("eventsLeft"):
        said += f" {counts['eventsLeft']} of our events stay in Outlook."
    return said
