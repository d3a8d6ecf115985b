"""HTTP triggers over real HTTP: functions.md 2.1."""

import json
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.azurite import free_port
from local.simkit.tls import certificates
from tests.local.host.conftest import RunningHost, Starter


def answer(client: httpx.Client, path: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(path).json()
    return found


def test_an_async_function_runs_on_the_loop_and_a_sync_one_in_a_thread(client: httpx.Client) -> None:
    assert answer(client, "/api/books/1")["thread"] == "MainThread"
    assert client.post("/api/books", content=b"x").json()["thread"].startswith("ThreadPoolExecutor")


def test_paths_match_without_case_and_parameters_keep_theirs(client: httpx.Client) -> None:
    assert client.get("/API/Books/Emma").text == "title Emma"


def test_a_constraint_that_fails_lets_the_next_route_try(client: httpx.Client) -> None:
    assert answer(client, "/api/books/12")["params"] == {"id": "12"}
    assert client.get("/api/books/twelve").text == "title twelve"


def test_a_method_that_no_route_takes_is_404(client: httpx.Client) -> None:
    refused = client.delete("/api/books/1")
    assert (refused.status_code, refused.content) == (404, b"")


def test_an_unknown_path_and_a_path_without_the_prefix_are_404(client: httpx.Client) -> None:
    assert client.get("/api/nowhere").status_code == 404
    assert client.get("/books/1").status_code == 404


def test_a_default_and_an_optional_parameter_may_be_absent(client: httpx.Client) -> None:
    assert client.get("/api/page").text == "1"
    assert client.get("/api/page/7").text == "7"
    assert answer(client, "/api/shelf") == {}
    assert answer(client, "/api/shelf/attic") == {"room": "attic"}


def test_routes_are_tried_in_the_order_of_function_names(client: httpx.Client) -> None:
    assert client.get("/api/zzz/shadowed").text == "caught shadowed"
    assert client.get("/api/zzz/a/b%20c").text == "caught a/b c"


def test_path_parameters_are_decoded_but_for_an_encoded_slash(client: httpx.Client) -> None:
    assert client.get("/api/books/pride%20and%20prejudice").text == "title pride and prejudice"
    assert client.get("/api/books/either%2For").text == "title either%2For"


def test_header_names_are_lower_case_and_repeated_ones_joined(client: httpx.Client) -> None:
    reply = client.get("/api/books/1", headers=[("X-Wish", "a"), ("X-Wish", "b")]).json()
    assert reply["headers"]["x-wish"] == "a,b"


def test_query_values_are_joined_and_empty_ones_dropped(client: httpx.Client) -> None:
    reply = answer(client, "/api/books/1?tag=a&none=&TAG=b&code=k")
    assert reply["query"] == {"tag": "a,b", "code": "k"}


def test_the_url_is_handed_on_undecoded(client: httpx.Client, host: RunningHost) -> None:
    assert answer(client, "/api/books/1?q=a%20b")["url"] == f"{host.url}/api/books/1?q=a%20b"


def test_a_body_with_a_length_arrives_and_a_chunked_one_does_not(client: httpx.Client) -> None:
    assert client.post("/api/books", content=b"abc").json()["length"] == 3
    assert client.post("/api/books", content=iter([b"abc"])).json()["length"] == 0


def test_an_exception_is_500_without_a_body(client: httpx.Client) -> None:
    failed = client.get("/api/fail")
    assert (failed.status_code, failed.content) == (500, b"")


def test_what_the_worker_cannot_encode_is_500(client: httpx.Client) -> None:
    assert client.get("/api/wrong").status_code == 500


def test_a_string_is_text_unless_it_is_a_response_object(client: httpx.Client) -> None:
    assert client.get("/api/books/Emma").headers["content-type"] == "text/plain; charset=utf-8"
    shaped = client.get("/api/object")
    assert (shaped.status_code, shaped.headers["x-shape"], shaped.json()) == (202, "object", {"ok": True})


def test_several_cookies_are_several_headers(client: httpx.Client) -> None:
    cookies = client.get("/api/cookies").headers.get_list("set-cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"a", "b"}


def test_no_content_has_no_body(client: httpx.Client) -> None:
    gone = client.get("/api/gone")
    assert (gone.status_code, gone.content) == (204, b"")


def test_custom_headers_of_host_json_are_on_every_answer(client: httpx.Client) -> None:
    assert client.get("/api/nowhere").headers["x-sample"] == "yes"


def test_the_home_page_answers_at_the_root(client: httpx.Client) -> None:
    home = client.get("/")
    assert (home.status_code, home.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_a_disabled_function_is_404(client: httpx.Client) -> None:
    assert client.get("/api/switched-off").status_code == 404


def test_keys_are_not_asked_for_by_default(client: httpx.Client) -> None:
    assert client.get("/api/guarded").text == "let in"


def test_too_large_a_body_is_413_before_it_is_read(run_host: Starter) -> None:
    host = run_host(FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="10")
    assert httpx.post(f"{host.url}/api/books", content=b"x" * 11, trust_env=False).status_code == 413
    assert httpx.post(f"{host.url}/api/books", content=b"x" * 10, trust_env=False).status_code == 201


def test_functions_that_break_a_rule_of_the_host_are_in_error_alone(client: httpx.Client, host: RunningHost) -> None:
    status = client.get("/admin/host/status").json()
    assert status["state"] == "Running"
    named = {re.match("The '(.*)' function is in error", line)[1] for line in status["errors"]}  # type: ignore[index]
    assert named == {"reserved_route", "same_route", "wrong_schedule", "no_connection"}
    assert "The 'same_route' function is in error: The route specified conflicts" in host.log
    assert client.get("/admin/books").status_code == 404
    assert {item["name"] for item in client.get("/admin/functions").json()}.isdisjoint(named)


def test_log_lines_are_worded_as_in_azure(client: httpx.Client, host: RunningHost) -> None:
    client.get("/api/fail")
    client.get("/api/books/1")
    identifier = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    reason = r"This function was programmatically called via the host APIs\."
    assert re.search(rf"Function.fail: Executing 'Functions.fail' \(Reason='{reason}', Id={identifier}\)", host.log)
    assert re.search(rf"Executed 'Functions.fail' \(Failed, Id={identifier}, Duration=\d+ms\)", host.log)
    assert re.search(rf"Executed 'Functions.get_book' \(Succeeded, Id={identifier}, Duration=\d+ms\)", host.log)
    assert "Function.get_book.User: looking for a book" in host.log


def test_log_levels_of_host_json_hold_for_user_logs(client: httpx.Client, host: RunningHost) -> None:
    client.get("/api/quiet")
    assert "Function.quiet.User: heard" in host.log
    assert "unheard" not in host.log


def test_https_serves_the_same_app(run_host: Starter, tmp_path: Path) -> None:
    made = certificates(tmp_path)
    port = free_port()
    run_host("--https-port", str(port), "--certificate", str(made.server_file))
    trust = ssl.create_default_context(cafile=str(made.ca_file))
    reply = httpx.get(f"https://localhost:{port}/api/books/1", verify=trust, trust_env=False)
    assert reply.json()["url"] == f"https://localhost:{port}/api/books/1"


def test_requests_beyond_the_limit_are_429(run_host: Starter) -> None:
    host = run_host(AzureFunctionsJobHost__extensions__http__maxOutstandingRequests="1")
    port = int(host.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as first:
        first.sendall(b"GET /api/slow?seconds=2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        host.wait_for_note("slow began")
        refused = httpx.get(f"{host.url}/api/page", trust_env=False)
    assert (refused.status_code, refused.headers["x-function-scaleout"]) == (429, "1")


@pytest.fixture(scope="module")
def guarded(run_host: Starter, tmp_path_factory: pytest.TempPathFactory) -> RunningHost:
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    keys.write_text(
        json.dumps(
            {
                "masterKey": "master",
                "systemKeys": {"x": "system"},
                "hostKeys": {"default": "host"},
                "functionKeys": {"guarded": {"default": "own"}, "fail": {"default": "other"}},
            }
        )
    )
    return run_host("--enable-auth", "--keys", str(keys), **{"AzureWebJobs.switched_off.Disabled": "1"})


@pytest.mark.parametrize(
    ("key", "status"),
    [("", 401), ("wrong", 401), ("other", 401), ("system", 401), ("host", 200), ("own", 200), ("master", 200)],
)
def test_keys_are_enforced_when_asked(guarded: RunningHost, key: str, status: int) -> None:
    by_query = httpx.get(f"{guarded.url}/api/guarded?code={key}", trust_env=False)
    by_header = httpx.get(f"{guarded.url}/api/guarded", headers={"x-functions-key": key}, trust_env=False)
    assert (by_query.status_code, by_header.status_code) == (status, status)
    if status == 401:
        assert by_query.content == b""


def test_a_wrong_key_does_not_harm_an_anonymous_function(guarded: RunningHost) -> None:
    assert httpx.get(f"{guarded.url}/api/page?code=wrong", trust_env=False).status_code == 200


def test_the_master_key_opens_a_disabled_function_and_the_admin_api(guarded: RunningHost) -> None:
    def status(path: str, key: str) -> int:
        return httpx.get(guarded.url + path, headers={"x-functions-key": key}, trust_env=False).status_code

    assert (status("/api/switched-off", "host"), status("/api/switched-off", "master")) == (404, 200)
    assert (status("/admin/host/status", "host"), status("/admin/host/status", "master")) == (401, 200)
    assert status("/admin/host/ping", "") == 200
