"""A simulator that answers an empty 200 to every request of a client; its control API stays as it is.

A conformance test that passes against it shows nothing. ``test_hollow.py`` runs the whole suite so.
"""

from starlette.responses import Response

from local.simkit.observe import App, Message, Receive, Send


class Hollow:
    """Wraps a simulator's application."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Hand the control API (and the server's own life) through, and nothing else."""
        if scope["type"] != "http" or scope["path"].startswith("/_control/"):
            await self._app(scope, receive, send)
        else:
            await Response()(scope, receive, send)
