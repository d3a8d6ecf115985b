"""The use cases, put together on the ports: what the triggers call."""

from dataclasses import dataclass

from shared.core.jobs import RunPurpose
from shared.errors import OperatorFault
from shared.ports import Clock, JobQueue, Ports, Secrets, UserTokens
from shared.settings import Settings
from shared.usecases.accept_notifications import AcceptNotifications
from shared.usecases.accept_wedsync_event import AcceptWedSyncEvent
from shared.usecases.apply_plan import ApplyPlan
from shared.usecases.carry_out import CarryOut
from shared.usecases.change_settings import ChangeSettings
from shared.usecases.clear_outlook import ClearOutlook
from shared.usecases.confirm_deletions import ConfirmDeletions
from shared.usecases.connect import BeginConnect, FinishConnect, ListCalendars
from shared.usecases.create_event import CreateEvent
from shared.usecases.dead_runs import BuryDeadRuns
from shared.usecases.disconnect import Disconnect
from shared.usecases.explain_event import ExplainEvent, explaining
from shared.usecases.force_sync import ForceSync
from shared.usecases.foresee_deletions import ForeseeDeletions
from shared.usecases.guard_deletions import GuardDeletions
from shared.usecases.job_frame import JobFrame
from shared.usecases.journal import Journal
from shared.usecases.keep_up import EnqueueDue, KeepUp, RecoverPoison
from shared.usecases.list_events import ListEvents
from shared.usecases.look import Look
from shared.usecases.move_calendar import MoveCalendar, MoveThenSync
from shared.usecases.move_copies import MoveCopies
from shared.usecases.prove import Prove
from shared.usecases.pull_sides import PullSides
from shared.usecases.rebuild_mappings import RebuildMappings
from shared.usecases.reconcile import Reconcile
from shared.usecases.record_jobs import RecordJobs
from shared.usecases.report_status import ReportStatus
from shared.usecases.request_sync import RequestSync
from shared.usecases.resolution_rules import KeepRules
from shared.usecases.resolve_conflict import ResolveConflict
from shared.usecases.resolve_deletion import ResolveDeletion
from shared.usecases.restore_event import RestoreEvent, restoring
from shared.usecases.run_record import RunWork
from shared.usecases.send_writes import OutlookSender, WedSyncSender
from shared.usecases.separate_calendar import WantedCalendar
from shared.usecases.settle_events import SettleEvents
from shared.usecases.settle_held import SettleHeld
from shared.usecases.settle_intent import SettleIntent
from shared.usecases.settle_new import SettleNew
from shared.usecases.settle_pair import SettlePair
from shared.usecases.settle_pulled import SettlePulled
from shared.usecases.subscribe import Subscribe
from shared.usecases.sync_run import SyncRunner
from shared.usecases.sync_sides import SyncSides
from shared.usecases.travel_block import TravelBlocks
from shared.usecases.undo_run import UndoSync, undo_work, undoing
from shared.usecases.write_lane import WriteLane

WEBHOOK_SECRET = "wedsync-webhook-secret"  # noqa: S105 - the secret's name


@dataclass(frozen=True, kw_only=True)
class App:
    """The use cases, ready for the triggers."""

    settings: Settings
    clock: Clock
    secrets: Secrets
    user_tokens: UserTokens
    jobs: JobQueue
    begin_connect: BeginConnect
    finish_connect: FinishConnect
    list_calendars: ListCalendars
    disconnect: Disconnect
    change_settings: ChangeSettings
    accept_notifications: AcceptNotifications
    accept_wedsync_event: AcceptWedSyncEvent
    request_sync: RequestSync
    report_status: ReportStatus
    list_events: ListEvents
    resolve_conflict: ResolveConflict
    resolution_rules: KeepRules
    force_sync: ForceSync
    confirm_deletions: ConfirmDeletions
    settle_events: SettleEvents
    sync_run: SyncRunner
    undo_sync: UndoSync
    explain_event: ExplainEvent
    restore_event: RestoreEvent
    keep_up: KeepUp
    enqueue_due: EnqueueDue
    recover_poison: RecoverPoison

    async def webhook_secret(self) -> str:
        """Return the secret that signs WedSync's webhooks."""
        secret = await self.secrets.get(WEBHOOK_SECRET)
        if not secret:
            raise OperatorFault("keyvault", code=WEBHOOK_SECRET)
        return secret


def build(settings: Settings, ports: Ports) -> App:
    """Return the use cases on these ports."""
    p = ports
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
    enqueue_due = EnqueueDue(
        due=p.due,
        integrations=p.integrations,
        jobs=p.jobs,
        request_sync=request_sync,
        clock=p.clock,
        safety_sync_minutes=settings.safety_sync_minutes,
    )
    disconnect = Disconnect(
        integrations=p.integrations,
        mappings=p.mappings,
        conflicts=p.conflicts,
        rules=p.rules,
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
    settling = _settling(p, request_sync)
    return App(
        settings=settings,
        clock=p.clock,
        secrets=p.secrets,
        user_tokens=p.user_tokens,
        jobs=p.jobs,
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
        accept_wedsync_event=AcceptWedSyncEvent(integrations=p.integrations, jobs=p.jobs, ids=p.ids),
        request_sync=request_sync,
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
            integrations=p.integrations, confirmations=p.confirmations, request_sync=request_sync, clock=p.clock
        ),
        settle_events=SettleEvents(
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
                **_syncing(settings, p, settling, subscribe),
            },
            dead=BuryDeadRuns(runs=p.runs, run_items=p.run_items, request_sync=request_sync, clock=p.clock),
            due=enqueue_due,
            ids=p.ids,
            meter=p.meter,
            run_items=p.run_items,
            clock=p.clock,
        ),
        explain_event=explaining(p, look=settling.look, past_days=past, future_days=future),
        restore_event=restoring(p, pair=settling.pair),
        undo_sync=undoing(p),
        keep_up=KeepUp(frame=frame, subscribe=subscribe, disconnect=disconnect),
        enqueue_due=enqueue_due,
        recover_poison=RecoverPoison(integrations=p.integrations, jobs=p.jobs, request_sync=request_sync),
    )


