"""Exchange ids: two forms per item, URL-safe base64 look, case-sensitive look-alikes (S24, S27, S28).

Neighbouring items differ only in the case of one letter, so that whoever folds case mixes them up at once.
"""

import base64
import hashlib
import re
from datetime import date

from local.graph.errors import GraphError

_LOOKALIKES = "AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz0123456789-_"
_FORM = re.compile(r"A[AQ][MQk][kA][A-Za-z0-9_-]{40,400}=")
_HEADER = bytes.fromhex("0f00000016000000")


def _counter(number: int) -> str:
    number, rest = divmod(number, 52)
    digits = _LOOKALIKES[rest]
    for _ in range(7):
        number, rest = divmod(number, 64)
        digits = _LOOKALIKES[rest] + digits
    return digits


def _body(seed: str, length: int) -> str:
    raw = b"".join(hashlib.sha512(f"{seed}/{n}".encode()).digest() for n in range(3))
    return base64.urlsafe_b64encode(raw).decode()[:length]


def regular_item(mailbox: str, folder: str, number: int) -> str:
    """Return an id that depends on the folder; more than 150 characters."""
    return f"AAMkA{_body(mailbox, 88)}-_{_body(folder, 50)}{_counter(number)}="


def immutable_item(mailbox: str, number: int) -> str:
    """Return an id that survives a move."""
    return f"AAkALgAAAAAAHYQDEap_-{_body(mailbox, 84)}{_counter(number)}="


def calendar_ids(mailbox: str, number: int) -> tuple[str, str]:
    """Return a calendar's regular and immutable id."""
    regular = f"AAMkA{_body(mailbox, 88)}_{_body('calendars', 16)}{_counter(number)}="
    return regular, f"AAkALg{_body(mailbox, 78)}-{_counter(number)}="


def occurrence(master_id: str, day: date) -> str:
    """Return the id of one occurrence: the master's with the original date in it."""
    stamp = base64.urlsafe_b64encode(day.toordinal().to_bytes(3, "big")).decode()
    return f"{master_id[:-1]}{stamp}="


def split_occurrence(occurrence_id: str) -> tuple[str, date] | None:
    """Return master id and date if the id may be an occurrence's; the caller looks whether such a master exists."""
    try:
        ordinal = int.from_bytes(base64.urlsafe_b64decode(occurrence_id[-5:-1]), "big")
        return f"{occurrence_id[:-5]}=", date.fromordinal(ordinal)
    except (ValueError, OverflowError):
        return None


def require_form(item_id: str) -> None:
    """Refuse what cannot be an id (S28)."""
    if not _FORM.fullmatch(item_id):
        raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def uid(mailbox: str, number: int) -> str:
    """Return the ``uid`` of a single event or a whole series."""
    tail = hashlib.sha256(f"{mailbox}/{number}".encode()).hexdigest().upper()[:32]
    return f"040000008200E00074C5B7101A82E00800000000{tail}000000000000000010000000{tail[::-1]}"


def instance_uid(series_uid: str, day: date) -> str:
    """Return an instance's ``iCalUId``: the series' one with the date in bytes 16 to 19."""
    return f"{series_uid[:32]}{day.year:04X}{day.month:02X}{day.day:02X}{series_uid[40:]}"


def change_key(mailbox: str, number: int) -> str:
    """Return the ``changeKey`` of 22 bytes."""
    key = hashlib.md5(mailbox.encode()).digest() + number.to_bytes(6, "big")
    return base64.b64encode(key).decode()


def short_etag(key: str) -> str:
    """Return the etag of full entities."""
    return f'W/"{key}"'


def long_etag(key: str) -> str:
    """Return the etag of notifications and minimal occurrences: eight header bytes before the same key."""
    return f'W/"{base64.b64encode(_HEADER + base64.b64decode(key)).decode()}"'
