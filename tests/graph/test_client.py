"""When Graph's client asks again, and when it must not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from shared.errors import EventGone, OutcomeUnknown, Rejected, SyncFault, Throttled, Unavailable
from shared.graph.client import GraphCall, GraphClient
from shared.graph.protocol import GraphRequest, Subject, read, write
from tests.graph.conftest import BASE, INTEGRATION, IssuedTokens, Pauses
from tests.support.values import new_id

Step = httpx.Response | Exception
READ = read("/me/events/a%3D?$select=id", "/me/events/{id}", Subject.EVENT)
CREATE = write("POST", "/c/events", "/c/events", Subject.CALENDAR, body='{"a":"é"}', repeatable=True)
PATCH = write("PATCH", "/me/events/a", "/me/events/{id}", Subject.EVENT, body="{}", etag='W/"a"')


@dataclass
class Far:
    """A far end that follows a script and keeps what it was sent."""

    steps: list[Step]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps[min(len(self.requests), len(self.steps)) - 1]
        if isinstance(step, Exception):
            raise step
        return step


@dataclass
class Line:
    """A client, its far end, and what it noted on the way."""

    client: GraphClient
    far: Far
    tokens: IssuedTokens
    pauses: Pauses
    calls: list[GraphCall]

    async def send(self, request: GraphRequest) -> object:
        return (await self.client.send(INTEGRATION, request)).body


Dial = Callable[..., Line]


@pytest.fixture
def dial(pauses: Pauses) -> Dial:
    def made(*steps: Step, tokens: tuple[str, ...] = ("one", "two")) -> Line:
        far, calls, source = Far(list(steps)), list[GraphCall](), IssuedTokens(*tokens)
        client = GraphClient(
            base_url=f"{BASE}/",
            tokens=source,
            new_id=new_id,
            on_request=calls.append,
            sleep=pauses,
            transport=httpx.MockTransport(far),
        )
        return Line(client, far, source, pauses, calls)

    return made


def answer(status: int, code: str = "", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": {"code": code, "message": ""}} if code else {"ok": 1}, headers=named)


async def test_a_request_carries_its_token_its_id_and_its_preferences(dial: Dial) -> None:
    line = dial(answer(200))
    assert await line.send(READ) == {"ok": 1}
    sent = line.far.requests[0]
    assert str(sent.url) == f"{BASE}/me/events/a%3D?$select=id"
    assert sent.headers["authorization"] == "Bearer one"
    assert len(sent.headers["client-request-id"]) == 36
    assert 'IdType="ImmutableId"' in sent.headers["prefer"]


async def test_a_body_goes_out_word_for_word(dial: Dial) -> None:
    line = dial(answer(201))
    await line.send(CREATE)
    assert line.far.requests[0].content == '{"a":"é"}'.encode()


async def test_reads_are_repeated_with_growing_pauses(dial: Dial) -> None:
    line = dial(httpx.ReadTimeout("t"), answer(503), httpx.RemoteProtocolError("r"), answer(200))
    assert await line.send(READ) == {"ok": 1}
    assert [0.2 <= pause <= 1.6 for pause in line.pauses.taken] == [True] * 3
    assert line.pauses.taken[0] < line.pauses.taken[2]
    assert [call.status for call in line.calls] == [0, 503, 0, 200]


async def test_reads_are_given_up_after_four_attempts(dial: Dial) -> None:
    line = dial(answer(500))
    with pytest.raises(Unavailable):
        await line.send(READ)
    assert len(line.far.requests) == 4


async def test_short_throttling_is_waited_for_twice(dial: Dial) -> None:
    line = dial(answer(429, "ApplicationThrottled", Retry_After="1"), answer(503, Retry_After="2"), answer(200))
    assert await line.send(PATCH) == {"ok": 1}
    assert line.pauses.taken == [1.0, 2.0]
    endless = dial(answer(429, Retry_After="1"))
    with pytest.raises(Throttled):
        await endless.send(READ)
    assert len(endless.far.requests) == 3


@pytest.mark.parametrize("headers", [{"Retry_After": "3"}, {}])
async def test_long_throttling_is_handed_back_at_once(dial: Dial, headers: dict[str, str]) -> None:
    line = dial(answer(429, "TooManyRequests", **headers))
    with pytest.raises(Throttled) as caught:
        await line.send(READ)
    assert caught.value.retry_after == (3.0 if headers else 5.0)
    assert line.pauses.taken == []


async def test_a_write_whose_answer_is_lost_may_have_happened_and_is_not_repeated(dial: Dial) -> None:
    line = dial(httpx.ReadTimeout("t"))
    with pytest.raises(OutcomeUnknown):
        await line.send(PATCH)
    assert len(line.far.requests) == 1


async def test_a_write_that_never_left_did_not_happen(dial: Dial) -> None:
    line = dial(httpx.ConnectError("refused"))
    with pytest.raises(Unavailable):
        await line.send(PATCH)
    assert len(line.far.requests) == 1


async def test_a_create_is_repeated_once_with_the_same_bytes(dial: Dial) -> None:
    line = dial(httpx.ReadTimeout("t"), answer(201))
    assert await line.send(CREATE) == {"ok": 1}
    first, second = line.far.requests
    assert first.content == second.content


@pytest.mark.parametrize(
    "then", [httpx.ReadTimeout("t"), httpx.ConnectError("c"), answer(503), answer(429, Retry_After="60")]
)
async def test_a_create_that_may_have_happened_stays_unknown(dial: Dial, then: Step) -> None:
    line = dial(httpx.ReadError("r"), then)
    with pytest.raises(OutcomeUnknown):
        await line.send(CREATE)
    assert len(line.far.requests) == 2


async def test_one_401_fetches_another_token(dial: Dial) -> None:
    line = dial(answer(401, "InvalidAuthenticationToken"), answer(200))
    assert await line.send(PATCH) == {"ok": 1}
    assert line.tokens.refused == ["one"]
    assert [request.headers["authorization"] for request in line.far.requests] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    ("code", "fault", "attempts"), [("UnknownError", Rejected, 2), ("InvalidAuthenticationToken", Unavailable, 8)]
)
async def test_a_401_that_stays_never_asks_the_user_to_reconnect(
    dial: Dial, code: str, fault: type[SyncFault], attempts: int
) -> None:
    line = dial(answer(401, code))
    with pytest.raises(fault):
        await line.send(READ)
    assert len(line.far.requests) == attempts


async def test_redirects_are_not_followed_with_a_token(dial: Dial) -> None:
    line = dial(httpx.Response(302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(Rejected):
        await line.send(READ)
    assert len(line.far.requests) == 1


async def test_a_page_of_something_in_between_is_no_json(dial: Dial) -> None:
    line = dial(httpx.Response(200, html="<h1>proxy</h1>"))
    assert await line.send(READ) is None
    gone = dial(httpx.Response(404, json={"error": {"code": "ErrorItemNotFound"}}))
    with pytest.raises(EventGone):
        await gone.send(READ)


async def test_every_request_is_counted_without_its_query(dial: Dial) -> None:
    line = dial(answer(200, request_id="theirs"))
    await line.client.send(INTEGRATION, READ, parts=3)
    (call,) = line.calls
    assert call == GraphCall(
        integration_id=INTEGRATION,
        method="GET",
        template="/me/events/{id}",
        status=200,
        parts=3,
        client_request_id=line.far.requests[0].headers["client-request-id"],
        request_id="theirs",
        milliseconds=call.milliseconds,
    )
    assert call.milliseconds >= 0


async def test_no_more_than_four_requests_of_a_mailbox_are_in_flight(pauses: Pauses) -> None:
    running = most = 0

    async def slow(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return answer(200)

    client = GraphClient(
        base_url=BASE, tokens=IssuedTokens("t"), new_id=new_id, sleep=pauses, transport=httpx.MockTransport(slow)
    )
    await asyncio.gather(*(client.send(INTEGRATION, READ) for _ in range(20)))
    assert most == 4
    most = 0
    await asyncio.gather(*(client.send(f"mailbox-{number}", READ) for number in range(20)))
    assert most > 4
    await client.close()
    assert (await client.send(INTEGRATION, READ)).status == 200
    await client.close()


async def test_a_fault_does_not_show_the_address_it_came_from(dial: Dial) -> None:
    line = dial(httpx.ReadTimeout("https://graph.test/v1.0/me/events/a%3D?$select=id"))
    with pytest.raises(Unavailable) as caught:
        await line.send(READ)
    assert "select" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("status", [200, 401, 404])
async def test_graph_is_within_reach_whatever_it_says_to_a_stranger(dial: Dial, status: int) -> None:
    line = dial(answer(status))
    await line.client.reach()
    (sent,) = line.far.requests
    assert "authorization" not in sent.headers
    assert line.calls == []


@pytest.mark.parametrize("step", [answer(503), httpx.ConnectError("hush")])
async def test_graph_is_out_of_reach(dial: Dial, step: Step) -> None:
    with pytest.raises(Unavailable) as caught:
        await dial(step).client.reach()
    assert "hush" not in str(caught.value)
