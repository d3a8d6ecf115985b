"""NCRONTAB schedules and constant intervals, as the timer extension reads them.

Five fields mean no seconds; six are second, minute, hour, day, month, day of week; day and day of week must both match.
The cron library accepts more than NCRONTAB does (7 for Sunday, ``?``, ``@hourly``), so fields are expanded here first:
a range given backwards is turned round, ``5/15`` steps from 5 to the field's end, and names may be cut short.
Schedules run in UTC, as a function app in Azure does, unless ``WEBSITE_TIME_ZONE`` names another zone: then the
fields are that zone's wall clock, a time that its clocks skip comes as much later, and one that they repeat once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from croniter import croniter

from local.host.timespan import parse_timespan

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@dataclass(frozen=True, kw_only=True)
class _Field:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def expand(self, text: str) -> str:
        values: set[int] = set()
        for item in text.split(","):
            values |= self._item(item)
        if values == set(range(self.least, self.most + 1)):
            return "*"
        return ",".join(str(value) for value in sorted(values))

    def _item(self, text: str) -> set[int]:
        span, slash, step_text = text.partition("/")
        if slash and not step_text.isdigit():
            raise ValueError(f"'{text}' is not a valid [{self.name}] crontab field expression.")
        step = max(int(step_text), 1) if slash else 1
        if span == "*":
            return set(range(self.least, self.most + 1, step))
        first_text, dash, last_text = span.partition("-")
        first = self._value(first_text)
        last = self._value(last_text) if dash else (self.most if slash else first)
        first, last = sorted((first, last))
        return set(range(first, last + 1, step))

    def _value(self, text: str) -> int:
        if text.isdigit() and self.least <= int(text) <= self.most:
            return int(text)
        if text and not text[0].isdigit():
            for index, name in enumerate(self.names):
                if name.lower().startswith(text.lower()):
                    return index + self.least
        raise ValueError(f"'{text}' is not a valid [{self.name}] crontab field value ({self.least} to {self.most}).")


_FIELDS = (
    _Field(name="Second", least=0, most=59),
    _Field(name="Minute", least=0, most=59),
    _Field(name="Hour", least=0, most=23),
    _Field(name="Day", least=1, most=31),
    _Field(name="Month", least=1, most=12, names=_MONTHS),
    _Field(name="DayOfWeek", least=0, most=6, names=_DAYS),
)


class Schedule:
    """When a timer fires; ValueError when the expression is neither NCRONTAB nor a TimeSpan."""

    def __init__(self, expression: str, zone: tzinfo = UTC) -> None:
        self.expression = expression
        self._zone = zone
        self._cron = ""
        self._interval = timedelta()
        fields = expression.split()
        if len(fields) in {5, 6}:
            given = ["0", *fields] if len(fields) == 5 else fields
            self._cron = " ".join(field.expand(text) for field, text in zip(_FIELDS, given, strict=True))
            return
        try:
            self._interval = parse_timespan(expression)
        except ValueError:
            raise ValueError(f"The schedule expression '{expression}' is neither NCRONTAB nor a TimeSpan.") from None
        if self._interval <= timedelta():
            raise ValueError(f"The schedule interval '{expression}' must be positive.")

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence after ``moment``, itself excluded."""
        if not self._cron:
            return moment + self._interval
        wall = moment.astimezone(self._zone).replace(tzinfo=None, fold=0)
        occurrences = croniter(self._cron, wall, ret_type=datetime, second_at_beginning=True, day_or=False)
        while True:
            local: datetime = occurrences.get_next()
            found = local.replace(tzinfo=self._zone).astimezone(UTC)
            if found > moment:
                return found

    def fires_within_a_minute(self) -> bool:
        """Say whether two of the next occurrences lie under a minute apart; the host then keeps no status."""
        previous = self.next_after(datetime.now(UTC))
        for _ in range(5):
            following = self.next_after(previous)
            if following - previous < timedelta(minutes=1):
                return True
            previous = following
        return False
