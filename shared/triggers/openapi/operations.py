"""The operations by the names of their functions. A new HTTP function without an entry here fails a test."""

from collections.abc import Mapping
from typing import get_args

from shared.core.event import EventType
from shared.triggers import (
    conflict_shapes,
    health_shapes,
    history_shapes,
    run_shapes,
    settings_shapes,
    shapes,
    webhook_shapes,
)
from shared.triggers.openapi import meetings
from shared.triggers.openapi.operation import AT_MICROSOFT, CONNECTED, SYNCING, Answered, Given, Operation, merged

_EVENT = merged(CONNECTED, {404: ("event_not_found",)})
_SYNC = merged(CONNECTED, {404: ("sync_not_found",)})
_STATUSES = get_args(shapes.MappedEventShape.model_fields["sync_status"].annotation)

_DAY = {"anyOf": [{"type": "string", "format": "date"}, {"const": "", "description": "As if it were not there."}]}

PAGE = (
    Given(
        name="page",
        place="query",
        says="Which page, from 1.",
        schema={"type": "integer", "minimum": 1, "maximum": 100_000, "default": 1},
        example=1,
    ),
    Given(
        name="pageSize",
        place="query",
        says="How many events a page holds.",
        schema={"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
        example=50,
    ),
)
FILTERS = (
    Given(
        name="eventTypes",
        place="query",
        says="Only events of these types, separated by commas.",
        schema={"type": "array", "items": {"type": "string", "enum": [each.value for each in EventType]}},
        example=["client_meeting", "venue_visit"],
    ),
    Given(
        name="syncStatuses",
        place="query",
        says="Only events of these statuses, separated by commas.",
        schema={"type": "array", "items": {"type": "string", "enum": list(_STATUSES)}},
        example=["synced", "conflict"],
    ),
    Given(
        name="start",
        place="query",
        says="Only events on this day or later.",
        schema=_DAY,
        example="2026-06-01",
    ),
    Given(
        name="end",
        place="query",
        says="Only events on this day or earlier.",
        schema=_DAY,
        example="2026-09-30",
    ),
)
IDEMPOTENCY_KEY = Given(
    name="Idempotency-Key",
    place="header",
    says="A request that repeats it gets the answer of the first, for as long as history is kept.",
    schema={"type": "string", "minLength": 1, "maxLength": 256},
    example="8e03978e-40d5-43e8-bc93-6894a57f9324",
)
_TICKET = Given(
    name="ticket",
    place="query",
    says="The single-use ticket of `startUrl`, good for a minute.",
    schema={"type": "string"},
    example="q0nY0YDbq2V1",
)
_OAUTH = tuple(
    Given(name=name, place="query", says=says, schema={"type": "string"}, example=example)
    for name, says, example in (
        ("code", "Microsoft's authorization code.", "M.C507_BL2.2.U.7f0a"),
        ("state", "The state that the sign-in was begun with.", "Yl0cXb3qPj6n"),
        ("error", "Why there is no code.", "access_denied"),
        ("error_description", "The same in Microsoft's words; it is not shown.", "AADSTS65004: declined."),
        ("admin_consent", "`True` after an administrator approved the app.", "True"),
    )
)
_VALIDATION = Given(
    name="validationToken",
    place="query",
    says="Graph's handshake: the answer is 200 with this text.",
    schema={"type": "string"},
    example="Validation: Testing client application reachability",
)
_SIGNATURE = (
    Given(
        name="webhook-id",
        place="header",
        says="The message's id: https://www.standardwebhooks.com",
        schema={"type": "string"},
        example="msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        required=True,
    ),
    Given(
        name="webhook-timestamp",
        place="header",
        says="When it was sent, in seconds since 1970; five minutes are tolerated.",
        schema={"type": "string"},
        example="1781964000",
        required=True,
    ),
)
_FROM_GRAPH = Operation(
    tag="Webhooks",
    takes=webhook_shapes.GraphNotifications,
    body_optional=True,
    drops_the_rest="Graph repeats for hours what is not answered with 2xx.",
    given=(_VALIDATION,),
    answers={
        200: Answered(says="The handshake: the token, as text.", text="Validation: Testing client application"),
        202: Answered(says="Every notification of ours is on a queue."),
    },
)
_LEAVES = Answered(says="On to Microsoft, or back to the WedSync page.", headers=("Location",))

OPERATIONS: Mapping[str, Operation] = {
    "begin_connect": Operation(
        tag="Connecting", answers={200: Answered(says="Where to consent.", model=shapes.AuthResponse)}
    ),
    "finish_connect": Operation(
        tag="Connecting",
        takes=shapes.CallbackRequest,
        answers={200: Answered(says="Connected.", model=shapes.CallbackResponse)},
        problems=merged(
            {
                400: (
                    "access_denied",
                    "admin_approval_required",
                    "account_unsupported",
                    "consent_failed",
                    "missing_scope",
                    "missing_refresh_token",
                    "state_expired",
                    "state_mismatch",
                ),
                409: ("account_in_use", "different_account", "disconnecting", "calendar_gone"),
            },
            AT_MICROSOFT,
        ),
    ),
    "browser_begin_connect": Operation(tag="Connecting", given=(_TICKET,), answers={302: _LEAVES}),
    "browser_finish_connect": Operation(tag="Connecting", given=_OAUTH, answers={302: _LEAVES}),
    "list_calendars": Operation(
        tag="Settings",
        answers={200: Answered(says="The calendars.", model=shapes.CalendarsResponse)},
        problems=merged(CONNECTED, AT_MICROSOFT),
    ),
    "disconnect": Operation(
        tag="Settings",
        answers={200: Answered(says="What was removed so far.", model=shapes.RemovalResponse)},
        problems=merged(CONNECTED, {409: ("busy",)}),
    ),
    "change_settings": Operation(
        tag="Settings",
        takes=settings_shapes.SettingsRequest,
        body_optional=True,
        answers={200: Answered(says="The settings as they are now.", model=settings_shapes.SettingsResponse)},
        problems=merged(
            CONNECTED,
            AT_MICROSOFT,
            {
                409: ("busy", "calendar_exists", "disconnecting"),
                422: (
                    "calendar_not_found",
                    "calendar_read_only",
                    "rule_not_found",
                    "separate_calendar",
                    "two_directions",
                ),
            },
        ),
    ),
    "sync_status": Operation(
        tag="Sync",
        answers={200: Answered(says="The state of the connection.", model=shapes.StatusResponse)},
        problems=CONNECTED,
    ),
    "sync_start": Operation(
        tag="Sync",
        takes=shapes.SyncRequest,
        body_optional=True,
        given=(IDEMPOTENCY_KEY,),
        answers={202: Answered(says="The run, which waits or has begun.", model=shapes.SyncResponse)},
        problems=merged(CONNECTED, SYNCING, {400: ("invalid_idempotency_key",), 422: ("idempotency_key_reused",)}),
    ),
    "sync_job": Operation(
        tag="Sync",
        answers={200: Answered(says="The run.", model=shapes.SyncJobResponse)},
        problems=_SYNC,
    ),
    "sync_cancel": Operation(
        tag="Sync",
        answers={200: Answered(says="The run, which stops.", model=shapes.SyncJobResponse)},
        problems=merged(_SYNC, {409: ("busy", "sync_finished", "sync_not_cancellable")}),
    ),
    "sync_preview": Operation(
        tag="Sync",
        takes=shapes.SyncRequest,
        body_optional=True,
        answers={200: Answered(says="What a run would do.", model=run_shapes.PreviewResponse)},
        problems=merged(CONNECTED, SYNCING, AT_MICROSOFT),
    ),
    "sync_confirm": Operation(
        tag="Sync",
        takes=shapes.ConfirmRequest,
        answers={202: Answered(says="The run that acts on the answer.", model=shapes.SyncJobResponse)},
        problems=merged(
            CONNECTED,
            SYNCING,
            {
                404: ("confirmation_not_found",),
                409: ("confirmation_answered", "confirmation_changed", "confirmation_lapsed"),
            },
        ),
    ),
    "undo_sync": Operation(
        tag="Sync",
        answers={
            200: Answered(says="What became of the undo.", model=history_shapes.UndoResponse),
            202: Answered(says="The undo goes on as a run.", model=history_shapes.UndoResponse),
        },
        problems=merged(_SYNC, SYNCING, AT_MICROSOFT, {409: ("already_undone", "not_undoable", "sync_in_progress")}),
    ),
    "list_events": Operation(
        tag="Events",
        given=(*PAGE, *FILTERS),
        answers={200: Answered(says="A page of events.", model=shapes.EventsResponse)},
        problems=merged({400: ("invalid_query",)}, CONNECTED),
    ),
    "explain_event": Operation(
        tag="Events",
        answers={200: Answered(says="Why it is as it is.", model=history_shapes.ExplainResponse)},
        problems=merged(_EVENT, AT_MICROSOFT),
    ),
    "restore_event": Operation(
        tag="Events",
        answers={200: Answered(says="Whether it was brought back.", model=history_shapes.RestoreResponse)},
        problems=merged(
            _EVENT,
            SYNCING,
            AT_MICROSOFT,
            {409: ("conflicts_open", "direction", "event_busy", "event_gone", "left_calendar", "type_off")},
        ),
    ),
    "resolve_conflict": Operation(
        tag="Events",
        takes=conflict_shapes.ResolveRequest,
        answers={200: Answered(says="What became of each field.", model=conflict_shapes.ResolveResponse)},
        problems=merged(
            _EVENT,
            SYNCING,
            AT_MICROSOFT,
            {
                404: ("conflict_not_found",),
                409: ("conflict_superseded", "event_busy", "guests_would_be_mailed"),
                422: (
                    "attendees_are_read_only",
                    "custom_value",
                    "no_custom_value",
                    "no_rule",
                    "value_refused",
                    "wrong_conflict",
                ),
            },
        ),
    ),
    "force_sync": Operation(
        tag="Events",
        takes=conflict_shapes.ForceSyncRequest,
        answers={200: Answered(says="What was done.", model=conflict_shapes.ForceSyncResponse)},
        problems=merged(
            _EVENT,
            SYNCING,
            AT_MICROSOFT,
            {
                409: (
                    "conflicts_open",
                    "event_busy",
                    "event_elsewhere",
                    "event_gone",
                    "guests_would_be_mailed",
                    "not_organizer",
                    "travel_block",
                ),
                422: ("event_refused",),
            },
        ),
    ),
    **meetings.operations(IDEMPOTENCY_KEY),
    "graph_webhook": _FROM_GRAPH,
    "graph_webhook_alias": _FROM_GRAPH,
    "graph_lifecycle": _FROM_GRAPH,
    "wedsync_webhook": Operation(
        tag="Webhooks",
        takes=webhook_shapes.WedSyncNotification,
        given=_SIGNATURE,
        answers={202: Answered(says="Whether it is for us.", model=shapes.WebhookReceipt)},
        problems={400: ("malformed_webhook",), 401: ("invalid_signature",)},
        security="wedSyncSignature",
    ),
    "health": Operation(
        tag="Service",
        answers={
            200: Answered(says="It is up, and all that it stands on answers.", model=health_shapes.HealthResponse),
            503: Answered(says="It is up, and something that it stands on is not.", model=health_shapes.HealthResponse),
        },
    ),
    "api_document": Operation(tag="Service", answers={200: Answered(says="This document.", text="{}")}),
}
UNLISTED = frozenset({"without_route"})
"""What answers for every path: CORS preflights, wrong methods, and what has no route."""
