"""The only place that knows ``azure.functions``: HTTP, queue and timer triggers of a few lines each."""

import azure.functions as func


def blueprints() -> tuple[func.Blueprint, ...]:
    """Return every blueprint of the app."""
    from shared.triggers import (  # noqa: PLC0415 - no ring with the package itself
        api,
        auth,
        conflicts,
        description,
        history,
        meetings,
        runs,
        settings,
        timers,
        webhooks,
        worker,
    )

    rooms = (auth, api, runs, conflicts, history, meetings, settings, webhooks, worker, timers, description)
    return tuple(room.blueprint for room in rooms)
