"""A worker process that freezes or dies in the middle of its work, told by its arguments what and where.

Run as ``python faulty_worker.py DATABASE_URL STORAGE_ROOT freeze|die complete|ask|collect``; it works once and ends.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import attrs

from regards_order import Ordering
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.config import Config
from regards_order_adapters.worker.leases import RenewedLeases

#: seconds; the shortest lease there is
LEASE = 1
_SIGNALS = {"freeze": signal.SIGSTOP, "die": signal.SIGKILL}
#: what is worked on → the port and the method during which it happens
_PLACES = {
    "complete": ("catalog", "search"),
    "ask": ("storage", "make_available"),
    "collect": ("storage", "answers"),
}


class Faulty:
    """A port that lets something happen to the process, once, when one of its methods has done its work."""

    def __init__(self, port: Any, method: str, number: int) -> None:
        self._port, self._method, self._number = port, method, number
        self._happened = False

    def __getattr__(self, name: str) -> Any:
        if name != self._method:
            return getattr(self._port, name)

        def call(*arguments: Any, **options: Any) -> Any:
            result = getattr(self._port, name)(*arguments, **options)
            if not self._happened:
                self._happened = True
                os.kill(os.getpid(), self._number)
            return result

        return call


def impatient(service: Service, **changes: Any) -> Ordering:
    """Return the use cases of the first tenant, with leases of a second."""
    ordering = service.ordering("default")
    settings = attrs.evolve(ordering.settings, lease_seconds=LEASE, suborders_per_user=100)
    return attrs.evolve(ordering, settings=settings, leases=RenewedLeases(ordering.store, LEASE), **changes)


def main(url: str, root: str, fault: str, place: str) -> None:
    """Work once."""
    with open_service(Config(database_url=url, storage_root=root)) as service:
        port, method = _PLACES[place]
        faulty = Faulty(getattr(service.ordering("default"), port), method, _SIGNALS[fault])
        ordering = impatient(service, **{port: faulty})
        (ordering.complete if place == "complete" else ordering.serve)()


if __name__ == "__main__":
    main(*sys.argv[1:])
