"""Chromium in front of a stand, trusting the stand's certificate authority as a person's browser would."""

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error, Page, Request, async_playwright

from local.stand import Stand

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-proxy-server"]


def chromium() -> str:
    """Return the browser that ``make test`` names, or the one that its script finds."""
    found = os.environ.get("CHROMIUM_PATH")
    return found or subprocess.run(["scripts/find-chromium"], check=True, capture_output=True, text=True).stdout.strip()


def trusting_home(folder: Path, ca_file: Path) -> Path:
    """Return a home folder in which Chromium finds the CA among its own authorities."""
    database = folder / ".pki" / "nssdb"
    database.mkdir(parents=True)
    certutil = ["certutil", "-d", f"sql:{database}"]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True)
    subprocess.run([*certutil, "-A", "-t", "C,,", "-n", "WedSync local stand", "-i", str(ca_file)], check=True)
    return folder


@dataclass(kw_only=True)
class Window:
    """A browser window, what it complained of, and a folder of pictures of what was seen."""

    page: Page
    pictures: Path
    complaints: list[str] = field(default_factory=list)
    taken: int = 0

    def listen(self) -> None:
        """Collect console errors, script errors, failed requests and refusals."""
        page = self.page
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on("response", lambda answer: self._note(answer.status >= 400, f"{answer.status} {answer.url}"))

    def _failed(self, request: Request) -> None:
        # A refresh in flight is dropped when the person goes to another page.
        dropped = "/fragments/" in request.url and request.failure == "net::ERR_ABORTED"
        self._note(not dropped, f"{request.failure} {request.url}")

    def _note(self, bad: bool, what: str) -> None:
        if bad:
            self.complaints.append(what)

    async def picture(self, name: str) -> None:
        """Keep a picture of the window, which is high enough for the whole page."""
        self.taken += 1
        path = self.pictures / f"{self.taken:02}-{name}.png"
        for _ in range(5):
            # Without a GPU, Chromium now and then cannot take a picture just after it went to another origin.
            with contextlib.suppress(Error):
                await self.page.screenshot(path=path, animations="disabled", timeout=5_000)
                return
            await self.page.wait_for_timeout(500)

    async def judged(self, name: str) -> None:
        """Keep a picture, and let axe judge the page: nothing serious or critical may be wrong with it."""
        await self.picture(name)
        await self.page.evaluate(AXE.read_text())
        # Of each month the first few events: axe takes a minute for a thousand that are alike.
        context = {"exclude": [".event:nth-child(n+5)"]}
        found = await self.page.evaluate("context => axe.run(context, {resultTypes: ['violations']})", context)
        bad = [_told(each) for each in found["violations"] if each["impact"] in ("serious", "critical")]
        assert not bad, f"{name}: {bad}"


def _told(violation: dict[str, Any]) -> str:
    where = ", ".join(str(node["target"]) for node in violation["nodes"][:5])
    return f"{violation['id']} ({violation['help']}) at {where}"


@pytest.fixture
def pictures(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Where screenshots go: a folder below BROWSER_PICTURES, or the test's own."""
    folder: Path = Path(os.environ.get("BROWSER_PICTURES", tmp_path / "pictures")) / str(request.node.name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@asynccontextmanager
async def opened(stand: Stand, pictures: Path) -> AsyncIterator[Window]:
    """A window on the page; whatever the browser complains of fails the test."""
    home = trusting_home(stand.work_folder / "home", stand.ca_file)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=[*ARGUMENTS, *sandbox], env={**os.environ, "HOME": str(home)}
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 1500})
        window = Window(page=page, pictures=pictures)
        window.listen()
        await page.goto(stand.urls.wedsync)
        yield window
        await browser.close()
    assert window.complaints == []
