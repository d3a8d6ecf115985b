"""Clock changes as published for known years."""

from datetime import date, datetime

from local.season.shifts import Shift, next_shift, shifts

at = datetime.fromisoformat


def test_london_2026() -> None:
    assert shifts("Europe/London", date(2026, 1, 1), date(2026, 12, 31)) == [
        Shift(before=at("2026-03-29T01:00"), after=at("2026-03-29T02:00")),
        Shift(before=at("2026-10-25T02:00"), after=at("2026-10-25T01:00")),
    ]


def test_lord_howe_moves_by_half_an_hour() -> None:
    shift = next_shift("Australia/Lord_Howe", date(2026, 9, 1), gap=True)
    assert shift == Shift(before=at("2026-10-04T02:00"), after=at("2026-10-04T02:30"))


def test_kolkata_never_moves() -> None:
    assert shifts("Asia/Kolkata", date(2026, 1, 1), date(2027, 1, 1)) == []


def test_the_next_spring_may_be_371_days_away() -> None:
    assert next_shift("Europe/London", date(2029, 3, 26), gap=True).before == at("2030-03-31T01:00")
