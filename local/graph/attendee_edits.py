"""What an attendee's PATCH of the organizer's members does to their own copy (section 2.7).

Graph's answer is unconfirmed (section 9, item 8): EWS refuses with ErrorInvalidPropertySet (exchangelib #243), so that
is the default of the knob ``attendeeEdit``; ``keep`` takes the change for the attendee's own copy, until the
organizer's next update, and ``ignore`` answers 200 and changes nothing.
"""

from dataclasses import replace

from local.graph.errors import GraphError
from local.graph.events import ORGANIZERS_OWN, Written
from local.graph.knobs import Knobs


def permitted(written: Written, knobs: Knobs) -> Written:
    """Return what of an attendee's PATCH is carried out, or refuse it."""
    if not written.names & ORGANIZERS_OWN or knobs.attendeeEdit == "keep":
        return written
    if knobs.attendeeEdit != "ignore":
        raise GraphError(400, "ErrorInvalidPropertySet", "Set action is invalid for property.")
    kept = {name: value for name, value in written.props.items() if name not in ORGANIZERS_OWN}
    return replace(
        written,
        props=kept,
        start=None,
        end=None,
        all_day=None,
        recurrence=None,
        recurs=False,
        names=written.names - ORGANIZERS_OWN,
    )