@dataclass(frozen=True, kw_only=True)
class _Settling:
    """What event jobs and runs have in common."""

    look: Look
    journal: Journal
    pair: SettlePair
    new: SettleNew
    travel: TravelBlocks
    settle: SettlePulled


def _resolving(p: Ports, settling: _Settling) -> ResolveConflict:
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
        jobs=p.jobs,
        ids=p.ids,
        clock=p.clock,
    )


def _forcing(p: Ports, settling: _Settling) -> ForceSync:
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


def _syncing(settings: Settings, p: Ports, settling: _Settling, subscribe: Subscribe) -> dict[RunPurpose, RunWork]:
    """Return the works that sync the calendar that is wanted: where it is not the present one, copies move first."""
    pull = PullSides(
        mappings=p.mappings,
        outlook=p.outlook,
        wedsync=p.wedsync,
        clock=p.clock,
        past_days=settings.window_past_days,
        future_days=settings.window_future_days,
    )
    create, journal = settling.pair.create, settling.journal
    move = MoveCalendar(
        integrations=p.integrations,
        mappings=p.mappings,
        conflicts=p.conflicts,
        changes=p.changes,
        outlook=p.outlook,
        wanted=WantedCalendar(outlook=p.outlook),
        copies=MoveCopies(outlook=p.outlook, changes=p.changes, create=create, journal=journal, clock=p.clock),
        intents=settling.pair.intents,
        subscribe=subscribe,
        journal=journal,
        clock=p.clock,
    )
    rebuild = RebuildMappings(
        mappings=p.mappings,
        outlook=p.outlook,
        wedsync=p.wedsync,
        changes=p.changes,
        journal=journal,
        clock=p.clock,
        past_days=settings.window_past_days,
        future_days=settings.window_future_days,
    )
    reconcile = Reconcile(
        rebuild=rebuild,
        pull=pull,
        settle=settling.settle,
        past_days=settings.window_past_days,
        future_days=settings.window_future_days,
    )
    sync = SyncSides(
        rebuild=rebuild,
        pull=pull,
        settle=settling.settle,
        run_items=p.run_items,
    )
    work = MoveThenSync(move=move, sync=sync, items=p.run_items)
    return {
        RunPurpose.SYNC: work,
        RunPurpose.MOVE_CALENDAR: work,
        RunPurpose.RECONCILE: MoveThenSync(move=move, sync=reconcile, items=p.run_items),
    }


def _settling(p: Ports, request_sync: RequestSync) -> _Settling:
    look = Look(outlook=p.outlook, wedsync=p.wedsync)
    journal = Journal(mappings=p.mappings, changes=p.changes, ids=p.ids, clock=p.clock)
    create = CreateEvent(mappings=p.mappings, outlook=p.outlook, wedsync=p.wedsync, ids=p.ids, clock=p.clock)
    intents = SettleIntent(
        conflicts=p.conflicts, changes=p.changes, look=look, create=create, journal=journal, clock=p.clock
    )
    guard = GuardDeletions(confirmations=p.confirmations, mappings=p.mappings, ids=p.ids, clock=p.clock)
    acts = CarryOut(
        outlook=p.outlook,
        wedsync=p.wedsync,
        conflicts=p.conflicts,
        changes=p.changes,
        look=look,
        create=create,
        intents=intents,
        guard=guard,
        journal=journal,
        clock=p.clock,
    )
    pair = SettlePair(
        rules=p.rules,
        conflicts=p.conflicts,
        look=look,
        create=create,
        intents=intents,
        acts=acts,
        guard=guard,
        journal=journal,
    )
    new = SettleNew(
        mappings=p.mappings,
        outlook=p.outlook,
        wedsync=p.wedsync,
        changes=p.changes,
        create=create,
        pair=pair,
        request_sync=request_sync,
        journal=journal,
        ids=p.ids,
        clock=p.clock,
    )
    travel = TravelBlocks(mappings=p.mappings, look=look, create=create, pair=pair, new=new)
    apply = ApplyPlan(
        mappings=p.mappings,
        look=look,
        acts=acts,
        pair=pair,
        new=new,
        create=create,
        lane=WriteLane(mappings=p.mappings, changes=p.changes, conflicts=p.conflicts, journal=journal, clock=p.clock),
        to_outlook=OutlookSender(mappings=p.mappings, outlook=p.outlook, create=create, clock=p.clock),
        to_wedsync=WedSyncSender(wedsync=p.wedsync, create=create),
        travel=travel,
    )
    settle = SettlePulled(
        prove=Prove(mappings=p.mappings, rules=p.rules, look=look),
        guard=guard,
        apply=apply,
        conflicts=p.conflicts,
        journal=journal,
    )
    return _Settling(look=look, journal=journal, pair=pair, new=new, travel=travel, settle=settle)
