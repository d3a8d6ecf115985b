"""The events that break calendars: around clock changes, over-long, in every script, and looking like markup."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from local.season.shape import all_day, timed
from local.season.shifts import next_shift

LONG_TITLE = (
    "Supplier round table for the three spring weddings (florist, caterer, band, marquee, lighting, transport, cake, "
    "stationery, hair and make-up) – please read the running order first, bring signed contracts and insurance "
    "certificates, and tell us about access times, power and parking 🚐🎪💐 before Friday noon; "
    "the venue locks at 18:00 sharp"
)
"""Longer than the 255 characters that Outlook keeps, with characters beyond the BMP near the cut."""


def awkward_events(today: date, home: str) -> Iterator[dict[str, Any]]:
    """Yield ten events, the most telling first; clock changes are those of the year from ``today``."""
    yield from _around_changes(today, home)
    soon = datetime.combine(today + timedelta(days=9), time(11))
    yield timed(soon, minutes=120, zone=home) | {"type": "vendor_meeting", "title": LONG_TITLE}
    yield timed(soon + timedelta(days=2), minutes=30, zone=home) | {
        "title": "Tom <3 & <b>Ana</b>: menu &amp; music",
        "description": "They wrote: <3 & <b>no speeches</b>!\n<script>alert('no')</script>\n5 < 6 && 7 > 6",
    }
    yield timed(soon + timedelta(days=30, hours=3), minutes=90, zone="Asia/Kolkata") | {
        "type": "venue_visit",
        "title": "نور & Yūki 結婚式 — زيارة المكان 👰🏽‍♀️🤵🏻",
        "description": "العنوان سيصل لاحقًا\n日本語のメモ:靴を脱ぐこと\nCafé first, naïve question later\n\tindented",
        "location": {"name": "קאמאל Garden 庭", "address": "शांति पथ 9, New Delhi"},
        "private": True,
        "travelMinutes": 55,
    }
    yield all_day(today + timedelta(days=60), zone="America/Sao_Paulo", days=3) | {
        "type": "wedding_reception",
        "title": "Três dias de festa 🎉",
        "location": {"name": "Fazenda São Bento", "address": ""},
    }
    yield timed(datetime.combine(today + timedelta(days=75), time(20)), minutes=60 * 31, zone="America/New_York") | {
        "type": "task_due",
        "title": "Marquee build, through the night",
        "description": "",
    }


def _around_changes(today: date, home: str) -> Iterator[dict[str, Any]]:
    spring = next_shift(home, today, gap=True)
    autumn = next_shift(home, today, gap=False)
    yield timed(spring.before - timedelta(minutes=30), minutes=180, zone=home) | {
        "type": "wedding_reception",
        "title": "Last dance over the clock change",
        "description": "Clocks go forward tonight: two hours on the floor, not three.",
    }
    yield timed(autumn.after + timedelta(minutes=15), minutes=30, zone=home) | {
        "type": "task_due",
        "title": "Taxi pick-up in the hour that happens twice",
    }
    yield timed(autumn.after - timedelta(hours=3), minutes=360, zone=home) | {
        "type": "wedding_reception",
        "title": "Reception across the longer night",
    }
    away = next_shift("America/New_York", today, gap=True)
    yield timed(away.after, minutes=45, zone="America/New_York") | {
        "type": "deadline",
        "title": "Contracts due the minute the clocks have changed",
    }
    south = next_shift("Pacific/Auckland", today, gap=False)
    yield all_day(south.before.date() - timedelta(days=1), zone="Pacific/Auckland", days=3) | {
        "type": "venue_visit",
        "title": "Site days at Kōwhai Ridge",
        "location": {"name": "Kōwhai Ridge Vineyard", "address": "88 Ridge Road, Waiheke Island 1999"},
    }
