"""Every route states how often a user may call it; whoever calls oftener is told when to come back."""

import json
import math
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import azure.functions as func
import pytest

from shared import bootstrap
from shared.core.rate_limit import RateLimit
from shared.service import build
from shared.triggers.http import ROUTES
from shared.triggers.openapi.document import document
from shared.triggers.rates import LIMITS, Unlimited
from tests.journeys.routes import ENDPOINTS
from tests.support.functions import functions
from tests.support.values import NOON, StandingClock
from tests.support.world import SETTINGS, World

SECURITY = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
LIMITED = {name: each.rate for name, each in ROUTES.items() if isinstance(each.rate, RateLimit)}


class TokensThatName:
    """WedSync's tokens, in a form that needs no keys: the token is the user's id."""

    async def user_of(self, token: str) -> str:
        return token


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandingClock]:
    """The service, whose clock stands."""
    async with World() as world:
        clock = StandingClock()
        ports = replace(world.ports, clock=clock, user_tokens=TokensThatName())
        monkeypatch.setattr(bootstrap, "_app", build(SETTINGS, ports))
        yield clock


async def call(name: str, *, user: str = "planner-rose", body: bytes | None = None) -> func.HttpResponse:
    """Call the function as its user would, of things that are not there."""
    endpoint = ENDPOINTS[name]
    request = func.HttpRequest(
        endpoint.method,
        f"https://functions.test/api/{endpoint.route}",
        headers={"Authorization": f"Bearer {user}"},
        params=dict(parse_qsl(endpoint.good_query)),
        route_params=dict.fromkeys(re.findall(r"\{(\w+)\}", endpoint.route), "unknown"),
        body=json.dumps(endpoint.body or {}).encode() if body is None else body,
    )
    answer = await functions()[name].call(request)
    assert isinstance(answer, func.HttpResponse)
    return answer


# --- What is stated ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROUTES)
def test_every_route_states_its_limit_or_why_it_has_none(name: str) -> None:
    rate = ROUTES[name].rate
    if isinstance(rate, Unlimited):
        assert len(rate.because.split()) > 4
    else:
        assert rate in LIMITS
        assert ROUTES[name].signed_in, "there is nobody whose calls could be counted"


def test_what_a_signed_in_user_calls_is_limited() -> None:
    """All but the two that are about the row of one run."""
    assert {each.name for each in ROUTES.values() if each.signed_in} - LIMITED.keys() == {"sync_job", "sync_cancel"}


def test_each_limit_is_used_and_has_a_name_of_its_own() -> None:
    assert set(LIMITED.values()) == set(LIMITS)
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)


def test_the_figures_are_those_of_the_document() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (\d+) \| ([\d.]+) s \|", SECURITY, re.MULTILINE)
    stated = {
        (name, frozenset(re.findall(r"`(\w+)`", who)), int(burst), timedelta(seconds=float(every)))
        for name, who, burst, every in rows
    }
    assert stated == {
        (limit.name, frozenset(name for name, each in LIMITED.items() if each is limit), limit.burst, limit.every)
        for limit in LIMITS
    }


def test_the_document_of_the_api_names_429_exactly_where_there_is_a_limit() -> None:
    named = {}
    for item in document()["paths"].values():
        for operation in item.values():
            if "429" in operation["responses"]:
                named[operation["operationId"]] = operation["responses"]["429"]
    assert named.keys() == LIMITED.keys()
    for answer in named.values():
        assert answer["headers"]["Retry-After"]["required"]
        assert list(answer["content"]["application/problem+json"]["examples"]) == ["too_many_requests"]


# --- What is done -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LIMITED)
async def test_a_call_too_many_is_told_when_to_come_back(name: str, clock: StandingClock) -> None:
    """Each call is counted once: exactly a burst goes ahead."""
    limit = LIMITED[name]
    statuses = {(await call(name)).status_code for _ in range(limit.burst)}
    assert 429 not in statuses

    refused = await call(name)
    assert refused.status_code == 429
    assert refused.mimetype == "application/problem+json"
    assert json.loads(refused.get_body())["code"] == "too_many_requests"
    wait = int(refused.headers["Retry-After"])
    assert wait == math.ceil(limit.every.total_seconds())

    assert (await call(name, user="planner-marco")).status_code in statuses, "another user is not touched"
    clock.advance(seconds=wait)
    for _ in range(timedelta(seconds=wait) // limit.every):
        assert (await call(name)).status_code in statuses
    assert (await call(name)).status_code == 429


@pytest.mark.parametrize("name", sorted(name for name in LIMITED if ENDPOINTS[name].body))
async def test_what_is_malformed_is_not_counted(name: str, clock: StandingClock) -> None:
    for _ in range(LIMITED[name].burst + 1):
        assert (await call(name, body=b'{"')).status_code == 400
    assert (await call(name)).status_code != 429
    assert clock.now() == NOON


@pytest.mark.parametrize(
    "name", sorted(name for name, each in ROUTES.items() if each.signed_in and name not in LIMITED)
)
async def test_what_has_no_limit_is_not_counted(name: str, clock: StandingClock) -> None:
    assert {(await call(name)).status_code for _ in range(250)} == {404}
    assert clock.now() == NOON
