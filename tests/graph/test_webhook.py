"""What Graph posts: handshake, notifications, lifecycle notices, junk."""

import json
from typing import Any

import pytest

from shared.graph.webhook import (
    Lifecycle,
    LifecycleNotice,
    Notification,
    Notifications,
    Validation,
    change_key_of,
    parse,
)

JSON = {"Content-Type": "application/json"}


def item(**changes: Any) -> dict[str, Any]:
    return {
        "subscriptionId": "s-1",
        "subscriptionExpirationDateTime": "2026-05-10T08:00:00+00:00",
        "changeType": "updated",
        "tenantId": "t-1",
        "clientState": "secret",
        "resource": "Users/u/Events/e-1",
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Event",
            "@odata.id": "Users/u/Events/e-1",
            "@odata.etag": 'W/"DwAAABYAAAA="',
            "id": "e-1",
        },
    } | changes


def parsed(*items: Any) -> Any:
    return parse({}, JSON, json.dumps({"value": list(items)}).encode())


def test_the_handshake_gives_the_token_as_decoded() -> None:
    assert parse({"validationToken": "Validation: a b+<c>"}, {}, b"") == Validation(token="Validation: a b+<c>")
    assert parse({"x": "1", "validationtoken": "t"}, {"content-type": "text/plain"}, b"junk") == Validation(token="t")


def test_one_post_holds_items_of_several_subscriptions_and_tenants() -> None:
    found = parsed(item(), item(subscriptionId="s-2", tenantId="", clientState=None, changeType="deleted"))
    assert found == Notifications(
        items=(
            Notification(
                subscription_id="s-1",
                client_state="secret",
                change_type="updated",
                event_id="e-1",
                etag='W/"DwAAABYAAAA="',
                tenant_id="t-1",
            ),
            Notification(
                subscription_id="s-2",
                client_state="",
                change_type="deleted",
                event_id="e-1",
                etag='W/"DwAAABYAAAA="',
            ),
        )
    )


def test_both_forms_of_lifecycle_notices() -> None:
    documented = {"subscriptionId": "s-1", "tenantId": "t", "clientState": "c", "lifecycleEvent": "missed"}
    newer = {
        "organizationId": "t",
        "resource": "Subscriptions/s-1",
        "clientState": "c",
        "lifecycleEvent": "missed",
        "resourceData": {"id": "s-1"},
        "encryptedContent": None,
    }
    notice = LifecycleNotice(subscription_id="s-1", client_state="c", event="missed", tenant_id="t")
    assert parsed(documented) == parsed(newer) == Lifecycle(items=(notice,))
    mixed = parsed(documented, item())
    assert mixed.items == (notice,)
    assert [change.event_id for change in mixed.changes] == ["e-1"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"value": 5}', b'{"value": [null, 1, "x", {}]}', b"\xff\xfe", b"[" * 100_000],
)
def test_junk_is_an_empty_post(body: bytes) -> None:
    assert parse({}, JSON, body) == Notifications()


def test_items_without_subscription_or_event_are_left_out() -> None:
    assert parsed(item(subscriptionId=7), item(resourceData=None)) == Notifications()
    assert parse({}, {"content-type": "text/html"}, json.dumps({"value": [item()]}).encode()) == Notifications()


HALF = "half a character: \ud800"
"""JSON can hold a surrogate that stands alone; nothing that stores or sends text can."""


@pytest.mark.parametrize("changed", [{"subscriptionId": HALF}, {"resourceData": {"id": HALF}}])
def test_ids_with_half_a_character_are_nobodys(changed: dict[str, Any]) -> None:
    assert parsed(item(**changed)) == Notifications()


def test_other_words_with_half_a_character_are_left_out() -> None:
    found = parsed(item(clientState=HALF, resourceData={"id": "y", "@odata.etag": HALF}, tenantId=HALF))
    assert isinstance(found, Notifications)
    (change,) = found.items
    assert (change.event_id, change.client_state, change.etag, change.tenant_id) == ("y", "", "", "")


def test_the_etag_forms_compare_here_too() -> None:
    assert change_key_of('W/"c3RhbGU="') == "c3RhbGU="
