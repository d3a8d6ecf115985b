"""Every control route of the vault refuses a body of the wrong type: 400 with ``{"error": …}``, and nothing set."""

from typing import Any

import httpx
import pytest

from tests.local.wrong_bodies import Taken, refusals

ROUTES: list[tuple[str, Taken, dict[str, Any]]] = [
    ("reset", {"seed": ()}, {}),
    ("faults", {"action": (), "count": ()}, {}),
    ("clock", {"advanceSeconds": (float, int)}, {}),
    ("knobs", {"purgeProtection": (bool,), "retentionDays": (int,), "settleSeconds": (float, int)}, {}),
    ("knobs", {"deniedOperations": (list,)}, {}),
    ("secrets", {"a-secret": (str,)}, {"another": "value"}),
]


@pytest.mark.parametrize(("path", "members", "good"), ROUTES)
def test_a_body_of_the_wrong_type_is_refused(
    web: httpx.Client, path: str, members: Taken, good: dict[str, Any]
) -> None:
    assert not refusals(web, "POST", f"/_control/{path}", members, good)
    assert web.get("/_control/secrets").json() == {"secrets": []}


@pytest.mark.parametrize("operations", [[1], [[]], [None], [{"a": []}], ["juggle"]])
def test_an_operation_is_one_of_the_vaults(web: httpx.Client, operations: Any) -> None:
    answer = web.post("/_control/knobs", json={"deniedOperations": operations})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
