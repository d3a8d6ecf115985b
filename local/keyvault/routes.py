"""The secrets REST API: paths, checks that come before any operation, answers."""

import json
import re
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.keyvault import errors, shape
from local.keyvault.auth import CHALLENGE, Doorkeeper
from local.keyvault.errors import VaultError
from local.keyvault.state import Secret, Vault, Version, check_name
from local.simkit.clock import Clock

_API_VERSION = re.compile(r"2016-10-01|7\.\d(-preview(\.\d)?)?|20(2[5-9]|[3-9]\d)-\d\d-\d\d(-preview)?")
_HEADERS = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "x-ms-keyvault-region": "local",
    "x-ms-keyvault-service-version": "1.9.0.0",
    "X-Content-Type-Options": "nosniff",
}
Operation = Callable[[Request], Awaitable[Response]]


class SecretsApi:
    """The endpoints. ``changed`` is called after each write that succeeded."""

    def __init__(self, vault: Vault, *, doorkeeper: Doorkeeper, clock: Clock, changed: Callable[[], None]) -> None:
        self._vault = vault
        self._doorkeeper = doorkeeper
        self._clock = clock
        self._changed = changed
        self._recent: deque[float] = deque()

    def clear(self) -> None:
        """Forget how many requests came lately."""
        self._recent.clear()

    @property
    def routes(self) -> list[Route]:
        """The client asks for the newest version with a trailing slash, so each such path has both forms."""
        one, version = "/secrets/{name}", "/secrets/{name}/{version}"
        gone = "/deletedsecrets/{name}"
        return [
            self._route("/secrets", {"GET": ("list", self._list)}),
            self._route("/secrets/{name}/versions", {"GET": ("list", self._versions)}),
            self._route(one, {"GET": ("get", self._get), "PUT": ("set", self._set), **self._patch_and_delete()}),
            self._route(f"{one}/", {"GET": ("get", self._get), "PUT": ("set", self._set), **self._patch_and_delete()}),
            self._route(version, {"GET": ("get", self._get), "PATCH": ("set", self._patch)}),
            self._route("/deletedsecrets", {"GET": ("list", self._list_deleted)}),
            self._route(gone, {"GET": ("get", self._get_deleted), "DELETE": ("purge", self._purge)}),
            self._route(f"{gone}/recover", {"POST": ("recover", self._recover)}),
        ]

    def _patch_and_delete(self) -> dict[str, tuple[str, Operation]]:
        return {"PATCH": ("set", self._patch), "DELETE": ("delete", self._delete)}

    def _route(self, path: str, operations: dict[str, tuple[str, Operation]]) -> Route:
        async def endpoint(request: Request) -> Response:
            headers = {**_HEADERS, "x-ms-request-id": str(uuid.uuid4())}
            if sent := request.headers.get("x-ms-client-request-id"):
                headers["x-ms-client-request-id"] = sent
            permission, operation = operations[request.method]
            try:
                await self._check(request, permission)
                response = await operation(request)
            except VaultError as error:
                response = JSONResponse(error.body, status_code=error.status)
                if error.status == 401:
                    headers["WWW-Authenticate"] = CHALLENGE
                if error.retry_after is not None:
                    headers["Retry-After"] = str(error.retry_after)
            response.headers.update(headers)
            return response

        return Route(path, endpoint, methods=list(operations))

    async def _check(self, request: Request, permission: str) -> None:
        """Token first, then the limit, then the request's form, then what the caller may do."""
        caller = await self._doorkeeper.admit(request.headers.get("authorization"))
        self._count()
        version = request.query_params.get("api-version")
        if version is None or not _API_VERSION.fullmatch(version):
            raise errors.bad_parameter(f"The specified version ({version}) is not recognized.")
        if b"%2f" in request.scope["raw_path"].lower():
            raise errors.bad_parameter("The request URI contains an invalid name: an encoded slash is not allowed.")
        if "name" in request.path_params:
            check_name(request.path_params["name"])
        if permission in self._vault.knobs.denied_operations:
            raise errors.not_permitted(permission, str(caller))

    def _count(self) -> None:
        now = self._clock.timestamp()
        while self._recent and not now - 10 < self._recent[0] <= now:
            self._recent.popleft()
        if len(self._recent) >= self._vault.knobs.requests_per_ten_seconds:
            raise errors.throttled(retry_after=max(1, int(self._recent[0] + 10 - now) if self._recent else 10))
        self._recent.append(now)

    def _bundle(self, request: Request, found: tuple[Secret, Version]) -> Response:
        return JSONResponse(shape.bundle(_base(request), *found, self._vault.knobs))

    def _bare(self, request: Request, found: tuple[Secret, Version]) -> Response:
        return JSONResponse(shape.item(_base(request), *found, self._vault.knobs, versioned=True))

    async def _get(self, request: Request) -> Response:
        return self._bundle(request, self._vault.get(_name(request), request.path_params.get("version", "")))

    async def _set(self, request: Request) -> Response:
        found = self._vault.set(_name(request), await _body(request))
        self._changed()
        return self._bundle(request, found)

    async def _patch(self, request: Request) -> Response:
        found = self._vault.update(_name(request), request.path_params.get("version", ""), await _body(request))
        self._changed()
        return self._bare(request, found)

    async def _delete(self, request: Request) -> Response:
        secret = self._vault.delete(_name(request))
        self._changed()
        return JSONResponse(shape.deleted(_base(request), secret, self._vault.knobs, versioned=True))

    async def _list(self, request: Request) -> Response:
        base, knobs = _base(request), self._vault.knobs

        def show(secret: Secret) -> dict[str, Any]:
            return shape.item(base, secret, secret.current, knobs, versioned=False)

        return JSONResponse(shape.page(f"{base}/secrets", self._vault.live(), dict(request.query_params), show))

    async def _versions(self, request: Request) -> Response:
        """Versions come in the order of their ids, not of their age (lowkey-vault #467)."""
        secret, _ = self._vault.find(_name(request))
        base, knobs = _base(request), self._vault.knobs

        def show(version: Version) -> dict[str, Any]:
            return shape.item(base, secret, version, knobs, versioned=True)

        ordered = sorted(secret.versions, key=lambda version: version.ident)
        url = f"{base}/secrets/{secret.name}/versions"
        return JSONResponse(shape.page(url, ordered, dict(request.query_params), show))

    async def _list_deleted(self, request: Request) -> Response:
        base, knobs = _base(request), self._vault.knobs

        def show(secret: Secret) -> dict[str, Any]:
            return shape.deleted(base, secret, knobs, versioned=False)

        entries = self._vault.deleted()
        return JSONResponse(shape.page(f"{base}/deletedsecrets", entries, dict(request.query_params), show))

    async def _get_deleted(self, request: Request) -> Response:
        secret = self._vault.find_deleted(_name(request))
        return JSONResponse(shape.deleted(_base(request), secret, self._vault.knobs, versioned=True))

    async def _recover(self, request: Request) -> Response:
        secret = self._vault.recover(_name(request))
        self._changed()
        return self._bare(request, (secret, secret.current))

    async def _purge(self, request: Request) -> Response:
        self._vault.purge(_name(request))
        self._changed()
        return Response(status_code=204)


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _name(request: Request) -> str:
    return str(request.path_params["name"])


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise errors.bad_parameter("The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise errors.bad_parameter("The request body must be a JSON object.")
    return body
