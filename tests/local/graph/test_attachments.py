"""Files at events, over HTTPS (event-list-attachments.md, event-post-attachments.md)."""

import base64

from tests.local.graph.conftest import Far

FILE = "#microsoft.graph.fileAttachment"


async def test_an_event_without_files_answers_an_empty_list(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    assert (await graph.call("GET", f"{path}/attachments", status=200)).json()["value"] == []
    assert (await graph.call("GET", f"{path}?$expand=attachments", status=200)).json()["attachments"] == []
    assert made["hasAttachments"] is False


async def test_a_file_is_added_read_and_removed(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}"
    content = base64.b64encode(b"menu").decode()
    body = {"@odata.type": FILE, "name": "menu.txt", "contentType": "text/plain", "contentBytes": content}
    kept = (await graph.call("POST", f"{path}/attachments", body, status=201)).json()
    assert (kept["@odata.type"], kept["name"], kept["size"], kept["contentBytes"]) == (FILE, "menu.txt", 4, content)
    event = (await graph.call("GET", path, status=200)).json()
    assert event["hasAttachments"] is True
    assert event["changeKey"] != made["changeKey"]
    listed = (await graph.call("GET", f"{path}/attachments", status=200)).json()["value"]
    assert [each["id"] for each in listed] == [kept["id"]]
    assert (await graph.call("GET", f"{path}/attachments/{kept['id']}", status=200)).json()["contentBytes"] == content
    await graph.call("DELETE", f"{path}/attachments/{kept['id']}", status=204)
    await graph.call("GET", f"{path}/attachments/{kept['id']}", status=404)


async def test_what_is_no_file_is_refused(graph: Far) -> None:
    made = await graph.create()
    path = f"/me/events/{made['id']}/attachments"
    await graph.call("POST", path, {"name": "menu.txt"}, status=400)
    await graph.call("POST", path, {"@odata.type": FILE, "name": "menu.txt", "contentBytes": "%"}, status=400)
