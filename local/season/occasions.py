"""What the mailbox's events are about. People and domains are invented and end in ``.example``."""

from dataclasses import dataclass

from local.season.awkward import LONG_TITLE


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """An ordinary reason for an entry. ``guests``: a meeting of the owner; ``invitation``: one of somebody else."""

    subject: str
    body: str = ""
    place: str = ""
    categories: tuple[str, ...] = ()
    guests: bool = False
    invitation: bool = False


HOSTS = (
    ("Petra Lindqvist", "petra@lakesidevenue.example"),
    ("Dr. Okonkwo's surgery", "reception@okonkwo.example"),
    ("José Núñez", "jose@banquetes.example"),
    ("王小明", "xiaoming@lanterns.example"),
    ("Studio Neun", "termine@studioneun.example"),
)

OCCASIONS = (
    Occasion(subject="Dentist", place="14 High Street", categories=("Personal",)),
    Occasion(
        subject="Menu tasting with Petra", body="Vegetarian options first.", guests=True, categories=("Supplier",)
    ),
    Occasion(subject="School run", categories=("Family",)),
    Occasion(
        subject="Train to Bath", body="Coach C, seat 41<br>Split ticket at Didcot", place="Paddington, platform 1"
    ),
    Occasion(subject="Quarterly VAT return", categories=("Finance",)),
    Occasion(subject="Venue open evening", invitation=True, place="Lakeside, Great Hall"),
    Occasion(subject="Accountant", body="Bring receipts &amp; mileage log", categories=("Finance",)),
    Occasion(subject="Site visit: marquee field", place="Gate 3, Lower Meadow", categories=("venue_visit",)),
    Occasion(subject="Yoga"),
    Occasion(subject="1:1 Ivy", guests=True, categories=("Team",)),
    Occasion(subject="Block: write proposals", body="Phone off."),
    Occasion(subject="Lunch w/ José", place="Café Añejo", categories=("Personal", "Supplier")),
    Occasion(subject="Florist market trip", body="Leave 04:30; van key at Sam's", place="New Covent Garden"),
    Occasion(subject="Kundengespräch Süßholz", body="Grüße & Maße klären", invitation=True),
    Occasion(subject="Car service", place="Garage, Unit 7"),
    Occasion(subject="Podcast recording 🎙️", guests=True),
)

ODDITIES = (
    ("", "An entry without a subject."),
    (LONG_TITLE, "The subject is longer than Outlook keeps."),
    ("Tom <3 & <b>Ana</b> &amp; \"quotes\" 'single'", "<p>Looks like markup</p>\n5 < 6 && 7 > 6"),
    ("会議 🀄 鈴木様", "一行目\n二行目\n\n四行目"),
    ("اجتماع مع العروس", "القاعة الكبيرة \u200f(الطابق الثاني)"),
    ("פגישה עם הזוג", "נא להביא חוזה"),
    ("Zoë’s naïve façade – “quoted” … ½ €", "tab\there, nbsp\u00a0there, zero\u200bwidth"),
    (
        "\U0001f469\U0001f3fd\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468\U0001f3fb only",
        "🎉" * 60,
    ),
    ("Very long notes", "All work and no play makes a long description.\n" * 400),
    (
        "https://meet.example/j/123?pwd=a%20b&x=1",
        "Join: https://meet.example/j/123?pwd=a%20b&x=1\nDial-in: +44 20 7946 0999",
    ),
)

HOLIDAYS = {
    "GMT Standard Time": (
        (1, 1, "New Year's Day"), (2, 14, "Valentine's Day"), (3, 1, "St David's Day"), (3, 17, "St Patrick's Day"),
        (4, 23, "St George's Day"), (10, 31, "Halloween"), (11, 5, "Guy Fawkes Night"), (11, 30, "St Andrew's Day"),
        (12, 25, "Christmas Day"), (12, 26, "Boxing Day"),
    ),
    "W. Europe Standard Time": (
        (1, 1, "Capodanno"), (1, 6, "Epifania"), (4, 25, "Festa della Liberazione"), (5, 1, "Festa del Lavoro"),
        (6, 2, "Festa della Repubblica"), (8, 15, "Ferragosto"), (12, 25, "Natale"),
    ),
}  # fmt: skip
