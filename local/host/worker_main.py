"""The worker process: ``python -m local.host.worker_main FD``, started by the host with one end of a socket pair.

It indexes the app, says which functions it found (or why it could not), and runs what it is sent until the host closes
the channel. Signals are the host's: a Ctrl-C in a terminal reaches both processes, and the host drains first.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

from local.host import log, worker
from local.host.channel import Channel
from local.host.errors import StartupError
from local.host.values import Invocation, Outcome

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the worker."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        # A host that is killed takes its worker along, even one whose loop is blocked by a function.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    code = 0
    try:
        # Not asyncio.run: at the end it would wait for the threads of functions.
        asyncio.new_event_loop().run_until_complete(_serve(socket.socket(fileno=int(sys.argv[1]))))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    # Threads of sync functions that never end would otherwise hold the process at exit.
    os._exit(code)


async def _serve(sock: socket.socket) -> None:
    channel = await Channel.over(sock)
    start = await channel.receive()
    if start is None:
        return
    app_root, levels = start
    categories = log.configure(worker.current_invocation)
    categories.levels = levels
    try:
        functions = worker.index(Path(app_root))
    except StartupError as error:
        channel.send(str(error))
        channel.close()
        return
    worker.start_threads()
    channel.send(functions)
    tasks: set[asyncio.Task[None]] = set()
    while (invocation := await channel.receive()) is not None:
        task = asyncio.create_task(_run(channel, invocation, categories))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _run(channel: Channel, invocation: Invocation, categories: log.Categories) -> None:
    categories.running[invocation.id] = invocation.function
    try:
        outcome = await worker.invoke(invocation)
    except (Exception, asyncio.CancelledError) as error:
        outcome = Outcome(succeeded=False, error=repr(error))
    finally:
        del categories.running[invocation.id]
    channel.send((invocation.id, outcome))


if __name__ == "__main__":
    main()
