"""What is taken: nothing that nobody declared, no flag that is no flag, and nothing on anybody's behalf."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from shared.triggers.conflict_shapes import ForceSyncRequest, ResolveRequest
from shared.triggers.meeting_shapes import MeetingCancelShape, MeetingChangeShape, MeetingRequestShape
from shared.triggers.openapi.examples import BODIES
from shared.triggers.openapi.operations import OPERATIONS
from shared.triggers.settings_shapes import SettingsRequest
from shared.triggers.shapes import CallbackRequest, ConfirmRequest, SyncRequest
from shared.triggers.webhook_shapes import Sent

CHOICE = {"title": {"useValue": "outlook"}}
TAKEN = sorted(
    {each.takes for each in OPERATIONS.values() if each.takes and not issubclass(each.takes, Sent)},
    key=lambda model: model.__name__,
)
FLAGS: tuple[tuple[type[BaseModel], str, dict[str, Any]], ...] = (
    (ConfirmRequest, "accept", {"confirmationId": "c"}),
    (ResolveRequest, "setAsDefault", {"resolutions": CHOICE}),
    (ResolveRequest, "mailGuests", {"resolutions": CHOICE}),
    (ForceSyncRequest, "overwriteConflicts", {"direction": "to_outlook"}),
    (SettingsRequest, "syncEnabled", {}),
    (SettingsRequest, "webhookEnabled", {}),
    (MeetingChangeShape, "mailGuests", {}),
    (MeetingChangeShape, "isOnlineMeeting", {}),
    (MeetingCancelShape, "mailGuests", {}),
)


def test_whatever_an_endpoint_takes_is_looked_at_here() -> None:
    named = {SyncRequest, CallbackRequest, ConfirmRequest, ResolveRequest, ForceSyncRequest, SettingsRequest}
    assert set(TAKEN) == named | {MeetingRequestShape, MeetingChangeShape, MeetingCancelShape}


@pytest.mark.parametrize("model", TAKEN)
def test_a_member_that_nobody_declared_is_refused(model: type[BaseModel]) -> None:
    (example, *_) = BODIES[model].values()
    assert model.model_validate(example)
    for surplus in ("surplus", "userId", "__proto__"):
        with pytest.raises(ValidationError, match="Extra inputs"):
            model.model_validate({**example, surplus: 1})


@pytest.mark.parametrize(("model", "name", "beside"), FLAGS)
def test_a_flag_is_true_or_false(model: type[BaseModel], name: str, beside: dict[str, Any]) -> None:
    for value in (True, False):
        assert model.model_validate({**beside, name: value})
    no_flags: tuple[Any, ...] = (1, 0, "true", "false", "on", 1.0, [], {})
    for wrong in no_flags:
        with pytest.raises(ValidationError):
            model.model_validate({**beside, name: wrong})


def test_what_is_left_out_is_not_asked_for() -> None:
    resolve = ResolveRequest.model_validate({"resolutions": CHOICE})
    assert (resolve.set_as_default, resolve.mail_guests) == (False, False)
    assert not ForceSyncRequest.model_validate({"direction": "to_outlook"}).overwrite_conflicts
    for model in (MeetingChangeShape, MeetingCancelShape):
        empty = model.model_validate({})
        assert (empty.mail_guests, empty.mails) == (False, [])
    run = SyncRequest.model_validate({})
    assert (run.sync_type, run.sync_direction, run.specific_events) == ("incremental", None, None)
    with pytest.raises(ValidationError):
        ConfirmRequest.model_validate({"confirmationId": "c"})


@pytest.mark.parametrize(
    ("model", "fits", "too_long"),
    [
        (CallbackRequest, {"state": "x" * 512}, {"state": "x" * 513}),
        (CallbackRequest, {"state": "x"}, {"state": ""}),
        (CallbackRequest, {"state": "x", "code": "x" * 8192}, {"state": "x", "code": "x" * 8193}),
        (ConfirmRequest, {"confirmationId": "c", "accept": True}, {"confirmationId": "", "accept": True}),
        (ConfirmRequest, {"confirmationId": "c" * 256, "accept": True}, {"confirmationId": "c" * 257, "accept": True}),
        (SyncRequest, {"specificEvents": ["x"] * 500}, {"specificEvents": ["x"] * 501}),
        (SyncRequest, {"specificEvents": ["x" * 256]}, {"specificEvents": ["x" * 257]}),
        (SyncRequest, {"specificEvents": ["x"]}, {"specificEvents": [""]}),
        (ResolveRequest, {"resolutions": CHOICE}, {"resolutions": {}}),
        (
            ResolveRequest,
            {"resolutions": {f"f{number}": CHOICE["title"] for number in range(10)}},
            {"resolutions": {f"f{number}": CHOICE["title"] for number in range(11)}},
        ),
        (SettingsRequest, {"calendarId": "x" * 1024}, {"calendarId": "x" * 1025}),
        (SettingsRequest, {"calendarId": "x"}, {"calendarId": ""}),
        (SettingsRequest, {"removeResolutionRules": ["x"] * 500}, {"removeResolutionRules": ["x"] * 501}),
    ],
)
def test_what_is_sent_has_a_length(model: type[BaseModel], fits: dict[str, Any], too_long: dict[str, Any]) -> None:
    assert model.model_validate(fits)
    with pytest.raises(ValidationError):
        model.model_validate(too_long)
