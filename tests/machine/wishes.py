"""What users wish of the service: settings, choices, and what they have it do or take back.

Each is asked of a process that may die over it, or refuse; what a user allows by asking is noted before.
"""

from shared.core.event import AllDay, CalendarEvent, EventTime, Field, Place, Side, Timed
from shared.core.history import ChangeKind, Conflict, SyncChange
from shared.core.integration import Direction, OnOutlookDelete
from shared.core.jobs import RunKind, RunRequest, TriggeredBy
from shared.core.mapping import EventMapping
from shared.core.settings_change import SettingsChange
from shared.core.states import IntegrationState, MappingState, RunState
from shared.usecases.choices import CustomValue
from tests.machine import verdict
from tests.machine.acts import Acts
from tests.machine.process import only_looking
from tests.machine.service import Service
from tests.machine.sight import OUTLOOK, WEDSYNC, Both, Sight, word_of
from tests.machine.users import Users


def _preferring(**preferences: object) -> SettingsChange:
    return SettingsChange(preferences=preferences)


WISHES = {
    "ask about deletions": _preferring(on_outlook_delete=OnOutlookDelete.ASK),
    "opt out by deletion": _preferring(on_outlook_delete=OnOutlookDelete.UNLINK),
    "delete with Outlook": _preferring(on_outlook_delete=OnOutlookDelete.DELETE),
    "meetings off": _preferring(sync_client_meetings=False),
    "meetings on": _preferring(sync_client_meetings=True),
    "weddings off": _preferring(sync_wedding_events=False),
    "weddings on": _preferring(sync_wedding_events=True),
    "deadlines off": _preferring(sync_deadlines=False),
    "deadlines on": _preferring(sync_deadlines=True),
    "another prefix": _preferring(event_prefix="Wedding - "),
    "no prefix": _preferring(event_prefix=""),
    "the usual prefix": _preferring(event_prefix="WedSync: "),
    "travel times on": _preferring(sync_travel_time=True),
    "travel times off": _preferring(sync_travel_time=False),
    "to Outlook only": SettingsChange(direction=Direction.TO_OUTLOOK),
    "from Outlook only": SettingsChange(direction=Direction.FROM_OUTLOOK),
    "both ways": SettingsChange(direction=Direction.BIDIRECTIONAL),
    "a calendar of its own": _preferring(create_separate_calendar=True),
    "the usual calendar": _preferring(create_separate_calendar=False),
}
"""Changes of settings by name."""

WANTED = (
    "undo",
    "restore",
    "reconcile",
    "cancel",
    "preview",
    "disconnect",
    "force to outlook",
    "force to wedsync",
    "resolve with wedsync",
    "resolve with outlook",
    "resolve with custom",
)
"""What a process has to have done, each."""

REFUSED = ("force to outlook: conflicts_open",)
_RECENT = 8
_CUSTOM = (Field.TITLE, Field.DESCRIPTION, Field.LOCATION, Field.TIME)


