"""Random events, mappings, views and policies from small pools, so that values meet often."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st

from shared.core.actions import Policy
from shared.core.canon import canonical, fitted, with_prefix
from shared.core.event import (
    AllDay,
    Attendee,
    CalendarEvent,
    EventTime,
    EventType,
    OutlookState,
    Place,
    Side,
    Timed,
    WedSyncState,
)
from shared.core.integration import Direction, ImportOutlookEvents, OnOutlookDelete, Preferences
from shared.core.mapping import EventMapping, Role
from shared.core.merge import Flow
from shared.core.states import MappingState
from shared.core.views import UNSEEN, Gone, Present, View

LAWS = settings(deadline=None, max_examples=100)
MANY = settings(deadline=None, max_examples=300)

NOON = datetime(2026, 6, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PREFIX = "WedSync: "

EVENT = CalendarEvent(
    title="Tasting", time=Timed(start=NOON, end=NOON + HOUR, zone="Europe/London"), description="Three cakes"
)
GUEST = Attendee(email="ann@example.com", name="Ann")

# Text that people paste: broken line ends, blanks of all kinds, marks apart from their letters, what XML refuses.
RAGGED = st.text(
    alphabet=st.sampled_from("aB: \t\n\r\x0b\x0c\x85\xa0\u2003\u2028\u3000é\u0301e\x00\x1f\ud800\ufffe😀\u200d🏽")
)
ANY_TEXT = st.one_of(RAGGED, st.text(max_size=40), st.text(alphabet="x😀é ", min_size=240, max_size=270))
ANY_INSTANT = st.datetimes(timezones=st.just(UTC)) | st.datetimes(timezones=st.timezones())
ZONES = st.sampled_from(
    ["UTC", "Europe/London", "GMT Standard Time", "tzone://Microsoft/Custom", "", "america/new_york"]
)
RAW_TIMES: st.SearchStrategy[EventTime] = st.one_of(
    st.builds(Timed, start=ANY_INSTANT, end=ANY_INSTANT, zone=ZONES),
    st.builds(AllDay, start=st.dates(), end=st.dates(), zone=ZONES),
)
RAW_EVENTS = st.builds(
    CalendarEvent,
    title=ANY_TEXT,
    time=RAW_TIMES,
    description=ANY_TEXT,
    location=st.builds(Place, name=RAGGED, address=RAGGED),
    private=st.booleans(),
    attendees=st.lists(
        st.builds(Attendee, email=st.sampled_from(["", "A@x.org", "a@X.org ", "b@x.org"]), name=RAGGED), max_size=4
    ).map(tuple),
)

_STARTS = [NOON, NOON + HOUR, NOON + 2 * HOUR]
TIMES: st.SearchStrategy[EventTime] = st.one_of(
    st.builds(lambda start: Timed(start=start, end=start + HOUR, zone="Europe/London"), st.sampled_from(_STARTS)),
    st.just(AllDay(start=date(2026, 6, 20), end=date(2026, 6, 21), zone="Europe/Rome")),
)
TITLES = st.sampled_from(["", "Tasting", "Fitting", "x" * 245, "x" * 246 + "y", "WedSync: Tasting"])
GUESTS = st.sampled_from([(), (), (), (GUEST,)])


def events(guests: st.SearchStrategy[tuple[Attendee, ...]] = GUESTS) -> st.SearchStrategy[CalendarEvent]:
    """Canonical events that agree with one another in most fields."""
    return st.builds(
        CalendarEvent,
        title=TITLES,
        time=TIMES,
        description=st.sampled_from(["", "Three cakes", "Four cakes"]),
        location=st.sampled_from([Place(), Place(name="Mill"), Place(name="Barn", address="1 High St")]),
        private=st.booleans(),
        attendees=guests,
    ).map(canonical)


FLOWS = st.builds(
    Flow,
    toward=st.sampled_from([frozenset(Side), frozenset({Side.OUTLOOK}), frozenset({Side.WEDSYNC})]),
    masked=st.booleans(),
)
PREFERENCES = st.builds(
    Preferences,
    sync_client_meetings=st.sampled_from([True, True, True, False]),
    event_prefix=st.sampled_from([PREFIX, PREFIX, "", "W "]),
    on_outlook_delete=st.sampled_from(OnOutlookDelete),
    import_outlook_events=st.sampled_from(ImportOutlookEvents),
)
DIRECTIONS = st.sampled_from([Direction.BIDIRECTIONAL, *Direction])
POLICIES = st.builds(Policy, preferences=PREFERENCES, direction=DIRECTIONS, run_direction=DIRECTIONS)


def mapping_of(event: CalendarEvent = EVENT, **changes: object) -> EventMapping:
    """A linked pair, born in WedSync, that agrees on ``event``."""
    mapping = EventMapping(
        mapping_id="m1",
        integration_id="i1",
        epoch=1,
        born=Side.WEDSYNC,
        state=MappingState.LINKED,
        calendar_id="c1",
        wedsync_id="w1",
        outlook_id="o1",
        prefix=PREFIX,
        base_w=event,
        base_o=fitted(event, PREFIX),
        w_version=3,
        o_etag="etag-3",
        o_changed_at=NOON,
    )
    return replace(mapping, **changes)  # type: ignore[arg-type]


def wedsync_state(content: CalendarEvent = EVENT, **changes: object) -> WedSyncState:
    """WedSync's event as it is read after a change."""
    state = WedSyncState(
        event_id="w1",
        version=4,
        updated_at=NOON + HOUR,
        content=content,
        event_type=EventType.CLIENT_MEETING,
        source=Side.WEDSYNC,
    )
    return replace(state, **changes)  # type: ignore[arg-type]


