"""An operator's command line: ``python -m tools.ops --help``.

It reads the settings from the environment, or from a file like ``local.settings.json``, and works with the same store,
vault and use cases as the service. What it prints is JSON without event content, tokens or secrets.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from shared import bootstrap
from shared.errors import SyncFault
from shared.ports import Ports
from shared.service import App, build
from shared.settings import Settings, SettingsFault
from shared.store.messages import QUEUES
from tools import ops_show, ops_work

Answer = Mapping[str, Any]


class Poison(Protocol):
    """The queues of messages that failed for good."""

    async def set_aside(self, queue: str) -> tuple[str, ...]:
        """Return the texts of some that nobody has taken from there yet."""
        ...

    async def replay(self, queue: str, *, limit: int) -> int:
        """Put up to so many back; return how many."""
        ...


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a command works with."""

    app: App
    ports: Ports
    poison: Poison


Command = Callable[[Desk, argparse.Namespace], Awaitable[Answer]]


async def show(desk: Desk, given: argparse.Namespace) -> Answer:
    """Show a connection: its state, why it stopped, its channel, what is open and what is due."""
    return await ops_show.connection(desk.ports, await ops_show.find(desk.ports, given.who))


async def runs(desk: Desk, given: argparse.Namespace) -> Answer:
    """Show the latest runs of a connection with their counts and failures."""
    return await ops_show.runs(desk.ports, await ops_show.find(desk.ports, given.who), limit=given.limit)


async def quarantine(desk: Desk, given: argparse.Namespace) -> Answer:
    """Show the events of a connection that are set aside, and why."""
    return await ops_show.quarantine(desk.ports, await ops_show.find(desk.ports, given.who))


async def sync(desk: Desk, given: argparse.Namespace) -> Answer:
    """Start a full run of a connection; it also tries again what is set aside."""
    return await ops_work.sync(desk.app, await ops_show.find(desk.ports, given.who))


async def renew(desk: Desk, given: argparse.Namespace) -> Answer:
    """Renew a connection's refresh token and its subscription, now."""
    return await ops_work.renew(desk.app, await ops_show.find(desk.ports, given.who))


async def poison(desk: Desk, given: argparse.Namespace) -> Answer:
    """Show the messages that failed for good, or put those of one queue back on it."""
    if given.replay:
        return {"replayed": {given.queue: await desk.poison.replay(given.queue, limit=given.limit)}}
    queues = [given.queue] if given.queue else list(QUEUES)
    return {"waiting": {name: ops_show.messages(desk.app, await desk.poison.set_aside(name)) for name in queues}}


async def health(desk: Desk, given: argparse.Namespace) -> Answer:
    """Ask everything that the service stands on whether it answers, from this machine."""
    del given
    return ops_show.health(await desk.app.check_health.run())


_OF_A_CONNECTION: Mapping[str, Command] = {
    "show": show,
    "runs": runs,
    "quarantine": quarantine,
    "sync": sync,
    "renew": renew,
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m tools.ops", description="Look at the service, and put it right.")
    made.add_argument("--settings", type=Path, help="a file like local.settings.json; otherwise the environment")
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for name, command in _OF_A_CONNECTION.items():
        one = commands.add_parser(name, help=command.__doc__)
        one.add_argument("who", metavar="ID", help="the id of an integration, or of a WedSync user")
        one.set_defaults(command=command)
        if command is runs:
            one.add_argument("--limit", type=_count, default=10, help="how many (10)")
    aside = commands.add_parser("poison", help=poison.__doc__)
    aside.add_argument("--queue", choices=QUEUES, help="one queue instead of all; needed to put back")
    aside.add_argument("--replay", action="store_true", help="put them back instead of showing them")
    aside.add_argument("--limit", type=_count, default=32, help="how many to put back at the most (32)")
    aside.set_defaults(command=poison)
    commands.add_parser("health", help=health.__doc__).set_defaults(command=health)
    return made


def understood(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what the arguments say; whoever cannot be understood is told how to say it, and the process ends with 2.

    Putting back is for one queue at a time: what failed for good on another may fail for a reason that still stands.
    """
    made = parser()
    given = made.parse_args(arguments)
    if getattr(given, "replay", False) and not given.queue:
        made.error("--replay needs --queue: see first what waits where")
    return given


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


_count.__name__ = "count, at least 1,"  # as argparse names it to whoever gives another


def settings_from(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file's ``Values``, or of the environment; ``SettingsFault`` if there are none in it."""
    if path is None:
        return Settings.from_environ(environ)
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))["Values"]
    except OSError as error:
        raise SettingsFault((f"{path} cannot be read: {error.strerror}",)) from None
    except (ValueError, KeyError, TypeError):  # its text may hold a secret, and so may the error
        raise SettingsFault((f'{path} is not JSON with "Values", as local.settings.json is',)) from None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingsFault((f'"Values" of {path} are not texts by name',))
    return Settings.from_environ(values)


async def carry_out(settings: Settings, given: argparse.Namespace) -> Answer:
    """Open what the service stands on, do one command, close it."""
    ports, queues = bootstrap.ports_of(settings), bootstrap.queues_of(settings)
    try:
        return await given.command(Desk(app=build(settings, ports), ports=ports, poison=queues), given)  # type: ignore[no-any-return]
    finally:
        for close in (*ports.closers, queues.close):
            await close()


def main(arguments: Sequence[str], environ: Mapping[str, str], *, out: TextIO, err: TextIO) -> int:
    """Do what the arguments say; return the exit status: 1 if it could not be done, 2 if nobody can tell what."""
    given = understood(arguments)
    try:
        answer = asyncio.run(carry_out(settings_from(given.settings, environ), given))
    except SettingsFault as fault:
        err.write("\n".join(fault.problems) + "\n")
        return 2
    except SyncFault as fault:
        err.write(f"{type(fault).__name__}: {fault}\n")
        return 1
    json.dump(answer, out, indent=2, ensure_ascii=False)
    out.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, out=sys.stdout, err=sys.stderr))
