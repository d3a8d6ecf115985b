"""Subscriptions: validation, lifetimes, conflicts, limits, expiry, resources (S46-S48, S53, S55), over HTTPS."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from tests.local.evidence import Grade, behaviour
from tests.local.graph.conftest import Endpoint, Far, free_port, token
from tests.local.graph.sources import CLOSEIO, IMMUTABLE_ID, api, concept, issue, resource
from tests.local.graph.subscribing import PLAIN, advance, in_minutes, lasting, notices, subscribe, wanted

WEBHOOKS, OVERVIEW = concept("change-notifications-delivery-webhooks"), concept("change-notifications-overview")
OUTLOOK = concept("outlook-change-notifications-overview")
RICH = concept("change-notifications-with-resource-data")
FACTS = "https://learn.microsoft.com/en-us/graph/api/resources/subscription"


def minutes_left(subscription: dict[str, Any]) -> float:
    return (datetime.fromisoformat(subscription["expirationDateTime"]) - datetime.now(UTC)) / timedelta(minutes=1)


@behaviour("S46", Grade.DOCUMENTED, WEBHOOKS)
async def test_s46_both_urls_are_validated(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint)
    assert sorted(endpoint.validations) == ["/lifecycle", "/notify"]
    assert {(kind, body) for _, kind, body in endpoint.asked} == {("text/plain; charset=utf-8", b"")}
    assert all("%" in query and "validationToken=" in query for query, _, _ in endpoint.asked)
    assert (made["clientState"], made["notificationQueryOptions"]) == ("secret", None)
    read = (await graph.call("GET", f"/subscriptions/{made['id']}", status=200)).json()
    assert read["expirationDateTime"] == made["expirationDateTime"]


@behaviour("S48", Grade.REPORTED, issue(5248, "microsoftgraph/microsoft-graph-docs"), api("subscription-list"))
async def test_s48_the_client_state_is_told_to_who_reads_one_and_left_out_of_the_list(
    graph: Far, endpoint: Endpoint
) -> None:
    """Since a list may be asked for by somebody else than the maker: docs issues 4807 and 5248."""
    made = await subscribe(graph, endpoint)
    (listed,) = (await graph.call("GET", "/subscriptions", status=200)).json()["value"]
    assert (listed["id"], listed["clientState"]) == (made["id"], None)
    read = (await graph.call("GET", f"/subscriptions/{made['id']}", status=200)).json()
    assert read["clientState"] == made["clientState"] == "secret"


@behaviour("S46", Grade.REPORTED, CLOSEIO, WEBHOOKS)
async def test_s46_the_urls_own_query_is_kept(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint, notificationUrl=f"{endpoint.url}/notify?code=k&a=b", lifecycleNotificationUrl=None)
    assert parse_qs(endpoint.asked[0][0]).keys() == {"code", "a", "validationToken"}


@behaviour("S46", Grade.DOCUMENTED, WEBHOOKS, issue(5554))
@pytest.mark.parametrize("path", ["/notify", "/lifecycle"])
@pytest.mark.parametrize("mode", ["wrong", "encoded", "padded", "html", "accepted"])
async def test_s46_anything_but_200_with_the_bare_token_is_refused(
    graph: Far, endpoint: Endpoint, mode: str, path: str
) -> None:
    endpoint.mode, endpoint.mode_path = mode, path
    error = (await subscribe(graph, endpoint, status=400))["error"]
    assert (error["code"], error["message"]) == (
        "ValidationError",
        "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.",
    )
    assert (await graph.call("GET", "/subscriptions")).json()["value"] == []


@behaviour("S46", Grade.REPORTED, issue(5554), WEBHOOKS, knobs=("validationSeconds",))
async def test_s46_an_answer_that_takes_too_long_is_refused(graph: Far, endpoint: Endpoint) -> None:
    assert (await graph.control("GET", "/knobs"))["validationSeconds"] == 10
    endpoint.mode = "held"
    await graph.knobs(validationSeconds=0.2)
    error = (await subscribe(graph, endpoint, status=400))["error"]
    endpoint.mode = "good"
    assert (error["code"], error["message"]) == ("InvalidRequest", "Subscription validation request timed out.")


@behaviour("S46", Grade.REPORTED, CLOSEIO)
async def test_s46_an_endpoint_that_is_not_there_is_refused(graph: Far, endpoint: Endpoint) -> None:
    nowhere = f"https://localhost:{free_port()}/notify"
    error = (await subscribe(graph, endpoint, status=400, notificationUrl=nowhere))["error"]
    assert error["code"] == "InvalidRequest"
    assert "The underlying connection was closed" in error["message"]


@behaviour("S46", Grade.DOCUMENTED, resource("subscription"))
async def test_s46_only_https(graph: Far, endpoint: Endpoint) -> None:
    await subscribe(graph, endpoint, status=400, notificationUrl="http://localhost/notify")
    await subscribe(graph, endpoint, status=400, lifecycleNotificationUrl="http://localhost/lifecycle")


@behaviour("S47", Grade.DOCUMENTED, OVERVIEW)
async def test_s47_almost_seven_days_are_granted_as_asked(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint, minutes=10_079)
    assert minutes_left(made) == pytest.approx(10_079, abs=0.5)
    renewed = {"expirationDateTime": in_minutes(9_000)}
    kept = (await graph.call("PATCH", f"/subscriptions/{made['id']}", renewed, status=200)).json()
    assert minutes_left(kept) == pytest.approx(9_000, abs=0.5)


@behaviour("S47", Grade.ASSUMED, issue(7726), OVERVIEW, knobs=("refuseLongSubscriptions",))
async def test_s47_more_than_10080_minutes_are_refused(graph: Far, endpoint: Endpoint) -> None:
    error = (await subscribe(graph, endpoint, minutes=10_082, status=400))["error"]
    assert (error["code"], error["message"]) == (
        "ExtensionError",
        "Subscription expiration can only be 10080 minutes in the future.",
    )
    made = await subscribe(graph, endpoint)
    late = {"expirationDateTime": in_minutes(10_082)}
    await graph.call("PATCH", f"/subscriptions/{made['id']}", late, status=400)
    kept = (await graph.call("GET", f"/subscriptions/{made['id']}", status=200)).json()
    assert kept["expirationDateTime"] == made["expirationDateTime"]


@behaviour("S47", Grade.ASSUMED, OVERVIEW, knobs=("refuseLongSubscriptions",))
async def test_s47_or_they_are_clipped(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(refuseLongSubscriptions=False)
    assert minutes_left(await subscribe(graph, endpoint, minutes=20_000)) == pytest.approx(10_080, abs=0.5)


@behaviour("S47", Grade.ASSUMED, FACTS)
async def test_s47_less_than_45_minutes_are_raised(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint, minutes=5)
    assert minutes_left(made) == pytest.approx(45, abs=0.5)
    await subscribe(graph, endpoint, minutes=-5, status=400, changeType="updated")


def certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "notifications")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    signed = (
        made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=9)).sign(key, hashes.SHA256())
    )
    return base64.b64encode(signed.public_bytes(serialization.Encoding.DER)).decode()


def opened(sealed: dict[str, str], key: rsa.RSAPrivateKey) -> Any:
    """Decrypt as the documentation tells a client to."""
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    secret = key.decrypt(base64.b64decode(sealed["dataKey"]), oaep)
    content = base64.b64decode(sealed["data"])
    assert base64.b64decode(sealed["dataSignature"]) == hmac.digest(secret, content, hashlib.sha256)
    cipher = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).decryptor()
    plain, unpadder = cipher.update(content) + cipher.finalize(), PKCS7(128).unpadder()
    return json.loads(unpadder.update(plain) + unpadder.finalize())


@behaviour("S47", Grade.ASSUMED, RICH, knobs=("maxRichSubscriptionMinutes",))
async def test_s47_the_day_of_resource_data_may_be_another_span(graph: Far, endpoint: Endpoint) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    rich: dict[str, Any] = {"includeResourceData": True, "resource": "/me/events?$select=subject"}
    named = rich | {"encryptionCertificateId": "c-1", "encryptionCertificate": certificate(key)}
    await graph.knobs(maxRichSubscriptionMinutes=60)
    await subscribe(graph, endpoint, minutes=62, status=400, **named)
    await subscribe(graph, endpoint, minutes=59, **named)


@behaviour("S47", Grade.DOCUMENTED, RICH, resource("subscription"))
async def test_s47_resource_data_needs_a_certificate_and_ends_within_a_day(graph: Far, endpoint: Endpoint) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    rich: dict[str, Any] = {"includeResourceData": True, "resource": "/me/events?$select=subject"}
    error = (await subscribe(graph, endpoint, status=400, **rich))["error"]
    assert error["code"] == "InvalidRequest"
    named = rich | {"encryptionCertificateId": "c-1", "encryptionCertificate": certificate(key)}
    await subscribe(graph, endpoint, status=400, **(named | {"encryptionCertificateId": None}))
    await subscribe(graph, endpoint, status=400, **(named | {"resource": "/me/events"}))
    error = (await subscribe(graph, endpoint, status=400, **(named | {"encryptionCertificate": "AAAA"})))["error"]
    assert error["message"] == "Certificate validation error: Cannot find the requested object."
    await subscribe(graph, endpoint, minutes=1_442, status=400, **named)
    made = await subscribe(graph, endpoint, minutes=1_439, **named)
    assert (made["includeResourceData"], made["encryptionCertificateId"]) == (True, "c-1")
    event = await graph.create(subject="Florist")
    item = (await endpoint.until(1))[0]
    assert item["encryptedContent"]["encryptionCertificateId"] == "c-1"
    assert opened(item["encryptedContent"], key) == {
        "@odata.etag": event["@odata.etag"],
        "id": event["id"],
        "subject": "Florist",
    }


@behaviour("S48", Grade.DOCUMENTED, WEBHOOKS)
async def test_s48_an_identical_subscription_answers_409(graph: Far, endpoint: Endpoint, marco: Any) -> None:
    made = await subscribe(graph, endpoint)
    answer = await subscribe(graph, endpoint, status=409, changeType="deleted,updated,created", clientState="other")
    assert f"Subscription Id <{made['id']}> already exists for the requested combination" in answer["error"]["message"]
    await subscribe(graph, endpoint, who=marco)
    await subscribe(graph, endpoint, changeType="updated")
    await subscribe(graph, endpoint, bearer=token(app_id="another"))
    await graph.call("DELETE", f"/subscriptions/{made['id']}", status=204)
    await subscribe(graph, endpoint)


@behaviour("S48", Grade.DOCUMENTED, WEBHOOKS, IMMUTABLE_ID)
async def test_s48_calendars_whose_ids_differ_by_case_alone_are_two(graph: Far, endpoint: Endpoint) -> None:
    made = [(await graph.call("POST", "/me/calendars", {"name": f"{n}"}, status=201)).json()["id"] for n in range(3)]
    alike = [own for own in made if [other.lower() for other in made].count(own.lower()) == 2]
    assert len(alike) == 2
    for own in alike:
        await subscribe(graph, endpoint, resource=f"/me/calendars/{own}/events")
        await subscribe(graph, endpoint, resource=f"me/Calendars('{own}')/Events", status=409)


@behaviour("S48", Grade.DOCUMENTED, OUTLOOK, knobs=("maxSubscriptions",))
async def test_s48_a_mailbox_has_a_thousand_over_all_apps(graph: Far, endpoint: Endpoint, marco: Any) -> None:
    assert (await graph.control("GET", "/knobs"))["maxSubscriptions"] == 1000
    await graph.knobs(maxSubscriptions=3)
    first, *others = [token(app_id=f"app-{number}") for number in range(4)]
    made = await subscribe(graph, endpoint, bearer=first)
    await asyncio.gather(*(subscribe(graph, endpoint, bearer=app) for app in others[:2]))
    error = (await subscribe(graph, endpoint, bearer=others[2], status=403))["error"]
    assert error["code"] == "ExtensionError"
    await subscribe(graph, endpoint, who=marco)
    await graph.call("DELETE", f"/subscriptions/{made['id']}", bearer=first, status=204)
    await subscribe(graph, endpoint, bearer=others[2])


async def test_what_goes_while_the_endpoint_is_asked_is_not_subscribed(graph: Far, endpoint: Endpoint) -> None:
    new = (await graph.call("POST", "/me/calendars", {"name": "WedSync"}, status=201)).json()
    endpoint.mode = "held"
    asking = asyncio.create_task(subscribe(graph, endpoint, status=400, resource=f"/me/calendars/{new['id']}/events"))
    await endpoint.asked_for(2)
    await graph.call("DELETE", f"/me/calendars/{new['id']}", status=204)
    endpoint.mode = "good"
    assert (await asking)["error"]["code"] == "ExtensionError"
    endpoint.mode = "held"
    asking = asyncio.create_task(subscribe(graph, endpoint, status=400))
    await endpoint.asked_for(4)
    await graph.control("POST", "/reset")
    endpoint.mode = "good"
    await asking
    assert (await graph.control("GET", "/subscriptions"))["subscriptions"] == []


@behaviour("S53", Grade.ASSUMED, WEBHOOKS)
async def test_s53_expired_subscription_is_silent_and_404(graph: Far, endpoint: Endpoint) -> None:
    made = await subscribe(graph, endpoint, minutes=60)
    await advance(graph, minutes=59)
    bearer = lasting()
    await graph.call("POST", "/me/events", PLAIN, bearer=bearer, status=201)
    await notices(graph, sent=1)
    await advance(graph, minutes=2)
    path = f"/subscriptions/{made['id']}"
    renewed = {"expirationDateTime": in_minutes(300)}
    for answer in (
        await graph.call("PATCH", path, renewed, bearer=bearer, status=404),
        await graph.call("POST", f"{path}/reauthorize", bearer=bearer, status=404),
        await graph.call("GET", path, bearer=bearer, status=404),
    ):
        assert (answer.json()["error"]["code"], answer.json()["error"]["message"]) == (
            "ResourceNotFound",
            "The object was not found.",
        )
    assert (await graph.call("GET", "/subscriptions", bearer=bearer)).json()["value"] == []
    await graph.call("POST", "/me/events", PLAIN, bearer=bearer, status=201)
    shown = await notices(graph)
    assert (shown["pending"], len(shown["sent"])) == (0, 1)
    await subscribe(graph, endpoint, minutes=300, bearer=bearer)


@behaviour("S55", Grade.REPORTED, CLOSEIO)
async def test_s55_calendars_refuse_created(graph: Far, endpoint: Endpoint) -> None:
    answer = await subscribe(graph, endpoint, resource="/me/calendars", status=400)
    assert answer["error"]["code"] == "ExtensionError"
    await subscribe(graph, endpoint, resource="/me/calendars", changeType="updated,deleted")


@behaviour("S55", Grade.REPORTED, CLOSEIO)
async def test_s55_changes_of_calendars_are_told(graph: Far, endpoint: Endpoint, rose: Any) -> None:
    await subscribe(graph, endpoint, resource="/me/calendars", changeType="updated,deleted")
    made = (await graph.call("POST", "/me/calendars", {"name": "WedSync"}, status=201)).json()
    await graph.call("PATCH", f"/me/calendars/{made['id']}", {"name": "Weddings"}, status=200)
    await endpoint.until(1)
    await graph.call("DELETE", f"/me/calendars/{made['id']}", status=204)
    items = await endpoint.until(2)
    assert [item["changeType"] for item in items] == ["updated", "deleted"]
    assert items[0]["resourceData"]["@odata.type"] == "#Microsoft.Graph.Calendar"
    assert items[0]["resource"] == f"Users/{rose.graph_id}/Calendars/{made['id']}"


@behaviour("S55", Grade.REPORTED, CLOSEIO)
async def test_s55_a_resource_that_is_not_there_is_refused(graph: Far, endpoint: Endpoint, marco: Any) -> None:
    foreign = (await graph.call("GET", "/me/calendars", who=marco)).json()["value"][0]["id"]
    for path in ("/me/calendars/nothing/events", "/me/drive", f"/me/calendars/{foreign}/events"):
        error = (await subscribe(graph, endpoint, resource=path, status=400))["error"]
        assert (error["code"], error["message"]) == ("ExtensionError", "The value of parameter 'Resource' is invalid.")


@behaviour("S61", Grade.REPORTED, CLOSEIO, knobs=("mailboxNotEnabled",))
async def test_s61_a_mailbox_that_is_not_enabled_cannot_be_subscribed_to(graph: Far, endpoint: Endpoint) -> None:
    await graph.knobs(mailboxNotEnabled="rose@havenweddings.example")
    error = (await subscribe(graph, endpoint, status=403))["error"]
    assert error["code"] == "ExtensionError"
    assert "ServiceUnavailable" in error["message"]


def _without(endpoint: Endpoint, name: str) -> dict[str, Any]:
    return {key: value for key, value in wanted(endpoint).items() if key != name}


async def test_what_a_subscription_must_say(graph: Far, endpoint: Endpoint) -> None:
    """The members of the type, and how long clientState may be: api-reference subscription.md."""
    for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
        await graph.call("POST", "/subscriptions", _without(endpoint, name), status=400)
    await subscribe(graph, endpoint, status=400, clientState="x" * 129)
    await subscribe(graph, endpoint, status=400, colour="red")
    made = await subscribe(graph, endpoint, clientState="x" * 128)
    later = {"lifecycleNotificationUrl": f"{endpoint.url}/other"}
    await graph.call("PATCH", f"/subscriptions/{made['id']}", later, status=400)
