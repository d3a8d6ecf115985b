"""The specification's hook in a browser on a page of WedSync, with as much of React as it uses."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page, Request, async_playwright

from tests.journeys.planner import eventually

ROOT = Path(__file__).parents[2]
HOOK = ROOT / "frontend" / "src" / "hooks" / "useOutlookSync.ts"
TRANSPILE = """
const typescript = require('typescript');
const source = require('fs').readFileSync(process.argv[1], 'utf8');
const compilerOptions = { module: 'CommonJS', target: 'ES2022' };
process.stdout.write(typescript.transpileModule(source, { compilerOptions }).outputText);
"""
# What a component keeps between its renderings, by the order of the calls: https://react.dev/reference/rules
REACT = """
window.kept = [];
window.calls = 0;
const react = {
  useState(first) {
    const at = window.calls++;
    if (!(at in window.kept)) window.kept[at] = first;
    return [window.kept[at], (value) => { window.kept[at] = value; window.render(); }];
  },
  useCallback(callback) {
    const at = window.calls++;
    if (!(at in window.kept)) window.kept[at] = callback;
    return window.kept[at];
  },
  useEffect(effect) {
    const at = window.calls++;
    if (!(at in window.kept)) { window.kept[at] = true; queueMicrotask(effect); }
  },
};
window.render = () => { window.calls = 0; window.hook = exported.useOutlookSync(); };
"""


@dataclass(kw_only=True)
class Hooked:
    """A page with the hook on it, and what it has called: method and path, all on the page's own origin."""

    page: Page
    called: list[str] = field(default_factory=list)

    def note(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if request.resource_type == "fetch" and parts.path.startswith("/api"):
            assert f"{parts.scheme}://{parts.netloc}" == self.page.url.rstrip("/")
            self.called.append(f"{request.method} {parts.path}")

    async def ask(self, name: str, *values: Any) -> Any:
        """Call one of the hook's functions and return what it returns."""
        return await self.page.evaluate("([name, values]) => window.hook[name](...values)", [name, list(values)])

    async def loaded(self) -> dict[str, Any]:
        """Wait until the hook has loaded and return its values."""

        async def look() -> dict[str, Any] | None:
            shown = await self.page.evaluate("JSON.parse(JSON.stringify(window.hook))")
            return None if shown["isLoading"] else dict(shown)

        return dict(await eventually(look, "the hook has loaded"))


@asynccontextmanager
async def hooked(url: str, person: str) -> AsyncIterator[Hooked]:
    """Sign in to WedSync in a browser and use the hook there."""
    compiled = await asyncio.to_thread(_run, ["node", "-e", TRANSPILE, str(HOOK)])
    program: str = os.environ.get("CHROMIUM_PATH", "") or await asyncio.to_thread(_run, ["scripts/find-chromium"])
    async with async_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        arguments = ["--disable-gpu", "--no-proxy-server", *sandbox]
        browser = await playwright.chromium.launch(executable_path=program.strip(), args=arguments)
        page = await browser.new_page()
        made = Hooked(page=page)
        await page.goto(url)
        await page.get_by_role("button", name=person).click()
        await page.wait_for_load_state()
        page.on("request", made.note)
        await page.evaluate(
            f"(() => {{ const exported = {{}}; {REACT}"
            f"((exports, require) => {{ {compiled} }})(exported, () => react); window.render(); }})()"
        )
        yield made
        await browser.close()


def _run(command: list[str]) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
