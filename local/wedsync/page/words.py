"""What the page says about each way in which connecting can end, and about values in conflict."""

from datetime import UTC, datetime
from typing import Any

CONNECT_ERRORS = {
    "access_denied": "You declined at Microsoft, so nothing was connected. Connect again whenever you like.",
    "consent_declined": "You declined at Microsoft, so nothing was connected. Connect again whenever you like.",
    "state_expired": "This sign-in took longer than ten minutes or was used before. Please connect again.",
    "ticket_expired": "This link was used before or is older than a minute. Please connect again.",
    "admin_approval_required": "Your organisation's administrator has to approve WedSync first.",
    "missing_scope": "Microsoft did not grant access to your calendar. Connect again and allow it.",
    "missing_refresh_token": "Microsoft granted no lasting access, and the sync would end within the hour. "
    "Connect again and allow WedSync to keep its access.",
    "account_in_use": "This Microsoft account is connected to another WedSync user. Choose another account.",
    "different_account": "You chose another Microsoft account than the one connected before. Choose the same one, or "
    "disconnect first.",
    "disconnecting": "The earlier connection is still being removed. Try again in a moment.",
    "unavailable": "Microsoft or our own storage did not answer. Please try again.",
}


def connect_error(code: str) -> str:
    """Return a sentence for an error code; an unknown code is shown as it is."""
    return CONNECT_ERRORS.get(code, f"Outlook was not connected ({code}). Please try again.")


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


def moment(text: Any) -> str:
    """Return an instant on the wire as a short date and time in UTC; an absent one is a dash."""
    try:
        return f"{datetime.fromisoformat(str(text)).astimezone(UTC):%d %b %H:%M:%S}"
    except ValueError:
        return "–"


def removal_in_words(counts: dict[str, Any]) -> str:
    """Say what disconnecting removed (``RemoveIntegrationResponse`` with its additions)."""
    said = f"Outlook is disconnected: {counts.get('eventsDeleted', 0)} events removed from Outlook, "
    said += f"{counts.get('mappingsDeleted', 0)} links removed, "
    said += "notifications stopped." if counts.get("webhookUnsubscribed") else "notifications were not stopped."
    if counts.get("status") == "in_progress":
        said += " The rest is being removed now."
    if counts.get("eventsLeft"):
        said += f" {counts['eventsLeft']} of our events stay in Outlook."
    return said
