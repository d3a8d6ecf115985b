"""What an operator may see of a connection: ids, states, times, counts and reasons; never what people wrote."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.core.history import SyncRun
from shared.core.integration import Integration
from shared.core.jobs import EventJob, LooksJob, Message, TurnsJob
from shared.core.states import MappingState
from shared.errors import InvalidInput, NotFound
from shared.ports import Ports
from shared.service import App
from shared.usecases.check_health import Health

Shown = Mapping[str, Any]


async def find(ports: Ports, who: str) -> Integration:
    """Return the connection of this id, or of the user of this id; ``NotFound`` if there is neither."""
    stored = await ports.integrations.get(who) or await ports.integrations.of_user(who)
    if stored is None:
        raise NotFound("unknown", "There is no connection and no user of this id.")
    return stored.value


async def connection(ports: Ports, integration: Integration) -> Shown:
    """Show the state of a connection and what hangs on it."""
    integration_id = integration.integration_id
    states = dict.fromkeys(MappingState, 0)
    aside = 0
    async for stored in ports.mappings.all(integration_id):
        states[stored.value.state] += 1
        aside += bool(stored.value.quarantine)
    ledger = (await ports.confirmations.ledger(integration_id)).value
    return {
        "integration": integration_id,
        "user": integration.user_id,
        "state": integration.state.value,
        "reason": integration.reason,
        "reasonCode": integration.reason_code,
        "adminConsentUrl": integration.reason_link,
        "personalAccount": integration.personal,
        "direction": integration.direction.value,
        "webhooks": integration.webhooks,
        "channelRefusals": integration.channel_refusals,
        "channelRefusalCode": integration.channel_refusal_code,
        "channelNextTryAt": _when(integration.channel_next_try),
        "epoch": integration.epoch,
        "createdAt": _when(integration.created_at),
        "lastSyncAt": _when(integration.last_sync_at),
        "lastFullSyncAt": _when(integration.last_full_sync_at),
        "lastSyncStatus": integration.last_sync_status.value,
        "hasDeltaLink": bool(integration.delta_link),
        "hasWedSyncCursor": bool(integration.wedsync_cursor),
        "mappings": {state.value: count for state, count in states.items()},
        "quarantined": aside,
        "openConflicts": len(await ports.conflicts.open_all(integration_id)),
        "heldDeletions": len(ledger.open.held) if ledger.open else 0,
        "subscriptions": [
            {
                "id": stored.value.subscription_id,
                "state": stored.value.state.value,
                "expiresAt": _when(stored.value.expires_at),
            }
            for stored in await ports.rows.of_integration(integration_id)
        ],
    }


async def runs(ports: Ports, integration: Integration, *, limit: int) -> Shown:
    """Show the newest runs, newest first."""
    found = await ports.runs.history(integration.integration_id, limit)
    return {"integration": integration.integration_id, "runs": [_run(stored.value) for stored in found[:limit]]}


async def quarantine(ports: Ports, integration: Integration) -> Shown:
    """Show what is set aside, with its reason."""
    found = [
        {
            "mapping": stored.value.mapping_id,
            "wedsyncId": stored.value.wedsync_id,
            "state": stored.value.state.value,
            "reason": stored.value.quarantine,
            "lastSyncedAt": _when(stored.value.last_synced_at),
        }
        async for stored in ports.mappings.all(integration.integration_id)
        if stored.value.quarantine
    ]
    return {"integration": integration.integration_id, "quarantined": found}


def messages(app: App, texts: Sequence[str]) -> list[Shown]:
    """Show messages that failed for good: what they were about, without the ids of events."""
    return [_message(app, text) for text in texts]


def health(found: Health) -> Shown:
    """Show who answers."""
    return {
        "well": found.well,
        "dependencies": {
            each.name: {"milliseconds": each.milliseconds, "fault": each.fault} for each in found.dependencies
        },
    }


def _message(app: App, text: str) -> Shown:
    try:
        job: Message = app.jobs.parse(text)
    except InvalidInput:
        return {"job": "unreadable", "characters": len(text)}
    if isinstance(job, TurnsJob):
        return {"job": "TurnsJob", "kind": job.kind, "integrations": len(job.turns)}
    if isinstance(job, LooksJob):
        events = sum(len(each.events) for each in job.jobs)
        return {"job": "LooksJob", "integrations": len({each.integration_id for each in job.jobs}), "events": events}
    shown: dict[str, Any] = {
        "job": type(job).__name__,
        "integration": job.integration_id,
        "attempt": job.attempt,
        "correlation": job.correlation,
    }
    if isinstance(job, EventJob):
        shown["events"] = len(job.events)
    return shown


def _run(run: SyncRun) -> Shown:
    return {
        "run": run.run_id,
        "type": run.request.kind.value,
        "purpose": run.request.purpose.value,
        "triggeredBy": run.request.triggered_by.value,
        "state": run.state.value,
        "queuedAt": _when(run.queued_at),
        "startedAt": _when(run.started_at),
        "completedAt": _when(run.completed_at),
        "heartbeatAt": _when(run.heartbeat_at),
        "outcome": run.outcome,
        "created": run.tally.created,
        "updated": run.tally.updated,
        "deleted": run.tally.deleted,
        "conflicts": run.tally.conflicts,
        "repaired": run.tally.repaired,
        "held": run.tally.held,
        "graphRequests": run.tally.graph_requests,
        "failures": [{"event": each.event_id, "code": each.code, "retryable": each.retryable} for each in run.failures],
    }


def _when(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
