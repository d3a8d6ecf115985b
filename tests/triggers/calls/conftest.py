"""A connected service that is called through its functions, on a loop that never waits."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import pytest

from shared import bootstrap
from shared.errors import NotSignedIn
from shared.service import build
from tests.support.functions import functions
from tests.support.patient_loop import PatientLoop
from tests.support.world import SETTINGS, World


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"patient": PatientLoop}


class TokensThatName:
    """WedSync's tokens, in a form that needs no keys: the token is the user's id."""

    async def user_of(self, token: str) -> str:
        if not token.startswith("planner-"):
            raise NotSignedIn("not_signed_in", "The access token is not valid.")
        return token


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a function answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(kw_only=True)
class Caller:
    """Calls functions as the host does; ``world`` is what stands behind them."""

    world: World

    async def __call__(
        self, name: str, url: str = "", *, body: Any = None, ids: Mapping[str, str] | None = None, **headers: str | None
    ) -> Answer:
        """Call as the planner; ``url`` is a query, or path and query.

        Names of headers have ``_`` for ``-``; ``authorization=None`` leaves the token out.
        """
        sent: dict[str, str | None] = {"authorization": f"Bearer {self.world.planner.user_id}"}
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        function = functions()[name]
        request = func.HttpRequest(
            (function.methods or ["GET"])[0],
            f"https://functions.test/api/{url}",
            headers={key: value for key, value in sent.items() if value is not None},
            params=dict(parse_qsl(urlsplit(url).query)),
            route_params=dict(ids or {}),
            body=raw,
        )
        answer = await function.call(request)
        assert isinstance(answer, func.HttpResponse)
        carried = dict(answer.headers) | {"Content-Type": str(answer.mimetype)}
        return Answer(status=answer.status_code, headers=carried, text=answer.get_body().decode())


@pytest.fixture
async def call(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    async with World() as world:
        monkeypatch.setattr(bootstrap, "_app", build(SETTINGS, replace(world.ports, user_tokens=TokensThatName())))
        yield Caller(world=world)
