"""What event jobs and runs have in common, and the kinds of run that read both sides, put together on the ports."""

from dataclasses import dataclass

from shared.core.jobs import RunPurpose
from shared.ports import Ports
from shared.settings import Settings
from shared.usecases.apply_plan import ApplyPlan
from shared.usecases.carry_out import CarryOut
from shared.usecases.close_questions import CloseQuestions
from shared.usecases.create_event import CreateEvent
from shared.usecases.foresee_blocks import ForeseeBlocks
from shared.usecases.guard_deletions import GuardDeletions
from shared.usecases.journal import Journal
from shared.usecases.look import Look
from shared.usecases.move_calendar import MoveCalendar, MoveThenSync
from shared.usecases.move_copies import MoveCopies
from shared.usecases.preview_sync import PreviewSync
from shared.usecases.prove import Prove
from shared.usecases.pull_sides import PullSides
from shared.usecases.rebuild_mappings import RebuildMappings
from shared.usecases.reconcile import Reconcile
from shared.usecases.request_sync import RequestSync
from shared.usecases.run_record import RunWork
from shared.usecases.send_writes import OutlookSender, WedSyncSender
from shared.usecases.separate_calendar import WantedCalendar
from shared.usecases.settle_intent import SettleIntent
from shared.usecases.settle_new import SettleNew
from shared.usecases.settle_pair import SettlePair
from shared.usecases.settle_pulled import SettlePulled
from shared.usecases.subscribe import Subscribe
from shared.usecases.sync_sides import SyncSides
from shared.usecases.sync_specific import SyncSpecific
from shared.usecases.travel_block import TravelBlocks
from shared.usecases.write_lane import WriteLane


@dataclass(frozen=True, kw_only=True)
class Settling:
    """What event jobs and runs have in common."""

    look: Look
    journal: Journal
    pair: SettlePair
    new: SettleNew
    travel: TravelBlocks
    settle: SettlePulled


def _pulling(settings: Settings, p: Ports) -> PullSides:
    return PullSides(
        mappings=p.mappings,
        outlook=p.outlook,
        wedsync=p.wedsync,
        clock=p.clock,
        past_days=settings.window_past_days,
        future_days=settings.window_future_days,
    )


def _rebuilding(settings: Settings, p: Ports, journal: Journal) -> RebuildMappings:
    return RebuildMappings(
        mappings=p.mappings,
        outlook=p.outlook,
        wedsync=p.wedsync,
        changes=p.changes,
        journal=journal,
        clock=p.clock,
        past_days=settings.window_past_days,
        future_days=settings.window_future_days,
    )


def previewing(settings: Settings, p: Ports, settling: Settling) -> PreviewSync:
    """Return the preview of what the sync would do."""
    return PreviewSync(
        integrations=p.integrations,
        confirmations=p.confirmations,
        rebuild=_rebuilding(settings, p, settling.journal),
        pull=_pulling(settings, p),
        settle=settling.settle,
        blocks=ForeseeBlocks(travel=settling.travel, look=settling.look),
        ids=p.ids,
        clock=p.clock,
    )


def runs_that_sync(settings: Settings, p: Ports, settling: Settling, subscribe: Subscribe) -> dict[RunPurpose, RunWork]:
    """Return the works that sync the calendar that is wanted: where it is not the present one, copies move first."""
    pull = _pulling(settings, p)
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
    rebuild = _rebuilding(settings, p, journal)
    reconcile = Reconcile(
        changes=p.changes,
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
    specific = SyncSpecific(
        mappings=p.mappings,
        pull=pull,
        prove=settling.settle.prove,
        settle=settling.settle,
        travel=settling.travel,
    )
    return {
        RunPurpose.SPECIFIC: specific,
        RunPurpose.SYNC: work,
        RunPurpose.MOVE_CALENDAR: work,
        RunPurpose.RECONCILE: MoveThenSync(move=move, sync=reconcile, items=p.run_items),
    }


def settling_on(p: Ports, request_sync: RequestSync) -> Settling:
    """Return what looks at events and brings pairs into step."""
    look = Look(outlook=p.outlook, wedsync=p.wedsync)
    journal = Journal(mappings=p.mappings, ids=p.ids, clock=p.clock)
    create = CreateEvent(mappings=p.mappings, outlook=p.outlook, wedsync=p.wedsync, clock=p.clock)
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
        integrations=p.integrations,
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
        changes=p.changes,
        create=create,
        pair=pair,
        request_sync=request_sync,
        journal=journal,
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
        integrations=p.integrations,
        prove=Prove(mappings=p.mappings, rules=p.rules, look=look),
        guard=guard,
        apply=apply,
        conflicts=p.conflicts,
        questions=CloseQuestions(conflicts=p.conflicts, mappings=p.mappings, clock=p.clock),
        journal=journal,
    )
    return Settling(look=look, journal=journal, pair=pair, new=new, travel=travel, settle=settle)
