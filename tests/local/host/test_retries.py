"""Retry policies: functions.md 2.4."""

from datetime import timedelta

import httpx
import pytest

from local.host.functions import Retry
from local.host.invoker import retry_pause
from tests.local.evidence import Grade, behaviour
from tests.local.host import sources
from tests.local.host.conftest import RunningHost


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


# The documentation supports no policy here; the SDK's code of 2024 repeats within the process, with a warning.
@behaviour("H71", Grade.ASSUMED, sources.RETRY_PAGE)
def test_h71_the_retry_policy_of_a_queue_function_is_without_effect(host: RunningHost) -> None:
    # The sample app gives `lending` two retries; by hand there is no queue that would bring a message back.
    failed = host.log.count("Executed 'Functions.lending' (Failed")
    for text in ("fail at once", "after that"):
        httpx.post(f"{host.url}/admin/functions/lending", json={"input": text}, trust_env=False)
        host.wait_for_note(text)
        host.wait_until(lambda: host.log.count("Executed 'Functions.lending' (Failed") > failed)
    assert [line.endswith("fail at once") for line in host.noted()].count(True) == 1
