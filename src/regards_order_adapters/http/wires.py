"""The way to a client who may be slow, or gone (docs/downloads.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import attrs
from starlette.types import Receive, Scope, Send

from regards_order_adapters.http.answers import raw

T = TypeVar("T")
#: the extension of the scope in which a server may offer the `Connection` of a request
CONNECTION = "regards_order.connection"
_FIRST_LOOK, _LAST_LOOK, _IDLE_LOOK = 0.001, 0.1, 1.0
#: a receiver may acknowledge the last segment late, and the largest segments have this many bytes
_UNHURRIED = 64 * 1024


class Gone(Exception):
    """The client went away, or took nothing for too long."""


class Connection(Protocol):
    """What a server can tell about a connection, and ASGI cannot."""

    def alive(self) -> bool:
        """Return whether the client is there; the server may not have heard yet that it hung up."""
        ...

    def outstanding(self) -> int:
        """Return how many bytes the client's machine has not acknowledged; 0 when it is closed."""
        ...

    def buffer(self, limit: int | None) -> None:
        """Let *limit* bytes wait before a message has to; None for the default."""
        ...

    def abort(self) -> None:
        """Hang up at once."""
        ...


class _Unknown:
    """The connection of a server that tells nothing."""

    def alive(self) -> bool:
        return True

    def outstanding(self) -> int:
        return 0

    def buffer(self, limit: int | None) -> None:
        """Leave it to the server."""

    def abort(self) -> None:
        """Leave it to the server, which sees an answer without an end."""


@attrs.define
class Wire:
    """Send one answer, and see whether its client takes it.

    Attributes:
        begun: whether the headers were sent.
    """

    _send: Send
    _gone: asyncio.Task[None]
    _connection: Connection
    _patience: float
    begun: bool = attrs.field(default=False, init=False)

    @classmethod
    def open(cls, scope: Scope, receive: Receive, send: Send, patience: float) -> Wire:
        """Return the way to the client of a request; who takes nothing for *patience* seconds is given up."""
        connection = scope.get("extensions", {}).get(CONNECTION, {}).get("connection", _Unknown())
        return cls(send, asyncio.create_task(_watch(receive)), connection, patience)

    def close(self) -> None:
        """Stop to look at the client."""
        self._gone.cancel()

    def abort(self) -> None:
        """Hang up at once."""
        self._connection.abort()

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Send the headers."""
        self.begun = True
        self._connection.buffer(0)  # full as soon as anything waits, so that `drain` waits for all of it
        await self._send({"type": "http.response.start", "status": 200, "headers": raw(headers)})

    async def send(self, block: bytes) -> None:
        """Give a block to the server."""
        await self._body(block, more=True)

    async def drain(self) -> None:
        """Wait until the server has given everything to the network: then it has room for a message, even an empty one.

        Raises:
            Gone: the client is not there any more.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._body(b"", more=True)
        except TimeoutError:
            raise Gone from None
        self._check()

    async def result(self, future: asyncio.Future[T], seconds: float) -> T:
        """Wait for something, as long as the client is there.

        Raises:
            Gone: the client is not there any more.
            TimeoutError: it did not come within so many seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        waited: set[asyncio.Future[Any]] = {future, self._gone}
        while not future.done():
            left = deadline - loop.time()
            if left <= 0:
                raise TimeoutError
            await asyncio.wait(waited, timeout=min(left, _IDLE_LOOK), return_when=asyncio.FIRST_COMPLETED)
            self._check()
        self._check()
        return future.result()

    async def pause(self, seconds: float) -> None:
        """Do nothing for a while.

        Raises:
            Gone: the client is not there any more.
        """
        await asyncio.wait({self._gone}, timeout=seconds)
        self._check()

    async def handed_over(self) -> None:
        """Wait until the client's machine has acknowledged everything, but for the little that it may wait with.

        Raises:
            Gone: it did not, or the client is not there any more.
        """
        loop, pause = asyncio.get_running_loop(), _FIRST_LOOK
        best, deadline = self._connection.outstanding(), loop.time() + self._patience
        while (outstanding := self._connection.outstanding()) > _UNHURRIED:
            if outstanding < best:
                best, deadline = outstanding, loop.time() + self._patience
            elif loop.time() > deadline:
                raise Gone
            await self.pause(pause)
            pause = min(2 * pause, _LAST_LOOK)
        for _ in range(2):  # what the network knows by now
            await asyncio.sleep(0)
        self._check()

    async def end(self, block: bytes) -> None:
        """End the answer with its last block."""
        self._connection.buffer(None)
        await self._body(block, more=False)

    def _check(self) -> None:
        if self._gone.done() or not self._connection.alive():
            raise Gone

    async def _body(self, block: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": block, "more_body": more})


async def _watch(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
