"""Frames between the host and its worker process: a length of four bytes, then a pickle.

Both ends are this project's own code in one user's processes; Azure's host and worker speak gRPC here.
"""

import asyncio
import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!I")


class Channel:
    """One end of a socket pair."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> "Channel":
        """Take a connected socket over."""
        return cls(*await asyncio.open_connection(sock=sock))

    def send(self, message: Any) -> None:
        """Queue a message for the other end; what the other end does not read waits in memory."""
        content = pickle.dumps(message)
        self._writer.write(_LENGTH.pack(len(content)) + content)

    async def receive(self) -> Any:
        """Return the next message; None once the other end is gone."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            return pickle.loads(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def close(self) -> None:
        """Let the other end know that there is nothing more."""
        self._writer.close()
