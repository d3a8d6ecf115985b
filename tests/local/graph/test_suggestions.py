"""findMeetingTimes: S63 of the fact sheet, over HTTPS."""

from typing import Any

import pytest

from local.simkit.people import IVY
from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Far, at, token
from tests.local.graph.sources import api, issue, resource
from tests.local.graph.test_schedule import busy

FIND = api("user-findmeetingtimes")
SHARED = token(scopes="User.Read Calendars.ReadWrite Calendars.Read.Shared")


async def suggest(graph: Far, *addresses: str, **members: Any) -> dict[str, Any]:
    slot = {"start": at("2026-08-04T07:00:00"), "end": at("2026-08-04T17:00:00")}
    body = {
        "attendees": [{"type": "required", "emailAddress": {"address": each}} for each in addresses],
        "timeConstraint": {"activityDomain": "work", "timeSlots": [slot]},
        "meetingDuration": "PT1H",
        **members,
    }
    answer = await graph.call("POST", "/me/findMeetingTimes", body, bearer=SHARED, status=200)
    found: dict[str, Any] = answer.json()
    return found


def starts(found: dict[str, Any]) -> list[str]:
    return [each["meetingTimeSlot"]["start"]["dateTime"][11:16] for each in found["meetingTimeSuggestions"]]


@behaviour("S63", Grade.DOCUMENTED, FIND)
async def test_s63_suggestions_have_the_shape_of_the_page(graph: Far) -> None:
    found = await suggest(
        graph,
        IVY.upn,
        locationConstraint={"isRequired": False, "suggestLocation": False, "locations": [{"displayName": "Hood"}]},
        isOrganizerOptional="false",
        returnSuggestionReasons="true",
        minimumAttendeePercentage="100",
        maxCandidates=2,
    )
    assert found["@odata.context"].endswith("/$metadata#microsoft.graph.meetingTimeSuggestionsResult")
    assert found["emptySuggestionsReason"] == ""
    assert found["meetingTimeSuggestions"][0] == {
        "confidence": 100,
        "order": 1,
        "organizerAvailability": "free",
        "suggestionReason": "Suggested because it is one of the nearest times when all attendees are available.",
        "attendeeAvailability": [
            {"availability": "free", "attendee": {"emailAddress": {"address": IVY.upn}}},
        ],
        "locations": [{"displayName": "Hood"}],
        "meetingTimeSlot": {
            "start": {"dateTime": "2026-08-04T07:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-08-04T08:00:00.0000000", "timeZone": "UTC"},
        },
    }
    assert [each["order"] for each in found["meetingTimeSuggestions"]] == [1, 2]


@behaviour("S63", Grade.DOCUMENTED, FIND)
async def test_s63_suggestions_lie_in_the_working_hours_of_the_mailbox(graph: Far) -> None:
    """Eight to five in London's summer is 07:00 to 16:00 UTC."""
    found = await suggest(graph, maxCandidates=100)
    assert (min(starts(found)), max(starts(found))) == ("07:00", "15:00")


@behaviour("S63", Grade.DOCUMENTED, FIND)
@pytest.mark.parametrize(
    ("domain", "when", "possible"),
    [
        ("work", "2026-08-08T10", False),
        ("personal", "2026-08-08T10", True),
        ("personal", "2026-08-08T20", False),
        ("unrestricted", "2026-08-08T20", True),
    ],
)
async def test_s63_the_activity_domain_says_which_hours_count(
    graph: Far, domain: str, when: str, possible: bool
) -> None:
    slot = {"start": at(f"{when}:00:00"), "end": at(f"{when[:-2]}{int(when[-2:]) + 1}:00:00")}
    found = await suggest(graph, timeConstraint={"activityDomain": domain, "timeSlots": [slot]})
    assert bool(found["meetingTimeSuggestions"]) is possible


@behaviour("S63", Grade.DOCUMENTED, FIND)
async def test_s63_confidence_is_the_average_chance_that_attendees_come(graph: Far) -> None:
    await busy(graph, "07:00:00", "08:00:00", IVY)
    found = await suggest(graph, IVY.upn, "guest@elsewhere.example", minimumAttendeePercentage=20)
    by_start = {
        each["meetingTimeSlot"]["start"]["dateTime"][11:16]: each["confidence"]
        for each in found["meetingTimeSuggestions"]
    }
    assert (by_start["08:00"], by_start["07:00"]) == (74.5, 24.5)
    assert starts(found)[0] == "08:00"
    assert starts(await suggest(graph, IVY.upn, "guest@elsewhere.example"))[0] == "08:00"
    assert "07:00" not in starts(await suggest(graph, IVY.upn, "guest@elsewhere.example"))


@behaviour("S63", Grade.DOCUMENTED, FIND)
async def test_s63_a_busy_organizer_is_left_out_only_if_optional(graph: Far) -> None:
    await busy(graph, "07:00:00", "12:00:00")
    assert min(starts(await suggest(graph, IVY.upn))) == "12:00"
    assert min(starts(await suggest(graph, IVY.upn, isOrganizerOptional=True))) == "07:00"


@behaviour("S63", Grade.DOCUMENTED, resource("meetingtimesuggestionsresult"))
async def test_s63_why_there_are_no_suggestions(graph: Far) -> None:
    unknown = await suggest(graph, "guest@elsewhere.example")
    assert (unknown["meetingTimeSuggestions"], unknown["emptySuggestionsReason"]) == (
        [],
        "attendeesUnavailableOrUnknown",
    )
    await busy(graph, "00:00:00", "23:00:00", IVY)
    assert (await suggest(graph, IVY.upn))["emptySuggestionsReason"] == "attendeesUnavailable"
    nowhere = await suggest(graph, locationConstraint={"isRequired": True, "locations": []})
    assert nowhere["emptySuggestionsReason"] == "locationsUnavailable"
    await busy(graph, "00:00:00", "23:00:00")
    assert (await suggest(graph, IVY.upn))["emptySuggestionsReason"] == "organizerUnavailable"


@behaviour("S63", Grade.REPORTED, issue(2341, "microsoftgraph/microsoft-graph-docs"), FIND)
async def test_s63_find_meeting_times_needs_a_shared_scope(graph: Far) -> None:
    refused = await graph.call("POST", "/me/findMeetingTimes", {}, status=403)
    assert refused.json()["error"]["code"] == "ErrorAccessDenied"
