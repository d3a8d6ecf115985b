"""HTTP triggers over real HTTP: functions.md 2.1."""

import re
from typing import Any

import httpx

from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost


def answer(client: httpx.Client, path: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(path).json()
    return found


@behaviour("H37", Grade.DOCUMENTED, sources.WORKER)
def test_h37_an_async_function_runs_on_the_loop_and_a_sync_one_in_a_thread(client: httpx.Client) -> None:
    assert answer(client, "/api/books/1")["thread"] == "MainThread"
    assert client.post("/api/books", content=b"x").json()["thread"].startswith("ThreadPoolExecutor")


@behaviour("H5", Grade.DOCUMENTED, sources.ROUTER)
def test_h05_paths_match_without_case_and_parameters_keep_theirs(client: httpx.Client) -> None:
    assert client.get("/API/Books/Emma").text == "title Emma"


@behaviour("H3", Grade.DOCUMENTED, sources.ROUTER, sources.TEMPLATES)
def test_h03_a_constraint_that_fails_lets_the_next_route_try(client: httpx.Client) -> None:
    assert answer(client, "/api/books/12")["params"] == {"id": "12"}
    assert client.get("/api/books/twelve").text == "title twelve"


@behaviour("H6", Grade.DOCUMENTED, sources.ROUTER)
def test_h06_a_method_that_no_route_takes_is_404(client: httpx.Client) -> None:
    refused = client.delete("/api/books/1")
    assert (refused.status_code, refused.content) == (404, b"")


@behaviour("H1", Grade.DOCUMENTED, sources.ROUTES)
def test_h01_an_unknown_path_and_a_path_without_the_prefix_are_404(client: httpx.Client) -> None:
    assert client.get("/api/nowhere").status_code == 404
    assert client.get("/books/1").status_code == 404


@behaviour("H4", Grade.DOCUMENTED, sources.ROUTER, sources.TEMPLATES)
def test_h04_a_default_and_an_optional_parameter_may_be_absent(client: httpx.Client) -> None:
    assert client.get("/api/page").text == "1"
    assert client.get("/api/page/7").text == "7"
    assert answer(client, "/api/shelf") == {}
    assert answer(client, "/api/shelf/attic") == {"room": "attic"}


@behaviour("H2", Grade.DOCUMENTED, sources.ROUTES, sources.ROUTER)
def test_h02_routes_are_tried_in_the_order_of_function_names(client: httpx.Client) -> None:
    assert client.get("/api/zzz/shadowed").text == "caught shadowed"
    assert client.get("/api/zzz/a/b%20c").text == "caught a/b c"


@behaviour("H18", Grade.ASSUMED, sources.ROUTER, sources.TEMPLATES)
def test_h18_path_parameters_are_decoded_but_for_an_encoded_slash(client: httpx.Client) -> None:
    assert client.get("/api/books/pride%20and%20prejudice").text == "title pride and prejudice"
    assert client.get("/api/books/either%2For").text == "title either%2For"


@behaviour("H16", Grade.DOCUMENTED, sources.CONVERSION)
def test_h16_header_names_are_lower_case_and_repeated_ones_joined(client: httpx.Client) -> None:
    reply = client.get("/api/books/1", headers=[("X-Wish", "a"), ("X-Wish", "b")]).json()
    assert reply["headers"]["x-wish"] == "a,b"


@behaviour("H17", Grade.DOCUMENTED, sources.CONVERSION)
def test_h17_query_values_are_joined_and_empty_ones_dropped(client: httpx.Client) -> None:
    reply = answer(client, "/api/books/1?tag=a&none=&TAG=b&code=k")
    assert reply["query"] == {"tag": "a,b", "code": "k"}


@behaviour("H18", Grade.DOCUMENTED, sources.CONVERSION)
def test_h18_the_url_is_handed_on_undecoded(client: httpx.Client, host: RunningHost) -> None:
    assert answer(client, "/api/books/1?q=a%20b")["url"] == f"{host.url}/api/books/1?q=a%20b"


@behaviour("H19", Grade.DOCUMENTED, sources.CONVERSION, sources.CHUNKED)
def test_h19_a_body_with_a_length_arrives_and_a_chunked_one_does_not(client: httpx.Client) -> None:
    assert client.post("/api/books", content=b"abc").json()["length"] == 3
    assert client.post("/api/books", content=iter([b"abc"])).json()["length"] == 0


@behaviour("H10", Grade.DOCUMENTED, sources.INVOCATION)
def test_h10_an_exception_is_500_without_a_body(client: httpx.Client) -> None:
    failed = client.get("/api/fail")
    assert (failed.status_code, failed.content) == (500, b"")


@behaviour("H21", Grade.DOCUMENTED, sources.WORKER)
def test_h21_what_the_worker_cannot_encode_is_500(client: httpx.Client) -> None:
    assert client.get("/api/wrong").status_code == 500


@behaviour("H21", Grade.DOCUMENTED, sources.WORKER)
def test_h21_texts_of_the_apps_own_classes_are_texts(client: httpx.Client) -> None:
    shaped = client.get("/api/shape")
    assert (shaped.status_code, shaped.text, shaped.headers["x-genre"]) == (200, "novel", "novel")


@behaviour("H21", Grade.DOCUMENTED, sources.KESTREL_HEADERS)
def test_h21_a_header_that_is_not_printable_ascii_is_500_and_not_logged(
    client: httpx.Client, host: RunningHost
) -> None:
    for header in ("caf%C3%A9-token", "a%0D%0AX-More:%20b-token", "%E2%82%AC-token", "%00-token"):
        refused = client.get(f"/api/shape?header={header}")
        assert (refused.status_code, refused.content) == (500, b"")
        assert "x-more" not in refused.headers
    assert "-token" not in host.log
    assert client.get("/api/shape?header=a%09b").headers["x-shape"] == "a\tb"


def test_a_status_that_is_none_is_500(client: httpx.Client) -> None:
    for status in (0, 99, 1000):
        assert client.get(f"/api/shape?status={status}").status_code == 500
    assert client.get("/api/shape?status=418").status_code == 418


@behaviour("H22", Grade.DOCUMENTED, sources.RESPONSES)
def test_h22_a_string_is_text_unless_it_is_a_response_object(client: httpx.Client) -> None:
    assert client.get("/api/books/Emma").headers["content-type"] == "text/plain; charset=utf-8"
    shaped = client.get("/api/object")
    assert (shaped.status_code, shaped.headers["x-shape"], shaped.json()) == (202, "object", {"ok": True})


@behaviour("H23", Grade.DOCUMENTED, sources.WORKER)
def test_h23_several_cookies_are_several_headers(client: httpx.Client) -> None:
    cookies = client.get("/api/cookies").headers.get_list("set-cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"a", "b"}


def test_no_content_has_no_body(client: httpx.Client) -> None:
    gone = client.get("/api/gone")
    assert (gone.status_code, gone.content) == (204, b"")


@behaviour("H7", Grade.DOCUMENTED, sources.HOME_PAGE)
def test_h07_the_home_page_answers_at_the_root(client: httpx.Client) -> None:
    home = client.get("/")
    assert (home.status_code, home.headers["content-type"]) == (200, "text/html; charset=utf-8")


@behaviour("H9", Grade.ASSUMED, sources.DISABLE_PAGE)
def test_h09_a_disabled_function_is_404(client: httpx.Client) -> None:
    assert client.get("/api/switched-off").status_code == 404


@behaviour("H13", Grade.DOCUMENTED, sources.CORE_TOOLS)
def test_h13_keys_are_not_asked_for_by_default(client: httpx.Client) -> None:
    assert client.get("/api/guarded").text == "let in"


@behaviour("H35", Grade.DOCUMENTED, sources.SCRIPT_HOST)
def test_h35_what_breaks_a_rule_of_the_host_is_in_error_alone(client: httpx.Client, host: RunningHost) -> None:
    status = client.get("/admin/host/status").json()
    assert status["state"] == "Running"
    named = {re.match("The '(.*)' function is in error", line)[1] for line in status["errors"]}  # type: ignore[index]
    assert named == {"reserved_route", "same_route", "wrong_schedule", "no_connection"}
    assert "The 'same_route' function is in error: The route specified conflicts" in host.log
    assert client.get("/admin/books").status_code == 404
    assert {item["name"] for item in client.get("/admin/functions").json()}.isdisjoint(named)


@behaviour("H38", Grade.DOCUMENTED, sources.INVOCATION_LOG)
def test_h38_log_lines_are_worded_as_in_azure(client: httpx.Client, host: RunningHost) -> None:
    client.get("/api/fail")
    client.get("/api/books/1")
    identifier = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    reason = r"This function was programmatically called via the host APIs\."
    assert re.search(rf"Function.fail: Executing 'Functions.fail' \(Reason='{reason}', Id={identifier}\)", host.log)
    assert re.search(rf"Executed 'Functions.fail' \(Failed, Id={identifier}, Duration=\d+ms\)", host.log)
    assert re.search(rf"Executed 'Functions.get_book' \(Succeeded, Id={identifier}, Duration=\d+ms\)", host.log)
    assert "Function.get_book.User: looking for a book" in host.log


@behaviour("H39", Grade.DOCUMENTED, sources.LOGS_PAGE)
def test_h39_log_levels_of_host_json_hold_for_user_logs(client: httpx.Client, host: RunningHost) -> None:
    client.get("/api/quiet")
    assert "Function.quiet.User: heard" in host.log
    assert "unheard" not in host.log
