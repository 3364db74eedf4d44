"""A notifier in memory."""

from __future__ import annotations

import attrs

from regards_order.domain.events import DownloadsRefused, Event, FileOversized, OrderCreated, OrdersAside
from regards_order.domain.order import Order


@attrs.define
class MemoryNotifier:
    """Remember what was told: a `Notifier`.

    Attributes:
        told: what was told, the first first.
        orders: the orders whose creation was told, as they were then.
        failure: raised in place of telling, while it is set.
    """

    told: list[Event] = attrs.field(factory=list, init=False)
    orders: list[Order] = attrs.field(factory=list, init=False)
    failure: Exception | None = attrs.field(default=None, init=False)

    def order_created(self, event: OrderCreated, order: Order) -> None:
        """Remember that an order was accepted."""
        self._tell(event)
        self.orders.append(order)

    def orders_aside(self, event: OrdersAside) -> None:
        """Remember that a user was reminded."""
        self._tell(event)

    def file_oversized(self, event: FileOversized) -> None:
        """Remember that administrators were warned."""
        self._tell(event)

    def downloads_refused(self, event: DownloadsRefused) -> None:
        """Remember that a user was told of refused downloads."""
        self._tell(event)

    def _tell(self, event: Event) -> None:
        if self.failure is not None:
            raise self.failure
        self.told.append(event)
