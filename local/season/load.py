"""Fill the two simulators with the season, through their control APIs as any other client would."""

import ssl
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx

from local.season.mailbox import mailbox_events
from local.season.wedsync import wedsync_events
from local.simkit.people import ACCOUNTS, PLANNERS


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """How many events each mailbox (by UPN) and each WedSync user (by id) was given."""

    mailboxes: dict[str, int]
    users: dict[str, int]


class SeasonRefused(Exception):
    """A simulator refused a part of the season; the message names the place, never an event's content."""


def load(*, graph_url: str, wedsync_url: str, ca_file: Path | str, today: date | None = None) -> LoadReport:
    """Replace what the sample people's calendars hold by the season around ``today`` (UTC's, if not given).

    SeasonRefused when a simulator refuses anything; httpx errors when one does not answer.
    """
    day = today or datetime.now(UTC).date()
    trust = ssl.create_default_context(cafile=str(ca_file))
    with httpx.Client(verify=trust, trust_env=False, timeout=60) as client:
        mailboxes = {
            account.upn: _put(
                client, f"{graph_url}/_control/mailboxes/{account.upn}/events", mailbox_events(account, day)
            )
            for account in ACCOUNTS
        }
        users = {
            planner.user_id: _put(
                client, f"{wedsync_url}/_control/users/{planner.user_id}/events", wedsync_events(planner, day)
            )
            for planner in PLANNERS
        }
    return LoadReport(mailboxes=mailboxes, users=users)


def _put(client: httpx.Client, url: str, events: list[dict[str, Any]]) -> int:
    answer = client.put(url, json={"events": events}).raise_for_status().json()
    if answer["refused"] or answer["loaded"] != len(events):
        reasons = "; ".join(f"{item['index']}: {_reason(item)}" for item in answer["refused"][:5])
        raise SeasonRefused(f"{url} took {answer['loaded']} of {len(events)} events. {reasons}")
    return int(answer["loaded"])


def _reason(refusal: dict[str, Any]) -> str:
    """Return why: Graph's code and message, or the rules that WedSync says are broken."""
    if "code" in refusal:
        return f"{refusal['code']} {refusal.get('message', '')}"
    return ", ".join(f"{broken.get('pointer', '')} {broken.get('detail', '')}" for broken in refusal.get("errors", []))
