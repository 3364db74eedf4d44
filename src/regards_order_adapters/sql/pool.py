"""A pool of connections that are handed out in the order in which they were asked for."""

from __future__ import annotations

import logging
from collections import deque
from threading import Event, Lock
from typing import Any

import sqlalchemy as sa

# the pool writes its own log under the name of its module, and tells of every connection that is closed
logging.getLogger(__name__).setLevel(logging.WARNING)


class Turns:
    """Let at most so many in at once, and those who wait in their order.

    Without an order whoever has just come out gets in again first, and others wait until they give up.
    """

    def __init__(self, places: int) -> None:
        """Begin with all places free."""
        self._free = places
        self._waiting: deque[Event] = deque()
        self._lock = Lock()

    def take(self, seconds: float) -> bool:
        """Take a place, and return False when there was none for so long."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = Event()
            self._waiting.append(turn)
        if turn.wait(seconds):
            return True
        with self._lock:
            if turn.is_set():  # in the very last moment
                return True
            self._waiting.remove(turn)
            return False

    def give_back(self) -> None:
        """Let the one in who waits longest."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


class FairPool(sa.pool.QueuePool):
    """Hand out connections in the order in which they were asked for."""

    def __init__(self, creator: Any, pool_size: int = 5, max_overflow: int = 10, **options: Any) -> None:
        """Take what `QueuePool` takes."""
        super().__init__(creator, pool_size=pool_size, max_overflow=max_overflow, **options)
        self._turns = Turns(pool_size + max_overflow)

    def _do_get(self) -> sa.pool.ConnectionPoolEntry:
        if not self._turns.take(self.timeout()):
            raise sa.exc.TimeoutError(f"no connection of the pool was free for {self.timeout():g} s")
        try:
            return super()._do_get()
        except BaseException:
            self._turns.give_back()
            raise

    def _do_return_conn(self, record: sa.pool.ConnectionPoolEntry) -> None:
        try:
            super()._do_return_conn(record)
        finally:
            self._turns.give_back()
