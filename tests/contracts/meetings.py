"""What every implementation of ``MeetingRequests`` has to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.event import EventType
from shared.core.meeting import MeetingRequest
from shared.errors import RowExists
from shared.ports import MeetingRequests
from tests.support.values import NOON, new_id


def request(integration_id: str, **members: object) -> MeetingRequest:
    made = MeetingRequest(
        request_id=new_id(),
        integration_id=integration_id,
        calendar_id="AAMk/calendar=",
        fingerprint="f" * 64,
        payload='{"subject":"Menu tasting – süß"}',
        event_type=EventType.VENDOR_MEETING,
        requested_at=NOON,
    )
    return replace(made, **members)  # type: ignore[arg-type]


class MeetingRequestsContract:
    """Needs a fixture ``meeting_requests``."""

    async def test_a_request_is_stored_once(self, meeting_requests: MeetingRequests) -> None:
        home = new_id()
        first = request(home)
        await meeting_requests.insert(first)
        with pytest.raises(RowExists):
            await meeting_requests.insert(replace(first, payload="another"))
        assert await meeting_requests.get(home, first.request_id) == first
        assert await meeting_requests.get(home, new_id()) is None
        assert await meeting_requests.get(new_id(), first.request_id) is None

    async def test_what_becomes_of_it_takes_its_place(self, meeting_requests: MeetingRequests) -> None:
        home = new_id()
        first = request(home, payload="x" * 100_000)
        await meeting_requests.insert(first)
        done = replace(first, payload="", outlook_id="AAMkMeeting=")
        await meeting_requests.put(done)
        assert await meeting_requests.get(home, first.request_id) == done
        assert done.made
        assert not first.made

    async def test_what_is_old_is_forgotten(self, meeting_requests: MeetingRequests) -> None:
        home = new_id()
        old, late = request(home), request(home, requested_at=NOON + timedelta(days=2))
        for each in (old, late):
            await meeting_requests.insert(each)
        assert await meeting_requests.forget_before(home, NOON + timedelta(days=1)) == 1
        assert await meeting_requests.get(home, old.request_id) is None
        assert await meeting_requests.get(home, late.request_id) == late

    async def test_forget_all(self, meeting_requests: MeetingRequests) -> None:
        home, other = new_id(), new_id()
        ours, theirs = request(home), request(other)
        for each in (ours, request(home), theirs):
            await meeting_requests.insert(each)
        await meeting_requests.forget_all(home)
        assert await meeting_requests.get(home, ours.request_id) is None
        assert await meeting_requests.get(other, theirs.request_id) == theirs
