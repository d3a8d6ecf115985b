"""The planner's WedSync events: eleven for each wedding, and the awkward ones that real calendars hold."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from local.season.awkward import awkward_events
from local.season.places import DESCRIPTIONS, MARCO_COUPLES, ROSE_COUPLES, SUPPLIERS, Couple
from local.season.shape import all_day, timed
from local.simkit.people import Planner

FIRST_DAY = -60
LAST_DAY = 400
SEED = 217


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One event of every wedding. ``days`` before the wedding; ``minutes`` 0 is all-day; ``at_venue`` sets the zone."""

    type: str
    title: str
    days: int
    at: time = time(10)
    minutes: int = 0
    at_venue: bool = False
    travel: int | None = None
    guests: bool = False


_STEPS = (
    _Step(type="client_meeting", title="First meeting with {names}", days=160, minutes=60, travel=20),
    _Step(type="client_meeting", title="Video call: {names}", days=42, at=time(18, 30), minutes=45, guests=True),
    _Step(type="venue_visit", title="Walk-through at {venue}", days=120, minutes=90, at_venue=True, travel=45),
    _Step(type="vendor_meeting", title="{supplier} for {names}", days=90, at=time(14, 15), minutes=60),
    _Step(type="vendor_meeting", title="Tasting: {supplier}", days=63, at=time(16), minutes=120, travel=30),
    _Step(
        type="engagement_shoot", title="Engagement shoot {names}", days=100, at=time(6, 45), minutes=150, at_venue=True
    ),
    _Step(type="deadline", title="Final numbers to {venue}", days=30),
    _Step(type="task_due", title="Order of service to print ({names})", days=14),
    _Step(type="rehearsal", title="Rehearsal {names}", days=1, at=time(17), minutes=75, at_venue=True),
    _Step(type="wedding_ceremony", title="Ceremony {names}", days=0, at=time(14), minutes=60, at_venue=True, travel=40),
    _Step(type="wedding_reception", title="Reception {names}", days=0, at=time(16, 30), minutes=510, at_venue=True),
)


def wedsync_events(planner: Planner, today: date) -> list[dict[str, Any]]:
    """Return the planner's events in the shape that the Events API takes, in no particular order.

    Everything lies between ``today`` − 60 and + 400 days. No ids and versions: those are WedSync's to give.
    """
    marco = planner.user_id == "planner-marco"
    couples = MARCO_COUPLES if marco else ROSE_COUPLES
    home = "Europe/Rome" if marco else "Europe/London"
    chance = random.Random(f"{SEED}:{planner.user_id}")
    events = list(awkward_events(today, home))[: 7 if marco else 10]
    for place, couple in enumerate(couples):
        wedding = _saturday(today + timedelta(days=12 + place * 370 // len(couples)))
        events += _wedding(couple, wedding, today=today, home=home, chance=chance)
    for number, event in enumerate(events):
        event["url"] = f"https://app.wedsync.example/{planner.user_id}/events/{number + 1}"
    return events


def _wedding(couple: Couple, wedding: date, *, today: date, home: str, chance: random.Random) -> list[dict[str, Any]]:
    made = []
    for step in _STEPS:
        supplier = chance.choice(SUPPLIERS)
        words = {"names": couple.names, "venue": couple.venue, "supplier": f"{supplier[1]} ({supplier[0]})"}
        day = wedding - timedelta(days=step.days)
        if day < today + timedelta(days=FIRST_DAY):
            day = today + timedelta(days=FIRST_DAY + chance.randrange(1, 50))
        zone = couple.zone if step.at_venue or not step.minutes else home
        event = _dated(step, day, zone=zone)
        event.update(
            type=step.type,
            title=step.title.format(**words),
            description=chance.choice(DESCRIPTIONS),
            attendees=[{"email": couple.email, "name": couple.names}] if step.guests and chance.random() < 0.6 else [],
            travelMinutes=step.travel,
            private=step.type in ("client_meeting", "task_due") and chance.random() < 0.25,
        )
        if step.at_venue:
            event["location"] = {"name": couple.venue, "address": couple.address}
        made.append(event)
    return made


def _dated(step: _Step, day: date, *, zone: str) -> dict[str, Any]:
    if not step.minutes:
        return all_day(day, zone=zone)
    return timed(datetime.combine(day, step.at), minutes=step.minutes, zone=zone)


def _saturday(day: date) -> date:
    return day + timedelta(days=(5 - day.weekday()) % 7)
