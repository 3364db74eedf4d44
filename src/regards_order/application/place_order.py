"""Turn a basket into an order (docs/orders.md)."""

from __future__ import annotations

import datetime as dt
from itertools import count

from regards_order.domain.basket import BasketOwner
from regards_order.domain.errors import LabelTaken, NoBasket
from regards_order.domain.order import Order, check_label, default_label
from regards_order.domain.principal import User
from regards_order.ports.bundle import Ports
from regards_order.ports.unit_of_work import Transaction


def place_order(
    ports: Ports,
    user: User,
    *,
    label: str | None = None,
    frontend_url: str | None = None,
    correlation_id: str | None = None,
) -> Order:
    """Order the user's basket: the order is PENDING, the basket becomes the order's, the user has none any more.

    Args:
        ports: what to work with.
        user: whose basket it is; role and groups are kept for the background work.
        label: 1 to 50 characters, unique for the user; generated when empty.
        frontend_url: page of the front end that shows the order.
        correlation_id: the client's name for the order; generated when None.

    Raises:
        NoBasket: there is no basket; an empty one can be ordered.
        LabelTooLong, LabelTaken: choose another label; the basket is unchanged.
    """
    user.require_owning("order")
    now = ports.clock.now()
    with ports.store.write() as tx:
        # whoever orders the same basket at the same moment waits here, and then finds none
        basket = tx.baskets.get(BasketOwner.user(user.email), lock=True)
        if basket is None:
            raise NoBasket(user.email)
        free = _free_label(tx, user.email, label, now)
        order = Order(
            id=tx.ids.block("order", 1)[0],
            owner=user.email,
            role=user.role,
            groups=user.groups,
            label=free,
            correlation_id=correlation_id or f"auto-correlation-id-{ports.unique_ids.unique()}",
            created=now,
            status_date=now,
            hours=ports.settings.user_hours,
            frontend_url=frontend_url,
        )
        tx.orders.add(order)
        tx.baskets.save(basket.given_to(BasketOwner.order(order.id)))
    return order


def _free_label(tx: Transaction, owner: str, label: str | None, now: dt.datetime) -> str:
    if label:
        if tx.orders.label_taken(owner, check_label(label)):
            raise LabelTaken(owner, label)
        return label
    return next(free for n in count(1) if not tx.orders.label_taken(owner, free := default_label(now, n)))
