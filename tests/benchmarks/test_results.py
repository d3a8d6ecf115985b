"""The benchmark's page: ratios, tables, and what counts as missed."""

from benchmarks.floors import Parts, spread
from benchmarks.results import BY_HAND, Measured, Page, table


def measured(seconds: float, name: str = "ours") -> Measured:
    return Measured(name=name, seconds=seconds, floor=25.0, load=1.5)


def test_a_table_has_its_figures_to_the_right() -> None:
    assert table(["what", "s"], [["push", "1"]]) == "| what | s |\n|---|---:|\n| push | 1 |"


def test_a_push_within_the_target_is_not_missed() -> None:
    page = Page()
    page.bulk("Push", measured(32.5), [measured(65.0, "theirs")])
    assert page.missed == []
    assert "| ours | 32.5 | 1.30 | 1.00 | 1.5 |\n| theirs | 65.0 | 2.60 | 2.00 | 1.5 |" in page.text()
    assert "Every target is met." in page.text()


def test_a_push_beyond_the_target_is_named_and_others_are_not_judged() -> None:
    page = Page()
    page.bulk("Push", measured(35.0), [measured(100.0, "theirs")])
    assert page.missed == ["Push: 1.40 times the floor, and 1.3 is the target"]
    assert "Missed:\n\n- Push: 1.40" in page.text()


def test_where_the_time_went_is_told_in_floors() -> None:
    page = Page()
    page.where("Where", Parts(before=1.0, inside=25.0, between=5.0, after=0.5), names=("a", "b", "c", "d"), floor=25.0)
    assert "| a | 1.00 | 0.04 |\n| b | 25.00 | 1.00 |\n| c | 5.00 | 0.20 |\n| d | 0.50 | 0.02 |" in page.text()


def test_edits_that_are_seen_late_are_missed() -> None:
    page = Page(head=["On a machine."])
    page.visible("Edits", [("quick", spread([0.5, 0.6])), ("slow", spread([0.5, 1.2, 3.5]))])
    assert page.missed == ["Edits, slow: p50 1.20 s, p95 3.50 s"]
    assert "| slow | 3 | 1.20 | 3.50 | 3.50 | 3.50 |" in page.text()
    assert "On a machine." in page.text()


def test_what_people_wrote_below_stays_and_the_old_figures_go() -> None:
    page = Page(head=["Today."])
    text = page.text(before=f"# Results\n\nYesterday.\n\n{BY_HAND}\nThe machine was busy.\n")
    assert text.endswith(f"{BY_HAND}\nThe machine was busy.\n")
    assert "Today." in text
    assert "Yesterday." not in text
    assert BY_HAND not in page.text(before="# Results\n")
