"""A request that is still under way at a reset belongs to the run before: it is not in the new log and does nothing."""

import asyncio
import contextlib
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.simkit.control import Frame, control_routes
from local.simkit.observe import Observed


async def test_a_straggler_is_not_part_of_the_new_run() -> None:
    done: list[str] = []

    async def work(request: Request) -> JSONResponse:
        done.append(request.url.path)
        return JSONResponse({})

    frame = Frame(reset=done.clear)
    inner = Starlette(routes=[*control_routes(frame), Route("/{rest:path}", work)])
    app: Any = Observed(inner, frame, lambda _: {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sim") as web:
        await web.post("/_control/faults", json={"action": "latency", "seconds": 60, "path": "old"})
        old = asyncio.create_task(web.get("/old"))
        for _ in range(1000):
            await asyncio.sleep(0)
            if frame.begun:
                break
        await web.post("/_control/reset")
        assert (await web.get("/new")).status_code == 200
        await web.post("/_control/clock", json={"advanceSeconds": 61})
        with contextlib.suppress(Exception):
            await old
        log = (await web.get("/_control/requests")).json()["requests"]
    assert [(each["number"], each["path"]) for each in log] == [(1, "/new")]
    assert done == ["/new"]
