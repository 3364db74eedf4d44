"""Tell users by mail, and administrators by the log: a `Notifier`."""

from __future__ import annotations

import logging
from typing import Protocol

import attrs

from regards_order.domain.events import DownloadsRefused, FileOversized, OrderCreated, OrdersAside
from regards_order.domain.order import Order
from regards_order_adapters.mail.composing import Composer, Mail

_log = logging.getLogger(__name__)


class Transport(Protocol):
    """Bring mails away."""

    def send(self, mail: Mail) -> None:
        """Hand a mail over; may raise `NotifierUnavailable` and `NotificationRefused`."""
        ...


@attrs.frozen
class MailNotifier:
    """Compose mails and have them brought away.

    Attributes:
        composer: writes them.
        transport: brings them away.
    """

    composer: Composer
    transport: Transport

    def order_created(self, event: OrderCreated, order: Order) -> None:
        """Tell the owner that an order was accepted and where its files will be."""
        self.transport.send(self.composer.order_created(event, order))

    def orders_aside(self, event: OrdersAside) -> None:
        """Remind a user of files that wait for download."""
        self.transport.send(self.composer.orders_aside(event))

    def downloads_refused(self, event: DownloadsRefused) -> None:
        """Tell a user what a quota kept back."""
        self.transport.send(self.composer.downloads_refused(event))

    def file_oversized(self, event: FileOversized) -> None:
        """Warn administrators, in the log, of a file that is larger than a suborder may be."""
        extra = {
            "action": "file_oversized",
            "role": "PROJECT_ADMIN",
            "tenant": self.composer.tenant,
            "order_id": event.order_id,
            "owner": event.owner,
            "file": event.filename,
            "correlation_id": event.correlation_id,
        }
        _log.warning("file larger than a suborder", extra=extra)
