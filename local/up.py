"""``python -m local.up``: bring the stand up in the foreground and take it down at Ctrl-C. This is ``make run``."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from local.azurite import AzuriteError
from local.children import ROOT, StandError
from local.simkit.trust import trust_command
from local.stand import Ports, Stand


def main() -> None:
    """Run until interrupted; the exit code is 1 when something does not start or dies."""
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--work-folder", type=Path, default=ROOT / ".local", help="logs and certificates")
    parser.add_argument("--app-root", type=Path, default=ROOT, help="the function app to run")
    parser.add_argument("--free-ports", action="store_true", help="take free ports instead of the fixed ones")
    parser.add_argument("--no-season", action="store_true", help="start with empty calendars")
    given = parser.parse_args()
    _empty_logs(given.work_folder / "logs")
    stand = Stand(
        work_folder=given.work_folder,
        ports=Ports.free() if given.free_ports else Ports(),
        app_root=given.app_root,
        season=not given.no_season,
        progress=_say,
    )
    sys.exit(asyncio.run(_run(stand)))


async def _run(stand: Stand) -> int:
    """Start, wait for a signal or a death, stop."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    assert running is not None

    def interrupt() -> None:
        # Before the stand is up there is nothing that waits for the event: the start itself is cancelled.
        if stopping.is_set():
            return
        stopping.set()
        _say("stopping …")
        if not up:
            running.cancel()

    up = False
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        _say("starting the stand; logs are in " + _shown(stand.work_folder / "logs"))
        async with stand:
            up = True
            _say(_where(stand))
            death = await _watch(stand, stopping)
    except (StandError, AzuriteError) as error:
        _complain(str(error))
        return 1
    except asyncio.CancelledError:
        _say("stopped before it was up")
        return 130
    if death is not None:
        _complain(death)
        return 1
    _say("stopped")
    return 0


async def _watch(stand: Stand, stopping: asyncio.Event) -> str | None:
    """Return how a process ended by itself, or None once ``stopping`` is set."""
    while not stopping.is_set():
        death = stand.dead()
        if death is not None:
            return death
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 0.5)
    return None


def _where(stand: Stand) -> str:
    return "\n".join(
        [
            "",
            "The stand is up.",
            f"  Open:         {stand.urls.wedsync}",
            f"  Functions:    {stand.urls.host} and {stand.urls.public}",
            f"  CA file:      {_shown(stand.ca_file)}",
            f"  fingerprint:  SHA-256 {stand.certificates.fingerprint}",
            "  Trust it, so that the browser accepts the https addresses of the stand:",
            f"    {trust_command(stand.ca_file)}",
            "  Ctrl-C stops everything.",
        ]
    )


def _empty_logs(folder: Path) -> None:
    for file in folder.glob("*.log"):
        file.write_text("")


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(text: str) -> None:
    print(f"\nThe stand stopped: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
