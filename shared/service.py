"""The use cases, put together on the ports: what the triggers call."""

from dataclasses import dataclass

from shared.core.jobs import RunPurpose
from shared.errors import OperatorFault
from shared.ports import Clock, JobQueue, Ports, Secrets, UserTokens
from shared.runs import Settling, previewing, runs_that_sync, settling_on
from shared.settings import Settings
from shared.usecases.accept_notifications import AcceptNotifications
from shared.usecases.accept_wedsync_event import AcceptWedSyncEvent
from shared.usecases.cancel_meeting import CancelMeeting
from shared.usecases.cancel_sync import CancelSync
from shared.usecases.change_meeting import ChangeMeeting
from shared.usecases.change_settings import ChangeSettings
from shared.usecases.check_health import CheckHealth
from shared.usecases.clear_outlook import ClearOutlook
from shared.usecases.confirm_deletions import ConfirmDeletions
from shared.usecases.connect import BeginConnect, FinishConnect, ListCalendars
from shared.usecases.count_call import CountCall
from shared.usecases.dead_runs import BuryDeadRuns
from shared.usecases.disconnect import Disconnect
from shared.usecases.explain_event import ExplainEvent, explaining
from shared.usecases.find_availability import FindAvailability, finding_availability
from shared.usecases.find_run import FindRun
from shared.usecases.finish_meeting import FinishMeeting
from shared.usecases.force_sync import ForceSync
from shared.usecases.foresee_deletions import ForeseeDeletions
from shared.usecases.hand_out_looks import HandOutLooks
from shared.usecases.job_frame import JobFrame
from shared.usecases.judge_channel import JudgeChannel
from shared.usecases.keep_up import EnqueueDue, KeepUp, RecoverPoison, TakeTurns
from shared.usecases.list_events import ListEvents
from shared.usecases.make_meeting import MakeMeeting, making_meetings
from shared.usecases.preview_sync import PreviewSync
from shared.usecases.prune_history import PruneHistory
from shared.usecases.record_jobs import RecordJobs
from shared.usecases.refused_channel import RefusedChannel
from shared.usecases.renew_token import RenewToken
from shared.usecases.report_status import ReportStatus
from shared.usecases.request_sync import RequestSync
from shared.usecases.resolution_rules import KeepRules
from shared.usecases.resolve_conflict import ResolveConflict
from shared.usecases.resolve_deletion import ResolveDeletion
from shared.usecases.restore_event import RestoreEvent, restoring
from shared.usecases.settle_events import SettleEvents
from shared.usecases.settle_held import SettleHeld
from shared.usecases.subscribe import Subscribe
from shared.usecases.sync_run import SyncRunner
from shared.usecases.told import told
from shared.usecases.undo_run import UndoSync, undo_work, undoing

WEBHOOK_SECRET = "wedsync-webhook-secret"  # noqa: S105 - the secret's name


@dataclass(frozen=True, kw_only=True)
class App:
    """The use cases, ready for the triggers."""

    settings: Settings
    clock: Clock
    secrets: Secrets
    user_tokens: UserTokens
    jobs: JobQueue
    count_call: CountCall
    begin_connect: BeginConnect
    finish_connect: FinishConnect
    list_calendars: ListCalendars
    disconnect: Disconnect
    change_settings: ChangeSettings
    accept_notifications: AcceptNotifications
    accept_wedsync_event: AcceptWedSyncEvent
    request_sync: RequestSync
    cancel_sync: CancelSync
    preview_sync: PreviewSync
    report_status: ReportStatus
    list_events: ListEvents
    resolve_conflict: ResolveConflict
    resolution_rules: KeepRules
    force_sync: ForceSync
    confirm_deletions: ConfirmDeletions
    settle_events: SettleEvents
    hand_out_looks: HandOutLooks
    sync_run: SyncRunner
    undo_sync: UndoSync
    explain_event: ExplainEvent
    restore_event: RestoreEvent
    find_availability: FindAvailability
    make_meeting: MakeMeeting
    change_meeting: ChangeMeeting
    cancel_meeting: CancelMeeting
    keep_up: KeepUp
    enqueue_due: EnqueueDue
    check_health: CheckHealth
    renew_token: RenewToken
    prune_history: PruneHistory
    recover_poison: RecoverPoison

    async def webhook_secret(self) -> str:
        """Return the secret that signs WedSync's webhooks."""
        secret = await self.secrets.get(WEBHOOK_SECRET)
        if not secret:
            raise OperatorFault("keyvault", code=WEBHOOK_SECRET)
        return secret


