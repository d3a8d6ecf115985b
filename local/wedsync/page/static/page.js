// Keeps the lists and the sync status fresh, filters while typing, and finishes a connection handed over in the
// URL fragment. The page works without it.
"use strict";

const filter = document.querySelector("#q");

function address(area) {
  const url = new URL(area.dataset.refresh, location.origin);
  if (filter && filter.value) url.searchParams.set("q", filter.value);
  return url;
}

function replace(area, html) {
  const focused = area.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...area.querySelectorAll("details[open]")].map((details) => details.id);
  const scrolled = [...area.querySelectorAll("[tabindex='0'][id]")].map((list) => [list.id, list.scrollTop]);
  area.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, top] of scrolled) {
    const list = document.getElementById(id);
    if (list) list.scrollTop = top;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

async function refresh(area) {
  if (document.hidden) return;
  const asked = address(area);
  try {
    const answer = await fetch(asked);
    if (answer.status === 401) return location.reload();
    const html = await answer.text();
    if (answer.ok && html !== area.shown && asked.href === address(area).href) {
      area.shown = html;
      replace(area, html);
    }
  } catch {
    // The server is restarting; the next round tries again.
  }
}

for (const area of document.querySelectorAll("[data-refresh]")) {
  const round = async () => {
    await refresh(area);
    setTimeout(round, Number(area.dataset.every));
  };
  setTimeout(round, Number(area.dataset.every));
}

if (filter) {
  filter.addEventListener("input", () => refresh(document.querySelector("#calendars")));
}

const completing = document.querySelector("#complete");
if (completing && /[#&](code|error)=/.test(location.hash)) {
  completing.elements.fragment.value = location.hash.slice(1);
  document.querySelector("#completing").textContent = "Connecting Outlook …";
  history.replaceState(null, "", location.pathname);
  completing.submit();
}
