"""Lies of the simulated Graph about events, series, limits and batches."""

from tests.mutants.mutant import Mutant

_AUTH = "tests/local/graph/test_auth.py"
_BODIES_HTTP = "tests/local/graph/test_bodies_http.py"
_CONDITIONAL_WRITES = "tests/local/graph/test_conditional_writes.py"
_EVENTS = "tests/local/graph/test_events.py"
_EXTENSIONS = "tests/local/graph/test_extensions.py"
_IDS = "tests/local/graph/test_ids.py"
_BATCH = "tests/local/graph/test_batch.py"
_LIMITS = "tests/local/graph/test_limits.py"
_LISTS = "tests/local/graph/test_lists.py"
_SERIES = "tests/local/graph/test_series.py"
_ZONES = "tests/local/graph/test_zones.py"
_TOO_SOON = "    _refuse_deleted(call)\n    view = find(call)\n    require_match(call, view.item)\n"

MUTANTS = (
    Mutant(
        name="if-match-ignored",
        lie="A write with an outdated `If-Match` succeeds.",
        file="local/graph/service.py",
        old="""if wanted in (None, "*") or""",
        new="""if wanted or wanted in (None, "*") or""",
        test=f"{_CONDITIONAL_WRITES}::test_s25_a_stale_if_match_answers_412",
    ),
    Mutant(
        name="change-keys-reused",
        lie="A write leaves the change key as it was.",
        file="local/graph/state.py",
        old="item.change_key = ids.change_key(self.account.oid, self.sequence)",
        new="item.change_key = ids.change_key(self.account.oid, item.number)",
        test=f"{_CONDITIONAL_WRITES}::test_s23_every_write_changes_the_key_and_the_time",
    ),
    Mutant(
        name="one-etag-form",
        lie="Notifications and minimal occurrences carry the etag of full events.",
        file="local/graph/ids.py",
        old="base64.b64encode(_HEADER + base64.b64decode(key))",
        new="base64.b64encode(base64.b64decode(key))",
        test=f"{_CONDITIONAL_WRITES}::test_s24_notifications_carry_the_long_etag",
    ),
    Mutant(
        name="regular-id-kept-on-move",
        lie="An event keeps its regular id in another calendar.",
        file="local/graph/state.py",
        old="item.regular_id = ids.regular_item(self.space, target.immutable_id, item.number)",
        new="item.calendar = target",
        test=f"{_IDS}::test_s27_a_move_changes_the_regular_id_alone",
    ),
    Mutant(
        name="ids-without-case",
        lie="An id in another case names the event as well.",
        file="local/graph/views.py",
        old="item = mailbox.by_id.get(event_id)",
        new="item = next((each for key, each in mailbox.by_id.items() if key.lower() == event_id.lower()), None)",
        test=f"{_IDS}::test_s28_ids_differ_by_case_alone",
    ),
    Mutant(
        name="second-delete-204",
        lie="Deleting a deleted event succeeds.",
        file="local/graph/event_routes.py",
        old=_TOO_SOON,
        new=_TOO_SOON.replace(
            "    view",
            '    if after(call, "events") in call.mailbox.deleted:\n        return Answer(status=204)\n    view',
        ).replace("    _refuse_deleted(call)\n", ""),
        test=f"{_IDS}::test_s26_a_second_delete_answers_400_until_the_item_is_purged",
    ),
    Mutant(
        name="transaction-repeated",
        lie="A POST repeated with its transactionId makes a second event.",
        file="local/graph/event_routes.py",
        old="    if repeated is not None:\n",
        new="    if repeated is not None and repeated.gone:\n",
        test=f"{_EVENTS}::test_s16_same_transaction_and_content_makes_no_second_event",
    ),
    Mutant(
        name="transaction-with-other-content",
        lie="A used transactionId with other content is answered with the first event.",
        file="local/graph/event_routes.py",
        old="if content == _content(call.body) and not item.gone:",
        new="if content and not item.gone:",
        test=f"{_EVENTS}::test_s16_same_transaction_other_content_is_refused",
    ),
    Mutant(
        name="subject-never-cut",
        lie="A subject is stored at any length.",
        file="local/graph/events.py",
        old="subject[: knobs.subjectLimit]",
        new="subject",
        test=f"{_BODIES_HTTP}::test_s19_a_subject_is_cut_near_255",
    ),
    Mutant(
        name="all-day-at-any-hour",
        lie="An all-day event may begin and end at any hour.",
        file="local/graph/events.py",
        old="if all_day and moment is not None and not moment.midnight:",
        new="if all_day and moment is None:",
        test=f"{_ZONES}::test_s22_an_all_day_event_begins_and_ends_at_midnight",
    ),
    Mutant(
        name="unknown-zone-is-utc",
        lie="A time zone that Exchange does not know is taken as UTC.",
        file="local/graph/zones.py",
        old="""(name if name in tz_win else None)""",
        new="""(name if name in tz_win else "UTC")""",
        test=f"{_ZONES}::test_s20_an_unknown_zone_is_refused",
    ),
    Mutant(
        name="extended-property-echoed",
        lie="The answer to a write shows the extended properties.",
        file="local/graph/event_routes.py",
        old="body=graph.projection(call, shaped=False).entity(view),",
        new="body=graph.projection(call, shaped=False).entity(view)\n"
        '        | {"singleValueExtendedProperties": [{"id": k, "value": v} for k, v in view.item.extended.items()]},',
        test=f"{_EXTENSIONS}::test_s36_a_property_is_written_and_never_echoed",
    ),
    Mutant(
        name="series-without-dst",
        lie="A series keeps its distance from its first start, not its local hour.",
        file="local/graph/recurrence.py",
        old="= to_utc(local, self.zone)",
        new="= to_utc(self.first, self.zone) + (local - self.first)",
        test=f"{_SERIES}::test_s29_the_local_hour_stays_across_both_changes",
    ),
    Mutant(
        name="short-months-skipped",
        lie="The 31st of each month leaves shorter months out, as iCalendar has it.",
        file="local/graph/recurrence.py",
        old="if day > 28 else",
        new="if day > 31 else",
        test=f"{_SERIES}::test_s29_the_31st_falls_on_the_last_day_of_shorter_months",
    ),
    Mutant(
        name="window-of-any-length",
        lie="A calendarView may ask for more than 1,825 days.",
        file="local/graph/views.py",
        old="if end - start > timedelta(days=MAX_DAYS):",
        new="if end - start > timedelta(days=MAX_DAYS * 10):",
        test=f"{_LISTS}::test_s32_a_window_lasts_1825_days_at_most",
    ),
    Mutant(
        name="five-in-flight",
        lie="A mailbox answers five requests of an app at once.",
        file="local/graph/throttle.py",
        old="self._knobs.concurrentRequests - self._flying[key]",
        new="self._knobs.concurrentRequests + 1 - self._flying[key]",
        test=f"{_LIMITS}::test_s56_four_in_flight_per_app_and_mailbox",
    ),
    Mutant(
        name="no-retry-after",
        lie="A 429 does not say how long to wait.",
        file="local/graph/errors.py",
        old="""headers={"Retry-After": str(max(1, round(retry_after)))},""",
        new="headers={},",
        test=f"{_LIMITS}::test_s57_a_refusal_for_concurrency_says_how_long",
    ),
    Mutant(
        name="batch-of-21",
        lie="A $batch takes 21 requests.",
        file="local/graph/batch.py",
        old="MOST = 20\n",
        new="MOST = 21\n",
        test=f"{_BATCH}::test_s58_twenty_items_and_no_more",
    ),
    Mutant(
        name="depends-on-ignored",
        lie="A request of a $batch runs though the one it depends on has failed.",
        file="local/graph/batch.py",
        old="""(await task)["status"] >= 400""",
        new="""(await task)["status"] >= 600""",
        test=f"{_BATCH}::test_s58_failed_dependency_answers_424",
    ),
    Mutant(
        name="batch-holds-one-slot",
        lie="A $batch takes one of its mailbox's slots, however many requests it carries.",
        file="local/graph/batch.py",
        old="min(len(parts), self._graph.knobs.concurrentRequests)",
        new="min(1, self._graph.knobs.concurrentRequests)",
        test=f"{_BATCH}::test_s58_batch_holds_four_slots_until_answered",
    ),
    Mutant(
        name="tokens-never-expire",
        lie="An access token is good for ever.",
        file="local/graph/auth.py",
        old="if known.expires <= now:",
        new="if known.expires <= 0:",
        test=f"{_AUTH}::test_s13_a_token_that_was_good_expires",
    ),
    Mutant(
        name="scopes-ignored",
        lie="A token may do what was never consented to.",
        file="local/graph/auth.py",
        old="if self.scopes.isdisjoint(scopes):",
        new="if self.scopes.isdisjoint(self.scopes):",
        test=f"{_AUTH}::test_s13_a_missing_scope_answers_403",
    ),
)
