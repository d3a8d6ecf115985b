"""Looks for texts that must not be somewhere, in all the places where the stand could have put them."""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from azure.storage.blob.aio import BlobServiceClient

from local.children import ROOT
from local.stand import Stand
from tests.journeys.evidence import messages_of, readable, tables_of
from tests.journeys.planner import Planner

DOCUMENT = ROOT / "docs" / "security.md"

Places = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, order=True)
class Find:
    """A needle, by its name, in a place."""

    needle: str
    place: str


@dataclass(kw_only=True)
class Needles:
    """What to look for: a name for each value. Long values are also known by their ends, should a log cut them."""

    values: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: str) -> str:
        assert len(value) >= 8, f"{name} is too short to be told from other text"
        self.values[name] = value
        return value

    def in_places(self, places: Places) -> set[Find]:
        """Return each find; a place may be looked at in several forms."""
        found = set()
        for name, value in self.values.items():
            forms = list(forms_of(value))
            for place, text in places.items():
                if any(form in text for form in forms):
                    found.add(Find(needle=name, place=place))
        return found


def forms_of(value: str) -> Iterable[str]:
    """Yield the value as it is, in URLs, in base64 of its own, and the two ends of a long one."""
    yield value
    yield quote(value, safe="")
    yield base64.b64encode(value.encode()).decode().rstrip("=")
    if len(value) > 100:
        yield value[-40:]
        # The head of a JWT is the same for many; past it, the claims begin.
        yield value[120:180] if value.startswith("eyJ") and len(value) > 200 else value[:60]


def content_tables() -> frozenset[str]:
    """Return the tables of which docs/security.md says in bold that they hold event content."""
    rows = [line.split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    return frozenset(name for row in rows if "**event content**" in row[2] for name in re.findall(r"`(\w+)`", row[1]))


def documented_tables() -> frozenset[str]:
    """Return every table that docs/security.md names."""
    return frozenset(re.findall(r"`(Outlook[A-Z]\w+)`", DOCUMENT.read_text()))


@dataclass(kw_only=True)
class Gathered:
    """What was seen while the journey went on: the service's answers, rows, and the messages that waited in queues."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    messages: set[tuple[str, str]] = field(default_factory=set)

    def listen(self, planner: Planner) -> None:
        """Keep each answer of the service to this planner, with its headers, by method and path."""

        async def keep(answer: httpx.Response) -> None:
            path = answer.request.url.path
            if path.startswith("/api/"):
                await answer.aread()
                heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
                self.answers.setdefault(f"{answer.request.method} {path}", []).append(f"{heads}\n\n{answer.text}")

        planner.http.event_hooks["response"].append(keep)

    async def peek(self, stand: Stand) -> None:
        """Look at the queues once."""
        for queue, texts in (await messages_of(stand)).items():
            self.messages |= {(queue, text) for text in texts}


async def places_of(stand: Stand, planner: Planner, gathered: Gathered) -> dict[str, str]:
    """Return all that can be searched: logs, tables, queues, blobs, answers, and the URLs that others were given."""
    places = {f"log {path.stem}": path.read_text(errors="replace") for path in _logs(stand)}
    for name, rows in (await tables_of(stand)).items():
        places[f"table {name}"] = "\n".join(readable(row) for row in rows)
    places |= {f"table {name}, meanwhile": text for name, text in gathered.rows.items()}
    await gathered.peek(stand)
    for queue, text in gathered.messages:
        places[f"queue {queue}"] = f"{places.get(f'queue {queue}', '')}\n{text}"
    places |= {f"answer {name}": "\n".join(texts) for name, texts in gathered.answers.items()}
    places |= await _blobs(stand)
    urls = planner.urls
    for name, url in (("entra", urls.entra), ("graph", urls.graph), ("vault", urls.vault), ("wedsync", urls.wedsync)):
        answer: dict[str, Any] = (await planner.http.get(f"{url}/_control/requests")).raise_for_status().json()
        places[f"URLs at {name}"] = "\n".join(request["path"] for request in answer["requests"])
    return places


def _logs(stand: Stand) -> list[Path]:
    return sorted((stand.work_folder / "logs").iterdir())


async def _blobs(stand: Stand) -> dict[str, str]:
    found = {}
    async with BlobServiceClient.from_connection_string(stand.connection_string) as service:
        async for container in service.list_containers():
            client = service.get_container_client(container.name)
            async for blob in client.list_blobs():
                raw = await (await client.download_blob(blob.name)).readall()
                found[f"blob {container.name}/{blob.name}"] = f"{blob.name}\n{raw.decode('latin-1')}"
    return found
