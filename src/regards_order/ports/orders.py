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

    def save(self, order: Order) -> Order:
        """Store a transition and return the order with its new version; counts are left alone, a lease is given back.

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

    def label_taken(self, owner: str, label: str) -> bool:
        """Return whether *owner* has an order with that label."""
        ...

    def page(
        self, *, owner: str | None = None, statuses: Sequence[OrderStatus] = (), after: int = 0, limit: int = 100
    ) -> Sequence[Order]:
        """Return at most *limit* orders with an id above *after*, by id; without *statuses* those of any status."""
        ...