def outlook_state(content: CalendarEvent = EVENT, *, prefix: str = PREFIX, **changes: object) -> OutlookState:
    """Outlook's event as it is read after a change, its subject under our prefix."""
    subject = replace(content, title=with_prefix(content.title, prefix))
    state = OutlookState(event_id="o1", etag="etag-4", changed_at=NOON + HOUR, content=subject)
    return replace(state, **changes)  # type: ignore[arg-type]


@st.composite
def mappings(draw: st.DrawFn) -> EventMapping:
    """Mappings of any state, birth, role and history."""
    born = draw(st.sampled_from(Side))
    base_w, base_o = draw(events()), draw(events())
    prefix = draw(st.sampled_from([PREFIX, PREFIX, ""])) if born is Side.WEDSYNC else ""
    return mapping_of(
        born=born,
        state=draw(st.sampled_from([*[MappingState.LINKED] * 6, *MappingState])),
        role=draw(st.sampled_from([Role.EVENT, Role.EVENT, Role.EVENT, Role.TRAVEL])),
        prefix=prefix,
        base_w=draw(st.sampled_from([base_w, base_w, base_w, None])),
        base_o=draw(st.sampled_from([base_o, fitted(base_w, prefix), fitted(base_w, prefix), None])),
        masked=born is Side.OUTLOOK and draw(st.booleans()),
        is_organizer=draw(st.sampled_from([True, True, True, False])),
        notes=draw(st.sampled_from([(), (), (), ("prefix_removed",), ("type_off",), ("gone:outlook",)])),
    )


@st.composite
def views(draw: st.DrawFn, mapping: EventMapping, side: Side) -> View:
    """Anything that may be known of a side."""
    base = mapping.base_w if side is Side.WEDSYNC else mapping.base_o
    content = draw(st.one_of(events(), st.just(base or EVENT)))
    if side is Side.WEDSYNC:
        present: View = Present(
            wedsync_state(
                content,
                version=draw(st.sampled_from([2, 3, 4, 4])),
                deleted=draw(st.sampled_from([False] * 4 + [True])),
            )
        )
    else:
        present = Present(
            outlook_state(
                content,
                prefix=draw(st.sampled_from([mapping.prefix, mapping.prefix, ""])),
                changed_at=NOON + draw(st.sampled_from([-HOUR, HOUR, HOUR])),
                is_organizer=mapping.is_organizer,
                cancelled=draw(st.sampled_from([False] * 5 + [True])),
            )
        )
    gone = Gone(proved=draw(st.booleans()), left_calendar=draw(st.booleans()))
    return draw(st.sampled_from([present, present, present, UNSEEN, gone]))
