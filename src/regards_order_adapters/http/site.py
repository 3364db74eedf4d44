"""What all endpoints share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import attrs

from regards_order.application.ordering import Ordering
from regards_order.domain.errors import StoreUnavailable
from regards_order_adapters.http.errors import TooManyDownloads
from regards_order_adapters.http.threads import Threads
from regards_order_adapters.tokens import Tokens

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Limits:
    """Hold what keeps one process within its means.

    Attributes:
        body_bytes: the largest body of a request.
        work_seconds: how long a request may work with the database; then it is told to come back.
        work_threads: requests that work at once.
        stream_threads: blocks of downloads that are read at once.
        downloads: downloads at once.
        patience_seconds: a client that takes nothing for so long is given up.
        thread_seconds: a download that gets no thread for so long is told to come back.
        open_seconds: a source may take so long to open; one held elsewhere has limits of its own below that.
        block_seconds: a source that gives nothing for so long is given up.
        confirm_seconds: a database that is away gets so long to come back before a delivery is broken.
    """

    body_bytes: int = 1024 * 1024
    work_seconds: float = 9.0
    work_threads: int = 16
    stream_threads: int = 32
    downloads: int = 200
    patience_seconds: float = 600.0
    thread_seconds: float = 10.0
    open_seconds: float = 70.0
    block_seconds: float = 120.0
    confirm_seconds: float = 20.0


@attrs.define
class Places:
    """Count the downloads that are running."""

    limit: int
    taken: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one place.

        Raises:
            TooManyDownloads: all are taken.
        """
        if self.taken >= self.limit:
            raise TooManyDownloads(self.limit)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@attrs.frozen(kw_only=True)
class Site:
    """Hold what the endpoints of one application work with.

    Attributes:
        ordering: tenant → its use cases.
        tenants: the tenants that exist.
        tokens: verifies who asks.
        base: what links begin with: public URL and prefix.
        ready: says why the service is not ready; nothing when it is.
        changed: told when there may be work for a worker.
        limits: what keeps the process within its means.
    """

    ordering: Callable[[str], Ordering]
    tenants: Collection[str]
    tokens: Tokens
    base: str
    ready: Callable[[], Sequence[str]]
    changed: Callable[[], None]
    limits: Limits
    places: Places = attrs.field(init=False)
    workers: Threads = attrs.field(init=False)
    streams: Threads = attrs.field(init=False)

    @places.default
    def _default_places(self) -> Places:
        return Places(self.limits.downloads)

    @workers.default
    def _default_workers(self) -> Threads:
        return Threads(self.limits.work_threads, "regards-order-request")

    @streams.default
    def _default_streams(self) -> Threads:
        return Threads(self.limits.stream_threads, "regards-order-stream")

    async def work(self, work: Callable[[], T]) -> T:
        """Return the result of *work* with the database, which is done in a thread.

        Raises:
            StoreUnavailable: it took too long.
        """
        seconds = self.limits.work_seconds
        try:
            return await self.workers.run(work, seconds)
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {seconds:g} s") from None
