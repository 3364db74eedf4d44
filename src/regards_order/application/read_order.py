"""Look at orders (docs/orders.md)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from regards_order.domain.errors import NotFound
from regards_order.domain.files import FileState, OrderFile
from regards_order.domain.order import GOING_ON, Order, OrderStatus
from regards_order.domain.principal import User
from regards_order.domain.suborder import Suborder
from regards_order.ports.bundle import Ports
from regards_order.ports.listings import Listed, Sort


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
    """Return at most *limit* orders of the user with an id above *after*, by id; another service has none."""
    if user.service:
        return ()
    with ports.store.read() as tx:
        return tx.orders.page(owner=user.email, after=after, limit=limit)


def page_orders(ports: Ports, user: User, *, offset: int = 0, limit: int = 20) -> Listed[Order]:
    """Return the user's orders and their number, the newest first, without DELETED ones; another service has none."""
    if user.service:
        return Listed(0, ())
    with ports.store.read() as tx:
        return tx.listings.orders(user.email, without=(OrderStatus.DELETED,), offset=offset, limit=limit)


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


@attrs.frozen
class AvailableFiles:
    """List files that are ready for download.

    Attributes:
        over: True when no more of them will come: the order has ended, or its suborder has no PENDING file.
        some: whether any is there at all, on whatever page.
        listed: one page of them.
    """

    over: bool
    some: bool
    listed: Listed[OrderFile]


def available_files(
    ports: Ports,
    user: User,
    order_id: int,
    *,
    suborder_id: int | None = None,
    sort: Sequence[Sort] = (),
    after: int = 0,
    offset: int = 0,
    limit: int = 50,
) -> AvailableFiles:
    """Return the AVAILABLE files of an order, or of one of its suborders; downloaded ones have left the list.

    Args:
        ports: what to work with.
        user: who asks.
        order_id: the order.
        suborder_id: one of its suborders.
        sort: by which fields, the strongest first; by id unless given.
        after: only files with a larger id; unlike *offset* it does not shift while files are downloaded.
        offset: how many to leave out.
        limit: at most so many.

    Raises:
        NotFound: there is no such order, or it has no such suborder.
        NotAllowed: as `get_order`.
    """
    with ports.store.read() as tx:
        order = tx.orders.get(order_id)
        user.require_reading(order.owner, f"list the files of order {order_id}")
        over, counts = order.status not in GOING_ON, order.counts
        if suborder_id is not None:
            suborder = tx.suborders.get(suborder_id)
            if suborder.order_id != order_id:
                raise NotFound("Suborder", suborder_id)
            counts = suborder.counts
            over = counts.pending == 0
        listed = tx.listings.files(
            order_id,
            suborder_id=suborder_id,
            states=(FileState.AVAILABLE,),
            sort=sort,
            after=after,
            offset=offset,
            limit=limit,
        )
    return AvailableFiles(over, counts.available > 0, listed)
