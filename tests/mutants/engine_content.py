"""Faults of the engine: bodies, times, series, preferences and travel blocks."""

from tests.mutants.mutant import Mutant

_GRAPH_CALENDAR = "tests/graph/test_calendar.py"
_SETTINGS = "tests/usecases/test_settings.py"
_SYNC_RUN = "tests/usecases/test_sync_run.py"
_TRAVEL = "tests/usecases/test_travel.py"

MUTANTS = (
    Mutant(
        name="join-block-lost",
        rule="Bodies",
        lie="A description that is written takes the link to join the meeting away.",
        file="shared/graph/writes.py",
        old='    body["body"] = beside_join_block(found, item.patch.content.description)\n',
        new="",
        test=f"{_GRAPH_CALENDAR}::test_a_description_beside_a_join_block_costs_one_read",
    ),
    Mutant(
        name="body-always-written",
        rule="Bodies",
        lie="Every update writes the description as well.",
        file="shared/graph/wire.py",
        old="    if Field.DESCRIPTION in patch.fields:\n",
        new="    if patch.fields:\n",
        test="tests/graph/test_wire.py::test_a_patch_names_the_changed_members_alone",
    ),
    Mutant(
        name="all-day-in-utc",
        rule="Time",
        lie="The dates of an all-day event are taken in UTC, not in its own zone.",
        file="shared/graph/wire_time.py",
        old="return AllDay(start=_date_in(start, zone), end=_date_in(end, zone), zone=zone)",
        new="return AllDay(start=start.date(), end=end.date(), zone=zone)",
        test="tests/graph/test_wire_time.py::test_all_day_events_come_back_on_the_same_dates",
    ),
    Mutant(
        name="zone-taken-over",
        rule="Time",
        lie="Exchange's name of the zone replaces WedSync's.",
        file="shared/core/merge.py",
        old="    if not same_zone(wedsync.time.zone, outlook.time.zone):\n",
        new="    if wedsync:\n",
        test="tests/core/test_merge.py::test_taking_over_a_time_keeps_a_zone_that_is_the_same_to_outlook",
    ),
    Mutant(
        name="prefer-on-page-one-alone",
        rule="Time",
        lie="From page two on nothing is preferred: other ids, other zones, other bodies.",
        file="shared/graph/calendar.py",
        old="request = read(path, template, Subject.DELTA, page_size=self._page_size)",
        new="request = replace(read(path, template, Subject.DELTA), headers={}) if link else "
        "read(path, template, Subject.DELTA, page_size=self._page_size)",
        test=f"{_GRAPH_CALENDAR}::test_prefer_goes_on_every_page",
    ),
    Mutant(
        name="series-not-read-again",
        rule="Recurrence",
        lie="The instances of a series are not read again when a member shows up.",
        file="shared/usecases/pull_sides.py",
        old="    if not pulled.complete:\n        series |= {",
        new="    if not pulled:\n        series |= {",
        test=f"{_SYNC_RUN}::test_editing_and_deleting_occurrences",
    ),
    Mutant(
        name="prefix-put-back",
        rule="Preferences",
        lie="A prefix that the user removed is put back with the next change of the title.",
        file="shared/core/pair.py",
        old="if mapping.born is Side.OUTLOOK or NOTE_PREFIX_REMOVED in mapping.notes:",
        new="if mapping.born is Side.OUTLOOK:",
        test="tests/core/test_decide.py::test_a_prefix_that_the_user_removed_is_not_put_back",
    ),
    Mutant(
        name="prefix-on-outlooks-own",
        rule="Preferences",
        lie="Outlook's own events get the prefix as well.",
        file="shared/core/pair.py",
        old="if mapping.born is Side.OUTLOOK or NOTE_PREFIX_REMOVED in mapping.notes:",
        new="if NOTE_PREFIX_REMOVED in mapping.notes:",
        test="tests/core/test_decide.py::test_where_no_prefix_is_written",
    ),
    Mutant(
        name="type-off-deletes-meetings",
        rule="Preferences",
        lie="Switching a type off deletes its events with guests.",
        file="shared/core/decide.py",
        old="    if pair.is_meeting:\n        return skip(pair.mapping, Rule.TYPE_OFF_GUESTS)\n",
        new="",
        test="tests/core/test_decide.py::test_where_a_copy_stays_although_its_type_is_off",
    ),
    Mutant(
        name="opt-out-forgotten",
        rule="Preferences",
        lie="An event that was opted out comes back with its type.",
        file="shared/core/decide.py",
        old="    if NOTE_TYPE_OFF not in mapping.notes:\n",
        new="    if not mapping:\n",
        test=f"{_SETTINGS}::test_opted_out_events_stay_out_when_their_type_comes_back",
    ),
    Mutant(
        name="import-none-imports",
        rule="Preferences",
        lie="Outlook's events are imported although none are wanted.",
        file="shared/core/unmapped.py",
        old="    if imports is ImportOutlookEvents.NONE:\n",
        new="    if not imports:\n",
        test=f"{_SETTINGS}::test_none_keeps_what_was_imported_and_imports_nothing_more",
    ),
    Mutant(
        name="block-stays-behind",
        rule="Travel blocks",
        lie="A travel block stays where it is when its event moves.",
        file="shared/core/travel.py",
        old="moved = base is None or any(not same(which, base, wanted) for which in _WRITTEN)",
        new="moved = base is None",
        test=f"{_TRAVEL}::test_the_block_moves_with_its_event",
    ),
    Mutant(
        name="removed-block-comes-back",
        rule="Travel blocks",
        lie="A travel block that its owner removed is made again.",
        file="shared/core/travel.py",
        old="Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_REMOVED), MappingState.UNLINKED)",
        new="Unlink(side=Side.OUTLOOK, rule=Rule.TRAVEL_REMOVED), MappingState.UNLINKED, NOTE_TYPE_OFF)",
        test=f"{_TRAVEL}::test_a_removed_block_stays_out_and_its_event_stays",
    ),
)