def build(settings: Settings, ports: Ports) -> App:
    """Return the use cases on these ports."""
    p = told(ports)
    past, future = settings.window_past_days, settings.window_future_days
    frame = JobFrame(integrations=p.integrations, jobs=p.jobs)
    request_sync = RequestSync(integrations=p.integrations, runs=p.runs, jobs=p.jobs, ids=p.ids, clock=p.clock)
    subscribe = Subscribe(
        subscriptions=p.subscriptions,
        rows=p.rows,
        due=p.due,
        jobs=p.jobs,
        ids=p.ids,
        clock=p.clock,
        minutes=settings.subscription_minutes,
    )
    enqueue_due = EnqueueDue(due=p.due, jobs=p.jobs, clock=p.clock, safety_sync_minutes=settings.safety_sync_minutes)
    take_turns = TakeTurns(
        due=p.due,
        integrations=p.integrations,
        rows=p.rows,
        jobs=p.jobs,
        request_sync=request_sync,
        clock=p.clock,
        safety_sync_minutes=settings.safety_sync_minutes,
    )
    renew_token = RenewToken(consent=p.consent, clock=p.clock)
    prune_history = PruneHistory(
        runs=p.runs,
        changes=p.changes,
        conflicts=p.conflicts,
        confirmations=p.confirmations,
        meeting_requests=p.meeting_requests,
        leases=p.leases,
        states=p.states,
        due=p.due,
        jobs=p.jobs,
        clock=p.clock,
        retention_days=settings.history_retention_days,
    )
    disconnect = Disconnect(
        integrations=p.integrations,
        mappings=p.mappings,
        conflicts=p.conflicts,
        rules=p.rules,
        meeting_requests=p.meeting_requests,
        confirmations=p.confirmations,
        runs=p.runs,
        run_items=p.run_items,
        leases=p.leases,
        clear=ClearOutlook(integrations=p.integrations, mappings=p.mappings, outlook=p.outlook, clock=p.clock),
        consent=p.consent,
        subscribe=subscribe,
        jobs=p.jobs,
        ids=p.ids,
        clock=p.clock,
    )
    settling = settling_on(p, request_sync)
    make_meeting = making_meetings(p, pair=settling.pair)
    return App(
        settings=settings,
        clock=p.clock,
        secrets=p.secrets,
        user_tokens=p.user_tokens,
        jobs=p.jobs,
        count_call=CountCall(limits=p.limits, clock=p.clock),
        begin_connect=BeginConnect(consent=p.consent, states=p.states, ids=p.ids, clock=p.clock),
        finish_connect=FinishConnect(
            consent=p.consent,
            states=p.states,
            integrations=p.integrations,
            mappings=p.mappings,
            outlook=p.outlook,
            subscribe=subscribe,
            request_sync=request_sync,
            due=p.due,
            clock=p.clock,
            safety_sync_minutes=settings.safety_sync_minutes,
        ),
        list_calendars=ListCalendars(integrations=p.integrations, outlook=p.outlook),
        disconnect=disconnect,
        change_settings=ChangeSettings(
            integrations=p.integrations,
            mappings=p.mappings,
            runs=p.runs,
            outlook=p.outlook,
            rules=KeepRules(rules=p.rules, clock=p.clock),
            subscribe=subscribe,
            due=p.due,
            jobs=p.jobs,
            ids=p.ids,
            clock=p.clock,
        ),
        accept_notifications=AcceptNotifications(
            rows=p.rows,
            integrations=p.integrations,
            jobs=p.jobs,
            request_sync=request_sync,
            ids=p.ids,
            clock=p.clock,
        ),
        accept_wedsync_event=AcceptWedSyncEvent(integrations=p.integrations, leases=p.leases, jobs=p.jobs, ids=p.ids),
        request_sync=request_sync,
        cancel_sync=CancelSync(runs=p.runs, run_items=p.run_items, request_sync=request_sync, clock=p.clock),
        preview_sync=previewing(settings, p, settling),
        report_status=ReportStatus(
            integrations=p.integrations,
            mappings=p.mappings,
            conflicts=p.conflicts,
            rules=p.rules,
            confirmations=p.confirmations,
            runs=p.runs,
            rows=p.rows,
            clock=p.clock,
            safety_sync_minutes=settings.safety_sync_minutes,
        ),
        list_events=ListEvents(integrations=p.integrations, mappings=p.mappings, conflicts=p.conflicts),
        resolve_conflict=_resolving(p, settling),
        resolution_rules=KeepRules(rules=p.rules, clock=p.clock),
        force_sync=_forcing(p, settling),
        confirm_deletions=ConfirmDeletions(
            integrations=p.integrations,
            confirmations=p.confirmations,
            mappings=p.mappings,
            request_sync=request_sync,
            clock=p.clock,
        ),
        hand_out_looks=HandOutLooks(jobs=p.jobs),
        settle_events=SettleEvents(
            leases=p.leases,
            frame=frame,
            mappings=p.mappings,
            look=settling.look,
            foresee=ForeseeDeletions(
                mappings=p.mappings, look=settling.look, pair=settling.pair, guard=settling.pair.guard
            ),
            pair=settling.pair,
            new=settling.new,
            travel=settling.travel,
            journal=settling.journal,
            record=RecordJobs(runs=p.runs, ids=p.ids, clock=p.clock),
            find=FindRun(runs=p.runs, changes=p.changes, clock=p.clock),
            request_sync=request_sync,
            clock=p.clock,
            past_days=past,
            future_days=future,
        ),
        sync_run=SyncRunner(
            frame=frame,
            integrations=p.integrations,
            runs=p.runs,
            leases=p.leases,
            jobs=p.jobs,
            works={
                RunPurpose.CONFIRM: SettleHeld(
                    confirmations=p.confirmations, mappings=p.mappings, look=settling.look, pair=settling.pair
                ),
                RunPurpose.UNDO: undo_work(p, look=settling.look, intents=settling.pair.intents),
                **runs_that_sync(settings, p, settling, subscribe),
            },
            dead=BuryDeadRuns(runs=p.runs, run_items=p.run_items, request_sync=request_sync, clock=p.clock),
            due=enqueue_due,
            channel=JudgeChannel(rows=p.rows, changes=p.changes, mappings=p.mappings, jobs=p.jobs, clock=p.clock),
            ids=p.ids,
            meter=p.meter,
            run_items=p.run_items,
            clock=p.clock,
        ),
        explain_event=explaining(p, look=settling.look, past_days=past, future_days=future),
        restore_event=restoring(p, pair=settling.pair),
        undo_sync=undoing(p),
        keep_up=KeepUp(
            frame=frame,
            subscribe=subscribe,
            refused=RefusedChannel(integrations=p.integrations, rows=p.rows, due=p.due, clock=p.clock),
            disconnect=disconnect,
            take_turns=take_turns,
            request_sync=request_sync,
            renew_token=renew_token,
            prune_history=prune_history,
            make_meeting=make_meeting,
            finish_meeting=FinishMeeting.on(p, pair=settling.pair),
        ),
        find_availability=finding_availability(p),
        make_meeting=make_meeting,
        change_meeting=ChangeMeeting.on(p, pair=settling.pair),
        cancel_meeting=CancelMeeting.on(p, pair=settling.pair),
        enqueue_due=enqueue_due,
        check_health=CheckHealth(probes=p.probes, clock=p.clock),
        renew_token=renew_token,
        prune_history=prune_history,
        recover_poison=RecoverPoison(integrations=p.integrations, jobs=p.jobs, request_sync=request_sync),
    )


def _resolving(p: Ports, settling: Settling) -> ResolveConflict:
    deletion = ResolveDeletion(
        mappings=p.mappings, conflicts=p.conflicts, look=settling.look, pair=settling.pair, clock=p.clock
    )
    return ResolveConflict(
        integrations=p.integrations,
        mappings=p.mappings,
        conflicts=p.conflicts,
        rules=KeepRules(rules=p.rules, clock=p.clock),
        look=settling.look,
        pair=settling.pair,
        deletion=deletion,
        record=RecordJobs(runs=p.runs, ids=p.ids, clock=p.clock),
        jobs=p.jobs,
        ids=p.ids,
        clock=p.clock,
    )


def _forcing(p: Ports, settling: Settling) -> ForceSync:
    return ForceSync(
        integrations=p.integrations,
        mappings=p.mappings,
        conflicts=p.conflicts,
        look=settling.look,
        pair=settling.pair,
        create=settling.pair.create,
        record=RecordJobs(runs=p.runs, ids=p.ids, clock=p.clock),
        jobs=p.jobs,
    )
