// Keeps the lists and the sync status fresh, filters while typing, and finishes a connection handed over in the
// URL fragment. The page works without it.
"use strict";

const filter = document.querySelector("#q");

function address(area) {
  const url = new URL(area.dataset.refresh, location.origin);
  if (filter) url.searchParams.set("q", filter.value);
  return url;
}

// Turns one tree into another by touching only what differs, so that focus, scrolling, selected text and opened
// sections survive. Elements with an id are followed when they move.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const wanted = new Set([...fresh.children].map((child) => child.id));
  for (const child of [...old.children]) if (child.id && !wanted.has(child.id)) child.remove();
  const kept = new Map([...old.children].map((child) => [child.id, child]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const found = child.id ? kept.get(child.id) : place && !place.id && place;
    if (!found || found.nodeName !== child.nodeName) {
      old.insertBefore(child, place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else old.insertBefore(found, place);
    morph(found, child);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function replace(area, html) {
  const focused = area.contains(document.activeElement) ? document.activeElement : null;
  const around = focused?.parentElement?.closest("[tabindex]")?.id;
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  morphChildren(area, fresh.content);
  if (!focused || document.activeElement === focused) return;
  // It was moved or removed: focus goes where it went, or to the list that it was in.
  (document.getElementById(focused.id) ?? document.getElementById(around))?.focus({ preventScroll: true });
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
  filter.addEventListener("input", async () => {
    const area = document.querySelector("#calendars");
    await refresh(area);
    if (filter.value) for (const section of area.querySelectorAll("details")) section.open = true;
  });
}

const completing = document.querySelector("#complete");
if (completing && /[#&](code|error)=/.test(location.hash)) {
  completing.elements.fragment.value = location.hash.slice(1);
  document.querySelector("#completing").textContent = "Connecting Outlook …";
  history.replaceState(null, "", location.pathname);
  completing.submit();
}
