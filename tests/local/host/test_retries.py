"""Retry policies: functions.md 2.4."""

from datetime import timedelta

import httpx
import pytest

from local.host.functions import Retry
from local.host.invoker import retry_pause
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost, Starter


@behaviour("H69", Grade.DOCUMENTED, sources.RETRY_PAGE)
def test_h69_a_fixed_delay_is_the_same_each_time() -> None:
    policy = Retry(maximum=3, first=timedelta(seconds=5), longest=timedelta(seconds=5))
    assert [retry_pause(policy, count) for count in range(4)] == [5, 5, 5, 5]


@behaviour("H70", Grade.DOCUMENTED, sources.RETRY_PAGE)
def test_h70_exponential_delays_double_between_the_two_bounds() -> None:
    policy = Retry(maximum=-1, first=timedelta(seconds=4), longest=timedelta(minutes=15))
    for count in range(6):
        assert retry_pause(policy, count) == pytest.approx(4 * 2**count, rel=0.21)
    assert retry_pause(policy, 20) == 900


@behaviour("H70", Grade.DOCUMENTED, sources.RETRY_PAGE, sources.HOST_API)
def test_h70_draining_gives_up_a_retry_that_waits(run_host: Starter) -> None:
    host = run_host()
    with httpx.Client(base_url=host.url, trust_env=False) as client:

        def waiting() -> int:
            return int(client.get("/admin/host/drain/status").json()["outstandingRetries"])

        client.post("/admin/functions/restocking", json={})
        host.wait_for_note("restocking")
        host.wait_until(lambda: waiting() == 1)
        client.post("/admin/host/drain")
        host.wait_until(lambda: waiting() == 0)
    assert host.noted() == ["restocking"]
    assert host.stop() == 0


@behaviour("H71", Grade.DOCUMENTED, sources.RETRY_PAGE)
def test_h71_the_retry_policy_of_a_queue_function_is_without_effect(host: RunningHost) -> None:
    # The sample app gives `lending` two retries; by hand there is no queue that would bring a message back.
    httpx.post(f"{host.url}/admin/functions/lending", json={"input": "fail"}, trust_env=False)
    host.wait_until(lambda: "Executed 'Functions.lending' (Failed" in host.log)
    httpx.post(f"{host.url}/admin/functions/lending", json={"input": "next"}, trust_env=False)
    assert [line.split()[-1] for line in host.wait_for_note(" next")].count("fail") == 1
