"""The API document: whole, in step with the routes, the models and the problems, and with examples that hold."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import validator_for
from pydantic import BaseModel

from shared.core.states import IntegrationState
from shared.triggers.http import ROUTES
from shared.triggers.openapi.document import document
from shared.triggers.openapi.examples import BODIES
from shared.triggers.openapi.operation import SYNCING
from shared.triggers.openapi.operations import OPERATIONS, UNLISTED
from shared.triggers.openapi.problems import PROBLEMS
from tests.support.functions import functions

ROOT = Path(__file__).parents[2]
DOCUMENT = document()
METHODS = ("get", "post", "put", "patch", "delete")
REFUSALS = ("InvalidInput", "Unprocessable", "NotSignedIn", "NotFound", "TooLarge", "StateConflict", "ConsentFault")
INSIDE = {"invalid_job", "wrong_queue", "subscription_exists"}
"""Refusals of queue messages and by Graph that meet nobody outside."""
NO_CODES = {"shared/errors.py", "shared/settings.py"}
"""Where the first argument of an error is the name of a service."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every object inside."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


def test_every_http_function_is_in_the_document() -> None:
    """A new endpoint that nobody has described fails here."""
    http = {name for name, function in functions().items() if function.is_http}
    assert http == set(ROUTES) == set(OPERATIONS) | UNLISTED
    listed = {(each["operationId"], method.upper(), path.lstrip("/")) for path, method, each in operations()}
    assert listed == {
        (name, functions()[name].methods[0], functions()[name].trigger["route"]) for name in http - UNLISTED
    }


def test_who_has_to_sign_in_is_said() -> None:
    for _, _, operation in operations():
        signed_in = ROUTES[operation["operationId"]].signed_in
        assert (operation["security"] == [{"wedSyncUser": []}]) is signed_in, operation["operationId"]
        assert ("401" in operation["responses"]) >= signed_in


def test_every_operation_says_what_it_is_for_and_how_it_can_fail() -> None:
    for path, method, operation in operations():
        assert operation["summary"].endswith("."), path
        assert {"500", "503"} <= set(operation["responses"]), path
        for status, response in operation["responses"].items():
            assert response["description"]
            if int(status) >= 400:
                assert response["content"]["application/problem+json"]["examples"], (path, method, status)


def test_each_shape_has_a_name_of_its_own() -> None:
    """Two models of one name get names made of their modules'."""
    assert not [name for name in DOCUMENT["components"]["schemas"] if "__" in name]


def test_no_object_is_left_without_its_members() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for part in parts(schema):
            if part.get("type") == "object":
                declared = part.get("properties") or isinstance(part.get("additionalProperties"), dict)
                assert declared, name


def test_what_we_take_is_closed_and_what_we_answer_is_never_null() -> None:
    answers = {"Problem", "StatusResponse", "EventsResponse", "ExplainResponse", "CallbackResponse"}
    schemas = DOCUMENT["components"]["schemas"]
    for name in ("SyncRequest", "SettingsRequest", "PreferencesRequest", "ResolveRequest", "FieldChoice"):
        assert schemas[name]["additionalProperties"] is False
    for name in answers:
        assert not [part for part in parts(schemas[name]) if part.get("type") == "null"], name


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
def test_examples_are_read_and_written_by_their_models(model: type[BaseModel]) -> None:
    whole = {"components": DOCUMENT["components"], "$ref": f"#/components/schemas/{model.__name__}"}
    for name, example in BODIES[model].items():
        read = model.model_validate(example)
        assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == example, name
        validator_for(whole).validate(example)


def test_every_body_has_an_example() -> None:
    bodies = [
        content
        for part in parts(DOCUMENT["paths"])
        for content in part.get("content", {}).values()
        if "$ref" in str(content.get("schema"))
    ]
    assert len(bodies) > len(OPERATIONS)
    assert all(content["examples"] for content in bodies)


def test_examples_of_problems_are_problems() -> None:
    whole = {"components": DOCUMENT["components"], "$ref": "#/components/schemas/Problem"}
    checked = set()
    for _, _, operation in operations():
        for status, response in operation["responses"].items():
            examples = response.get("content", {}).get("application/problem+json", {}).get("examples", {})
            for code, example in examples.items():
                validator_for(whole).validate(example["value"])
                assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))
                checked.add((int(status), code))
    told = {(status, code) for status, codes in PROBLEMS.items() for code in codes}
    # By browser, the ticket's fault is a word in the page's query; the other two are no operation's.
    assert told - checked == {(400, "ticket_expired"), (404, "not_found"), (405, "method_not_allowed")}


def codes_in_the_source() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "shared").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.id if isinstance(node.func, ast.Name) else ""
                base = isinstance(node.func, ast.Attribute) and node.func.attr == "__init__"
                code = node.args[0].value
                if (called in REFUSALS or base) and isinstance(code, str) and code.replace("_", "").isalpha():
                    yield str(path.relative_to(ROOT)), code


def test_every_code_that_a_refusal_has_is_explained() -> None:
    explained = {code for codes in PROBLEMS.values() for code in codes}
    found = set(codes_in_the_source())
    assert ("shared/usecases/connect_state.py", "not_connected") in found
    unexplained = {(place, code) for place, code in found if code not in explained | INSIDE}
    assert not {(place, code) for place, code in unexplained if place not in NO_CODES}


def test_a_call_that_needs_a_syncing_connection_tells_each_way_in_which_it_may_not_be_syncing() -> None:
    unknown = {IntegrationState.AWAITING_CONSENT, IntegrationState.DISCONNECTED}
    assert set(SYNCING[409]) == set(IntegrationState) - unknown - {IntegrationState.CONNECTED}
    told = {operation["operationId"] for _, _, operation in operations() if _explains(operation, "paused")}
    assert told >= {"sync_start", "sync_preview", "sync_confirm", "undo_sync", "force_sync", "resolve_conflict"}
    assert told >= {"restore_event", "make_meeting", "change_meeting", "cancel_meeting"}


def test_an_ill_service_may_answer_in_either_form() -> None:
    (answer,) = [each["responses"]["503"] for _, _, each in operations() if each["operationId"] == "health"]
    assert set(answer["content"]) == {"application/json", "application/problem+json"}
    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/HealthResponse")
    assert "Retry-After" not in answer.get("headers", {})


def _explains(operation: dict[str, Any], code: str) -> bool:
    refusal = operation["responses"].get("409", {}).get("content", {}).get("application/problem+json", {})
    return code in refusal.get("examples", {})


def test_the_fuzzer_takes_422_for_an_answer_only_where_it_is_declared() -> None:
    configured = tomllib.loads((ROOT / "tests/journeys/fuzz/schemathesis.toml").read_text())
    assert "checks" not in configured, "that would hold for every operation"
    taken: set[str] = set()
    for entry in configured["operations"]:
        check = entry.get("checks", {}).get("positive_data_acceptance", {})
        if "422" in check.get("expected-statuses", ()):
            named = entry["include-operation-id"]
            taken |= {named} if isinstance(named, str) else set(named)
    assert taken == {each["operationId"] for _, _, each in operations() if "422" in each["responses"]}


def test_the_readme_names_every_route_and_says_what_it_does() -> None:
    rows = re.findall(r"^\| ([A-Z]+) `([^`]+)` \| (.+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = [(method.upper(), path.lstrip("/"), operation["summary"]) for path, method, operation in operations()]
    assert sorted((method, path, says.replace("`", "")) for method, path, says in rows) == sorted(
        (method, path, says.replace("`", "")) for method, path, says in told
    )
