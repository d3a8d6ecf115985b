"""K1-K14: forms, limits and pages of the vault, over plain HTTPS."""

import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.local.evidence import Grade, behaviour
from tests.local.keyvault.conftest import Stand, identity_token
from tests.local.keyvault.sources import (
    ABOUT,
    AUTHENTICATION,
    DELETE,
    DELETED_NAME_SEEN,
    DISABLED_SEEN,
    ERROR_CODES,
    LIST,
    PARAMETERS,
    POLICY_SEEN,
    SDK,
    SET,
    SETTLING_SEEN,
    SOFT_DELETE,
    THROTTLING,
    VERSIONS,
)

Form = dict[str, Any]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/secrets"), ("GET", "/secrets/a/"), ("PUT", "/secrets/a"), ("DELETE", "/deletedsecrets/a")],
)
@behaviour("K1", Grade.DOCUMENTED, AUTHENTICATION, SDK)
def test_k01_every_operation_is_challenged_before_anything_else(web: httpx.Client, method: str, path: str) -> None:
    """The client sends its first request without a token, a body or any other argument that could be checked."""
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        response = web.request(method, path, headers=headers)
        assert response.status_code == 401
        challenge = response.headers["www-authenticate"]
        assert re.fullmatch(r'Bearer authorization="https://[^"]+/[0-9a-f-]{36}", resource="[^"]+"', challenge)
    assert web.get("/_control/secrets").json() == {"secrets": []}


@pytest.mark.parametrize("version", ["7.0", "7.4", "7.6", "2025-07-01", "2026-04-01"])
@behaviour("K2", Grade.DOCUMENTED, PARAMETERS, SDK)
def test_k02_the_published_versions_are_served(web: httpx.Client, bearer: Form, version: str) -> None:
    shown = web.get("/secrets", params={"api-version": version}, headers=bearer["headers"])
    assert (shown.status_code, shown.json()["value"]) == (200, [])


@behaviour("K3", Grade.DOCUMENTED, SET, VERSIONS)
def test_k03_each_set_makes_a_version_and_keeps_the_older(web: httpx.Client, bearer: Form) -> None:
    base = str(web.base_url).rstrip("/")
    ids = [web.put("/secrets/a", json={"value": value}, **bearer).json()["id"] for value in ("one", "two")]
    assert len(set(ids)) == 2
    for ident in ids:
        assert re.fullmatch(re.escape(f"{base}/secrets/a/") + r"[0-9a-f]{32}", ident)
    for newest in ("/secrets/a", "/secrets/a/"):
        assert web.get(newest, **bearer).json()["value"] == "two"
    assert web.get(urlsplit(ids[0]).path, **bearer).json()["value"] == "one"
    shown = web.get("/secrets/a/versions", **bearer).json()["value"]
    assert {item["id"] for item in shown} == set(ids)
    assert all("value" not in item for item in shown)


@behaviour("K3", Grade.DOCUMENTED, SET)
def test_k03_a_secret_says_when_it_was_made_and_how_it_recovers(web: httpx.Client, bearer: Form) -> None:
    attributes = web.put("/secrets/a", json={"value": "x"}, **bearer).json()["attributes"]
    assert attributes["enabled"] is True
    assert attributes["created"] == attributes["updated"]
    assert (attributes["recoveryLevel"], attributes["recoverableDays"]) == ("Recoverable+Purgeable", 90)
    assert {"nbf", "exp"}.isdisjoint(attributes)


@pytest.mark.parametrize("name", ["a", "A1-", "-" * 127, "0" * 127])
@behaviour("K4", Grade.DOCUMENTED, SET, ABOUT)
def test_k04_letters_digits_and_dashes_name_a_secret(web: httpx.Client, bearer: Form, name: str) -> None:
    assert web.put(f"/secrets/{name}", json={"value": "x"}, **bearer).json()["value"] == "x"


