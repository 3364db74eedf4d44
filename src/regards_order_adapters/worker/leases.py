"""Leases that are renewed while this process lives (docs/operations.md)."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock, Thread

from regards_order.domain.errors import OrderingError
from regards_order.ports.claims import Claim, Claimed
from regards_order.ports.unit_of_work import UnitOfWork

_log = logging.getLogger(__name__)
#: seconds after which work that does not end is left to others: what it asks does not answer any more
LIMITS = {Claimed.ORDER: 7200.0, Claimed.SUBORDER: 600.0, Claimed.CHORE: 3600.0}


class RenewedLeases:
    """Renew what is held at a third of its lease, in a thread of its own: `Leases`.

    A process that is frozen renews nothing; when it wakes up, others may have taken over, and it writes nothing.
    """

    def __init__(self, store: UnitOfWork, seconds: float) -> None:
        """Take the store of the claims, and how long a lease lasts."""
        self._store = store
        self._seconds = seconds
        self._held: dict[Claim, float] = {}
        self._lock = Lock()
        self._closed = Event()
        self._thread: Thread | None = None

    @contextmanager
    def hold(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Renew the leases of *claims* until the block ends."""
        with self._lock:
            self._held.update(dict.fromkeys(claims, time.monotonic()))
            if claims and self._thread is None:
                self._thread = Thread(target=self._renew_until_closed, name="leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                for claim in claims:
                    self._held.pop(claim, None)

    def close(self, seconds: float = 2.0) -> None:
        """Renew nothing more, and give back what is still held, or let it run out if that takes too long.

        Whoever still works on it can write under the claim only until somebody else has made the next one.
        """
        self._closed.set()
        ending = Thread(target=self._give_back, name="leases-end", daemon=True)
        ending.start()
        ending.join(seconds)

    def renew(self) -> None:
        """Renew all that is held, now; a store that is away is tried again next time."""
        if not (held := self._copy(renewable=True)):
            return
        try:
            with self._store.write() as tx:
                tx.claims.renew(held, self._seconds)
        except OrderingError as error:
            _log.warning("leases not renewed", extra={"action": "leases_not_renewed", "cause": error.message})

    def _renew_until_closed(self) -> None:
        while not self._closed.wait(self._seconds / 3):
            self.renew()

    def _give_back(self) -> None:
        if self._thread is not None:
            self._thread.join()
        if not (held := self._copy()):
            return
        try:
            with self._store.write() as tx:
                tx.claims.release(held)
        except OrderingError as error:
            _log.warning("claims not given back", extra={"action": "claims_not_given_back", "cause": error.message})

    def _copy(self, *, renewable: bool = False) -> list[Claim]:
        now = time.monotonic()
        with self._lock:
            held = [claim for claim, since in self._held.items() if not renewable or now - since < LIMITS[claim.kind]]
        return sorted(held, key=lambda claim: (claim.kind.name, claim.id))
