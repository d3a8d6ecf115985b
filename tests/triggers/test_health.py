"""The health endpoint over the border: 200 or 503, the build, and the kinds of faults."""

import json
from dataclasses import replace

import azure.functions as func
import pytest

from shared import bootstrap
from shared.errors import OperatorFault
from shared.service import build
from tests.support.functions import functions
from tests.support.world import SETTINGS, World


async def asked() -> func.HttpResponse:
    request = func.HttpRequest(method="GET", url="https://functions.test/api/health", body=b"")
    answer = await functions()["health"].call(request)
    assert isinstance(answer, func.HttpResponse)
    return answer


@pytest.fixture
async def world() -> World:
    return World()


async def test_all_is_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers() -> None:
        return None

    settings = SETTINGS.model_copy(update={"build_version": "1.2.3"})
    monkeypatch.setattr(bootstrap, "_app", build(settings, replace(world.ports, probes={"tables": answers})))
    answer = await asked()
    assert answer.status_code == 200
    body = json.loads(answer.get_body())
    assert (body["status"], body["version"]) == ("ok", "1.2.3")
    assert body["dependencies"] == [{"name": "tables", "status": "ok", "latencyMs": 0}]


async def test_something_is_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> None:
        raise OperatorFault("keyvault", code="hush")

    monkeypatch.setattr(bootstrap, "_app", build(SETTINGS, replace(world.ports, probes={"vault": fails})))
    answer = await asked()
    assert answer.status_code == 503
    body = json.loads(answer.get_body())
    assert body["status"] == "unavailable"
    assert body["dependencies"] == [{"name": "vault", "status": "failed", "latencyMs": 0, "fault": "configuration"}]
    assert b"hush" not in answer.get_body()
