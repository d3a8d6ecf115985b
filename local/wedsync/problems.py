"""WedSync's error answers: RFC 9457 problem documents with a stable ``code``."""

from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal. ``errors`` lists what is wrong where (``pointer`` into the body, ``detail``)."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """Return the problem document."""
        body: dict[str, Any] = {
            "type": f"https://docs.wedsync.example/problems/{self.code}",
            "title": responses.get(self.status, "Error"),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return body


async def problem_answer(_: Request, error: Exception) -> Response:
    """Turn a ``Problem`` into its answer."""
    assert isinstance(error, Problem)
    return JSONResponse(error.document(), error.status, headers=error.headers, media_type=MEDIA_TYPE)


async def framework_answer(request: Request, error: Exception) -> Response:
    """Turn the framework's own 404 and 405 into a problem document, or a short page where a person is looking."""
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(("/v1", "/_control", "/.well-known")):
        code = "method_not_allowed" if error.status_code == 405 else "not_found"
        problem = Problem(error.status_code, code, str(error.detail), headers=error.headers)
        return await problem_answer(request, problem)
    return HTMLResponse(
        f"<!doctype html><html lang=en><title>{error.status_code}</title><h1>{error.detail}</h1>"
        '<p><a href="/">Back to your calendars</a></p>',
        error.status_code,
    )
