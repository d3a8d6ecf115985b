"""Which prefixes an event's subject may have."""

import re

LONGEST_PREFIX = 50
_UNSEEN = (
    (0x0, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F),
    (0x890, 0x891), (0x8E2, 0x8E2), (0x180E, 0x180E), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x2064),
    (0x2066, 0x206F), (0xE000, 0xF8FF), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x13438), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, 0xD0001, 0x10000)),
    (0xE0001, 0xE0001), (0xE0020, 0xE007F), (0xEFFFE, 0x10FFFF),
)  # fmt: skip
"""Controls, formatting, private use and noncharacters of Unicode 14: https://www.unicode.org/reports/tr44/

Written out, because Python's tables call every sign of a later year unassigned, and people can see those.
"""

VISIBLE_PREFIX = f"^(?!\\s)[^{''.join(f'{chr(first)}-{chr(last)}' for first, last in _UNSEEN)}]*$"
"""What ``prefix_fault`` takes, but for the length; good as Python's and as ECMA-262's (flag u), for JSON Schema."""

_UNSEEN_IN_IT = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _UNSEEN)}\ud800-\udfff]")


def prefix_fault(prefix: str) -> str:
    """Return what is wrong with a prefix, or an empty string. It may be empty, and may end in a blank."""
    if len(prefix) > LONGEST_PREFIX:
        return f"has more than {LONGEST_PREFIX} characters"
    if _UNSEEN_IN_IT.search(prefix):
        return "has characters that cannot be seen"
    if prefix != prefix.lstrip():
        return "begins with a blank"  # Outlook would cut it off, and it would look as if the user had
    return ""
