"""Resolving conflicts, and overriding the rules for one event."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import azure.functions as func

from shared.core.conflicts import CUSTOM
from shared.core.history import Conflict
from shared.core.integration import Direction
from shared.service import App
from shared.triggers import present
from shared.triggers.conflict_shapes import ForceSyncRequest, ForceSyncResponse, ResolveRequest, ResolveResponse
from shared.triggers.custom_values import custom_value
from shared.triggers.http import Call, Reply, endpoint
from shared.triggers.rates import CHOICES
from shared.usecases.choices import Choice, ConflictSuperseded, GuestsWouldBeMailed
from shared.usecases.force_sync import ConflictsOpen

blueprint = func.Blueprint()


@endpoint(blueprint, route="calendar/outlook/events/{eventId}/resolve", method="POST", rate=CHOICES)
async def resolve_conflict(app: App, call: Call) -> Reply:
    """Carry out the user's choice for each field in conflict."""
    request = call.json(ResolveRequest)
    choices = [
        Choice(
            field=name,
            use=choice.use_value,
            custom=custom_value(name, choice.custom_value) if choice.use_value == CUSTOM else None,
            conflict_id=choice.conflict_id or "",
        )
        for name, choice in request.resolutions.items()
    ]
    user_id = await call.user()
    with presented():
        results = await app.resolve_conflict.run(
            user_id,
            call.params["eventId"],
            choices,
            set_as_default=request.set_as_default,
            mail_guests=request.mail_guests,
        )
    return Reply(body=ResolveResponse(success=True, results=dict(results)))


@endpoint(blueprint, route="calendar/outlook/events/{eventId}/force-sync", method="POST", rate=CHOICES)
async def force_sync(app: App, call: Call) -> Reply:
    """Carry one event over as it is on one side."""
    request = call.json(ForceSyncRequest)
    user_id = await call.user()
    with presented():
        done = await app.force_sync.run(
            user_id,
            call.params["eventId"],
            Direction(request.direction),
            overwrite_conflicts=request.overwrite_conflicts,
        )
    return Reply(
        body=ForceSyncResponse(
            success=True, sync_id=done.run_id, action=cast(Any, done.action), fields=list(done.fields)
        )
    )


@contextmanager
def presented() -> Iterator[None]:
    """Put what a refusal is about into its problem document: the conflict there is now, the guests at stake."""
    try:
        yield
    except ConflictSuperseded as refusal:
        if refusal.conflict is not None:
            refusal.members["conflict"] = _json(refusal.conflict)
        raise
    except ConflictsOpen as refusal:
        refusal.members["conflicts"] = [_json(conflict) for conflict in refusal.conflicts]
        raise
    except GuestsWouldBeMailed as refusal:
        refusal.members["guests"] = refusal.guests
        raise


def _json(conflict: Conflict) -> dict[str, object]:
    return present.conflict(conflict).model_dump(mode="json", by_alias=True, exclude_none=True)
