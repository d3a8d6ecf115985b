"""Fill a simulated mailbox from a real iCalendar export.

``python -m local.seed FILE.ics [--mailbox UPN] [--graph-url URL] [--ca FILE] [--calendar NAME]`` adds the file's events
to a mailbox of the running stand. Each VEVENT that cannot be taken is printed with its number in the file, its UID
and the reason; so is what had to be approximated. Nothing else of an event is printed.

Exit status: 0 everything taken, 1 some refused, 2 the file cannot be read, 3 the stand does not take it.
"""

import argparse
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from local.ics import Conversion, Owner, Remark, Unreadable, convert
from local.simkit.people import ACCOUNTS, ROSE

ALL_TAKEN, SOME_REFUSED, UNREADABLE, UNREACHABLE = range(4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    account = next(account for account in ACCOUNTS if account.upn == options.mailbox)
    try:
        source = options.file.read_bytes()
        outcome = convert(source, Owner(address=account.upn, zone=account.time_zone))
    except (OSError, Unreadable) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return UNREADABLE
    try:
        refused = _send(outcome, options)
    except (httpx.HTTPError, OSError) as error:
        print(f"{options.graph_url} does not take events: {error}", file=sys.stderr)
        return UNREACHABLE
    _report(options.file, outcome, refused)
    return SOME_REFUSED if outcome.refusals or refused else ALL_TAKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.seed", description="Fill a simulated mailbox from a file.")
    parser.add_argument("file", type=Path, metavar="FILE.ics")
    parser.add_argument("--mailbox", default=ROSE.upn, choices=[account.upn for account in ACCOUNTS])
    parser.add_argument("--graph-url", default="https://localhost:7102")
    parser.add_argument("--ca", type=Path, default=Path(".local/tls/ca.pem"), help="the stand's CA certificate")
    parser.add_argument("--calendar", metavar="NAME", help="a calendar other than the default one; made if missing")
    return parser


def _send(outcome: Conversion, options: argparse.Namespace) -> list[Remark]:
    """Add the events to the mailbox; return those that the simulated Graph refused."""
    extra = {"calendar": options.calendar} if options.calendar else {}
    url = f"{options.graph_url}/_control/mailboxes/{options.mailbox}/events/import"
    verify = ssl.create_default_context(cafile=options.ca) if url.startswith("https:") else False
    with httpx.Client(verify=verify, trust_env=False, timeout=120) as client:
        answer = client.post(url, json={"events": [event | extra for event in outcome.events]})
    refused: list[dict[str, Any]] = answer.raise_for_status().json()["refused"]
    return [
        Remark(position=taken.position, uid=taken.uid, reason=f"Graph refuses it: {item['code']}")
        for item in refused
        for taken in [outcome.taken[item["index"]]]
    ]


def _report(file: Path, outcome: Conversion, refused: list[Remark]) -> None:
    refusals = sorted([*outcome.refusals, *refused], key=lambda remark: remark.position)
    for remark in outcome.notes:
        print(f"note     {file}: {_where(remark)}")
    for remark in refusals:
        print(f"refused  {file}: {_where(remark)}")
    for name, count in sorted(outcome.unused.items()):
        print(f"not in Outlook: {_printable(name)} ({count})")
    lost = len({remark.position for remark in refusals})
    print(
        f"{outcome.vevents} VEVENTs: {outcome.vevents - lost} taken as {len(outcome.taken) - len(refused)} events, "
        f"{lost} refused, {len(outcome.notes)} notes"
    )


def _where(remark: Remark) -> str:
    return f"VEVENT {remark.position} UID {_printable(remark.uid) or '(none)'}: {remark.reason}"


def _printable(text: str) -> str:
    """A UID may hold anything; a terminal must not obey it."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in text)[:200]


if __name__ == "__main__":
    sys.exit(main())
