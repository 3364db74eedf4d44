"""A connection of uvicorn that knows what downloads need, and that does not wait for ever (docs/rest.md)."""

from __future__ import annotations

import asyncio
import enum
import http
import select
import socket
import struct
import sys
import uuid
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Message, Receive, Scope, Send

from regards_order.domain.errors import OrderingError
from regards_order_adapters.extras import require
from regards_order_adapters.http.answers import raw
from regards_order_adapters.http.errors import HeadTooLarge, NoHttp, RequestTimedOut, refusal
from regards_order_adapters.http.middleware import common_headers
from regards_order_adapters.http.wires import CONNECTION

if sys.platform == "linux":
    import fcntl
    import termios

require("http", "uvicorn", "httptools")

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle  # noqa: E402 -- as above

HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
BODY_SECONDS = 60.0
#: a client that is still sending gets so long to read why it is refused
_LINGER_SECONDS = 2.0
_HUNG_UP = getattr(select, "POLLRDHUP", 0)
_AT_ONCE = struct.pack("ii", 1, 0)


class _Phase(enum.Enum):
    """What is expected of the client."""

    HEAD = enum.auto()
    BODY = enum.auto()
    NOTHING = enum.auto()


class ServerConnection(HttpToolsProtocol):
    """A connection that tells downloads what ASGI has no words for: is it sent, is it received, hang up.

    It puts itself into the scope of each request, as a `wires.Connection`.  A client that ends its side of it counts as
    gone, although it might still read: nobody can tell it from one that has closed, and files must not count as
    downloaded, nor places be held, for clients that have left.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inner = self.app
        self.app = self._answer
        self._phase, self._timed = _Phase.NOTHING, _Phase.NOTHING
        self._timer: asyncio.TimerHandle | None = None
        self._cycles: list[RequestResponseCycle] = []
        self._head = 0
        self._deaf = self._refused = False
        self._fault: OrderingError | None = None

    # --- what downloads ask ------------------------------------------------------------------------------------------

    def alive(self) -> bool:
        """Return whether the client is there; uvicorn may not have heard yet that it hung up."""
        return not self.transport.is_closing() and not _is_over(self.transport.get_extra_info("socket"))

    def outstanding(self) -> int:
        """Return how many bytes its client's machine has not acknowledged."""
        if self.transport.is_closing():
            return 0
        return self.transport.get_write_buffer_size() + _unacknowledged(self.transport.get_extra_info("socket"))

    def buffer(self, limit: int | None) -> None:
        """Let *limit* bytes wait before a message has to; None for the default."""
        if not self.transport.is_closing():
            self.transport.set_write_buffer_limits(limit)

    def abort(self) -> None:
        """Hang up at once, and so that the client does not take it for the end of an answer."""
        self._leave(*self._cycles)
        if not self.transport.is_closing():
            opened = self.transport.get_extra_info("socket")
            if opened.family in (socket.AF_INET, socket.AF_INET6):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()

    # --- what comes in -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect(_Phase.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell every request that its client is gone: uvicorn tells only the last one of several."""
        self._expect(_Phase.NOTHING)
        super().connection_lost(exc)
        self._leave(*self._cycles)

    def data_received(self, data: bytes) -> None:
        """Read what came, and wait for what is missing."""
        if self._deaf:
            return
        super().data_received(data)
        if self._phase is _Phase.HEAD:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(HeadTooLarge(HEAD_BYTES))
        if self.transport.is_closing() or self._deaf:
            self._expect(_Phase.NOTHING)
        elif self._phase is _Phase.NOTHING:  # what came may be no more than an empty line
            self._expect(_Phase.NOTHING if self._answering() else _Phase.HEAD)
        else:
            self._expect(self._phase)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._phase, self._head = _Phase.HEAD, 0
        self.scope["extensions"] = {CONNECTION: {"connection": self}}

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the headers are too large."""
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._fault = HeadTooLarge(HEAD_BYTES)
            raise ValueError("too large")  # which ends the parser, and `send_400_response` is called
        super().on_headers_complete()
        self._phase = _Phase.BODY
        self._cycles = [cycle for cycle in (*self._cycles, self.cycle) if not cycle.response_complete]

    def on_message_complete(self) -> None:
        """Wait for nothing more."""
        self._phase = _Phase.NOTHING
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(self._fault or NoHttp(str(sys.exc_info()[1] or msg)))

    # --- what goes out -----------------------------------------------------------------------------------------------

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: the application that uvicorn calls."""
        cycle: RequestResponseCycle = cast(Any, send).__self__
        bare = scope["http_version"] == "1.0"
        try:
            await self._inner(scope, receive, _unframed(cycle, send) if bare else send)
        finally:
            if bare and cycle.response_started and not cycle.response_complete:
                self.abort()  # where the end of the connection is that of the body
            if self._deaf and not self._refused and cycle is self.cycle:
                self.transport.close()

    def _answering(self) -> bool:
        """Return whether a request that came whole is being answered."""
        return any(not (cycle.response_complete or cycle.more_body) for cycle in self._cycles)

    def _refuse(self, error: OrderingError) -> None:
        """Answer what could not be read to its end, and hang up; requests that came before are answered first."""
        own = [cycle for cycle in self._cycles if cycle.more_body and not cycle.response_complete]
        self._leave(*own)
        self._deaf = True
        if self._answering():
            self.cycle.keep_alive = False
        elif any(cycle.response_started for cycle in own):
            self.abort()
        elif not self.transport.is_closing():
            self._refused = True
            self.transport.write(_whole(error))
            self.transport.write_eof()  # what is still on its way would otherwise break the answer
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _expect(self, phase: _Phase) -> None:
        """Wait for something: a head as a whole, a body from one piece to the next."""
        if phase is self._timed is _Phase.HEAD:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed = phase
        if phase is not _Phase.NOTHING:
            self._timer = self.loop.call_later(HEAD_SECONDS if phase is _Phase.HEAD else BODY_SECONDS, self._tired)

    def _tired(self) -> None:
        phase, self._timed = self._timed, _Phase.NOTHING
        if self.flow.read_paused or self._answering():  # then it is not the client who is slow
            self._expect(phase)
        elif self._phase is _Phase.NOTHING:
            self.transport.close()
        else:
            self._refuse(RequestTimedOut())

    def _leave(self, *cycles: RequestResponseCycle) -> None:
        for cycle in cycles:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()


