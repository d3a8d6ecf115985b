"""A pair whose copy is on its way to another calendar is left alone until the copy has arrived."""

from shared.core.mapping import EventMapping
from shared.errors import Unavailable


def assert_arrived(mapping: EventMapping) -> None:
    """Raise ``Unavailable`` while there may be two copies: whoever came to look comes again."""
    if mapping.moved_from:
        raise Unavailable("graph", code="CopyMoves")
