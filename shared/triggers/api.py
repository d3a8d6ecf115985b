"""What the WedSync frontend calls, beside connecting and disconnecting."""

from datetime import date
from typing import get_args

import azure.functions as func

from shared.core.event import EventType
from shared.errors import InvalidInput
from shared.service import App
from shared.triggers import present, shapes
from shared.triggers.http import Call, Reply, endpoint
from shared.triggers.queries import day_of
from shared.triggers.rates import LISTS, SHARED
from shared.usecases.list_events import EventFilter

blueprint = func.Blueprint()
_STATUSES = get_args(shapes.MappedEventShape.model_fields["sync_status"].annotation)


@endpoint(blueprint, route="calendar/outlook/sync", method="GET", rate=LISTS)
async def sync_status(app: App, call: Call) -> Reply:
    """Return the state of the connection."""
    status = await app.report_status.run(await call.user())
    return Reply(body=present.sync_status(status, reconnect_url=app.settings.reconnect_page))


@endpoint(blueprint, route="calendar/outlook/events", method="GET", rate=LISTS)
async def list_events(app: App, call: Call) -> Reply:
    """Return a page of the mapped events."""
    wanted = EventFilter(
        event_types=_listed(call, "eventTypes", tuple(EventType)),
        statuses=_listed(call, "syncStatuses", _STATUSES),
        start=_day(call, "start"),
        end=_day(call, "end"),
    )
    number = _number(call, "page", default=1, most=100_000)
    size = _number(call, "pageSize", default=50, most=500)
    page = await app.list_events.run(await call.user(), wanted, page=number, page_size=size)
    return Reply(body=present.event_page(page, wanted))


@endpoint(blueprint, route="health", method="GET", rate=SHARED, signed_in=False)
async def health(app: App, call: Call) -> Reply:
    """Say which build is up and whether what it stands on answers: 200, or 503 if anything does not."""
    del call
    found = await app.check_health.run()
    return Reply(status=200 if found.well else 503, body=present.health(found, version=app.settings.build_version))


def _listed(call: Call, name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    text = call.query.get(name, "")
    values = tuple(text.split(",")) if text else ()
    if any(value not in allowed for value in values):
        raise InvalidInput("invalid_query", f"{name} takes: {', '.join(allowed)}.")
    return values


def _day(call: Call, name: str) -> date | None:
    text = call.query.get(name, "")  # the platform hands on no parameter that is empty
    return day_of(text, name) if text else None


def _number(call: Call, name: str, *, default: int, most: int) -> int:
    text = call.query.get(name, str(default))
    # Longer than any that is allowed: int() itself refuses thousands of digits.
    if len(text) > len(str(most)) or not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise InvalidInput("invalid_query", f"{name} is not a number from 1 to {most}.")
    return int(text)
