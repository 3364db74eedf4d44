"""Where suborders are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from regards_order.domain.files import FileCounts
from regards_order.domain.suborder import Suborder, SuborderState


class Suborders(Protocol):
    """Keep the suborders of the tenant."""

    def add(self, suborder: Suborder) -> None:
        """Store a new suborder."""
        ...

    def get(self, suborder_id: int, *, lock: bool = False) -> Suborder:
        """Return a suborder; with *lock* nobody else changes it before this transaction ends.

        Raises:
            NotFound: the tenant has no such suborder.
        """
        ...

    def save(self, suborder: Suborder) -> Suborder:
        """Store a transition and return the suborder with its new version; counts stay, a lease is given back.

        Raises:
            Conflict: the stored suborder has another version, was claimed once more, or is gone.
        """
        ...

    def count(self, suborder_id: int, change: FileCounts) -> Suborder:
        """Add *change* to the counts and return the suborder as it then is."""
        ...

    def move(self, order_id: int, moves: Mapping[SuborderState, SuborderState]) -> int:
        """Bring the suborders of an order from each state to another one, and return how many moved.

        Their versions grow, so that whoever works on one writes nothing any more; leases are left as they are.
        """
        ...

    def of_order(self, order_id: int) -> Sequence[Suborder]:
        """Return the suborders of an order, by id."""
        ...

    def erase(self, order_id: int) -> None:
        """Erase the suborders of an order, and the answers kept for them."""
        ...
