"""Where the season plays: couples with their venues and zones, suppliers, and the words that events are made of.

All people, domains and places are invented; addresses end in ``.example`` (RFC 2606), so no mail can leave.
"""

from dataclasses import dataclass

SUPPLIERS = (
    ("florist", "Petal & Stem Floristry", "hello@petalandstem.example"),
    ("caterer", "Cucina Bellavista", "info@bellavista.example"),
    ("photographer", "Léa Fontaine Photographie", "lea@fontaine.example"),
    ("band", "The Velvet Hours 🎷", "bookings@velvethours.example"),
    ("cake maker", "Bäckerei Süßholz", "post@suessholz.example"),
    ("string quartet", "Quarteto Ipê", "contato@quartetoipe.example"),
    ("hair and make-up", "Ōkura Beauty 大倉", "okura@beauty.example"),
    ("stationer", "Inkwell & Daughters", "studio@inkwell.example"),
)

DESCRIPTIONS = (
    "",
    "Bring the sample books and the seating plan.",
    "Agenda:\n1. Timings\n2. Menu\n3. Rain plan\n\nParking behind the chapel.",
    "Deposit paid; balance due four weeks before.\nContact on the day: the duty manager.",
    "🌸 Peonies, not roses!\n🌿 No eucalyptus (allergy).",
    "Notes from the call:\n\n  • 84 guests, 6 children\n  • first dance 20:15\n\n\n"
    "Ask about candles: naked flames need approval.",
    "Confirmer la liste définitive des invités — réponse avant vendredi s'il vous plaît.",
    "Budget < £12,000 & deposit > 20 %; see <https://venue.example/terms?a=1&b=2>",
)


@dataclass(frozen=True, kw_only=True)
class Couple:
    """A wedding. ``zone`` is the venue's IANA zone, in which every event at the venue is kept."""

    names: str
    venue: str
    address: str
    zone: str
    email: str


ROSE_COUPLES = (
    Couple(
        names="Amelia & Tom",
        venue="Thornbury Manor",
        address="Mill Lane, Thornbury BS35 9ZZ, United Kingdom",
        zone="Europe/London",
        email="amelia@couples.example",
    ),
    Couple(
        names="Giulia & Matteo",
        venue="Villa dei Cipressi",
        address="Via degli Ulivi 12, 50014 Fiesole FI, Italia",
        zone="Europe/Rome",
        email="giulia@couples.example",
    ),
    Couple(
        names="Priya & Arjun",
        venue="Lotus Lake Palace",
        address="Lake Palace Road, Udaipur 313999, Rajasthan, India",
        zone="Asia/Kolkata",
        email="priya@couples.example",
    ),
    Couple(
        names="Harper & Quinn",
        venue="The Foundry on Pier 9",
        address="9 Pier Street, Brooklyn, NY 11299, USA",
        zone="America/New_York",
        email="harper@couples.example",
    ),
    Couple(
        names="Aroha & Wiremu",
        venue="Kōwhai Ridge Vineyard",
        address="88 Ridge Road, Waiheke Island 1999, New Zealand",
        zone="Pacific/Auckland",
        email="aroha@couples.example",
    ),
    Couple(
        names="Beatriz & João",
        venue="Fazenda São Bento",
        address="Estrada do Café km 7, Itu – SP, 13999-000, Brasil",
        zone="America/Sao_Paulo",
        email="beatriz@couples.example",
    ),
    Couple(
        names="Niamh & Ciarán",
        venue="Dunmore Abbey Barn",
        address="Abbey Road, Dunmore, Co. Galway H54 XX99, Ireland",
        zone="Europe/Dublin",
        email="niamh@couples.example",
    ),
    Couple(
        names="美咲 & Kenji",
        venue="鎌倉 海の見える庭 (Umi-no-Niwa)",
        address="〒248-9999 神奈川県鎌倉市坂ノ下9-9",
        zone="Asia/Tokyo",
        email="misaki@couples.example",
    ),
    Couple(
        names="נועה & Daniel",
        venue="Kensal Glasshouse",
        address="40 Kensal Walk, London W10 9ZZ, United Kingdom",
        zone="Europe/London",
        email="noa@couples.example",
    ),
    Couple(
        names="Élodie & Théo",
        venue="Château de la Brûlère",
        address="3 allée des Tilleuls, 37999 Azay, France",
        zone="Europe/Paris",
        email="elodie@couples.example",
    ),
)

MARCO_COUPLES = (
    Couple(
        names="Chiara & Luca",
        venue="Masseria Torre Bianca",
        address="Contrada Torre 5, 72999 Fasano BR, Italia",
        zone="Europe/Rome",
        email="chiara@couples.example",
    ),
    Couple(
        names="Sofía & Álvaro",
        venue="Finca La Encina",
        address="Camino Viejo s/n, 28999 Aranjuez, España",
        zone="Europe/Madrid",
        email="sofia@couples.example",
    ),
    Couple(
        names="Grace & Malcolm",
        venue="Lighthouse Inn",
        address="1 Beacon Road, Rockport, ME 04999, USA",
        zone="America/New_York",
        email="grace@couples.example",
    ),
)
