"""What mails say: subjects, and the tokens that templates may use (docs/notifications.md)."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import attrs

from regards_order.domain.errors import NotificationRefused
from regards_order.domain.events import DownloadsRefused, OrderAside, OrderCreated, OrdersAside
from regards_order.domain.order import ERASED, Order
from regards_order.ports.clock import Clock
from regards_order_adapters.mail.dates import iso, readable
from regards_order_adapters.mail.links import Links
from regards_order_adapters.mail.rendering import Templates

CREATED = "ORDER_CREATED_TEMPLATE"
ASIDE = "ASIDE_ORDERS_NOTIFICATION_TEMPLATE"
DOWNLOADER = "https://github.com/RegardsOss/RegardsDownloader/releases"
_SUBJECTS = {
    ("en", CREATED): "Order number {} is confirmed",
    ("fr", CREATED): "La commande numéro {} est confirmée",
    ("en", ASIDE): "Reminder: some orders are waiting for you",
    ("fr", ASIDE): "Rappel : des commandes vous attendent",
}


@attrs.frozen(kw_only=True)
class Mail:
    """Hold a mail that is still to be sent.

    Attributes:
        receiver: who gets it, as the event names the user.
        subject: one line.
        text: for readers that show plain text.
        html: the same for all others.
        language: of both.
        correlation_id: of the order that it is about.
    """

    receiver: str
    subject: str
    text: str
    html: str
    language: str
    correlation_id: str


@attrs.frozen(kw_only=True)
class Composer:
    """Write the mails of one tenant.

    Attributes:
        tenant: the project, as mails call it.
        language: ``en`` or ``fr``.
        contact: address that people may write to.
        links: where mails lead.
        templates: their texts.
        clock: says what is over.
    """

    tenant: str
    language: str
    contact: str
    links: Links
    templates: Templates
    clock: Clock

    def order_created(self, event: OrderCreated, order: Order) -> Mail:
        """Return the mail about an order that was accepted.

        Raises:
            NotificationRefused: the order is over meanwhile, or a template fails.
        """
        expires, shut = order.expires, order.status in ERASED or not order.listed
        if shut or expires is None or expires <= self.clock.now():
            raise NotificationRefused(event.owner, f"there is nothing to download of order {order.id}")
        tokens = {
            "order_label": order.label,
            "expiration_date": iso(expires),
            "orders_url": self.links.page(event.frontend_url),
            "metalink_download_url": self.links.metalink(order),
            "regards_downloader_url": DOWNLOADER,
        }
        return self._mail(CREATED, event, tokens, order.id)

    def orders_aside(self, event: OrdersAside) -> Mail:
        """Return the mail about files that wait for their user.

        Raises:
            NotificationRefused: all orders have expired meanwhile, or a template fails.
        """
        now = self.clock.now()
        orders = [self._aside(order) for order in event.orders if order.expires is None or order.expires > now]
        if not orders:
            raise NotificationRefused(event.owner, "all the orders have expired")
        return self._mail(ASIDE, event, {"orders": orders})

    def downloads_refused(self, event: DownloadsRefused) -> Mail:
        """Return the mail about files that a quota kept back; its words are the same in every language."""
        return Mail(
            receiver=event.owner,
            subject="Download quota errors",
            text=event.text + "\n",
            html=f"<pre>{escape(event.text)}</pre>\n",
            language="en",
            correlation_id=event.correlation_id,
        )

    def _aside(self, order: OrderAside) -> Mapping[str, Any]:
        return {
            "label": order.label,
            "creation_date": readable(order.created, self.language),
            "expiration_date": order.expires and readable(order.expires, self.language),
            "available_files_count": order.available,
            "available_since": readable(order.since, self.language),
        }

    def _mail(
        self, code: str, event: OrderCreated | OrdersAside, tokens: Mapping[str, Any], number: int | None = None
    ) -> Mail:
        tokens = {"project": self.tenant, "contact": self.contact, **tokens}
        try:
            text, html = (self.templates.render(code, kind, tokens) for kind in ("txt", "html"))
        except ValueError as error:
            raise NotificationRefused(event.owner, str(error)) from error
        return Mail(
            receiver=event.owner,
            subject=_SUBJECTS[self.language, code].format(number),
            text=text,
            html=html,
            language=self.language,
            correlation_id=event.correlation_id,
        )