@pytest.mark.parametrize("name", ["a_b", "a.b", "a b", "ä", "a" * 128, "a:b"])
@behaviour("K4", Grade.DOCUMENTED, SET)
def test_k04_any_other_name_is_refused(web: httpx.Client, bearer: Form, name: str) -> None:
    refused = web.put(f"/secrets/{name}", json={"value": "x"}, **bearer)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadParameter")


@behaviour("K4", Grade.DOCUMENTED, ABOUT)
def test_k04_names_differ_by_more_than_case(web: httpx.Client, bearer: Form) -> None:
    web.put("/secrets/Rose", json={"value": "one"}, **bearer)
    web.put("/secrets/rose", json={"value": "two"}, **bearer)
    assert web.get("/secrets/ROSE/", **bearer).json()["value"] == "two"
    assert len(web.get("/secrets", **bearer).json()["value"]) == 1


@behaviour("K5", Grade.DOCUMENTED, ABOUT)
def test_k05_a_value_of_25_kilobytes_is_the_longest(web: httpx.Client, bearer: Form) -> None:
    assert web.put("/secrets/a", json={"value": "x" * 25 * 1024}, **bearer).status_code == 200
    for value in ("x" * (25 * 1024 + 1), "ü" * (25 * 512 + 1)):
        refused = web.put("/secrets/a", json={"value": value}, **bearer)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadParameter")
    assert len(web.get("/secrets/a/", **bearer).json()["value"]) == 25 * 1024


@behaviour("K6", Grade.DOCUMENTED, ABOUT)
def test_k06_content_types_end_at_255_characters(web: httpx.Client, bearer: Form) -> None:
    body = {"value": "x", "contentType": "t" * 255}
    assert web.put("/secrets/a", json=body, **bearer).json()["contentType"] == "t" * 255
    refused = web.put("/secrets/a", json={"value": "x", "contentType": "t" * 256}, **bearer)
    assert refused.status_code == 400
    assert web.get("/secrets/a/versions", **bearer).json()["value"][0]["contentType"] == "t" * 255


@behaviour("K6", Grade.DOCUMENTED, ABOUT)
def test_k06_fifteen_tags_of_512_characters_are_kept(web: httpx.Client, bearer: Form) -> None:
    tags = {f"{number:0512}": "x" * 512 for number in range(15)}
    assert web.put("/secrets/a", json={"value": "x", "tags": tags}, **bearer).json()["tags"] == tags
    assert web.put("/secrets/a", json={"value": "x", "tags": {"k" * 513: "x"}}, **bearer).status_code == 400
    assert web.put("/secrets/a", json={"value": "x", "tags": {"k": "x" * 513}}, **bearer).status_code == 400


@behaviour("K7", Grade.DOCUMENTED, DELETE, SOFT_DELETE)
def test_k07_a_deleted_secret_can_be_seen_without_value_and_recovered(web: httpx.Client, bearer: Form) -> None:
    base = str(web.base_url).rstrip("/")
    made = web.put("/secrets/a", json={"value": "x"}, **bearer).json()
    gone = web.delete("/secrets/a", **bearer).json()
    assert gone["recoveryId"] == f"{base}/deletedsecrets/a"
    assert gone["id"] == made["id"]
    assert gone["scheduledPurgeDate"] - gone["deletedDate"] == 90 * 86400
    assert "value" not in gone
    assert web.get("/secrets/a/", **bearer).status_code == 404
    assert web.get("/secrets", **bearer).json()["value"] == []
    assert web.get("/deletedsecrets/a", **bearer).json() == gone
    assert len(web.get("/deletedsecrets", **bearer).json()["value"]) == 1
    assert "value" not in web.post("/deletedsecrets/a/recover", **bearer).json()
    assert web.get("/secrets/a/", **bearer).json()["value"] == "x"
    assert web.get("/deletedsecrets/a", **bearer).status_code == 404


