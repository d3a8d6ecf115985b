"""The series of the lived-in mailboxes: every pattern and range that Outlook offers, with edited and deleted days."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SU, TH, TU, WEEKLY, YEARLY, rrule

from local.season.outlook import Json, guest, html, meeting_times, place, plain, whole_days
from local.simkit.people import Account

_NAMES = {MO: "monday", TU: "tuesday", TH: "thursday", FR: "friday", SU: "sunday"}
_FREQUENCIES = {DAILY: "daily", WEEKLY: "weekly", MONTHLY: "Monthly", YEARLY: "Yearly"}
_INDEX = {1: "first", 2: "second", -1: "last"}
FOREVER = timedelta(days=1800)


@dataclass(frozen=True, kw_only=True)
class _Series:
    """A series in rrule's words, from which Graph's pattern and the days to edit are both made.

    ``count`` or ``until`` (days after today) end it; neither: no end. ``edited`` and ``cancelled`` are positions in
    the series. ``minutes`` 0 is all-day.
    """

    subject: str
    frequency: Literal[0, 1, 2, 3]
    begins: int
    at: time = time(9)
    minutes: int = 30
    zone: str | None = None
    interval: int = 1
    days: tuple[Any, ...] = ()
    position: int | None = None
    month_day: int | None = None
    month: int | None = None
    count: int | None = None
    until: int | None = None
    edited: tuple[int, ...] = ()
    cancelled: tuple[int, ...] = ()
    extra: Json = field(default_factory=dict)

    def rule(self, today: date) -> rrule:
        """Return the series as local wall times; its first is the series' start."""
        begin = datetime.combine(today + timedelta(days=self.begins), self.at)
        until = None if self.until is None else begin + timedelta(days=self.until - self.begins)
        options: dict[str, Any] = {"count": self.count, "until": until, "interval": self.interval, "wkst": SU}
        options |= {"byweekday": self.days or None, "bysetpos": self.position}
        return rrule(self.frequency, dtstart=begin, bymonthday=self.month_day, bymonth=self.month, **options)


_STAFF = [guest("ivy@havenweddings.example", "Ivy Haven"), guest("sam@havenweddings.example", "Sam Okafor", "optional")]

_ROSE = (
    _Series(
        subject="Monday kick-off", frequency=WEEKLY, days=(MO,), begins=-150, until=200, at=time(9, 15),
        edited=(3, 20), cancelled=(7, 24),
        extra={"categories": ["Team"], "body": plain("Round the table, 5 min each.")},
    ),
    _Series(
        subject="Stand-up ☕", frequency=DAILY, begins=-30, count=30, at=time(8, 45), minutes=15, cancelled=(0, 14),
    ),
    _Series(
        subject="Supplier payments", frequency=WEEKLY, interval=2, days=(TH,), begins=-100, at=time(16),
        edited=(8,), extra={"categories": ["Finance"], "showAs": "tentative"},
    ),
    _Series(
        subject="Rent & rates", frequency=MONTHLY, month_day=1, begins=-90, minutes=0,
        extra={"categories": ["Finance"]},
    ),
    _Series(
        subject="VAT cut-off", frequency=MONTHLY, month_day=28, begins=-60, count=12, at=time(17), edited=(4,),
    ),
    _Series(
        subject="Wedding guild committee", frequency=MONTHLY, days=(TU,), position=2, begins=-170, at=time(19),
        minutes=120, edited=(6,), cancelled=(8, 9), extra={"location": place("Guild Hall, upstairs room")},
    ),
    _Series(
        subject="Friday drinks 🍷", frequency=MONTHLY, days=(FR,), position=-1, begins=-40, count=18, at=time(17, 30),
        extra={"showAs": "free"},
    ),
    _Series(
        subject="Mum's birthday 🎂", frequency=YEARLY, month=3, month_day=14, begins=-160, minutes=0,
        extra={"sensitivity": "personal", "categories": ["Family"]},
    ),
    _Series(
        subject="Spring fair weekend", frequency=YEARLY, month=5, days=(SU,), position=1, begins=-160, minutes=0,
        extra={"showAs": "busy"},
    ),
    _Series(
        subject="Pilates", frequency=WEEKLY, days=(TU, TH), begins=-20, until=160, at=time(7), minutes=50,
        edited=(5, 11), cancelled=(2, 3, 17), extra={"sensitivity": "private", "showAs": "oof"},
    ),
    _Series(
        subject="Brooklyn venues call", frequency=WEEKLY, days=(MO,), begins=-14, count=30, at=time(10), minutes=45,
        zone="Eastern Standard Time", edited=(4,), cancelled=(6,),
        extra={"attendees": _STAFF, "body": html("Dial in &amp; bring the <b>pipeline</b>.")},
    ),
    _Series(
        subject="Regional planners' forum", frequency=WEEKLY, days=(TH,), begins=-50, count=20, at=time(12),
        edited=(3,),
        extra={
            "_organizer": {"name": "Planners' Forum", "address": "chair@plannersforum.example"},
            "attendees": [guest("rose@havenweddings.example", "Rose Haven")],
        },
    ),
    _Series(
        subject="Udaipur décor check", frequency=DAILY, interval=3, begins=5, until=60, at=time(14), minutes=40,
        zone="Asia/Kolkata", edited=(2,), cancelled=(5,),
    ),
)  # fmt: skip

