"""The page's script in a real browser: fresh lists, the filter, and a connection handed over in the fragment."""

import json
import os
import subprocess
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.local.wedsync.conftest import Stand
from tests.local.wedsync.page_steps import connected
from tests.local.wedsync.test_page_calendars import CONTROL, at

pytestmark = pytest.mark.browser


def chromium() -> str:
    """Return the browser that ``make test`` names, or the one that its script finds."""
    found = os.environ.get("CHROMIUM_PATH")
    return found or subprocess.run(["scripts/find-chromium"], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
async def page(stand: Stand) -> AsyncIterator[Page]:
    """The front page, signed in as Rose; whatever the browser complains of fails the test."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        await page.goto(stand.url)
        await page.get_by_role("button", name="Rose Haven").click()
        yield page
        await browser.close()
    assert complaints == []


async def test_a_change_appears_by_itself_and_the_focus_stays(stand: Stand, page: Page) -> None:
    await page.get_by_role("link", name="Add event to WedSync").focus()
    await stand.control.post(CONTROL, json=at(2, title="Seen at once"))
    await expect(page.locator("#wedsync-list")).to_contain_text("Seen at once")
    assert await page.evaluate("document.activeElement.id") == "wedsync-add"


async def test_a_refresh_leaves_the_person_alone(stand: Stand, page: Page) -> None:
    await stand.control.put(CONTROL, json={"events": [at(n + 3, title=f"Event {n}") for n in range(60)]})
    edit = page.get_by_role("link", name="Edit Event 40,")
    await edit.focus()
    await page.evaluate("window.focused = document.activeElement")
    before = await edit.bounding_box()
    await stand.control.post(CONTROL, json=at(2, title="Underneath"))
    await expect(page.locator("#wedsync-list")).to_contain_text("Underneath")
    assert await page.evaluate("document.activeElement === window.focused"), "the element itself, not one like it"
    after = await edit.bounding_box()
    assert before
    assert after
    assert abs(after["y"] - before["y"]) < 2, "what is looked at stays where it is"


async def test_the_focus_stays_in_the_list_when_its_event_is_deleted(stand: Stand, page: Page) -> None:
    await stand.control.put(CONTROL, json={"events": [at(1, title="Gone soon", id="e"), at(2, title="Stays")]})
    await page.get_by_role("link", name="Edit Gone soon").focus()
    await stand.control.delete(f"{CONTROL}/e")
    await expect(page.locator("#wedsync-list")).not_to_contain_text("Gone soon")
    assert await page.evaluate("document.activeElement.id") == "wedsync-list"


async def test_an_open_section_stays_open(stand: Stand, page: Page) -> None:
    await stand.control.post(CONTROL, json=at(-5, title="Long over"))
    await page.get_by_text("Over (1)").click()
    await expect(page.get_by_text("Long over").first).to_be_visible()
    await stand.control.post(CONTROL, json=at(-6, title="Longer over"))
    await expect(page.get_by_text("Longer over").first).to_be_visible()


async def test_the_filter_works_while_typing(stand: Stand, page: Page) -> None:
    await stand.control.put(CONTROL, json={"events": [at(1, title="Florist"), at(2, title="Caterer")]})
    await expect(page.locator("#wedsync-list")).to_contain_text("Caterer")
    await page.get_by_label("Filter both calendars").fill("flor")
    await expect(page.locator("#wedsync-list")).not_to_contain_text("Caterer")
    await expect(page.locator("#wedsync-list")).to_contain_text("Florist")


async def test_conflicts_appear_and_are_settled(stand: Stand, page: Page) -> None:
    connected(stand)
    stand.functions.answers["POST", "calendar/outlook/events/e 1/x/resolve"] = (200, {"success": True})
    await page.get_by_role("button", name="Use Outlook").first.click()
    await expect(page.get_by_role("status")).to_contain_text("The Outlook value of title was chosen.")


async def test_a_code_in_the_fragment_is_redeemed_and_leaves_the_address(stand: Stand, page: Page) -> None:
    stand.functions.answers["POST", "calendar/outlook/auth/callback"] = (200, {"success": True})
    await page.goto(f"{stand.url}/settings/integrations#code=secret%2Fcode&state=s")
    await expect(page.get_by_role("status")).to_contain_text("Outlook is connected.")
    (call,) = [call for call in stand.functions.calls if call.path == "calendar/outlook/auth/callback"]
    assert json.loads(call.body) == {"code": "secret/code", "state": "s"}
    await page.go_back()
    assert "secret" not in page.url


async def test_it_all_works_without_scripts(stand: Stand) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = await browser.new_page(java_script_enabled=False)
        await page.goto(stand.url)
        await page.get_by_role("button", name="Rose Haven").click()
        await page.get_by_role("link", name="Add event to WedSync").click()
        await page.get_by_label("Title").fill("By hand")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_label("Filter both calendars").fill("hand")
        await page.get_by_role("button", name="Filter").click()
        await page.get_by_role("button", name="Delete By hand").click()
        await expect(page.get_by_role("status")).to_contain_text("Deleted in WedSync: By hand.")
        await browser.close()
    assert (await stand.control.get(CONTROL)).json() == {"events": []}
