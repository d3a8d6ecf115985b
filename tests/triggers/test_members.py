"""Members that may be absent: each is in an answer where there is something to say, and is left out where not.

WS-217 has no interface for what the API adds; that is held to its shapes, and so to the API document, alone.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, get_args

from pydantic import BaseModel

from shared.core.actions import Rule
from shared.core.event import EventType, Field, Side
from shared.core.explain import FieldStanding, Standing
from shared.core.history import ChangeKind, EventFailure, SyncRun, Tally
from shared.core.integration import Integration
from shared.core.jobs import RunKind, RunPurpose, RunRequest, TriggeredBy
from shared.core.rules import ResolutionRule, rule_of
from shared.core.settings_change import CopiesAffected, CopyLeft
from shared.core.states import ConflictState, IntegrationState, MappingState, RunState
from shared.triggers import health_shapes, history, history_shapes, present, settings, settings_shapes, shapes
from shared.usecases.change_settings import SettingsChanged
from shared.usecases.check_health import Dependency, Health
from shared.usecases.clear_outlook import LeftEvent, Removal
from shared.usecases.explain_event import Explanation
from shared.usecases.list_events import EventFilter, EventPage, MappedEvent
from shared.usecases.report_status import Counts, SyncStatus
from tests.support import values
from tests.support.values import NOON

LATER = NOON + timedelta(seconds=10)
ANSWERS = (
    shapes.StatusResponse,
    shapes.SyncJobResponse,
    shapes.EventsResponse,
    shapes.RemovalResponse,
    settings_shapes.SettingsResponse,
    history_shapes.ExplainResponse,
    health_shapes.HealthResponse,
)


def answers() -> Iterator[BaseModel]:
    """Each shape with everything that there can be to say, and with as little as there is at first."""
    little = values.integration()
    rule = rule_of("i", which=Field.TITLE, event_type=EventType.DEADLINE, use=Side.OUTLOOK, at=NOON)
    much = values.integration(
        state=IntegrationState.NEEDS_RECONNECT,
        calendar_id="calendar",
        calendar_name="Calendar",
        chosen_calendar_id="another",
        last_sync_at=NOON,
        reason="An administrator has to approve.",
        reason_code="admin_approval_required",
        reason_link="https://login.test/adminconsent",
        email="rose@example.test",
        channel_refusals=1,
    )
    yield from (present.sync_status(status(little)), status_with_all(much, rule))
    bare = values.run()
    yield from (present.sync_job(bare, now=LATER), present.sync_job(ended()), present.sync_job(begun(), now=LATER))
    yield present.sync_job(ended(), values.question(Side.OUTLOOK))
    yield from (present.event_page(page(), EventFilter()), present.event_page(page(*events()), EventFilter(start=DAY)))
    removal = Removal(sync_id="run", left=(LeftEvent(event_id="e", title="Tasting"),))
    yield from (present.removal(removal), present.removal(replace(removal, finished=True)))
    for integration, run_id in ((little, ""), (much, "run")):
        changed = SettingsChanged(
            integration=integration,
            subscription_updated=False,
            schedule_changed=False,
            full_resync=False,
            copies=CopiesAffected(left=(CopyLeft(event_id="e", title="Tasting", reason="guests"),)),
            unrepresentable=(60,),
            sync_id=run_id,
        )
        yield settings.presented(changed, reconnect_url="https://app.test/settings")
    yield from explanations()
    well, ill = (Dependency(name="tables", milliseconds=3, fault=fault) for fault in ("", "timeout"))
    yield present.health(Health(checked_at=NOON, dependencies=(well, ill)), version="1")


DAY = date(2026, 6, 20)


def status(integration: Integration, **members: Any) -> SyncStatus:
    known = {
        "integration": integration,
        "counts": Counts(),
        "next_sync_at": None,
        "recent": (values.run(),),
        "subscription": None,
        "channel_works": False,
        "renewal_needed": True,
    }
    return SyncStatus(**{**known, **members})


def status_with_all(integration: Integration, rule: ResolutionRule) -> BaseModel:
    request = RunRequest(
        kind=RunKind.SINGLE, triggered_by=TriggeredBy.MANUAL, purpose=RunPurpose.UNDO, subject="an earlier run"
    )
    undo = replace(ended(), request=request)
    shown = status(
        integration,
        rules=(rule,),
        recent=(undo,),
        subscription=values.subscription(),
        question=values.question(Side.OUTLOOK),
    )
    return present.sync_status(shown, reconnect_url="https://app.test/settings")


def ended() -> SyncRun:
    failure = EventFailure(event_id="e", event_type="deadline", code="Rejected", message="Refused.", retryable=False)
    return values.run(
        state=RunState.COMPLETED, completed_at=LATER, failures=(failure,), tally=Tally(repaired=1, errors=1)
    )


def begun() -> SyncRun:
    return values.run(state=RunState.IN_PROGRESS, started_at=NOON, tally=Tally(total=9, handled=3))


def page(*found: MappedEvent) -> EventPage:
    return EventPage(events=found, page=1, total_pages=1, total_events=len(found), syncing=True)


def events() -> tuple[MappedEvent, ...]:
    linked = values.mapping(state=MappingState.LINKED, outlook_id="o", base_o=values.content())
    gone = values.conflict(field=None, absent=Side.OUTLOOK, outlook=None, base=None)
    chosen = values.conflict(
        state=ConflictState.RESOLVED, choice="outlook", wedsync_at=NOON, outlook_at=NOON, reason="Both changed it."
    )
    return (
        MappedEvent(mapping=linked, status="synced"),
        MappedEvent(mapping=replace(linked, quarantine="refused"), status="error", conflicts=(gone, chosen)),
    )


def explanations() -> Iterator[BaseModel]:
    standing = FieldStanding(field=Field.TITLE, standing=Standing.AGREED, rule=Rule.AGREED, reason="Equal.")
    made = values.change(kind=ChangeKind.CREATED, fields=(), before=None, correlation="notice")
    removed = values.change(kind=ChangeKind.DELETED, run_id="", fields=(), after=None)
    known = Explanation(event_id="e", state="linked", rule=Rule.ECHO, next_step="None.", outlook_id="o")
    yield history.explained(
        replace(
            known,
            fields=(standing,),
            changes=(made, removed, values.change(), values.change(fields=(Field.DESCRIPTION,))),
        )
    )
    yield history.explained(replace(known, outlook_id=""))


def shapes_in(shape: type[BaseModel]) -> set[type[BaseModel]]:
    """The shape and all that its members are made of."""
    inner = {part for field in shape.model_fields.values() for part in _models(field.annotation)}
    return {shape}.union(*(shapes_in(each) for each in inner - {shape}))


def _models(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for part in get_args(annotation) for found in _models(part)}


def members_of(value: Any) -> Iterator[tuple[str, bool]]:
    """Each member that may be absent, anywhere inside, and whether it is there."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            held = getattr(value, name)
            if not field.is_required() and field.default is None:
                yield f"{type(value).__name__}.{name}", held is not None
            yield from members_of(held)
    elif isinstance(value, list):
        for each in value:
            yield from members_of(each)


def test_what_may_be_absent_is_there_where_there_is_something_to_say() -> None:
    optional = {
        f"{shape.__name__}.{name}"
        for answer in ANSWERS
        for shape in shapes_in(answer)
        for name, field in shape.model_fields.items()
        if not field.is_required() and field.default is None
    }
    found = {each for answer in answers() for each in members_of(answer)}
    assert {type(answer) for answer in answers()} == set(ANSWERS)
    assert {name for name, there in found if there} == optional
    assert {name for name, there in found if not there} == optional
