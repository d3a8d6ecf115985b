"""Every problem type of the API, by its status: the stable code, and what it means.

A problem's ``type`` is ``urn:wedsync:outlook-sync:problem:`` and the code: https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Mapping

PROBLEMS: Mapping[int, Mapping[str, str]] = {
    400: {
        "invalid_body": "The body is no JSON, lacks a member, has an unknown one, or one of the wrong type.",
        "invalid_idempotency_key": "The Idempotency-Key is empty or longer than 256 characters.",
        "invalid_query": "A query parameter is not of its form.",
        "malformed_webhook": "A signed body is no notice of WedSync's.",
        "access_denied": "The user declined, or may not consent.",
        "admin_approval_required": "Only an administrator can consent; `link` is where.",
        "account_unsupported": "This kind of Microsoft account has no calendar that could be synced.",
        "consent_failed": "Microsoft did not complete the sign-in.",
        "missing_scope": "The consent left out what syncing needs.",
        "missing_refresh_token": "Microsoft granted no lasting access.",
        "state_expired": "The sign-in was used before, is not known, or is older than ten minutes.",
        "state_mismatch": "The sign-in was begun by another user or in another browser.",
        "ticket_expired": "The link was used before or is older than a minute.",
    },
    401: {
        "not_signed_in": "The access token is missing or not valid.",
        "token_expired": "The access token has expired.",
        "invalid_signature": "The webhook's signature is missing, wrong or too old.",
    },
    404: {
        "not_found": "There is nothing at this path.",
        "not_connected": "No Outlook calendar is connected.",
        "event_not_found": "No event that is synced has this id.",
        "sync_not_found": "The user has no sync of this id.",
        "conflict_not_found": "The field has no open conflict.",
        "confirmation_not_found": "There is no such confirmation.",
    },
    405: {
        "method_not_allowed": "The path takes other methods; `Allow` names them.",
    },
    409: {
        "account_in_use": "The Microsoft account is connected to another WedSync user.",
        "already_undone": "The sync has been undone before.",
        "busy": "What is asked for is being changed right now; try again.",
        "calendar_exists": "The mailbox has a calendar of this name already.",
        "calendar_gone": "The calendar that was synced is not there any more.",
        "calendar_unavailable": "Microsoft gives no access to this mailbox or calendar.",
        "confirmation_answered": "The confirmation was answered before.",
        "confirmation_changed": "More deletions are held since; look at the new confirmation.",
        "confirmation_lapsed": "Nobody answered in time; the next complete sync asks again.",
        "conflict_superseded": "A side has changed since; `conflict` is what there is to choose now.",
        "conflicts_open": "The event has `conflicts` that wait for a choice.",
        "different_account": "Another Microsoft account is connected; disconnect it first.",
        "direction": "The sync goes the other way only.",
        "disconnecting": "The connection is being removed.",
        "event_busy": "The event keeps changing; try again.",
        "event_elsewhere": "The event lives in another calendar.",
        "event_gone": "There is no event left.",
        "guests_would_be_mailed": "Outlook would mail `guests` people; that takes the user's word.",
        "left_calendar": "The event is in another calendar of Outlook.",
        "needs_reconnect": "The user has to consent again; the detail says why.",
        "not_organizer": "Somebody else invited to the event; only they can change it.",
        "not_undoable": "A sync of this kind cannot be undone.",
        "sync_finished": "The sync has ended already.",
        "sync_in_progress": "The sync has not ended yet.",
        "sync_not_cancellable": "The sync has to be finished once it has begun.",
        "travel_block": "A travel block follows its event.",
        "type_off": "Events of this type are not synced.",
    },
    413: {
        "body_too_large": "The body is larger than any honest one.",
    },
    422: {
        "attendees_are_read_only": "A sync never writes guests; choose outlook.",
        "calendar_not_found": "There is no such calendar in the mailbox.",
        "calendar_read_only": "The calendar can only be read.",
        "custom_value": "The value of the user's own is not what the field takes.",
        "event_refused": "The other calendar does not take the event.",
        "no_custom_value": "The field has no values of one's own.",
        "no_rule": "No rule can be made of this choice.",
        "rule_not_found": "There is no such rule.",
        "separate_calendar": "The separate calendar has to be switched off first.",
        "two_directions": "The direction is given twice, with different values.",
        "value_refused": "The other calendar does not take the value.",
        "wrong_conflict": "The id is not that of the conflict in this field.",
    },
    500: {
        "configuration": "The service is not configured correctly; its operators know.",
        "internal": "Something went wrong in the service.",
    },
    503: {
        "busy": "Another service asks to wait; `Retry-After` says how long.",
        "unavailable": "Another service did not answer.",
    },
}