class Wishes(Acts):
    """Wishes, by whoever chooses among them. ``which`` is the process that is asked."""

    def __init__(self, service: Service) -> None:
        self.service, self.world, self.reached = service, service.world, service.reached
        wedsync, outlook = self.world.wedsync, self.world.outlook
        sight = Sight(wedsync=wedsync, outlook=outlook)
        super().__init__(Users(sight=sight, wedsync=wedsync, outlook=outlook, now=self.world.clock.now))
        self.user_id = self.world.planner.user_id

    async def _known(self) -> dict[str, EventMapping]:
        return {mapping.mapping_id: mapping for mapping in await self.world.mappings()}

    # --- settings -------------------------------------------------------------------------------------------------

    async def prefer(self, wish: str, which: int) -> None:
        """Change a setting."""
        change = WISHES[wish]
        self.reached.add("preference", wish)
        self.users.narrowed |= change.direction in (Direction.TO_OUTLOOK, Direction.FROM_OUTLOOK)
        self.users.parted |= "create_separate_calendar" in change.preferences
        self.service.change(change, which, name=wish)

    async def open_up(self) -> None:
        """Sync both ways again: what one way was closed to is carried, or asked about."""
        if (await self.world.integration()).direction is not Direction.BIDIRECTIONAL:
            await self.prefer("both ways", 0)
            await self.service.drain()

    async def leave(self, which: int) -> None:
        """Disconnect."""
        await self.users.leave()
        self.service.ask(which, "disconnect", lambda app: app.disconnect.by_user(self.user_id))

    async def come_back(self) -> None:
        """Connect again, if the service says that one is not."""
        if not self.users.leaving:
            return
        await self.service.to_the_end()
        if (await self.world.integration()).state is IntegrationState.DISCONNECTED:
            await self.service.connect()
            await self.service.drain()
        self.users.leaving = False

    # --- conflicts ------------------------------------------------------------------------------------------------

    async def resolve(self, pick: int, side: str, which: int) -> None:
        """Choose a side."""
        found = await self._question(pick, side)
        if found is not None:
            conflict, mapping = found
            self.service.resolve(conflict, mapping.wedsync_id or mapping.mapping_id, side, which)

    async def resolve_otherwise(self, pick: int, which: int) -> None:
        """Choose neither side, but a value of one's own."""
        conflicts = [each for each in await self.world.open_conflicts() if each.field in _CUSTOM]
        mappings = await self._known()
        conflicts = [each for each in conflicts if _takes_any(each, mappings.get(each.mapping_id))]
        found = self.chosen(sorted(conflicts, key=lambda each: each.opened_at), mappings, pick, OUTLOOK)
        if found is not None:
            conflict, mapping = found
            value = self._own_value(conflict)
            self.service.resolve(conflict, mapping.wedsync_id or mapping.mapping_id, "custom", which, value)

    async def _question(self, pick: int, side: str) -> tuple[Conflict, EventMapping] | None:
        conflicts = sorted(await self.world.open_conflicts(), key=lambda conflict: conflict.opened_at)
        return self.chosen(conflicts, await self._known(), pick, side)

    def _own_value(self, conflict: Conflict) -> CustomValue:
        number, present = self.users.next(), conflict.wedsync
        assert present is not None
        if conflict.field is Field.TITLE:
            return f"{word_of(present.title)} custom {number}"
        if conflict.field is Field.DESCRIPTION:
            return f"Custom text {number}"
        if conflict.field is Field.LOCATION:
            return Place(name=f"Custom place {number}")
        return self._own_time(present.time, number)

    def _own_time(self, present: EventTime, number: int) -> EventTime:
        start, end = self.users.span(number)
        if isinstance(present, AllDay):
            return Timed(start=start, end=end, zone="UTC")
        return Timed(start=start, end=end, zone=present.zone)

    # --- single events --------------------------------------------------------------------------------------------

    async def force(self, pick: int, side: str, which: int, *, overwrite: bool) -> None:
        """Carry an event over to a side as it is on the other."""

        def wanted(both: Both) -> bool:
            whole = both.on(WEDSYNC) is not None and both.on(OUTLOOK) is not None
            return both.is_ours or whole

        both = await self.users.choose(pick, WEDSYNC, wanted=wanted)
        event = both.on(WEDSYNC) if both else None
        if both is None or event is None:
            return
        if side == OUTLOOK:
            self.users.stays_away(both.key)  # another one may be made
        self.users.forced.add(both.key)
        direction = Direction.TO_OUTLOOK if side == OUTLOOK else Direction.FROM_OUTLOOK
        self.service.ask(
            which,
            f"force to {side}",
            lambda app: app.force_sync.run(self.user_id, str(event["id"]), direction, overwrite_conflicts=overwrite),
        )

    async def restore(self, pick: int, which: int) -> None:
        """Bring back what is hidden, or was taken out of the sync."""
        out = (MappingState.UNLINKED, MappingState.HIDDEN)
        mappings = sorted((await self._known()).values(), key=lambda each: each.mapping_id)
        mappings = [each for each in mappings if each.state in out]
        if not mappings:
            return
        mapping = mappings[pick % len(mappings)]
        key = verdict.key_of(self.users, mapping)
        self.users.stays_away(key)
        self.users.forced.add(key)
        event_id = mapping.wedsync_id or mapping.mapping_id
        self.service.ask(which, "restore", lambda app: app.restore_event.run(self.user_id, event_id))

    # --- runs -----------------------------------------------------------------------------------------------------

    async def undo(self, pick: int, which: int) -> None:
        """Take back what one of the latest runs has done."""
        runs = [stored.value for stored in await self.world.ports.runs.history(self.world.integration_id, _RECENT)]
        runs = [run for run in runs if run.state is RunState.COMPLETED and run.tally.changed]
        if not runs:
            return
        run_id = runs[pick % len(runs)].run_id
        mappings = await self._known()
        for change in await self.world.ports.changes.of_run(self.world.integration_id, run_id):
            mapping = mappings.get(change.mapping_id) or change.pair
            key = verdict.key_of(self.users, mapping) if mapping else ""
            if ":" in key and change.kind in (ChangeKind.DELETED, ChangeKind.UNLINKED):
                return  # an occurrence comes back as an event by itself, of which nothing tells what it was
            self._takes_back(change, key)
        self.service.ask(which, "undo", lambda app: app.undo_sync.run(self.user_id, run_id, carry_on=app.sync_run.run))

    def _takes_back(self, change: SyncChange, key: str) -> None:
        if not key:
            self.users.narrowed = True
            return
        self.users.forced.add(key)
        self.users.stays_away(key)
        if change.kind is ChangeKind.CREATED:
            self.users.removed.add((key, WEDSYNC if change.side is Side.WEDSYNC else OUTLOOK))

    async def reconcile(self, which: int) -> None:
        """The day has come on which everything is read anew."""
        integration = await self.world.integration()
        if integration.syncing:
            self.service.ask(which, "reconcile", lambda app: app.request_sync.reconcile(integration))

    async def cancel(self, pick: int, which: int) -> None:
        """Cancel a run that waits or works."""
        living = [run for run in await self.world.runs() if run.state in (RunState.QUEUED, RunState.IN_PROGRESS)]
        if living:
            run_id = living[pick % len(living)].run_id
            self.service.ask(which, "cancel", lambda app: app.cancel_sync.run(self.user_id, run_id))

    async def preview(self, kind: RunKind, which: int) -> None:
        """Look at what a run would do."""
        request = RunRequest(kind=kind, triggered_by=TriggeredBy.MANUAL)
        self.service.ask(which, "preview", lambda app: only_looking(app.preview_sync.run(self.user_id, request)))


def _takes_any(conflict: Conflict, mapping: EventMapping | None) -> bool:
    """Whether a value of one's own can be given: occurrences stay between their neighbours."""
    if mapping is None or mapping.masked or not isinstance(conflict.wedsync, CalendarEvent):
        return False
    return conflict.field is not Field.TIME or mapping.series_id is None
