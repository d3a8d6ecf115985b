"""The timers read what is due and enqueue; they ask nothing of Graph."""

import azure.functions as func

from shared import bootstrap
from shared.log import log_action
from shared.triggers.invocation import NO_CONTEXT, invoked

blueprint = func.Blueprint()


@blueprint.function_name("renew_subscriptions")
@blueprint.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
async def renew_subscriptions(timer: func.TimerRequest, context: func.Context = NO_CONTEXT) -> None:
    """Enqueue the renewal of subscriptions that near their end."""
    with invoked(context, "renew_subscriptions"):
        count = await bootstrap.get_app().enqueue_due.renewals()
        log_action("renewals_enqueued", count=count, past_due=timer.past_due)


@blueprint.function_name("safety_sync")
@blueprint.timer_trigger(arg_name="timer", schedule="0 * * * * *")
async def safety_sync(timer: func.TimerRequest, context: func.Context = NO_CONTEXT) -> None:
    """Enqueue an incremental run for integrations that nobody has confirmed for a while."""
    with invoked(context, "safety_sync"):
        count = await bootstrap.get_app().enqueue_due.safety_runs()
        log_action("safety_runs_enqueued", count=count, past_due=timer.past_due)


@blueprint.function_name("reconcile")
@blueprint.timer_trigger(arg_name="timer", schedule="0 7 * * * *")
async def reconcile(timer: func.TimerRequest, context: func.Context = NO_CONTEXT) -> None:
    """Start the weekly reconciliation of each integration whose turn has come."""
    with invoked(context, "reconcile"):
        count = await bootstrap.get_app().enqueue_due.reconciliations()
        log_action("reconciliations_enqueued", count=count, past_due=timer.past_due)


@blueprint.function_name("refresh_idle_tokens")
@blueprint.timer_trigger(arg_name="timer", schedule="0 23 3 * * *")
async def refresh_idle_tokens(timer: func.TimerRequest, context: func.Context = NO_CONTEXT) -> None:
    """Enqueue a look at refresh tokens, long before one that nobody uses would end."""
    with invoked(context, "refresh_idle_tokens"):
        count = await bootstrap.get_app().enqueue_due.idle_tokens()
        log_action("token_renewals_enqueued", count=count, past_due=timer.past_due)


@blueprint.function_name("prune_history")
@blueprint.timer_trigger(arg_name="timer", schedule="0 41 2 * * *")
async def prune_history(timer: func.TimerRequest, context: func.Context = NO_CONTEXT) -> None:
    """Forget sign-ins that broke off and calls that count no more; enqueue the removal of history older than kept."""
    with invoked(context, "prune_history"):
        app = bootstrap.get_app()
        count = await app.enqueue_due.prunings()  # first: nothing that fails below keeps anybody's history
        sign_ins = await app.prune_history.sign_ins()
        calls = await app.count_call.forget_full()
        log_action("prunings_enqueued", count=count, sign_ins=sign_ins, calls=calls, past_due=timer.past_due)
