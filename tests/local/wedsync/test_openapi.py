"""docs/wedsync-events-api.yaml says what the simulator does: same operations, same members, same bounds."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from local.wedsync import api
from local.wedsync.schema import Attendee, EventContent, EventPatch, EventType, NewEvent, Place
from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.samples import sample

DOCUMENT: dict[str, Any] = yaml.safe_load(Path("docs/wedsync-events-api.yaml").read_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
BOUNDS = ("maxLength", "minLength", "maxItems", "minimum", "maximum", "default")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Follow references from the document's or a model's schema."""
    while "$ref" in node:
        node = SCHEMAS[node["$ref"].rpartition("/")[2]]
    return node


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for value in node for found in references(value)] if isinstance(node, list) else []


def bounds(node: dict[str, Any]) -> dict[str, Any]:
    """Collect the bounds of a member, wherever a nullable schema keeps them."""
    parts = [node, *node.get("anyOf", [])]
    return {name: part[name] for part in parts for name in BOUNDS if name in part}


def test_operations_are_the_routes() -> None:
    documented = {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method in {"get", "post", "put", "patch", "delete"}
    }
    assert documented == api.operations()


@pytest.mark.parametrize("model", [Place, Attendee, NewEvent, EventPatch])
def test_members_are_those_of_the_model(model: type[BaseModel]) -> None:
    made, written = model.model_json_schema(), SCHEMAS[model.__name__]
    assert set(written["properties"]) == set(made["properties"])
    assert written.get("required", []) == made.get("required", [])
    assert written["additionalProperties"] is made["additionalProperties"] is False


@pytest.mark.parametrize("model", [Place, Attendee, NewEvent])
def test_bounds_and_defaults_are_those_of_the_model(model: type[BaseModel]) -> None:
    made, written = model.model_json_schema()["properties"], SCHEMAS[model.__name__]["properties"]
    for name in made:
        if name == "location":
            continue
        assert bounds(written[name]) == bounds(made[name]), name


def test_a_patch_is_bound_like_the_content() -> None:
    for name, written in SCHEMAS["EventPatch"]["properties"].items():
        content = EventContent.model_json_schema()["properties"][name]
        expected = {key: value for key, value in bounds(content).items() if key != "default"}
        assert bounds(written) == expected or "$ref" in written, name


def test_the_nine_types() -> None:
    assert SCHEMAS["EventType"]["enum"] == list(get_args(EventType))
    assert len(SCHEMAS["EventType"]["enum"]) == 9


def test_limit_is_that_of_the_route() -> None:
    limit = next(p for p in DOCUMENT["paths"]["/v1/users/{userId}/events"]["get"]["parameters"] if p["name"] == "limit")
    assert limit["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": api.LARGEST_LIMIT,
        "default": api.DEFAULT_LIMIT,
    }


def test_parameters_are_those_that_the_route_knows() -> None:
    parameters = DOCUMENT["paths"]["/v1/users/{userId}/events"]["get"]["parameters"]
    assert {parameter["name"] for parameter in parameters} == api._PARAMETERS


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_problem_code_is_documented() -> None:
    sources = [Path("local/wedsync") / name for name in ("api.py", "changes.py", "schema.py")]
    text = "\n".join(source.read_text() for source in sources)
    codes = set(re.findall(r'Problem\(\s*4\d\d,\s*"(\w+)"', text))
    assert len(codes) >= 14
    written = Path("docs/wedsync-events-api.yaml").read_text()
    assert {code for code in codes if f"`{code}`" not in written} == set()


async def test_an_answer_has_the_members_of_the_document(stand: Stand) -> None:
    where = "/v1/users/planner-rose/events"
    event = (await stand.api.post(where, json=sample(), headers={"Idempotency-Key": "k"})).json()
    assert list(event) == SCHEMAS["Event"]["required"] == list(SCHEMAS["Event"]["properties"])
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}
    for name, written in SCHEMAS["Event"]["properties"].items():
        declared = resolved(written)["type"]
        allowed = tuple(kinds[kind] for kind in ([declared] if isinstance(declared, str) else declared))
        assert isinstance(event[name], allowed), name
