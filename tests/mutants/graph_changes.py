"""Lies of the simulated Graph about delta, subscriptions and notifications."""

from tests.mutants.mutant import Mutant

_DELTA = "tests/local/graph/test_delta.py"
_DELTA_TOKENS = "tests/local/graph/test_delta_tokens.py"
_EXTENSIONS = "tests/local/graph/test_extensions.py"
_NOTIFICATIONS = "tests/local/graph/test_notifications.py"
_SUBSCRIPTIONS = "tests/local/graph/test_subscriptions.py"

MUTANTS = (
    Mutant(
        name="removed-forgotten",
        lie="Delta says nothing of what is gone.",
        file="local/graph/delta.py",
        old="elif knobs.deltaForeignTombstones or _was_inside(entry, old):",
        new="elif entry.sequence < 0:",
        test=f"{_DELTA}::test_s40_three_reasons_for_removed",
    ),
    Mutant(
        name="removed-for-moves-only",
        lie="Delta tells of events that were moved away, and of no deletion.",
        file="local/graph/delta.py",
        old="elif knobs.deltaForeignTombstones or _was_inside(entry, old):",
        new="elif not entry.item.gone:",
        test=f"{_DELTA}::test_s40_three_reasons_for_removed",
    ),
    Mutant(
        name="moved-event-stays",
        lie="Delta of the old calendar shows a moved event as if it were still there.",
        file="local/graph/delta.py",
        old="here = not entry.item.gone and entry.item.calendar is calendar",
        new="here = not entry.item.gone",
        test=f"{_DELTA}::test_s40_moved_event_leaves_one_calendar_and_shows_in_the_other",
    ),
    Mutant(
        name="never-410",
        lie="A delta token never expires.",
        file="local/graph/delta.py",
        old="if generation != calendar.mailbox.delta_generation or not known:",
        new="if generation > calendar.mailbox.delta_generation:",
        test=f"{_DELTA_TOKENS}::test_s43_an_expired_token_answers_410",
    ),
    Mutant(
        name="page-size-for-ever",
        lie="A page size holds for all later pages.",
        file="local/graph/delta.py",
        old="size = call.prefer.page_size or projection.knobs.deltaPageSize",
        new="size = calendar.mailbox.__dict__.setdefault("
        '"size", call.prefer.page_size or projection.knobs.deltaPageSize)',
        test=f"{_DELTA_TOKENS}::test_s44_page_size_is_a_hint_for_one_request",
    ),
    Mutant(
        name="window-slides",
        lie="The window of a delta token grows after the first round.",
        file="local/graph/delta.py",
        old="end=datetime.fromisoformat(end),",
        new="end=datetime.fromisoformat(end).replace(year=2090),",
        test=f"{_DELTA_TOKENS}::test_s45_what_lies_outside_the_first_window_never_comes",
    ),
    Mutant(
        name="extended-properties-tracked",
        lie="Delta tells of a change of extended properties.",
        file="local/graph/state.py",
        old="        if tracked:\n",
        new="        if tracked or not tracked:\n",
        test=f"{_EXTENSIONS}::test_s36_delta_sees_neither",
    ),
    Mutant(
        name="urls-not-validated",
        lie="A subscription is made without asking its URLs.",
        file="local/graph/subscriptions.py",
        old="for url in urls))",
        new="for url in urls[:0]))",
        test=f"{_SUBSCRIPTIONS}::test_s46_anything_but_200_with_the_bare_token_is_refused",
    ),
    Mutant(
        name="lifecycle-url-not-validated",
        lie="Only the notification URL is asked.",
        file="local/graph/subscriptions.py",
        old="for url in urls))",
        new="for url in urls[:1]))",
        test=f"{_SUBSCRIPTIONS}::test_s46_both_urls_are_validated",
    ),
    Mutant(
        name="duplicate-subscription",
        lie="The same subscription may be made twice.",
        file="local/graph/subscriptions.py",
        old="if same and each.caller.app_id == made.caller.app_id:",
        new="if same and each.caller.app_id != made.caller.app_id:",
        test=f"{_SUBSCRIPTIONS}::test_s48_an_identical_subscription_answers_409",
    ),
    Mutant(
        name="subscriptions-never-expire",
        lie="A subscription goes on after its expirationDateTime.",
        file="local/graph/subscriptions.py",
        old="for each in self.kept.values() if each.expires > now]",
        new="for each in self.kept.values()]",
        test=f"{_SUBSCRIPTIONS}::test_s53_expired_subscription_is_silent_and_404",
    ),
    Mutant(
        name="lifecycle-lost",
        lie="Lifecycle events are never sent.",
        file="local/graph/sender.py",
        old="self.delivery.put(subscription.lifecycle_url, body)",
        new="body.clear()",
        test=f"{_NOTIFICATIONS}::test_s52_lifecycle_events_as_documented",
    ),
)
