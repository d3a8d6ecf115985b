"""Files at events: list, add, read and remove them (event-list-attachments.md, event-post-attachments.md)."""

import base64
import binascii
from typing import Any

from local.graph import ids, projection
from local.graph.calls import Answer, Call
from local.graph.errors import invalid_body, item_not_found
from local.graph.event_routes import find
from local.graph.service import READ, WRITE, Graph, after
from local.graph.values import boolean, text
from local.graph.zones import wire_utc

_FILE = "#microsoft.graph.fileAttachment"
_LARGEST = 3 * 1024 * 1024
"""What one POST takes; larger files need an upload session (attachment-createuploadsession.md)."""


def listed(_: Graph, call: Call) -> Answer:
    """GET an event's attachments."""
    call.caller.require(*READ)
    item = find(call).item
    who, event = call.caller.account.graph_id, after(call, "events")
    context = f"users('{who}')/events('{event}')/attachments"
    return Answer(body=projection.collection(call.base, context, item.attachments.values()))


def add(graph: Graph, call: Call) -> Answer:
    """POST a file: 201; the event's key moves on."""
    call.caller.require(*WRITE)
    item = find(call).item
    given = call.body if isinstance(call.body, dict) else {}
    if str(given.get("@odata.type", "")).lower() != _FILE.lower() or not given.get("name"):
        raise invalid_body("Cannot create an abstract class.")
    content = text("contentBytes", given.get("contentBytes"))
    try:
        size = len(base64.b64decode(content, validate=True))
    except binascii.Error:
        raise invalid_body("Cannot convert the value of property 'contentBytes' to the type 'Edm.Binary'.") from None
    if size > _LARGEST:
        raise invalid_body("The size of the attachment exceeds the maximum.")
    box = item.calendar.mailbox
    made: dict[str, Any] = {
        "@odata.type": _FILE,
        "id": ids.immutable_item(box.space, box.next_number()),
        "lastModifiedDateTime": wire_utc(graph.store.now()),
        "name": text("name", given["name"]),
        "contentType": text("contentType", given.get("contentType")) or "application/octet-stream",
        "size": size,
        "isInline": boolean("isInline", given.get("isInline", False)),
        "contentId": given.get("contentId"),
        "contentLocation": None,
        "contentBytes": content,
    }
    item.attachments[made["id"]] = made
    item.calendar.mailbox.written(item, "updated")
    return Answer(status=201, body={"@odata.context": _context(call), **made})


def one(_: Graph, call: Call) -> Answer:
    """GET or DELETE one attachment."""
    call.caller.require(*(READ if call.method == "GET" else WRITE))
    item = find(call).item
    found: dict[str, Any] | None = item.attachments.get(after(call, "attachments"))
    if found is None:
        raise item_not_found()
    if call.method == "DELETE":
        del item.attachments[found["id"]]
        item.calendar.mailbox.written(item, "updated")
        return Answer(status=204)
    return Answer(body={"@odata.context": _context(call), **found})


def _context(call: Call) -> str:
    who, event = call.caller.account.graph_id, after(call, "events")
    return f"{call.base}/$metadata#users('{who}')/events('{event}')/attachments/$entity"
