"""Where orders are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from regards_order.domain.files import FileCounts
from regards_order.domain.order import Order, OrderStatus


class Orders(Protocol):
    """Keep the orders of the tenant."""

    def add(self, order: Order) -> None:
        """Store a new order.

        Raises:
            LabelTaken: its owner has an order with that label.
        """
        ...

    def get(self, order_id: int, *, lock: bool = False) -> Order:
        """Return an order; with *lock* nobody else changes it before this transaction ends.

        Raises:
            NotFound: the tenant has no such order.
        """
        ...

    def save(self, order: Order, *, keep_lease: bool = False) -> Order:
        """Store a transition and return the order with its new version; counts are left alone, a lease is given back.

        Args:
            order: as it is to be.
            keep_lease: whoever lists its files goes on; the lease is left as it is.

        Raises:
            Conflict: the stored order has another version, or was claimed once more.
        """
        ...

    def count(self, order: Order, change: FileCounts, waiting: int, now: dt.datetime) -> Order:
        """Add *change* to the counts and *waiting* to the waiting suborders, and return the order as it then is.

        Args:
            order: as this transaction knows it; its own counts may be older.
            change: what to add.
            waiting: how many more suborders wait for their user.
            now: business time (UTC).

        Raises:
            NotFound: the tenant has no such order.
        """
        ...

    def erase(self, order_id: int) -> None:
        """Erase an order, its dataset tasks and its suborders; its files are to be erased before."""
        ...

    def over(self, now: dt.datetime, *, after: int = 0, limit: int) -> Sequence[Order]:
        """Return at most *limit* orders with an id above *after* whose time is over (`Order.is_over`), by id."""
        ...

    def aside(self, before: dt.datetime, limit: int) -> Sequence[Order]:
        """Return orders of which their users are to be reminded, of at most *limit* users.

        Those are RUNNING, PAUSED, DONE, DONE_WITH_WARNING or in ERROR, and have available files whose number did not
        change since *before* (UTC).

        Returns:
            The orders by owner, and of each owner the oldest first.
        """
        ...

    def reminded(self, order_ids: Sequence[int], now: dt.datetime) -> None:
        """Note that their user was reminded: available files count as such from *now* on (UTC)."""
        ...

    def label_taken(self, owner: str, label: str) -> bool:
        """Return whether *owner* has an order with that label."""
        ...

    def page(
        self, *, owner: str | None = None, statuses: Sequence[OrderStatus] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Order]:
        """Return at most *limit* orders with an id above *after*, by id; without *statuses* those of any status."""
        ...