@behaviour("K7", Grade.REPORTED, SETTLING_SEEN, knobs=("settleSeconds",))
def test_k07_deleting_and_recovering_take_their_time(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/knobs", json={"settleSeconds": 30})
    web.put("/secrets/a", json={"value": "x"}, **bearer)
    web.delete("/secrets/a", **bearer)
    busy = web.put("/secrets/a", json={"value": "y"}, **bearer)
    assert (busy.status_code, busy.json()["error"]["innererror"]) == (409, {"code": "ObjectIsBeingDeleted"})
    web.post("/_control/clock", json={"advanceSeconds": 31})
    assert web.post("/deletedsecrets/a/recover", **bearer).status_code == 200
    busy = web.put("/secrets/a", json={"value": "y"}, **bearer)
    assert (busy.status_code, busy.json()["error"]["innererror"]) == (409, {"code": "ObjectIsBeingRecovered"})
    web.post("/_control/clock", json={"advanceSeconds": 31})
    assert web.put("/secrets/a", json={"value": "y"}, **bearer).status_code == 200


@behaviour("K8", Grade.REPORTED, DELETED_NAME_SEEN)
def test_k08_a_deleted_name_is_taken(web: httpx.Client, bearer: Form) -> None:
    web.put("/secrets/a", json={"value": "x"}, **bearer)
    web.delete("/secrets/a", **bearer)
    refused = web.put("/secrets/A", json={"value": "y"}, **bearer)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (409, "Conflict")
    assert error["innererror"] == {"code": "ObjectIsDeletedButRecoverable"}
    assert "is currently in a deleted but recoverable state, and its name cannot be reused" in error["message"]
    assert web.delete("/secrets/a", **bearer).status_code == 404


@behaviour("K9", Grade.DOCUMENTED, SOFT_DELETE, knobs=("purgeProtection",))
def test_k09_a_purge_is_final_and_needs_a_deletion_first(web: httpx.Client, bearer: Form) -> None:
    web.put("/secrets/a", json={"value": "x"}, **bearer)
    assert web.delete("/deletedsecrets/a", **bearer).status_code == 404
    web.delete("/secrets/a", **bearer)
    web.post("/_control/knobs", json={"purgeProtection": True})
    assert web.delete("/deletedsecrets/a", **bearer).status_code == 403
    web.post("/_control/knobs", json={"purgeProtection": False})
    purged = web.delete("/deletedsecrets/a", **bearer)
    assert (purged.status_code, purged.content) == (204, b"")
    assert web.post("/deletedsecrets/a/recover", **bearer).status_code == 404
    made = web.put("/secrets/a", json={"value": "y"}, **bearer).json()
    assert [item["id"] for item in web.get("/secrets/a/versions", **bearer).json()["value"]] == [made["id"]]


@behaviour("K10", Grade.DOCUMENTED, LIST)
def test_k10_lists_come_by_pages_and_name_no_version(web: httpx.Client, bearer: Form) -> None:
    base = str(web.base_url).rstrip("/")
    web.post("/_control/secrets", json={f"s{number:02}": "x" for number in range(27)})
    first = web.get("/secrets", **bearer).json()
    assert len(first["value"]) == 25
    second = web.get(first["nextLink"], headers=bearer["headers"]).json()
    assert (len(second["value"]), second["nextLink"]) == (2, None)
    shown = first["value"] + second["value"]
    assert {item["id"] for item in shown} == {f"{base}/secrets/s{number:02}" for number in range(27)}
    assert all("value" not in item for item in shown)
    params = {**bearer["params"], "maxresults": "2"}
    assert len(web.get("/secrets", params=params, headers=bearer["headers"]).json()["value"]) == 2


@behaviour("K11", Grade.DOCUMENTED, ERROR_CODES, SDK)
def test_k11_what_is_missing_is_secret_not_found(web: httpx.Client, bearer: Form) -> None:
    web.put("/secrets/a", json={"value": "x"}, **bearer)
    for path in ("/secrets/b/", f"/secrets/a/{'0' * 32}", "/secrets/b/versions", "/deletedsecrets/a"):
        missing = web.get(path, **bearer)
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "SecretNotFound"), path


