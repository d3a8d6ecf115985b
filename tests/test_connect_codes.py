"""Each code with which connecting can end has words on the page, and the page knows no others."""

import ast
from collections.abc import Iterator
from pathlib import Path

from local.wedsync.page.words import CONNECT_ERRORS

ROOT = Path(__file__).parent.parent
CONNECTING = ("shared/usecases/connect.py", "shared/graph/entra.py", "shared/graph/oauth.py")
BORDER = "shared/triggers/http.py"
NEVER_WHEN_CONNECTING = {"invalid_body", "method_not_allowed"}
"""The browser's way has no body, and a browser that is led takes the method that there is."""


def calls(path: str) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node


def text_of(call: ast.Call, position: int) -> str:
    """Return a literal argument; a code that is computed would escape this test."""
    found = call.args[position]
    assert isinstance(found, ast.Constant), ast.unparse(call)
    return str(found.value)


def codes() -> set[str]:
    """Return what ``ConsentFault`` and ``StateConflict`` are raised with, and what the border makes of other errors."""
    raised = {
        text_of(call, 0)
        for path in CONNECTING
        for name, call in calls(path)
        if name in ("ConsentFault", "StateConflict")
    }
    border = {
        text_of(call, 1)
        for name, call in calls(BORDER)
        if name == "_problem" and isinstance(call.args[1], ast.Constant)
    }
    return (raised | border) - NEVER_WHEN_CONNECTING


def test_the_page_has_words_for_each_way_in_which_connecting_ends() -> None:
    assert {"access_denied", "admin_approval_required", "account_in_use", "configuration", "state_expired"} <= codes()
    assert set(CONNECT_ERRORS) == codes()


def test_words_are_sentences() -> None:
    for code, said in CONNECT_ERRORS.items():
        assert said[0].isupper(), code
        assert said.endswith("."), code
        assert code not in said
