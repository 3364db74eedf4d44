"""Downloads on their way: what was handed over counts, and only that (docs/downloads.md).

A thread reads one block ahead while the one before is being sent, and none is held while a client is slow.  The states
of files change when all was handed over, but for what tells the client that it has everything: the last byte of a body
of known length, else the end of the answer.  So an answer that ends well is one whose delivery is stored; in every
other case the connection is broken, and nothing changes.  What fails before anything was sent is a refusal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import attrs
from starlette.types import Receive, Scope, Send

from regards_order.domain.errors import OrderingError, SourceTimedOut, StoreUnavailable
from regards_order_adapters.http.blocks import BLOCK, Blocks, Body
from regards_order_adapters.http.errors import SourcesBusy
from regards_order_adapters.http.site import Site
from regards_order_adapters.http.wires import Gone, Wire

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LAST_PAUSE = 0.25, 2.0


@attrs.frozen(kw_only=True)
class Download:
    """An answer whose body is read while it is sent.

    Attributes:
        site: what all endpoints share.
        opener: called in a thread; returns the body.
        late: what is told when it does not return in time.
        subject: what is delivered, for the log.
    """

    site: Site
    opener: Callable[[], Body]
    late: OrderingError
    subject: Mapping[str, object]

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; what goes wrong after the first byte is logged, and then the answer stays without an end.

        Raises:
            OrderingError: it went wrong before.
        """
        blocks = Blocks(self.opener)
        wire = Wire.open(scope, receive, send, self.site.limits.patience_seconds)
        try:
            await self._stream(blocks, wire)
        except Gone:
            wire.abort()
            self._tell("client gone", "download_left", logging.INFO)
        except OrderingError as failure:
            self.site.workers.submit(self.site.changed)
            if not wire.begun:
                raise
            self._tell("download broken", "download_broken", logging.WARNING, cause=failure.message)
        except Exception:
            if not wire.begun:
                raise
            _log.exception("download broken", extra={"action": "download_broken", **self.subject})
        finally:
            wire.close()
            self.site.streams.submit(blocks.close)

    async def _stream(self, blocks: Blocks, wire: Wire) -> None:
        body = await self._open(blocks, wire)
        streams, left, last = self.site.streams, body.size, b""
        ahead = streams.start(blocks.next)
        if left is not None and left <= BLOCK:
            await self._read(ahead, body, wire)  # a small file that is wrong can still be refused
        if left == 0:  # the headers tell the client that it has everything
            await self._confirm(blocks, wire)
        await wire.begin(body.headers if left is None else {**body.headers, "content-length": str(left)})
        if left == 0:
            await wire.end(b"")
            return
        while block := await self._read(ahead, body, wire):
            ahead = streams.start(blocks.next)
            if left is not None:
                left -= len(block)
                if left == 0:
                    block, last = block[:-1], block[-1:]
            await wire.send(block)
            del block  # the server has it: a slow client costs one copy
            await wire.drain()
        await wire.handed_over()
        await self._confirm(blocks, wire)
        await wire.end(last)

    async def _open(self, blocks: Blocks, wire: Wire) -> Body:
        """Return the body, once a thread is free and the source answers.

        Raises:
            SourcesBusy: no thread is free for it.
            OrderingError: the source cannot be opened, or did not answer in time.
        """
        limits, job = self.site.limits, self.site.streams.submit(blocks.open)
        opening = asyncio.wrap_future(job)
        try:
            try:
                return await wire.result(opening, limits.thread_seconds)
            except TimeoutError:
                if job.cancel():
                    raise SourcesBusy(limits.stream_threads) from None
            return await wire.result(opening, limits.open_seconds)
        except TimeoutError:
            raise self.late from None
        finally:
            opening.cancel()

    async def _read(self, ahead: asyncio.Future[bytes], body: Body, wire: Wire) -> bytes:
        seconds = self.site.limits.block_seconds
        while True:
            before = body.progress()
            try:
                return await wire.result(ahead, seconds)
            except TimeoutError:
                if body.progress() == before:
                    raise SourceTimedOut(f"not a byte within {seconds:g} s") from None

    async def _confirm(self, blocks: Blocks, wire: Wire) -> None:
        """Note that all was handed over; a database that restarts gets some time to come back."""
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        deadline = loop.time() + self.site.limits.confirm_seconds
        while True:
            try:
                await asyncio.shield(self.site.workers.start(blocks.confirm))
                break
            except StoreUnavailable as failure:
                if loop.time() + pause > deadline:
                    raise
                self._tell("delivery not stored yet", "delivery_waits", logging.INFO, cause=failure.message)
            await wire.pause(pause)
            pause = min(2 * pause, _LAST_PAUSE)
        self.site.workers.submit(self.site.changed)

    def _tell(self, message: str, action: str, level: int, **data: object) -> None:
        _log.log(level, message, extra={"action": action, **self.subject, **data})
