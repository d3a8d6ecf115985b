"""A planner at work on the page, in Chromium, against the whole stand."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from local.simkit.people import PLANNERS
from local.stand import Stand
from tests.browser.conftest import Window, opened
from tests.journeys.planner import Planner, eventually

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.timeout(400)]

PATIENCE = 60_000
FIRST_RUN = 150_000
TITLE = "First meeting with Aroha & Wiremu"


def events(page: Page, side: str, title: str) -> Locator:
    """Return the events in one list that have this title."""
    return page.locator(f"#{side}-list .event").filter(
        has=page.locator(".title", has_text=re.compile(re.escape(title)))
    )


async def edit(page: Page, side: str, title: str, **fields: str) -> None:
    """Open an event's form from its list, fill in fields by their labels, save."""
    await events(page, side, title).first.get_by_role("link", name="Edit").click()
    for label, value in fields.items():
        await page.get_by_label(label.replace("_", " "), exact=False).first.fill(value)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved in")


async def connect(window: Window) -> None:
    """Go through the warning, Microsoft's account picker and consent."""
    page = window.page
    await page.get_by_role("button", name="Connect Outlook").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Before you go to Microsoft")
    await window.judged("warning")
    await page.get_by_role("button", name="Continue to Microsoft").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Pick an account")
    await window.judged("pick-an-account")
    await page.get_by_role("button", name="rose@havenweddings.example").click()
    await window.judged("consent")
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_role("status")).to_contain_text("Outlook is connected.")
    await window.judged("connected")
    await page.get_by_role("link", name="To your calendars").click()


async def first_run_ended(window: Window) -> None:
    """Wait until both lists hold the season."""
    page = window.page
    await expect(page.locator(".standing")).to_contain_text("The first sync is running", timeout=PATIENCE)
    await window.picture("first-sync")
    await expect(page.locator(".standing")).to_have_text("Both calendars are in step.", timeout=FIRST_RUN)
    await expect(events(page, "outlook", f"WedSync: {TITLE}")).to_have_count(1, timeout=PATIENCE)
    await expect(events(page, "wedsync", "Monday kick-off").first).to_contain_text("from Outlook")
    await expect(events(page, "outlook", "Monday kick-off").first).to_contain_text("every week on Mon")
    await window.judged("both-lists")


async def edit_on_both_sides(window: Window) -> None:
    """Edit an event of each calendar and see it move to the other."""
    page = window.page
    await edit(page, "wedsync", TITLE, Title="Second meeting with Aroha", Location="Café Rouge")
    await expect(events(page, "outlook", "WedSync: Second meeting with Aroha")).to_contain_text(
        "Café Rouge", timeout=PATIENCE
    )
    await window.picture("edited-in-wedsync")
    await edit(page, "outlook", "St Andrew's Day", Title="St Andrew's Day, office closed")
    await expect(events(page, "wedsync", "St Andrew's Day, office closed")).to_have_count(1, timeout=PATIENCE)
    await window.picture("edited-in-outlook")


async def settle_a_conflict(window: Window, stand: Stand, rose: Planner) -> None:
    """Change both sides while nobody listens; choose Outlook's value."""
    page = window.page
    await rose.deliveries_done()
    await stand.stop_host()
    await edit(page, "wedsync", "Second meeting with Aroha", Title="Meeting (WedSync)")
    await edit(page, "outlook", "Second meeting with Aroha", Title="WedSync: Meeting (Outlook)")
    await expect(page.locator("#sync")).to_contain_text("cannot be reached")
    await window.picture("host-away")
    await stand.start_host()
    conflict = page.get_by_role("region", name="Conflicts", exact=True)
    await expect(conflict).to_contain_text("Meeting (WedSync)", timeout=PATIENCE)
    await expect(conflict).to_contain_text("Meeting (Outlook)")
    await expect(page.locator(".standing")).to_contain_text("1 event in conflict")
    await window.judged("conflict")
    await conflict.get_by_role("button", name="Use Outlook").click()
    await expect(page.get_by_role("status")).to_contain_text("The Outlook value of title was chosen.")
    await expect(events(page, "wedsync", "Meeting (Outlook)")).to_have_count(1, timeout=PATIENCE)
    await expect(page.locator(".conflicts")).to_have_count(0)
    await window.picture("settled")