_MARCO = (
    _Series(
        subject="Calcetto ⚽", frequency=WEEKLY, days=(TH,), begins=-60, until=240, at=time(20, 30), minutes=90,
        edited=(2, 9), cancelled=(4,), extra={"categories": ["Sport"]},
    ),
    _Series(
        subject="Fatture", frequency=MONTHLY, month_day=20, begins=-45, minutes=0, count=24, cancelled=(3,),
    ),
    _Series(
        subject="Anniversario di nozze", frequency=YEARLY, month=9, month_day=6, begins=-150, minutes=0,
        extra={"sensitivity": "private"},
    ),
    _Series(
        subject="Mercato dei fiori", frequency=MONTHLY, days=(FR,), position=1, begins=-100, at=time(6), minutes=120,
        zone="Europe/Rome", edited=(3,),
    ),
)  # fmt: skip


def series_of(account: Account, today: date) -> list[Json]:
    """Return the account's series masters, each with its ``_exceptions`` and ``_cancelled`` days."""
    chosen = {"rose@havenweddings.example": _ROSE, "marco.sposi@outlook.example": _MARCO}.get(account.upn, ())
    return [_master(series, account, today) for series in chosen]


def _master(series: _Series, account: Account, today: date) -> Json:
    zone = series.zone or account.time_zone
    rule = series.rule(today)
    starts = list(rule.between(rule[0], rule[0] + FOREVER, inc=True))
    event = _times(series, starts[0], zone)
    event |= {"subject": series.subject, "body": plain("")} | series.extra
    event["recurrence"] = {"pattern": _pattern(series), "range": _range(series, starts, zone)}
    event["_exceptions"] = [
        _edit(series, starts[position], zone, number) for number, position in enumerate(series.edited)
    ]
    event["_cancelled"] = [starts[position].date().isoformat() for position in series.cancelled]
    return event


def _times(series: _Series, start: datetime, zone: str) -> Json:
    if not series.minutes:
        return whole_days(start.date(), zone=zone)
    return meeting_times(start, minutes=series.minutes, zone=zone)


def _edit(series: _Series, start: datetime, zone: str, number: int) -> Json:
    """Return one edited day: the first of a series is retitled and put elsewhere, the others start later."""
    named = {"originalDate": start.date().isoformat()}
    if number == 0:
        return named | {"subject": f"{series.subject} (moved upstairs)", "location": place("Upstairs")}
    return named | _times(series, start + timedelta(minutes=75), zone)


def _pattern(series: _Series) -> Json:
    kind = _FREQUENCIES[series.frequency]
    if kind in ("Monthly", "Yearly"):
        kind = f"{'relative' if series.position else 'absolute'}{kind}"
    pattern: Json = {"type": kind, "interval": series.interval, "firstDayOfWeek": "sunday"}
    members = {
        "daysOfWeek": [_NAMES[day] for day in series.days],
        "index": _INDEX.get(series.position or 0),
        "dayOfMonth": series.month_day,
        "month": series.month,
    }
    return pattern | {name: value for name, value in members.items() if value}


def _range(series: _Series, starts: list[datetime], zone: str) -> Json:
    limits: Json = {"type": "noEnd", "startDate": starts[0].date().isoformat(), "recurrenceTimeZone": zone}
    if series.count:
        limits |= {"type": "numbered", "numberOfOccurrences": series.count}
    elif series.until is not None:
        limits |= {"type": "endDate", "endDate": starts[-1].date().isoformat()}
    return limits
