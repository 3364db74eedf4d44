"""A body that is opened and read in threads, one block at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import attrs

#: bytes of a block, or a few more
BLOCK = 256 * 1024
_GATHER_SECONDS = 0.5


def _constant() -> object:
    return None


@attrs.frozen(kw_only=True)
class Body:
    """Hold the body of an answer that is read while it is sent.

    Attributes:
        headers: name → value, in Latin-1.
        size: bytes of the body, None when nobody knows.
        chunks: the bytes; an error while they are read breaks the connection.
        confirm: called in a thread when everything was handed over, again when the database was away.
        close: called in a thread when it is over, in whatever way.
        progress: something else whenever there is progress, even without a byte.
    """

    headers: Mapping[str, str]
    size: int | None
    chunks: Iterable[bytes]
    confirm: Callable[[], object]
    close: Callable[[], object]
    progress: Callable[[], object] = _constant


class Blocks:
    """Open a body and read it, in threads; may be closed at any moment, by anybody."""

    def __init__(self, opener: Callable[[], Body]) -> None:
        self._lock = threading.Lock()
        self._opener = opener
        self._body: Body | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._busy = self._over = False

    def open(self) -> Body:
        """Open the body; when it was closed meanwhile, it is let go at once."""
        with self._turn():
            self._body = body = self._opener()
            self._chunks = iter(body.chunks)
        return body

    def next(self) -> bytes:
        """Return some more bytes: much, or what came in half a second; nothing at the end."""
        gathered, size, begun = [], 0, time.monotonic()
        with self._turn():
            while not self._over and size < BLOCK and (not size or time.monotonic() - begun < _GATHER_SECONDS):
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                gathered.append(chunk)
                size += len(chunk)
        return b"".join(gathered)

    def confirm(self) -> None:
        """Note that all was handed over, unless it was closed before."""
        with self._turn():
            if not self._over and self._body is not None:
                self._body.confirm()

    def close(self) -> None:
        """Let go of the source, at once or as soon as what is being done with it is done; nothing is noted."""
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
        body, self._body = self._body, None
        if body is None:
            return
        close = getattr(self._chunks, "close", None)  # of a generator: it lets go of what it holds
        if close is not None:
            close()
        body.close()
