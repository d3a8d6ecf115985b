"""Names of queues: what a binding may say, and the poison queue of a queue (QueueClientExtensions.cs)."""

import re

from local.host.errors import FunctionError

_QUEUE_NAME = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


def queue_name(text: str) -> str:
    """Return a binding's queue name as the extension takes it, in lower case; FunctionError for what is none."""
    name = text.lower()
    if not _QUEUE_NAME.fullmatch(name):
        raise FunctionError(
            f"A queue name must be from 3 to 63 characters long, of letters, numbers and single dashes that neither "
            f'begin nor end it - "{name}"'
        )
    return name


def poison_name(queue: str) -> str | None:
    """Return the name of a queue's poison queue, or None where it has none."""
    name = f"{queue}-poison"
    if queue.endswith("-poison") or not _QUEUE_NAME.fullmatch(name):
        return None
    return name
