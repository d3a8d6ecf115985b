"""What the samples of a soak are taken for: nothing that grows hides behind a reason that does not cover it."""

from collections.abc import Callable, Mapping

from benchmarks.verdict import BOUNDS, BY_DESIGN, ROW_KIB, judge, worked

Row = Mapping[str, float]


def hour(row: Callable[[int], Row], minutes: int = 60) -> list[Row]:
    return [{"minute": float(minute), **row(minute)} for minute in range(minutes + 1)]


def test_what_stays_level_is_no_growth() -> None:
    code, lines = judge(hour(lambda minute: {"rss.host": 150.0 + minute % 5, "queue.jobs": 0.0}))
    assert (code, lines[-1]) == (0, "\nNo growth but what is kept by design.")


def test_what_grows_is_named() -> None:
    code, lines = judge(hour(lambda minute: {"rss.host": 150.0 + minute}))
    assert (code, lines[-1]) == (1, "\nGROWTH in rss.host")


def test_too_short_a_run_is_not_taken_for_a_level_one() -> None:
    code, lines = judge(hour(lambda minute: {"rss.host": 100.0 * minute}, minutes=10))
    assert (code, lines[-1]) == (2, "\nUnder 15 minutes: nothing can be said about growth.")


def test_a_log_may_fill_up_to_its_bound_and_no_further() -> None:
    bound = BOUNDS["kept.graph requests"]
    filling = judge(hour(lambda minute: {"kept.graph requests": bound / 100 * minute}))
    assert filling[0] == 0
    assert "a log with a bound of 10,000" in filling[1][1]
    over = judge(hour(lambda minute: {"kept.graph requests": bound / 50 * minute}))
    assert (over[0], over[1][-1]) == (1, "\nGROWTH in kept.graph requests")
    level_but_over = judge(hour(lambda _: {"kept.graph requests": bound + 1.0}))
    assert (level_but_over[0], level_but_over[1][-1]) == (1, "\nGROWTH in kept.graph requests")


def test_memory_that_the_kept_rows_do_not_explain_is_growth() -> None:
    def of(rows_each: float, leak: float) -> list[Row]:
        return hour(
            lambda minute: {
                "rss.azurite": 150 + minute * (rows_each * ROW_KIB / 1024 + leak),
                "rows.OutlookChanges": 1000 + minute * rows_each,
            }
        )

    assert judge(of(rows_each=500, leak=0.0))[0] == 0
    code, lines = judge(of(rows_each=500, leak=2.0))
    assert (code, lines[-1]) == (1, "\nGROWTH in rss.azurite but rows")


def test_the_simulated_graph_is_judged_without_its_deleted_events() -> None:
    def of(leak: float) -> list[Row]:
        return hour(
            lambda minute: {
                "rss.graph": 80 + minute * (100 * 4.2 / 1024 + leak),
                "kept.graph deleted events": 100.0 * minute,
            }
        )

    assert judge(of(0.0))[0] == 0
    assert judge(of(1.0))[0] == 1


def test_secrets_are_not_excused() -> None:
    assert not [name for name in BY_DESIGN if "vault" in name]


def test_planners_that_could_not_work_show_nothing() -> None:
    assert worked({"edit": 95, "look": 5}, {"edit: no": 5}, ["edit", "look"]) == []
    assert worked({"edit": 50}, {"edit: no": 50}, ["edit", "look"]) == [
        "nobody ever did 'look'",
        "50 of 100 acts did not work",
    ]
