"""Queue output bindings: one message for a string, one for each element of a list."""

import base64
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from local.host.configuration import QueueOptions
from local.host.functions import Binding, Function
from local.host.queue_names import queue_name
from local.host.settings import resolve
from local.host.storage import HOST_STORAGE, Storage
from local.host.values import Outcome, Value

_logger = logging.getLogger("Host.Outputs")


class Outputs:
    """Writes what a function put on its queue outputs; ``wake`` is told the queue's name, so that a listener looks."""

    def __init__(
        self,
        *,
        storage: Storage,
        options: QueueOptions,
        environment: Mapping[str, str],
        wake: Callable[[str], None],
    ) -> None:
        self._storage = storage
        self._options = options
        self._environment = environment
        self._wake = wake

    async def send(self, function: Function, outcome: Outcome) -> None:
        """Write all queue outputs of an invocation; a queue that is missing is made."""
        values = dict(outcome.outputs)
        if outcome.returned is not None:
            values["$return"] = outcome.returned
        for binding in function.bindings:
            if binding.type.lower() == "queue" and binding.name in values:
                await self._write(binding, messages(values[binding.name]))

    async def _write(self, binding: Binding, bodies: list[bytes]) -> None:
        name = queue_name(resolve(str(binding.members["queueName"]), self._environment))
        connection = str(binding.members.get("connection") or HOST_STORAGE)
        client = self._storage.queue(connection, name)
        for body in bodies:
            content = base64.b64encode(body).decode() if self._options.base64 else body.decode()
            try:
                await client.send_message(content)
            except ResourceNotFoundError:
                await _create(client)
                await client.send_message(content)
        self._wake(name)


def messages(value: Value) -> list[bytes]:
    """Return the bodies that an output value stands for: each element of a JSON array is a message of its own."""
    if value.type == "bytes":
        return [value.value]
    if value.type == "json":
        content = json.loads(value.value)
        if isinstance(content, list):
            return [(item if isinstance(item, str) else json.dumps(item)).encode() for item in content]
    return [str(value.value).encode()]


async def _create(client: Any) -> None:
    try:
        await client.create_queue()
    except ResourceExistsError:
        _logger.debug("queue %s was made by another at the same moment", client.queue_name)
