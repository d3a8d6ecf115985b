"""The lived-in mailbox: what its owner, colleagues and Outlook itself have put into the calendar over the years."""

import random
from datetime import date, datetime, time, timedelta
from typing import Any

from local.season.occasions import HOLIDAYS, HOSTS, OCCASIONS, ODDITIES, Occasion
from local.season.outlook import Json, guest, html, meeting_times, place, plain, whole_days
from local.season.series import series_of
from local.season.shifts import next_shift
from local.simkit.people import Account

SEED = 217
_SIZES = {"rose@havenweddings.example": 300, "marco.sposi@outlook.example": 60}
_ZONES = ("Eastern Standard Time", "Asia/Kolkata", "New Zealand Standard Time", "Europe/Rome", "Tokyo Standard Time")
_IANA = {"GMT Standard Time": "Europe/London", "W. Europe Standard Time": "Europe/Berlin"}


def mailbox_events(account: Account, today: date) -> list[dict[str, Any]]:
    """Return what the account's default calendar holds, as Graph event JSON for the control API.

    Besides Graph's members an event may carry ``_exceptions``, ``_cancelled`` and ``_organizer``. Most lie between
    ``today`` − 180 and + 1460 days, some outside on purpose. An account without a season has no events.
    """
    size = _SIZES.get(account.upn, 0)
    if not size:
        return []
    chance = random.Random(f"{SEED}:{account.upn}")
    events = series_of(account, today)
    events += _clock_changes(account, today)
    events += _oddities(account, today, count=size // 10)
    events += _holidays(account, today, count=size // 8)
    events += _out_of_window(account, today, count=size // 30)
    while len(events) < size:
        events.append(_everyday(account, today, len(events), chance))
    return events


def _everyday(account: Account, today: date, number: int, chance: random.Random) -> Json:
    """Return one ordinary event; three quarters of them lie within the months around today."""
    occasion = OCCASIONS[number % len(OCCASIONS)]
    days = chance.randrange(-175, 200) if chance.random() < 0.75 else chance.randrange(200, 1440)
    start = datetime.combine(
        today + timedelta(days=days), time(chance.randrange(7, 20), chance.choice((0, 15, 30, 45)))
    )
    zone = chance.choice(_ZONES) if chance.random() < 0.15 else account.time_zone
    event = meeting_times(start, minutes=chance.choice((15, 30, 45, 60, 90, 120, 240)), zone=zone)
    event |= {
        "subject": occasion.subject,
        "body": html(occasion.body) if number % 2 else plain(occasion.body),
        "categories": list(occasion.categories),
        "showAs": chance.choice(("busy", "busy", "busy", "tentative", "free", "oof", "workingElsewhere")),
        "sensitivity": chance.choice(("normal",) * 9 + ("private", "personal", "confidential")),
        "importance": chance.choice(("normal", "normal", "normal", "high", "low")),
        "isReminderOn": chance.random() < 0.8,
        "reminderMinutesBeforeStart": chance.choice((0, 5, 15, 30, 60, 1440)),
    }
    if occasion.place:
        event["location"] = place(occasion.place)
    return event | _people(account, occasion, chance)


def _people(account: Account, occasion: Occasion, chance: random.Random) -> Json:
    if occasion.invitation:
        name, address = chance.choice(HOSTS)
        return {
            "_organizer": {"name": name, "address": address},
            "attendees": [guest(account.upn, account.name), guest("ivy@havenweddings.example", "Ivy Haven")],
        }
    if occasion.guests:
        hosts = chance.sample(HOSTS, chance.randrange(1, 4))
        return {"attendees": [guest(address, name, chance.choice(("required", "optional"))) for name, address in hosts]}
    return {}


def _clock_changes(account: Account, today: date) -> list[Json]:
    """Return events before, in and after both changes of the account's clocks, and a flight over one of them."""
    home = _IANA[account.time_zone]
    events = []
    for gap, word in ((True, "spring"), (False, "autumn")):
        shift = next_shift(home, today, gap=gap)
        evening = datetime.combine(shift.before.date() - timedelta(days=1), time(22))
        morning = datetime.combine(shift.before.date(), time(9))
        for start, minutes, title in (
            (evening, 45, f"The evening before the {word} change"),
            (evening, 600, f"Night shift over the {word} change"),
            (max(shift.before, shift.after), 30, f"Right after the {word} change"),
            (morning, 60, f"Breakfast after the {word} change"),
        ):
            events.append(meeting_times(start, minutes=minutes, zone=account.time_zone) | {"subject": title})
    flight = meeting_times(morning, minutes=210, zone=account.time_zone, end_zone="Eastern Standard Time")
    return [*events, flight | {"subject": "BA 117 ✈ New York", "showAs": "oof", "location": place("Terminal 5")}]


def _oddities(account: Account, today: date, *, count: int) -> list[Json]:
    events = []
    for number in range(count):
        day = today + timedelta(days=number * 11 - 100)
        subject, text = ODDITIES[number % len(ODDITIES)]
        times = (
            whole_days(day, zone=account.time_zone, days=1 + number % 5)
            if number % 3 == 0
            else meeting_times(datetime.combine(day, time(13, 5)), minutes=number % 4 * 25, zone=account.time_zone)
        )
        events.append(times | {"subject": subject, "body": plain(text)})
    return events


def _holidays(account: Account, today: date, *, count: int) -> list[Json]:
    """Return the holidays that Outlook's own "add holidays" writes: single all-day events, year after year."""
    first = today - timedelta(days=170)
    days = [
        (date(year, month, day), name)
        for year in range(first.year, first.year + 6)
        for month, day, name in HOLIDAYS[account.time_zone]
        if date(year, month, day) > first
    ]
    return [
        whole_days(day, zone=account.time_zone) | {"subject": name, "categories": ["Holiday"]}
        for day, name in days[:count]
        if day < today + timedelta(days=1450)
    ]


def _out_of_window(account: Account, today: date, *, count: int) -> list[Json]:
    events = []
    for number in range(count):
        day = today + timedelta(days=-190 - number * 40 if number % 2 else 1465 + number * 25)
        times = meeting_times(datetime.combine(day, time(15)), minutes=60, zone=account.time_zone)
        events.append(
            times | {"subject": f"Archive meeting {number + 1}" if number % 2 else f"Far future {number + 1}"}
        )
    return events
