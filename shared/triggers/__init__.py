"""The only place that knows ``azure.functions``: HTTP, queue and timer triggers of a few lines each."""

import azure.functions as func


def blueprints() -> tuple[func.Blueprint, ...]:
    """Return every blueprint of the app."""
    from shared.triggers import api, auth, timers, webhooks, worker  # noqa: PLC0415 - no ring with the package itself

    return (auth.blueprint, api.blueprint, webhooks.blueprint, worker.blueprint, timers.blueprint)
