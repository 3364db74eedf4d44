"""Downloads on their way: what was handed over counts, and only that (docs/downloads.md).

A thread reads one block ahead while the one before is being sent, and none is held while a client is slow.  The states
of files change when all was handed over, but for what tells the client that it has everything: the last byte of a body
of known length, else the end of the answer.  So an answer that ends well is one whose delivery is stored; in every
other case the connection is broken, and nothing changes.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import attrs
from starlette.types import Receive, Scope, Send

from regards_order.domain.errors import OrderingError
from regards_order_adapters.http.site import Site
from regards_order_adapters.http.wires import Gone, Wire

_log = logging.getLogger(__name__)
_BLOCK = 256 * 1024
_GATHER_SECONDS = 0.5


class _Blocks:
    """Read a body in threads, one block at a time; may be closed at any moment, by anybody."""

    def __init__(self, body: Iterable[bytes], confirm: Callable[[], object], close: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._chunks: Iterator[bytes] = iter(body)
        self._confirm, self._close = confirm, close
        self._busy = self._over = False

    def next(self) -> bytes:
        """Return some more bytes: much, or what came in half a second; nothing at the end."""
        gathered, size, begun = [], 0, time.monotonic()
        with self._turn():
            while not self._over and size < _BLOCK and (not size or time.monotonic() - begun < _GATHER_SECONDS):
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                gathered.append(chunk)
                size += len(chunk)
        return b"".join(gathered)

    def confirm(self) -> None:
        """Note that all was handed over, unless it was closed before."""
        with self._turn():
            if not self._over:
                self._confirm()

    def close(self) -> None:
        """Let go of the source, at once or as soon as the block that is being read is read; nothing is noted."""
        with self._lock:
            self._over = True
            busy = self._busy
        if not busy:
            self._let_go()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._lock:
            self._busy = True
        try:
            yield
        finally:
            with self._lock:
                self._busy, over = False, self._over
            if over:
                self._let_go()

    def _let_go(self) -> None:
        close = getattr(self._chunks, "close", None)  # of a generator: it lets go of what it holds
        if close is not None:
            close()
        self._close()


@attrs.frozen(kw_only=True)
class Download:
    """An answer whose body is read while it is sent.

    Attributes:
        site: what all endpoints share.
        headers: name → value, in Latin-1.
        size: bytes of the body, None when nobody knows.
        body: the blocks; an error while they are read breaks the connection.
        confirm: called in a thread after the last byte was handed over.
        close: called in a thread when it is over in any other way, and after `confirm` too.
        subject: what is delivered, for the log.
    """

    site: Site
    headers: Mapping[str, str]
    size: int | None
    body: Iterable[bytes]
    confirm: Callable[[], object]
    close: Callable[[], object]
    subject: Mapping[str, object]

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; what goes wrong is logged, and then the answer stays without an end."""
        blocks = _Blocks(self.body, self.confirm, self.close)
        wire = Wire.open(scope, receive, send, self.site.limits.patience_seconds)
        try:
            await self._stream(blocks, wire)
        except Gone:
            self._tell("client gone", "download_left", logging.INFO)
        except OrderingError as failure:
            self._tell("download broken", "download_broken", logging.WARNING, cause=failure.message)
            self.site.workers.submit(self.site.changed)
        except Exception:
            _log.exception("download broken", extra={"action": "download_broken", **self.subject})
        finally:
            wire.close()
            self.site.streams.submit(blocks.close)

    async def _stream(self, blocks: _Blocks, wire: Wire) -> None:
        streams, left, last = self.site.streams, self.size, b""
        await wire.begin(self._full_headers())
        ahead = streams.start(blocks.next)
        while block := await wire.result(ahead):
            ahead = streams.start(blocks.next)
            if left is not None:
                left -= len(block)
                if left == 0:
                    block, last = block[:-1], block[-1:]
            await wire.send(block)
            del block  # the server has it: a slow client costs one copy
            await wire.drain()
        await wire.handed_over()
        await asyncio.shield(self.site.workers.start(blocks.confirm))
        self.site.workers.submit(self.site.changed)
        await wire.end(last)

    def _full_headers(self) -> Mapping[str, str]:
        return self.headers if self.size is None else {**self.headers, "content-length": str(self.size)}

    def _tell(self, message: str, action: str, level: int, **data: object) -> None:
        _log.log(level, message, extra={"action": action, **self.subject, **data})
