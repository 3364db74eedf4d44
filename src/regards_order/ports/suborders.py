"""Where suborders are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from regards_order.domain.files import FileCounts
from regards_order.domain.suborder import Suborder


class Suborders(Protocol):
    """Keep the suborders of the tenant."""

    def add(self, suborder: Suborder) -> None:
        """Store a new suborder."""
        ...

    def save(self, suborder: Suborder) -> Suborder:
        """Store a transition and return the suborder with its new version; counts are left alone.

        Raises:
            Conflict: the stored suborder has another version, or is gone.
        """
        ...

    def count(self, suborder_id: int, change: FileCounts) -> Suborder:
        """Add *change* to the counts and return the suborder as it then is."""
        ...

    def of_order(self, order_id: int) -> Sequence[Suborder]:
        """Return the suborders of an order, by id."""
        ...

    def due(self, now: dt.datetime, limit: int) -> Sequence[Suborder]:
        """Return suborders that have to be worked on: QUEUED ones, and ASKED ones whose next poll has come; by id."""
        ...

    def erase(self, order_id: int) -> None:
        """Erase the suborders of an order."""
        ...
