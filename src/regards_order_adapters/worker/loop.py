"""The worker: asks the core for background work, again and again (docs/operations.md)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread

from regards_order.application.ordering import Ordering

_log = logging.getLogger(__name__)
_Stop = Callable[[], bool]


class Worker:
    """Work for all tenants, in some threads: one lists the files of new orders, one does chores, the others serve.

    A large order takes minutes to be listed; nobody's suborders wait for it, nor for a storage that answers one of them
    slowly, nor for a mail server.  Any number of workers, in any number of processes, share the work of one database.
    """

    def __init__(
        self, orderings: Sequence[Ordering], *, idle_seconds: float = 0.5, retry_seconds: float = 1.0, servers: int = 3
    ) -> None:
        """Take what to work for.

        Args:
            orderings: one for each tenant.
            idle_seconds: pause after nothing was found to do.
            retry_seconds: pause after something failed: a database that is away, say.
            servers: threads that serve suborders.
        """
        self._idle, self._retry = idle_seconds, retry_seconds
        self._stopping = Event()
        self._loops = [
            _Loop("lister", [ordering.complete for ordering in orderings], self),
            _Loop("clerk", [_Clerk(ordering) for ordering in orderings], self),
            *(_Loop("server", [ordering.serve for ordering in orderings], self) for _ in range(servers)),
        ]

    def start(self) -> None:
        """Begin to work."""
        for loop in self._loops:
            loop.thread.start()

    def wake(self) -> None:
        """Look for work at once: something has changed."""
        for loop in self._loops:
            loop.awake.set()

    def stop(self, seconds: float) -> bool:
        """Begin nothing new, wait at most *seconds* for what goes on, and return whether it has ended."""
        self._stopping.set()
        self.wake()
        for loop in self._loops:
            if loop.thread.ident is not None:
                loop.thread.join(seconds / len(self._loops))
        return not any(loop.thread.is_alive() for loop in self._loops)

    def run(self, tasks: Sequence[Callable[[_Stop], int]], awake: Event) -> None:
        """Do *tasks* in turn until it is time to stop."""
        while not self._stopping.is_set():
            awake.clear()
            steps, failed = 0, False
            for task in tasks:
                try:
                    steps += task(self._stopping.is_set)
                except Exception as error:  # whatever happens to one tenant, the others are served
                    failed = True
                    _log.warning("work failed", exc_info=error, extra={"action": "work_failed"})
            if failed:
                self._stopping.wait(self._retry)
            elif steps:
                self.wake()
            else:
                awake.wait(self._idle)


class _Clerk:
    """Do the chores of a tenant: all of them once at the start, then each at its time."""

    def __init__(self, ordering: Ordering) -> None:
        self._ordering = ordering
        self._begun = False

    def __call__(self, stop: _Stop) -> int:
        if not self._begun:
            self._ordering.wake_chores()
            self._begun = True
        return self._ordering.do_chores(stop)


class _Loop:
    """One thread and what wakes it."""

    def __init__(self, name: str, tasks: Sequence[Callable[[_Stop], int]], worker: Worker) -> None:
        self.awake = Event()
        self.thread = Thread(target=worker.run, args=(tasks, self.awake), name=name, daemon=True)
