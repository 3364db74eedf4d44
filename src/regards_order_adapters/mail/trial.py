"""Mails about nothing, written once at the start: a template that fails is found before it loses a real one."""

from __future__ import annotations

import datetime as dt

from regards_order.domain.errors import NotificationRefused
from regards_order.domain.events import OrderAside, OrderCreated, OrdersAside
from regards_order.domain.order import Order, OrderStatus
from regards_order_adapters.mail.composing import Composer

_DAY = dt.timedelta(days=1)
_NOBODY = "nobody@localhost"


def template_fault(composer: Composer) -> str | None:
    """Return which template of a tenant fails and how; None when all of them work."""
    now = composer.clock.now()
    label, status = "Trial", OrderStatus.RUNNING
    order = Order(
        id=1,
        owner=_NOBODY,
        label=label,
        correlation_id="",
        created=now,
        status=status,
        status_date=now,
        hours=1,
        expires=now + _DAY,
        listed=True,
    )
    waiting = OrderAside(order_id=1, label=label, created=now, expires=now + _DAY, available=1, since=now)
    try:
        composer.order_created(OrderCreated(order_id=1, owner=_NOBODY, correlation_id="", frontend_url="/"), order)
        composer.orders_aside(OrdersAside(order_id=1, owner=_NOBODY, correlation_id="", orders=(waiting,)))
    except NotificationRefused as refusal:
        return refusal.cause
    return None
