"""Who tells people what happened."""

from __future__ import annotations

import logging
from typing import Protocol

from regards_order.domain.events import DownloadsRefused, FileOversized, OrderCreated, OrdersAside
from regards_order.domain.order import Order

_log = logging.getLogger(__name__)


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

    def downloads_refused(self, event: DownloadsRefused) -> None:
        """Tell a user what a quota kept back; twice within half a minute it does not happen."""
        ...


class LogNotifier:
    """Tell nobody and write a line to the log: a `Notifier` for whoever has no other."""

    def order_created(self, event: OrderCreated, order: Order) -> None:
        """Log that an order was accepted."""
        _log.info("order created", extra={"action": "order_created", "order_id": order.id, "owner": order.owner})

    def orders_aside(self, event: OrdersAside) -> None:
        """Log that files wait for their user."""
        ids = [order.order_id for order in event.orders]
        _log.info("orders aside", extra={"action": "orders_aside", "order_ids": ids, "owner": event.owner})

    def file_oversized(self, event: FileOversized) -> None:
        """Log that a file is larger than a suborder may be."""
        extra = {"action": "file_oversized", "order_id": event.order_id, "file": event.filename}
        _log.warning("file larger than a suborder", extra=extra)

    def downloads_refused(self, event: DownloadsRefused) -> None:
        """Log what a quota kept back."""
        extra = {"action": "downloads_refused", "owner": event.owner, "files": event.total}
        _log.info("downloads refused", extra=extra)
