"""``POST /$batch``: up to twenty requests in one, each answered for itself (S58)."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

from local.graph import gateway
from local.graph.auth import Caller
from local.graph.calls import Answer
from local.graph.errors import GraphError, bad_request
from local.graph.gateway import JSON_TYPE, Raw
from local.graph.service import Graph
from local.graph.striking import Struck, ordered_error, strike

MOST = 20
_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_WRITES = frozenset({"POST", "PATCH", "PUT"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One request of a batch, checked. ``depends_on`` are ids in lower case: case does not tell them apart."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: Any
    depends_on: tuple[str, ...]


class Batches:
    """Answers batches; counts them, so that the request log can say what was part of which, and a replay after a
    reset shuffles alike."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def answer(self, body: Any, caller: Caller, base: str) -> Answer:
        """Run the parts, four at a time at most, holding as many of the mailbox's slots until all are answered."""
        parts = _parts(body)
        self._graph.batches += 1
        number, key, throttle = self._graph.batches, gateway.key_of(caller), self._graph.throttle
        taken = throttle.take(key, min(len(parts), self._graph.knobs.concurrentRequests))
        try:
            lanes = asyncio.Semaphore(max(1, taken))
            running: dict[str, asyncio.Task[dict[str, Any]]] = {}
            for part in parts:
                before = [running[name] for name in part.depends_on]
                struck = strike(self._graph, part.method, _target(part), person=caller.account.upn, item=part.id)
                run = self._one(
                    part, before, caller, base=base, lanes=lanes, refused=not taken, number=number, struck=struck
                )
                running[part.id.lower()] = asyncio.create_task(run)
            answers = list(await asyncio.gather(*running.values()))
        finally:
            throttle.give_back(key, taken)
        random.Random(number).shuffle(answers)
        return Answer(body={"responses": answers})

    async def _one(
        self,
        part: Part,
        before: list[asyncio.Task[dict[str, Any]]],
        caller: Caller,
        *,
        base: str,
        lanes: asyncio.Semaphore,
        refused: bool,
        number: int,
        struck: Struck,
    ) -> dict[str, Any]:
        """Answer one part once those it depends on have succeeded."""
        failed = any([(await task)["status"] >= 400 for task in before])
        began = time.perf_counter()
        target = _target(part)
        if failed:
            error = GraphError(424, "FailedDependency", "Dependent request failed.")
            answer = gateway.error_answer(self._graph, error, part.headers)
        elif refused and gateway.mailbox_bound(target):
            answer = gateway.refused(self._graph, part.headers, caller)
        else:
            async with lanes:
                answer = await self._run(part, caller, base, struck)
        self._graph.frame.note(
            part.method, target, status=answer.status, began=began, part_of=number, number=struck.number
        )
        return _shown(part.id, answer)

    async def _run(self, part: Part, caller: Caller, base: str, struck: Struck) -> Answer:
        if struck.fault is not None and struck.action == "status":
            return ordered_error(self._graph, struck.fault, part.headers)
        raw = Raw(
            method=part.method,
            target=_target(part),
            headers=part.headers,
            body=part.body,
            sized=True,
            base=base,
            latency=struck.latency,
        )
        try:
            if part.body is not None:
                gateway.require_json(part.headers)
        except GraphError as error:
            return gateway.error_answer(self._graph, error, part.headers)
        answer = await gateway.run(self._graph, raw, caller, holds_slot=True)
        if struck.fault is not None and struck.action == "fail_after_commit":
            return ordered_error(self._graph, struck.fault, part.headers)
        return answer


def _target(part: Part) -> str:
    return f"/v1.0/{part.url.lstrip('/')}"


def _shown(part_id: str, answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": part_id, "status": answer.status, "headers": dict(answer.headers)}
    if answer.body is not None:
        shown["headers"]["Content-Type"] = JSON_TYPE
        shown["body"] = answer.body
    return shown


def _parts(body: Any) -> list[Part]:
    listed = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(listed, list) or not listed:
        raise bad_request("The batch request needs a 'requests' array.")
    if len(listed) > MOST:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {MOST}.")
    parts: list[Part] = []
    for entry in listed:
        part = _part(entry)
        known = {each.id.lower() for each in parts}
        if part.id.lower() in known:
            raise bad_request(f"Request Id {part.id} has to be unique in a batch.")
        if not set(part.depends_on) <= known:
            raise bad_request(f"Request {part.id} depends on a request that does not come before it.")
        parts.append(part)
    if any(part.depends_on for part in parts) and any(len(part.depends_on) != 1 for part in parts[1:]):
        raise bad_request("Batch should be either fully sequential or fully parallel.")
    return parts


def _part(entry: Any) -> Part:
    if not isinstance(entry, dict):
        raise bad_request("An entry of the batch is not an object.")
    name, method, url = entry.get("id"), entry.get("method"), entry.get("url")
    if not isinstance(name, str) or not name:
        raise bad_request("Each request of a batch needs an id.")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise bad_request(f"The method of request {name} is not supported.")
    # An absolute URL, or one with the version, fails by itself: its first segment is not found
    # (https://github.com/microsoftgraph/msgraph-sdk-python/issues/1015).
    if not isinstance(url, str) or not url or url.lstrip("/").lower().startswith("$batch"):
        raise bad_request(f"The url of request {name} is malformed.")
    given = entry.get("headers") or {}
    if not isinstance(given, dict):
        raise bad_request(f"The headers of request {name} are malformed.")
    headers = {str(key).lower(): str(value) for key, value in given.items()}
    body, upper = entry.get("body"), method.upper()
    if body is not None and upper in _WRITES and "content-type" not in headers:
        raise bad_request(f"Write request id : {name} does not contain Content-Type header or body.")
    depends_on = entry.get("dependsOn") or []
    if not isinstance(depends_on, list):
        raise bad_request(f"The dependsOn of request {name} is malformed.")
    return Part(
        id=name,
        method=upper,
        url=url,
        headers=headers,
        body=body,
        depends_on=tuple(str(each).lower() for each in depends_on),
    )
