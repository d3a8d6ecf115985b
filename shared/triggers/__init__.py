"""The only place that knows ``azure.functions``: HTTP, queue and timer triggers of a few lines each."""

import azure.functions as func


def blueprints() -> tuple[func.Blueprint, ...]:
    """Return every blueprint of the app."""
    from shared.triggers import api, auth, settings, timers, webhooks, worker  # noqa: PLC0415 - no ring with the package

    return (auth.blueprint, api.blueprint, settings.blueprint, webhooks.blueprint, worker.blueprint, timers.blueprint)
