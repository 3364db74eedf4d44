"""Threads for work that blocks: a bounded number, born when needed, gone after a while without work.

They are daemons, unlike those of the standard library and of anyio: a process that was told to end does not wait for a
source or a database that never answers.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import attrs

from regards_order_adapters.waiting import given_up

T = TypeVar("T")
_IDLE_SECONDS = 10.0


@attrs.frozen
class _Job:
    work: Callable[[], Any]
    future: Future[Any] = attrs.field(factory=Future)
    context: contextvars.Context = attrs.field(factory=contextvars.copy_context)

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.context.run(self.work)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Threads:
    """Run work in at most *limit* threads; what comes on top waits its turn.

    Work that was given up, after its time or because its client went away, keeps its thread until it ends: however
    slow the world is, there are never more threads.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit, self._name = limit, name
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._begun: dict[int, float] = {}
        self._running = self._idle = 0

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have *work* done, with the context variables of the caller."""
        job = _Job(work)
        with self._changed:
            self._jobs.append(job)
            if len(self._jobs) > self._idle and self._running < self._limit:
                self._running += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            else:
                self._changed.notify()
        return job.future

    def start(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have *work* done while the caller does something else; nobody has to look at its result."""
        future = asyncio.wrap_future(self.submit(work))
        future.add_done_callback(_seen)
        return future

    async def run(self, work: Callable[[], T], seconds: float | None = None) -> T:
        """Return the result of *work*.

        Raises:
            TimeoutError: it did not come in time; whatever it still does, nobody looks at it, and it commits nothing.
        """
        abandoned = threading.Event()
        token = given_up.set(abandoned)
        try:
            future = self.start(work)
        finally:
            given_up.reset(token)
        try:
            await asyncio.wait({future}, timeout=seconds)
            if not future.done():
                raise TimeoutError
            return future.result()
        finally:
            if not future.done():
                abandoned.set()
            future.cancel()

    def stuck(self, seconds: float) -> bool:
        """Return whether every thread has been busy with one piece of work for that long."""
        with self._changed:
            return len(self._begun) >= self._limit and max(self._begun.values()) < time.monotonic() - seconds

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            del job  # its result may be large

    def _next(self) -> _Job | None:
        with self._changed:
            self._begun.pop(threading.get_ident(), None)
            self._idle += 1
            try:
                if self._changed.wait_for(lambda: self._jobs, timeout=_IDLE_SECONDS):
                    self._begun[threading.get_ident()] = time.monotonic()
                    return self._jobs.popleft()
                self._running -= 1
                return None
            finally:
                self._idle -= 1


def _seen(future: asyncio.Future[Any]) -> None:
    """Take note of a result that may be a failure, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
