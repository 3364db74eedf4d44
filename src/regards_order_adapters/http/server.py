"""Run an application on a socket, with uvicorn on httptools and, where it exists, uvloop (docs/rest.md)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType
from typing import cast

from starlette.types import ASGIApp

from regards_order_adapters.extras import require
from regards_order_adapters.http.connections import ServerConnection

require("http", "uvicorn", "httptools")

import uvicorn  # noqa: E402 -- after its absence was explained

_log = logging.getLogger(__name__)
GRACE_SECONDS = 10.0
_UNFINISHED = "ASGI callable returned without completing response."


class Server(uvicorn.Server):
    """A server that ends in peace: what runs gets a time of grace, then it is broken.

    Args:
        app: what to serve.
        ready: called when requests are accepted.
        grace: seconds that running requests get after a signal, or after `should_exit` was set.
    """

    def __init__(self, app: ASGIApp, ready: Callable[[], object], grace: float = GRACE_SECONDS) -> None:
        config = uvicorn.Config(
            app,
            loop="auto",
            http=ServerConnection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=math.ceil(grace) + 1,
        )
        super().__init__(config)
        self._ready, self._grace = ready, grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, and tell so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, wait for what runs, and break what runs too long."""
        _log.info("server ends", extra={"action": "server_ending", "running": len(self.server_state.tasks)})
        breaking = asyncio.get_running_loop().call_later(self._grace, self._break)
        try:
            await super().shutdown(sockets)
        finally:
            breaking.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, and forget the signal: uvicorn would raise it once more at the end, and the process could not exit 0."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    def _break(self) -> None:
        """Hang up: to the application it looks as if its clients had gone, so nothing counts as delivered."""
        for connection in list(self.server_state.connections):
            cast(ServerConnection, connection).abort()


def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    ready: Callable[[], object] = lambda: None,
    grace: float = GRACE_SECONDS,
) -> None:
    """Serve *app* on a bound socket until SIGTERM or SIGINT, then return.

    Args:
        app: an ASGI application.
        listener: a bound socket; it is closed at the end.
        ready: called once requests are accepted.
        grace: seconds that running requests get after the signal.
    """
    with _quiet(), listener:
        Server(app, ready, grace).run([listener])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep uvicorn from calling an answer unfinished that a download broke on purpose, and logged."""
    logger = logging.getLogger("uvicorn.error")

    def wanted(record: logging.LogRecord) -> bool:
        return record.msg != _UNFINISHED

    logger.addFilter(wanted)
    try:
        yield
    finally:
        logger.removeFilter(wanted)
