"""Examples for the document: each is read by its model in a test, so none can fall out of step."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

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

_RUN = "5b0c2f5e-3f0e-4c64-9d1b-0a4f0f1c7d11"
_EVENT = "evt_4f6c"
_CONFLICT = "b1b9d1f0-55f2-4a55-8a7e-1d9e1a2b3c4d"
_CONFIRMATION = "0f3a9c7e-6f3b-4d0e-8b1a-7c2d9e4f5a6b"
IDS: Mapping[str, tuple[str, str]] = {
    "syncId": ("A run's `syncId`, or the `id` of an item of the history.", _RUN),
    "eventId": ("The event's id in WedSync, or, while it has none, that of its mapping.", _EVENT),
}

_PREFERENCES = {
    "syncClientMeetings": True,
    "syncWeddingEvents": True,
    "syncDeadlines": True,
    "syncTravelTime": False,
    "eventPrefix": "WedSync: ",
    "createSeparateCalendar": False,
    "notificationMinutes": [15, 60],
    "onOutlookDelete": "ask",
    "importOutlookEvents": "full",
    "guestUpdates": "ask",
}
_INTEGRATION = {
    "id": "3a7f1c52-0d4b-4c55-9c0a-8a4d1b2c3e4f",
    "microsoftUserId": "9f2c1f0e-7a5d-4a3b-8c6d-5e4f3a2b1c0d",
    "tenantId": "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "calendarId": "AAMkAGI2",
    "calendarName": "Calendar",
    "syncEnabled": True,
    "syncDirection": "bidirectional",
    "syncPreferences": _PREFERENCES,
    "lastSyncAt": "2026-06-20T13:05:00Z",
    "lastSyncStatus": "success",
    "status": "connected",
    "email": "rose@example.com",
    "webhookEnabled": True,
}
_CALENDARS = [
    {
        "id": "AAMkAGI2",
        "name": "Calendar",
        "color": "auto",
        "isDefaultCalendar": True,
        "canEdit": True,
        "owner": {"name": "Rose Hart", "address": "rose@example.com"},
    }
]
_OPEN_CONFLICT = {
    "field": "location",
    "wedSyncValue": {"name": "Rosewood Hall", "address": ""},
    "outlookValue": {"name": "Rosewood Barn", "address": ""},
    "conflictType": "location",
    "suggestedResolution": "manual_review",
    "conflictId": _CONFLICT,
    "base": {"name": "Rosewood", "address": ""},
    "reason": "Both sides changed it.",
    "openedAt": "2026-06-20T13:04:59Z",
    "wedSyncChangedAt": "2026-06-20T13:01:00Z",
    "outlookChangedAt": "2026-06-20T13:02:00Z",
    "state": "open",
}
_HISTORY = {
    "id": _RUN,
    "syncType": "incremental",
    "syncDirection": "bidirectional",
    "eventsProcessed": 3,
    "eventsCreated": 1,
    "eventsUpdated": 1,
    "eventsDeleted": 0,
    "conflictsDetected": 1,
    "syncStatus": "completed",
    "syncDurationMs": 842,
    "startedAt": "2026-06-20T13:04:59Z",
    "completedAt": "2026-06-20T13:05:00Z",
    "triggeredBy": "manual",
}
_HELD = {
    "confirmationId": _CONFIRMATION,
    "side": "outlook",
    "count": 1,
    "events": [
        {"eventId": _EVENT, "title": "Cake tasting", "side": "outlook", "heldAt": "2026-06-20T13:05:00Z"},
    ],
    "reason": "Many events went at once.",
    "openedAt": "2026-06-20T13:05:00Z",
    "expiresAt": "2026-06-27T13:05:00Z",
}
_PROGRESS = {
    "totalEvents": 120,
    "processedEvents": 60,
    "createdEvents": 40,
    "updatedEvents": 18,
    "deletedEvents": 0,
    "errorEvents": 1,
}
_ERROR = {
    "eventId": _EVENT,
    "eventType": "client_meeting",
    "errorCode": "event_refused",
    "errorMessage": "The other calendar does not take this event.",
    "retryable": False,
}
_SYNC_REQUEST = {
    "incremental": {"syncType": "incremental"},
    "one way": {"syncType": "full_sync", "syncDirection": "to_outlook"},
    "named events": {"specificEvents": [_EVENT]},
}
_TITLE = {"title": "Cake tasting"}

BODIES: Mapping[type[BaseModel], Mapping[str, Any]] = {
    shapes.AuthResponse: {
        "begun": {
            "authUrl": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=7c1f0a52&state=Yl0cXb3q",
            "state": "Yl0cXb3q",
            "startUrl": "https://sync.wedsync.example/api/integrations/outlook/auth?ticket=q0nY0YDb",
        }
    },
    shapes.CallbackRequest: {
        "granted": {"code": "M.C507_BL2.2.U.7f0a", "state": "Yl0cXb3q"},
        "declined": {"state": "Yl0cXb3q", "error": "access_denied"},
    },
    shapes.CallbackResponse: {
        "connected": {"success": True, "integration": _INTEGRATION, "calendars": _CALENDARS},
    },
    shapes.CalendarsResponse: {"calendars": {"calendars": _CALENDARS, "calendarId": "AAMkAGI2"}},
    shapes.RemovalResponse: {
        "removed": {
            "success": True,
            "eventsDeleted": 41,
            "mappingsDeleted": 57,
            "webhookUnsubscribed": True,
            "status": "completed",
            "syncId": _RUN,
            "eventsLeft": 1,
            "leftEvents": [{"eventId": _EVENT, "title": "Tasting with guests"}],
        }
    },
    settings_shapes.SettingsRequest: {
        "direction": {"syncDirection": "to_outlook"},
        "preferences": {"syncPreferences": {"syncTravelTime": True, "eventPrefix": "Wedding: "}},
        "pause": {"syncEnabled": False},
    },
    settings_shapes.SettingsResponse: {
        "changed": {
            "integration": _INTEGRATION,
            "webhookSubscriptionUpdated": False,
            "syncScheduleChanged": True,
            "requiresFullResync": True,
            "copiesRemoved": 2,
            "copiesMoved": 0,
            "copiesLeft": [{"eventId": _EVENT, "title": "Tasting with guests", "reason": "guests"}],
            "warnings": [
                {"code": "reminders_not_representable", "detail": "Outlook holds one reminder for each event."}
            ],
            "syncId": _RUN,
        }
    },
    shapes.StatusResponse: {
        "connected": {
            "integration": _INTEGRATION,
            "syncStats": {
                "totalEvents": 58,
                "syncedEvents": 55,
                "pendingEvents": 1,
                "conflictedEvents": 1,
                "errorEvents": 1,
                "lastFullSync": "2026-06-01T09:00:00Z",
                "nextScheduledSync": "2026-06-20T13:20:00Z",
            },
            "recentSyncHistory": [_HISTORY],
            "webhookStatus": {
                "isActive": True,
                "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
                "expiresAt": "2026-06-27T12:00:00Z",
                "renewalNeeded": False,
            },
            "confirmation": _HELD,
        }
    },
    shapes.SyncRequest: _SYNC_REQUEST,
    shapes.SyncResponse: {
        "queued": {"syncId": _RUN, "status": "queued", "estimatedDuration": 3, "eventsToProcess": 120},
    },
    shapes.SyncJobResponse: {
        "in progress": {
            "syncId": _RUN,
            "status": "in_progress",
            "progress": _PROGRESS,
            "errors": [_ERROR],
            "startedAt": "2026-06-20T13:04:59Z",
            "estimatedTimeRemaining": 2,
        }
    },
    run_shapes.PreviewResponse: {
        "foreseen": {
            "creates": 1,
            "updates": 0,
            "deletes": 0,
            "conflicts": 0,
            "held": 0,
            "copiesMoved": 0,
            "unreached": 0,
            "mails": 0,
            "events": [
                {
                    "eventId": _EVENT,
                    "title": "Cake tasting",
                    "side": "outlook",
                    "action": "create",
                    "fields": ["title", "dateTime"],
                    "rule": "new_in_wedsync",
                    "reason": "It is new in WedSync.",
                }
            ],
            "truncated": False,
        }
    },
    shapes.ConfirmRequest: {
        "delete them": {"confirmationId": _CONFIRMATION, "accept": True},
        "keep them": {"confirmationId": _CONFIRMATION, "accept": False},
    },
    history_shapes.UndoResponse: {
        "undone": {
            "success": True,
            "syncId": _RUN,
            "undone": 4,
            "skipped": [{"eventId": _EVENT, "reason": "changed_since"}],
            "status": "completed",
        }
    },
    shapes.EventsResponse: {
        "a page": {
            "events": [
                {
                    "wedSyncEventId": _EVENT,
                    "wedSyncEventType": "client_meeting",
                    "wedSyncEventTitle": "Cake tasting",
                    "wedSyncEventDate": "2026-07-04",
                    "outlookEventId": "AAMkAGI2AAA=",
                    "outlookEventTitle": "WedSync: Cake tasting",
                    "outlookEventDate": "2026-07-04",
                    "syncStatus": "conflict",
                    "lastSynced": "2026-06-20T13:05:00Z",
                    "syncConflicts": [_OPEN_CONFLICT],
                    "canResync": True,
                }
            ],
            "pagination": {"page": 1, "totalPages": 1, "totalEvents": 1},
            "filters": {
                "eventTypes": ["client_meeting"],
                "syncStatuses": ["conflict"],
                "dateRange": {"start": "2026-06-01", "end": "2026-09-30"},
            },
        }
    },
    history_shapes.ExplainResponse: {
        "explained": {
            "eventId": _EVENT,
            "outlookEventId": "AAMkAGI2AAA=",
            "synced": True,
            "state": "linked",
            "rule": "in_step",
            "reason": "Both sides are the same.",
            "nextStep": "Nothing, until a side changes.",
            "fields": [{"field": "title", "state": "agreed", "rule": "in_step", "reason": "Both sides are the same."}],
            "conflicts": [_OPEN_CONFLICT],
            "lastChanges": [
                {
                    "at": "2026-06-20T13:05:00Z",
                    "side": "outlook",
                    "kind": "updated",
                    "fields": ["title"],
                    "rule": "changed_in_wedsync",
                    "reason": "It changed in WedSync.",
                    "runId": _RUN,
                    "before": _TITLE,
                    "after": {"title": "Cake tasting, second"},
                }
            ],
        }
    },
    history_shapes.RestoreResponse: {
        "restored": {"success": True, "eventId": _EVENT, "restored": True, "syncId": _RUN},
    },
    conflict_shapes.ResolveRequest: {
        "a side": {"resolutions": {"location": {"useValue": "outlook", "conflictId": _CONFLICT}}},
        "a value of one's own": {"resolutions": {"title": {"useValue": "custom", "customValue": "Cake tasting"}}},
        "as a rule": {"resolutions": {"title": {"useValue": "wedsync"}}, "setAsDefault": True},
    },
    conflict_shapes.ResolveResponse: {"applied": {"success": True, "results": {"location": "applied"}}},
    conflict_shapes.ForceSyncRequest: {"to Outlook": {"direction": "to_outlook", "overwriteConflicts": False}},
    conflict_shapes.ForceSyncResponse: {
        "updated": {"success": True, "syncId": _RUN, "action": "updated", "fields": ["title", "dateTime"]},
    },
    webhook_shapes.GraphNotifications: {
        "a change": {
            "value": [
                {
                    "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
                    "clientState": "secretClientValue",
                    "changeType": "updated",
                    "resource": "Users/9f2c1f0e/Events/AAMkAGI2AAA=",
                    "resourceData": {
                        "@odata.type": "#Microsoft.Graph.Event",
                        "@odata.id": "Users/9f2c1f0e/Events/AAMkAGI2AAA=",
                        "@odata.etag": 'W/"DwAAABYAAAB"',
                        "id": "AAMkAGI2AAA=",
                    },
                    "subscriptionExpirationDateTime": "2026-06-27T12:00:00Z",
                    "tenantId": "72f988bf-86f1-41af-91ab-2d7cd011db47",
                }
            ]
        },
        "a lifecycle notification": {
            "value": [
                {
                    "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
                    "clientState": "secretClientValue",
                    "lifecycleEvent": "reauthorizationRequired",
                    "subscriptionExpirationDateTime": "2026-06-27T12:00:00Z",
                    "tenantId": "72f988bf-86f1-41af-91ab-2d7cd011db47",
                }
            ]
        },
    },
    webhook_shapes.WedSyncNotification: {
        "an update": {
            "type": "event.updated",
            "timestamp": "2026-06-20T13:05:00Z",
            "data": {"userId": "planner-rose", "eventId": _EVENT, "version": 7},
        }
    },
    **meetings.EXAMPLES,
    shapes.WebhookReceipt: {"taken": {"accepted": True}},
    health_shapes.HealthResponse: {
        "up": {
            "status": "ok",
            "version": "1.4.0",
            "checkedAt": "2026-06-20T13:05:00Z",
            "dependencies": [{"name": "tables", "status": "ok", "latencyMs": 12}],
        }
    },
}

DETAILS: Mapping[str, Mapping[str, Any]] = {
    "invalid_body": {"errors": [{"pointer": "/syncType", "detail": "Input should be 'full_sync' or 'incremental'"}]},
    "admin_approval_required": {
        "link": "https://login.microsoftonline.com/organizations/adminconsent?client_id=7c1f0a52"
    },
    "conflict_superseded": {"conflict": _OPEN_CONFLICT},
    "conflicts_open": {"conflicts": [_OPEN_CONFLICT]},
    "guests_would_be_mailed": {"guests": 2, "mails": ["mia@example.com", "tom@example.com"]},
}
"""The extension members of a problem, by its code."""