@behaviour("K11", Grade.REPORTED, DISABLED_SEEN)
def test_k11_a_disabled_version_cannot_be_read(web: httpx.Client, bearer: Form) -> None:
    web.put("/secrets/a", json={"value": "x", "attributes": {"enabled": False}}, **bearer)
    refused = web.get("/secrets/a/", **bearer)
    assert (refused.status_code, refused.json()["error"]["innererror"]) == (403, {"code": "SecretDisabled"})
    assert web.patch("/secrets/a", json={"attributes": {"enabled": True}}, **bearer).status_code == 200
    assert web.get("/secrets/a/", **bearer).json()["value"] == "x"


@behaviour("K12", Grade.DOCUMENTED, THROTTLING, knobs=("requestsPerTenSeconds",))
def test_k12_refused_requests_do_not_count(web: httpx.Client, bearer: Form) -> None:
    """Failed requests that return a 429 do not count towards the limits, says the page."""
    web.post("/_control/knobs", json={"requestsPerTenSeconds": 1})
    assert web.get("/secrets", **bearer).status_code == 200
    web.post("/_control/clock", json={"advanceSeconds": 6})
    assert [web.get("/secrets", **bearer).status_code for _ in range(3)] == [429] * 3
    web.post("/_control/clock", json={"advanceSeconds": 5})
    assert web.get("/secrets", **bearer).status_code == 200


def test_a_clock_that_is_set_back_refuses_nobody(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/knobs", json={"requestsPerTenSeconds": 1})
    web.post("/_control/clock", json={"advanceSeconds": 100})
    assert web.get("/secrets", **bearer).status_code == 200
    web.post("/_control/clock", json={"reset": True})
    assert web.get("/secrets", **bearer).status_code == 200


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("get", "GET", "/secrets/a/"),
        ("list", "GET", "/secrets"),
        ("set", "PUT", "/secrets/a"),
        ("delete", "DELETE", "/secrets/a"),
        ("recover", "POST", "/deletedsecrets/a/recover"),
        ("purge", "DELETE", "/deletedsecrets/a"),
    ],
)
@behaviour("K13", Grade.REPORTED, POLICY_SEEN, knobs=("deniedOperations",))
def test_k13_each_permission_is_refused_by_its_name(
    web: httpx.Client, bearer: Form, operation: str, method: str, path: str
) -> None:
    web.post("/_control/knobs", json={"deniedOperations": [operation]})
    refused = web.request(method, path, json={"value": "x"}, **bearer)
    error = refused.json()["error"]
    assert (refused.status_code, error["innererror"]) == (403, {"code": "ForbiddenByPolicy"})
    assert f"does not have secrets {operation} permission" in error["message"]
    web.post("/_control/knobs", json={"deniedOperations": []})
    assert web.request(method, path, json={"value": "x"}, **bearer).status_code != 403


@behaviour("K14", Grade.ASSUMED, SDK)
def test_k14_an_answer_may_come_later_than_a_client_waits(web: httpx.Client, bearer: Form) -> None:
    web.post("/_control/faults", json={"action": "latency", "seconds": 1.0, "count": 1})
    with pytest.raises(httpx.ReadTimeout):
        web.get("/secrets", timeout=0.2, **bearer)
    assert web.get("/secrets", **bearer).status_code == 200


@behaviour("K1", Grade.DOCUMENTED, AUTHENTICATION)
def test_k01_a_token_for_another_service_opens_no_vault(stand: Stand, web: httpx.Client) -> None:
    token = identity_token(stand, "https://management.azure.com")
    response = web.get("/secrets", params={"api-version": "7.6"}, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert "www-authenticate" in response.headers