async def disconnect(window: Window, rose: Planner, foreign: set[str]) -> None:
    """Disconnect after the question, and see Outlook as it was."""
    page = window.page
    await page.get_by_role("link", name="Disconnect").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Disconnect Outlook?")
    await window.judged("disconnect")
    await page.get_by_role("button", name="Disconnect").click()
    await expect(page.get_by_role("status")).to_contain_text("Outlook is disconnected", timeout=PATIENCE)
    await window.picture("disconnected")

    async def as_before() -> bool:
        return {str(item["id"]) for item in await rose.outlook_items()} == foreign

    await eventually(as_before, "only foreign events remain in Outlook")
    await expect(page.get_by_role("heading", name="Outlook is not connected")).to_be_visible(timeout=PATIENCE)
    await expect(page.locator("#outlook-list .origin")).to_have_count(0, timeout=PATIENCE)
    await window.picture("as-before")


async def test_a_planner_at_work(tmp_path: Path, pictures: Path) -> None:
    async with Stand(work_folder=tmp_path) as stand, opened(stand, pictures) as window:
        rose = Planner(stand, PLANNERS[0])
        foreign = {str(item["id"]) for item in await rose.outlook_items()}
        await window.judged("sign-in")
        await window.page.get_by_role("button", name="Rose Haven").click()
        await window.picture("front")
        await connect(window)
        await first_run_ended(window)
        await edit_on_both_sides(window)
        await settle_a_conflict(window, stand, rose)
        await disconnect(window, rose, foreign)
        await rose.close()


# --- By keyboard alone --------------------------------------------------------------------------------------------

FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element);
    const label = element.labels?.[0]?.innerText || element.getAttribute("aria-label") || element.innerText;
    if (element === document.body) return {text: "", outlined: true};
    const text = (label || "").replace(/\\s+/g, " ").trim();
    return {text, outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2};
}"""


async def press(page: Page, name: str) -> None:
    """Tab to what is called so, seeing on the way where the focus is, and press Enter: a page follows."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        focused: dict[str, Any] = await page.evaluate(FOCUSED)
        assert focused["outlined"], f"the focus cannot be seen on {focused['text']!r}"
        if focused["text"].startswith(name):
            async with page.expect_navigation():
                await page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way by Tab to {name!r}")


async def headings(page: Page) -> list[int]:
    return [
        int(tag[1]) for tag in await page.locator("h1,h2,h3,h4").evaluate_all("all => all.map(each => each.tagName)")
    ]


async def test_by_keyboard_alone(tmp_path: Path, pictures: Path) -> None:
    async with Stand(work_folder=tmp_path, season=False) as stand, opened(stand, pictures) as window:
        page = window.page
        await press(page, "RH")
        await press(page, "Connect Outlook")
        await press(page, "Continue to Microsoft")
        await press(page, "RH")
        await press(page, "Decline")
        await expect(page.get_by_role("alert")).to_contain_text("You declined at Microsoft")
        await window.judged("declined")
        await press(page, "Back to your calendars")
        await press(page, "Connect Outlook")
        await press(page, "RH")
        await press(page, "Accept")
        await expect(page.get_by_role("status")).to_contain_text("Outlook is connected.")
        await press(page, "To your calendars")
        await expect(page.locator(".standing")).to_have_text("Both calendars are in step.", timeout=PATIENCE)

        await press(page, "Add event to WedSync")
        await page.keyboard.type("Florist, by keyboard")
        await window.judged("form")
        await press(page, "Save")
        await expect(events(page, "outlook", "WedSync: Florist, by keyboard")).to_have_count(1, timeout=PATIENCE)
        assert (levels := await headings(page))[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels)), levels
        await window.judged("kept-in-step")
