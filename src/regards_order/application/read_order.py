"""Look at orders (docs/orders.md)."""

from __future__ import annotations

from collections.abc import Sequence

from regards_order.domain.files import OrderFile
from regards_order.domain.order import Order
from regards_order.domain.principal import User
from regards_order.domain.suborder import Suborder
from regards_order.ports.bundle import Ports


def get_order(ports: Ports, user: User, order_id: int) -> Order:
    """Return an order.

    Raises:
        NotFound: the tenant has no such order.
        NotAllowed: it is somebody else's and the user is neither PROJECT_ADMIN nor INSTANCE_ADMIN.
    """
    with ports.store.read() as tx:
        order = tx.orders.get(order_id)
    user.require_reading(order.owner, f"read order {order_id}")
    return order


def list_orders(ports: Ports, user: User, *, after: int = 0, limit: int = 100) -> Sequence[Order]:
    """Return at most *limit* orders of the user with an id above *after*, by id."""
    with ports.store.read() as tx:
        return tx.orders.page(owner=user.email, after=after, limit=limit)


def list_suborders(ports: Ports, user: User, order_id: int) -> Sequence[Suborder]:
    """Return the suborders of an order, by id.

    Raises:
        NotFound, NotAllowed: as `get_order`.
    """
    get_order(ports, user, order_id)
    with ports.store.read() as tx:
        return tx.suborders.of_order(order_id)


def list_files(ports: Ports, user: User, order_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[OrderFile]:
    """Return at most *limit* files of an order with an id above *after*, by id.

    Raises:
        NotFound, NotAllowed: as `get_order`.
    """
    get_order(ports, user, order_id)
    with ports.store.read() as tx:
        return tx.files.page(order_id, after=after, limit=limit)