def _unframed(cycle: RequestResponseCycle, send: Send) -> Send:
    """Return *send* for HTTP/1.0, which knows no chunks: a body of unknown length ends with the connection."""
    bare = False

    async def framed(message: Message) -> None:
        nonlocal bare
        if message["type"] == "http.response.start":
            bare = not any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
            if bare:
                cycle.chunked_encoding = False
        elif bare:
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return framed


def _whole(error: OrderingError) -> bytes:
    answer = refusal(error)
    own = {"content-length": str(len(answer.body)), "connection": "close"}
    headers = [*raw({**answer.headers, **own}), *common_headers(str(uuid.uuid4()))]
    first = f"HTTP/1.1 {answer.status} {http.HTTPStatus(answer.status).phrase}".encode()
    lines = [first, *(b"%b: %b" % header for header in headers)]
    return b"\r\n".join([*lines, b"", answer.body])


def _is_over(opened: socket.socket) -> bool:
    """Return whether the other side has ended a connection, or broken it."""
    poll: Callable[[], Any] | None = getattr(select, "poll", None)
    if poll is None:
        return opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
    looked = poll()
    looked.register(opened.fileno(), _HUNG_UP)
    return bool(looked.poll(0))


def _unacknowledged(opened: socket.socket) -> int:
    """Return the bytes that the kernel keeps for a connection; 0 where it does not tell."""
    if sys.platform != "linux":
        return 0
    answer = fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(answer, sys.byteorder)
