"""A far end that refuses in a way to order, for what the emulators never do."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.azurite import ACCOUNT, ACCOUNT_KEY


class FarEnd:
    """An HTTP server that answers each request with what was ordered last."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.instead: dict[str, int] = {}
        """The status for requests with this method, whatever was ordered."""
        self._status, self._headers, self._body = 500, dict[str, str](), b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append(f"{self.command} {self.path}")
                self.send_response(outer.instead.get(self.command, outer._status))
                for name, value in {**outer._headers, "Content-Length": str(len(outer._body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(outer._body)

            do_GET = do_POST = do_PUT = do_DELETE = do_MERGE = do_PATCH = handle_one

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(
        self,
        status: int,
        *,
        code: str = "",
        retry_after: str = "",
        body: bytes = b"",
        kind: str = "",
        lease: str = "",
    ) -> None:
        self._status, self._body = status, body
        headers = {"x-ms-error-code": code, "Retry-After": retry_after, "Content-Type": kind, "x-ms-lease-id": lease}
        self._headers = {name: value for name, value in headers.items() if value}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def connection_string(url: str) -> str:
    """Return a connection string whose tables and queues are at this URL."""
    ends = "".join(f"{service}Endpoint={url}/{ACCOUNT};" for service in ("Blob", "Queue", "Table"))
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};{ends}"
