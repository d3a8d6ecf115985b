"""Puts the document together: the routes as registered, what is told about each, and the models as JSON Schema.

OpenAPI 3.1: https://spec.openapis.org/oas/v3.1.1. Imported at the first request for it only: the model of OpenAPI costs
half a second to load, which no start of the service should pay.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from openapi_pydantic import OpenAPI
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import CoreSchema, core_schema

from shared.triggers.http import ROUTES, Problem, Registered
from shared.triggers.openapi.examples import BODIES, DETAILS, IDS
from shared.triggers.openapi.operation import JSON, TEXT, Answered, Given, Operation
from shared.triggers.openapi.operations import OPERATIONS, UNLISTED
from shared.triggers.openapi.problems import PROBLEMS

_REF = "#/components/schemas/{model}"
_USER = "wedSyncUser"
_HEADERS = {
    "Location": "Where the browser goes.",
    "Retry-After": "Seconds to wait.",
    "WWW-Authenticate": "Always `Bearer`.",
}


class RequestSchemas(GenerateJsonSchema):
    """JSON Schema of what we read. A title made of a member's name says nothing, so there is none."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Return whether a member gets a title."""
        del schema
        return False


class AnswerSchemas(RequestSchemas):
    """JSON Schema of what we write: members that may be absent are never null, and have no default."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Return the schema of the value itself."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema without its default."""
        inner: CoreSchema = schema["schema"]
        return self.generate_inner(inner)


@cache
def text() -> str:
    """Return the document as JSON."""
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":"))


def document() -> dict[str, Any]:
    """Return the document. A ``KeyError`` names a function that ``operations`` lacks."""
    paths: dict[str, dict[str, Any]] = {}
    for registered in sorted(ROUTES.values(), key=lambda each: (each.route, each.method)):
        if registered.name not in UNLISTED:
            operation = _operation(registered, OPERATIONS[registered.name])
            paths.setdefault(f"/{registered.route}", {})[registered.method.lower()] = operation
    checked = OpenAPI.model_validate(
        {
            "openapi": "3.1.1",
            "info": {
                "title": "WedSync Outlook calendar sync",
                "version": "1.0.0",
                "description": "Connects a WedSync user's calendar with their Outlook calendar and keeps both in step.",
            },
            "servers": [{"url": "/api"}],
            "paths": paths,
            "components": {"schemas": _schemas(), "securitySchemes": _security_schemes()},
        }
    )
    found: dict[str, Any] = checked.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    return found


def _security_schemes() -> dict[str, Any]:
    return {
        _USER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The user's WedSync access token; `sub` is the user.",
        },
        "wedSyncSignature": {
            "type": "apiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "`v1,` and the HMAC of id, time and body: https://www.standardwebhooks.com",
        },
    }


def _operation(registered: Registered, told: Operation) -> dict[str, Any]:
    ids = re.findall(r"\{(\w+)\}", registered.route)
    summary, _, rest = registered.says.strip().partition("\n")
    found: dict[str, Any] = {
        "operationId": registered.name,
        "tags": [told.tag],
        "summary": summary,
        "parameters": [*(_path_parameter(name) for name in ids), *(_parameter(each) for each in told.given)],
        "responses": _responses(registered, told),
        "security": _security(registered, told),
    }
    if rest.strip():
        found["description"] = " ".join(rest.split())
    if told.takes is not None:
        found["requestBody"] = _request_body(told.takes, told)
    return found


def _security(registered: Registered, told: Operation) -> list[dict[str, list[str]]]:
    name = _USER if registered.signed_in else told.security
    return [{name: []}] if name else []


def _path_parameter(name: str) -> dict[str, Any]:
    says, example = IDS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": says,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def _parameter(given: Given) -> dict[str, Any]:
    found = {
        "name": given.name,
        "in": given.place,
        "required": given.required,
        "description": given.says,
        "schema": dict(given.schema),
        "example": given.example,
    }
    if given.schema.get("type") == "array":
        found |= {"style": "form", "explode": False}
    return found


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _request_body(model: type[BaseModel], told: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = _ref(model)
    if told.drops_the_rest:
        schema = {"anyOf": [schema, {"description": f"Anything else is dropped: {told.drops_the_rest}"}]}
    return {"required": not told.body_optional, "content": {JSON: {"schema": schema, "examples": _examples(model)}}}


def _examples(model: type[BaseModel]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in BODIES[model].items()}


def _responses(registered: Registered, told: Operation) -> dict[str, Any]:
    found = {str(status): _answer(answered) for status, answered in told.answers.items()}
    for status, codes in told.all_problems(registered).items():
        refusal = _refusal(status, codes)
        found[str(status)] = _either(found[str(status)], refusal) if str(status) in found else refusal
    return found


def _either(answer: dict[str, Any], refusal: dict[str, Any]) -> dict[str, Any]:
    """Return one response of which both may come: each form by its media type, and no header that only one has."""
    return answer | {"content": answer["content"] | refusal["content"]}


def _answer(answered: Answered) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answered.says}
    if answered.model is not None:
        found["content"] = {JSON: {"schema": _ref(answered.model), "examples": _examples(answered.model)}}
    elif answered.text == "{}":
        found["content"] = {JSON: {"schema": {"description": "https://spec.openapis.org/oas/3.1/schema/latest"}}}
    elif answered.text:
        found["content"] = {TEXT: {"schema": {"type": "string"}, "example": answered.text}}
    if answered.headers:
        found["headers"] = _headers(answered.headers)
    return found


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"description": _HEADERS[name], "required": True, "schema": {"type": "string"}} for name in names}


def _refusal(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    meant = PROBLEMS[status]
    found: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: " + " ".join(f"`{code}`: {meant[code]}" for code in codes),
        "content": {
            "application/problem+json": {
                "schema": _ref(Problem),
                "examples": {code: {"value": problem_example(status, code)} for code in codes},
            }
        },
    }
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        found["headers"] = _headers(["Retry-After"])
    if status == HTTPStatus.UNAUTHORIZED:
        found["headers"] = _headers(["WWW-Authenticate"])
    return found


def problem_example(status: int, code: str) -> dict[str, Any]:
    """Return a problem document of this type."""
    return {
        "type": f"urn:wedsync:outlook-sync:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": PROBLEMS[status][code].replace("`", ""),
        **DETAILS.get(code, {}),
    }


def _schemas() -> dict[str, Any]:
    listed = [OPERATIONS[each.name] for each in ROUTES.values() if each.name not in UNLISTED]
    taken = {operation.takes for operation in listed if operation.takes}
    given = {answered.model for operation in listed for answered in operation.answers.values() if answered.model}
    return {**_generated(taken, RequestSchemas), **_generated({*given, Problem}, AnswerSchemas)}


def _generated(models: set[type[BaseModel]], generator: type[GenerateJsonSchema]) -> Mapping[str, Any]:
    ordered = sorted(models, key=lambda model: model.__name__)
    _, found = models_json_schema(
        [(model, "validation") for model in ordered], by_alias=True, ref_template=_REF, schema_generator=generator
    )
    definitions: dict[str, Any] = json.loads(json.dumps(found["$defs"]).replace("``", "`"))
    return definitions
