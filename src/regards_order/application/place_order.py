"""Turn a basket into an order (docs/orders.md)."""

from __future__ import annotations

import datetime as dt

import attrs

from regards_order.application.tenant_settings import current_settings
from regards_order.domain.basket import Basket, BasketOwner
from regards_order.domain.errors import LabelTaken, NoBasket, NoSnapshot
from regards_order.domain.order import ORDERS, Order, OrderEvent, check_label, default_label
from regards_order.domain.principal import Role, User
from regards_order.ports.bundle import Ports
from regards_order.ports.unit_of_work import Transaction


def place_order(
    ports: Ports,
    user: User,
    *,
    label: str | None = None,
    frontend_url: str | None = None,
    correlation_id: str | None = None,
    application: bool = False,
) -> Order:
    """Order the user's basket: the order is PENDING, the basket becomes the order's, the user has none any more.

    Args:
        ports: what to work with.
        user: whose basket it is; role and groups are kept for the background work.
        label: 1 to 50 characters, unique for the user; generated when empty.
        frontend_url: page of the front end that shows the order.
        correlation_id: the client's name for the order; generated when None.
        application: an administrator orders for a program; suborders stay available as long as is set for those.

    Raises:
        NotAllowed: an order for a program needs ADMIN.
        NoBasket: there is no basket; an empty one can be ordered.
        LabelTooLong, LabelTaken: choose another label; the basket is unchanged.
    """
    user.require_owning("order")
    if application:
        user.require(Role.ADMIN, "order for an application")
    _check_label(label)
    with ports.store.write() as tx:
        # whoever orders the same basket at the same moment waits here, and then finds none
        basket = tx.baskets.get(BasketOwner.user(user.email), lock=True)
        if basket is None:
            raise NoBasket(user.email)
        settings = current_settings(ports, tx)
        hours = settings.app_hours if application else settings.user_hours
        draft = _Draft(user, label, frontend_url, correlation_id, hours, settings.max_hours)
        return _order(ports, tx, draft, basket)


def restart_order(
    ports: Ports,
    user: User,
    order_id: int,
    *,
    label: str | None = None,
    frontend_url: str | None = None,
) -> Order:
    """Order once more what an order was made of: a new order of the same owner; the old one stays as it is.

    The catalogue is read anew, but products that came after a selection was made stay out.

    Args:
        ports: what to work with.
        user: who asks.
        order_id: the order.
        label: as for `place_order`.
        frontend_url: as for `place_order`.

    Raises:
        NotFound: the tenant has no such order.
        NotManager: it is somebody else's and the user is not ADMIN or above.
        IllegalTransition: it has not come to its end by itself, or its files are erased.
        NoSnapshot: its basket is not kept any more.
        LabelTooLong, LabelTaken: choose another label; nothing was done.
    """
    _check_label(label)
    with ports.store.write() as tx:
        old = tx.orders.get(order_id, lock=True)
        user.require_managing(old.owner, f"restart order {order_id}")
        ORDERS.check(order_id, old.status, OrderEvent.RESTART)
        snapshot = tx.baskets.get(BasketOwner.order(order_id))
        if snapshot is None:
            raise NoSnapshot(order_id)
        ids = iter(tx.ids.block("dataset_selection", len(snapshot.selections))) if snapshot.selections else iter(())
        copy = snapshot.copied(tx.ids.block("basket", 1)[0], ids)
        settings = current_settings(ports, tx)
        owner = User(old.owner, old.role, old.groups)
        draft = _Draft(owner, label, frontend_url, None, settings.user_hours, settings.max_hours)
        return _order(ports, tx, draft, copy)


@attrs.frozen
class _Draft:
    """Hold what a new order is to be."""

    owner: User
    label: str | None
    frontend_url: str | None
    correlation_id: str | None
    hours: int
    max_hours: int


def _order(ports: Ports, tx: Transaction, draft: _Draft, basket: Basket) -> Order:
    """Store a PENDING order, and give it the basket."""
    now, owner = ports.clock.now(), draft.owner
    order = Order(
        id=tx.ids.block("order", 1)[0],
        owner=owner.email,
        role=owner.role,
        groups=owner.groups,
        label=draft.label or default_label(now),
        correlation_id=draft.correlation_id or f"auto-correlation-id-{ports.unique_ids.unique()}",
        created=now,
        status_date=now,
        hours=draft.hours,
        expires=now + dt.timedelta(hours=draft.max_hours),
        frontend_url=draft.frontend_url,
    )
    order = _add(tx, order) if draft.label else _add_numbered(tx, order)
    tx.baskets.save(basket.given_to(BasketOwner.order(order.id)))
    return order


def _check_label(label: str | None) -> None:
    """Judge a label before anything is looked at, which may be absent or somebody else's."""
    if label:
        check_label(label)


def _add(tx: Transaction, order: Order) -> Order:
    if tx.orders.label_taken(order.owner, order.label):
        raise LabelTaken(order.owner, order.label)
    tx.orders.add(order)
    return order


def _add_numbered(tx: Transaction, order: Order) -> Order:
    """Store an order under the first generated label that is free; one may be taken just when it is to be stored."""
    number = 1
    while True:
        try:
            return _add(tx, attrs.evolve(order, label=default_label(order.created, number)))
        except LabelTaken:
            number += 1
