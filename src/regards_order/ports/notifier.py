"""Who tells people what happened."""

from __future__ import annotations

from typing import Protocol

from regards_order.domain.events import FileOversized, OrderCreated, OrdersAside
from regards_order.domain.order import Order


class Notifier(Protocol):
    """Tell users and administrators (docs/notifications.md).

    Every method returns when the receiver's side has taken the message over, and may raise `NotifierUnavailable` (it is
    tried again later) or `NotificationRefused` (it never can be told; it is logged, and nothing else happens).
    """

    def order_created(self, event: OrderCreated, order: Order) -> None:
        """Tell the owner that an order was accepted and where its files will be.

        Args:
            event: what happened, with the page of the front end that shows the order.
            order: as it is now; its files are listed.
        """
        ...

    def orders_aside(self, event: OrdersAside) -> None:
        """Remind a user of files that wait for download."""
        ...

    def file_oversized(self, event: FileOversized) -> None:
        """Warn administrators of a file that is larger than a suborder may be."""
        ...
