"""What the host adds to, takes from and refuses of HTTP, and how long it waits: functions.md 2.1."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.azurite import free_port
from local.host.configuration import HstsOptions
from local.simkit.tls import certificates
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost, Starter


@dataclass(kw_only=True)
class Tight:
    """A host with narrow limits, and a client that trusts it over HTTPS."""

    host: RunningHost
    https: str
    trust: ssl.SSLContext

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.https}{path}", headers=headers, verify=self.trust, trust_env=False, timeout=20)


@pytest.fixture(scope="module")
def tight(run_host: Starter, tmp_path_factory: pytest.TempPathFactory) -> Tight:
    made = certificates(tmp_path_factory.mktemp("tls"))
    port = free_port()
    host = run_host(
        *("--https-port", str(port), "--certificate", str(made.server_file), "--answer-seconds", "1"),
        FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="10",
        AzureWebJobsDisableHomepage="true",
        AzureFunctionsJobHost__extensions__http__hsts__isEnabled="true",
        AzureFunctionsJobHost__extensions__http__hsts__maxAge="10",
        AzureFunctionsJobHost__extensions__http__maxOutstandingRequests="2",
        AzureFunctionsJobHost__extensions__http__maxConcurrentRequests="1",
    )
    trust = ssl.create_default_context(cafile=str(made.ca_file))
    return Tight(host=host, https=f"https://localhost:{port}", trust=trust)


def test_https_serves_the_same_app(tight: Tight) -> None:
    assert tight.get("/api/books/1").json()["url"] == f"{tight.https}/api/books/1"


@behaviour("H7", Grade.DOCUMENTED, sources.HOME_PAGE)
def test_h07_without_a_home_page_the_root_is_204(tight: Tight) -> None:
    assert tight.get("/").status_code == 204


@behaviour("H20", Grade.DOCUMENTED, sources.BODY_SIZE)
def test_h20_too_large_a_body_is_413(tight: Tight) -> None:
    def post(size: int) -> int:
        return httpx.post(f"{tight.host.url}/api/books", content=b"x" * size, trust_env=False).status_code

    assert (post(10), post(11)) == (201, 413)


@behaviour("H24", Grade.DOCUMENTED, sources.THROTTLE, sources.HTTP_OPTIONS)
def test_h24_beyond_those_that_run_and_wait_a_request_is_429(tight: Tight) -> None:
    def slow() -> None:
        answers.append(httpx.get(f"{tight.host.url}/api/slow?seconds=0.5", trust_env=False).text)

    answers: list[str] = []
    asking = [threading.Thread(target=slow) for _ in range(2)]
    for thread in asking:
        thread.start()
    tight.host.wait_for_note("slow began")
    refused = _until_refused(lambda: httpx.get(f"{tight.host.url}/api/page", trust_env=False))
    for thread in asking:
        thread.join()
    assert refused.headers["x-function-scaleout"] == "1"
    # One ran after the other: the second waited for its turn and was not refused.
    assert answers == ["done", "done"]
    assert tight.host.noted()[:4] == ["slow began", "slow ended"] * 2


def _until_refused(ask: Callable[[], httpx.Response]) -> httpx.Response:
    # The second of the two may come a moment later than this question, which then waits in its place.
    for _ in range(5):
        answer = ask()
        if answer.status_code == 429:
            return answer
    raise AssertionError("no request was refused")


@behaviour("H26", Grade.DOCUMENTED, sources.HSTS, sources.HSTS_DEFAULTS)
def test_h26_hsts_is_sent_over_https_and_not_for_this_machine(tight: Tight) -> None:
    assert tight.get("/api/page", Host="books.example").headers["strict-transport-security"] == "max-age=864000"
    assert "strict-transport-security" not in tight.get("/api/page").headers
    plain = httpx.get(f"{tight.host.url}/api/page", headers={"Host": "books.example"}, trust_env=False)
    assert "strict-transport-security" not in plain.headers


@behaviour("H26", Grade.DOCUMENTED, sources.HSTS, sources.HSTS_DEFAULTS)
def test_h26_hsts_is_off_and_lasts_thirty_days_by_default() -> None:
    assert HstsOptions().header("books.example") is None
    assert HstsOptions(enabled=True).header("books.example") == "max-age=2592000"
    full = HstsOptions(enabled=True, include_sub_domains=True, preload=True)
    assert full.header("books.example") == "max-age=2592000; includeSubDomains; preload"


@behaviour("H27", Grade.ASSUMED, sources.TIMEOUT_PAGE)
def test_h27_an_answer_that_takes_too_long_is_given_up_and_the_function_runs_on(tight: Tight) -> None:
    before = tight.host.noted().count("slow ended")
    assert tight.get("/api/slow?seconds=1.5").status_code == 504
    tight.host.wait_until(lambda: tight.host.noted().count("slow ended") > before)


@behaviour("H25", Grade.DOCUMENTED, sources.CUSTOM_HEADERS)
def test_h25_custom_headers_are_on_every_answer_and_replace_none(client: httpx.Client) -> None:
    for path in ("/", "/api/page", "/api/nowhere", "/api/fail", "/admin/host/ping"):
        assert client.get(path).headers["x-sample"] == "yes"
    assert client.get("/api/repeated").headers.get_list("x-sample") == ["own"]


@behaviour("H23", Grade.DOCUMENTED, sources.WORKER)
def test_h23_of_a_repeated_header_the_last_stays(client: httpx.Client) -> None:
    assert client.get("/api/repeated").headers.get_list("x-copy") == ["last"]


@behaviour("H34", Grade.DOCUMENTED, sources.WARM_UP)
def test_h34_there_is_nothing_to_warm_up_at(client: httpx.Client) -> None:
    assert client.get("/admin/warmup").status_code == 404


@behaviour("H30", Grade.DOCUMENTED, sources.HOST_API, sources.FUNCTIONS_API)
def test_h30_ping_status_and_the_list_of_functions(client: httpx.Client, host: RunningHost) -> None:
    for ping in (client.get("/admin/host/ping"), client.post("/admin/host/ping")):
        assert (ping.status_code, ping.headers["cache-control"]) == (200, "no-store, no-cache")
    status = client.get("/admin/host/status").json()
    assert {"id", "state", "version", "versionDetails", "processUptime"} <= status.keys()
    assert status["state"] == "Running"
    listed = {item["name"]: item for item in client.get("/admin/functions").json()}
    assert listed["page"]["invoke_url_template"] == f"{host.url}/api/page/{{number:int=1}}"
    assert listed["lending"]["invoke_url_template"] is None
    assert listed["lending"]["config"]["bindings"][0]["type"] == "queueTrigger"
    assert (listed["page"]["isDisabled"], listed["switched_off"]["isDisabled"]) == (False, True)


@pytest.fixture(scope="module")
def hurried(run_host: Starter) -> RunningHost:
    return run_host(AzureFunctionsJobHost__functionTimeout="00:00:01")


@behaviour("H28", Grade.DOCUMENTED, sources.TIMEOUT_HANDLER, sources.TIMEOUT_PAGE, sources.TIMEOUT_GRACE)
def test_h28_a_function_over_its_time_takes_all_that_its_worker_runs_along(hurried: RunningHost) -> None:
    def ask(seconds: float) -> None:
        path = f"/api/slow?seconds={seconds}"
        statuses[seconds] = httpx.get(hurried.url + path, trust_env=False, timeout=20).status_code

    statuses: dict[float, int] = {}
    first = threading.Thread(target=ask, args=(30,))
    first.start()
    hurried.wait_until(lambda: "Initiating cancellation." in hurried.log)
    # Within its own time, when the worker is ended for the other's sake.
    second = threading.Thread(target=ask, args=(40,))
    second.start()
    first.join()
    second.join()
    assert statuses == {30: 500, 40: 500}
    assert "Timeout value of 00:00:01 exceeded by function 'Functions.slow' (Id: '" in hurried.log
    assert hurried.log.count("Restarting worker process executing invocationId '") == 1
    assert hurried.noted() == ["slow began", "slow began"]
    assert httpx.get(f"{hurried.url}/api/page", trust_env=False).text == "1"


@behaviour("H28", Grade.DOCUMENTED, sources.TIMEOUT_HANDLER, sources.TIMEOUT_GRACE)
def test_h28_one_that_ends_within_the_grace_period_fails_alone(hurried: RunningHost) -> None:
    restarts = hurried.log.count("Restarting worker process")
    assert httpx.get(f"{hurried.url}/api/slow?seconds=1.5", trust_env=False).status_code == 500
    assert hurried.noted()[-1] == "slow ended"
    assert hurried.log.count("Restarting worker process") == restarts


@behaviour("H29", Grade.DOCUMENTED, sources.DISPATCHER)
def test_h29_a_worker_that_dies_fails_what_it_ran_and_is_replaced(hurried: RunningHost) -> None:
    assert httpx.get(f"{hurried.url}/api/crash", trust_env=False, timeout=20).status_code == 500
    assert "python exited with code 3" in hurried.log
    assert httpx.get(f"{hurried.url}/api/page", trust_env=False, timeout=20).text == "1"


@behaviour("H29", Grade.ASSUMED, sources.DISPATCHER)
def test_h29_a_worker_that_ends_waits_for_no_thread(run_host: Starter) -> None:
    host = run_host()
    statuses: list[int] = []

    def doze() -> None:
        statuses.append(httpx.get(f"{host.url}/api/dozing", trust_env=False, timeout=50).status_code)

    dozing = threading.Thread(target=doze)
    dozing.start()
    host.wait_for_note("dozing began")
    assert httpx.get(f"{host.url}/api/crash?exit=4", trust_env=False, timeout=20).status_code == 500
    dozing.join()
    assert statuses == [500]
    assert "python exited with code 4" in host.log
    assert httpx.get(f"{host.url}/api/page", trust_env=False, timeout=20).text == "1"


@behaviour("H29", Grade.ASSUMED, sources.DISPATCHER)
def test_h29_a_host_whose_workers_do_not_come_up_gives_up(run_host: Starter, tmp_path: Path) -> None:
    code = (
        "import os, pathlib\nimport azure.functions as func\n"
        "if pathlib.Path('broken').exists(): raise ImportError('gone')\n"
        "app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "@app.route(route='crash')\ndef crash(req: func.HttpRequest) -> str: os._exit(3)\n"
    )
    (tmp_path / "function_app.py").write_text(code)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    host = run_host(app_root=tmp_path)
    (tmp_path / "broken").touch()
    assert httpx.get(f"{host.url}/api/crash", trust_env=False, timeout=20).status_code == 500
    assert host.process.wait(timeout=30) == 1
    assert "Exceeded language worker restart retry count" in host.log
