"""What users and services do to an order: pause, resume, delete, remove, cancel (docs/orders.md)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from regards_order.domain.basket import BasketOwner
from regards_order.domain.errors import IllegalTransition, NotFound, StoreUnavailable
from regards_order.domain.files import FileCounts
from regards_order.domain.order import ORDERS, Order, OrderEvent, OrderStatus
from regards_order.domain.principal import Role, User
from regards_order.domain.suborder import SUBORDERS, SuborderEvent
from regards_order.ports.bundle import Ports
from regards_order.ports.unit_of_work import Transaction

_log = logging.getLogger(__name__)


def pause_order(ports: Ports, user: User, order_id: int) -> Order:
    """Let nothing more be made available for an order; what is available stays so.

    Raises:
        NotFound: the tenant has no such order.
        NotManager: it is somebody else's and the user is not ADMIN or above.
        IllegalTransition: it is neither PENDING nor RUNNING.
    """
    with ports.store.write() as tx:
        order = _managed(tx, user, order_id, "pause")
        return _pause(ports, tx, order)


def _pause(ports: Ports, tx: Transaction, order: Order) -> Order:
    # whoever lists its files goes on, and whoever asks the storage ends: leases tell until when
    order = tx.orders.save(order.paused(ports.clock.now()), keep_lease=True)
    tx.suborders.move(order.id, SUBORDERS.moves(SuborderEvent.ABORT))
    tx.slots.note_freed(order.owner)
    return order


def resume_order(ports: Ports, user: User, order_id: int) -> Order:
    """Let an order go on that is effectively paused: nobody lists its files or asks the storage for them any more.

    Raises:
        NotFound, NotManager: as `pause_order`.
        IllegalTransition: it is not PAUSED, or not yet effectively.
    """
    with ports.store.write() as tx:
        order = _managed(tx, user, order_id, "resume")
        resumed = order.resumed(ports.clock.now())
        if tx.claims.busy((order_id,)):
            code = ORDERS.codes[OrderEvent.RESUME]
            raise IllegalTransition("Order", order_id, "still being paused", "resume", "PAUSED and at rest", code)
        order = tx.orders.save(resumed)
        tx.suborders.move(order_id, SUBORDERS.moves(SuborderEvent.RESUME))
        tx.slots.note_freed(order.owner)
        return order


def delete_order(ports: Ports, user: User, order_id: int) -> Order:
    """Erase the files of an order; the order itself stays, DELETED.

    Raises:
        NotFound, NotManager: as `pause_order`.
        IllegalTransition: it goes on, or is DELETED already.
    """
    with ports.store.write() as tx:
        order = _managed(tx, user, order_id, "delete")
        return _delete(ports, tx, order)


def _delete(ports: Ports, tx: Transaction, order: Order) -> Order:
    return erase_contents(ports, tx, order.deleted(ports.clock.now()))


def erase_contents(ports: Ports, tx: Transaction, order: Order) -> Order:
    """Store an order that lost its files, and erase these and its suborders."""
    order = tx.orders.save(order)
    tx.files.erase(order.id)
    tx.suborders.erase(order.id)
    tx.slots.note_freed(order.owner)
    return tx.orders.count(order, FileCounts(), -order.waiting_suborders, ports.clock.now())


def remove_order(ports: Ports, user: User, order_id: int) -> None:
    """Erase a DELETED order for good, with the basket that was kept for it.

    Raises:
        NotFound: the tenant has no such order.
        NotAllowed: the user is neither PROJECT_ADMIN nor INSTANCE_ADMIN.
        IllegalTransition: it is not DELETED.
    """
    with ports.store.write() as tx:
        order = tx.orders.get(order_id, lock=True)
        user.require(Role.PROJECT_ADMIN, f"remove order {order_id}")
        ORDERS.check(order_id, order.status, OrderEvent.REMOVE)
        tx.baskets.remove(BasketOwner.order(order_id))
        tx.orders.erase(order_id)


def cancel_order(ports: Ports, order_id: int) -> None:
    """Pause and delete an order, whoever asks: other services do, by message.

    An order that is unknown or DELETED is left alone.  A cancellation that fails again and again leaves it in ERROR.

    Raises:
        StoreUnavailable: nothing was done; it may be asked for again.
    """
    cause: Exception | None = None
    for attempt in range(1, ports.settings.cancel_attempts + 1):
        try:
            _cancel(ports, order_id)
            return
        except StoreUnavailable:
            raise
        except Exception as failure:  # whatever it is, the order must not look as if nothing had happened
            extra = {"action": "cancel_failed", "order_id": order_id, "attempt": attempt}
            _log.warning("cancellation failed", exc_info=failure, extra=extra)
            cause = failure
    with ports.store.write() as tx:
        order = _cancellable(tx, order_id)
        if order is not None:
            message = f"Exception raised while pausing an order [{order_id}] : {cause}"
            tx.orders.save(order.not_cancelled(message, ports.clock.now()))


def _cancel(ports: Ports, order_id: int) -> None:
    with ports.store.write() as tx:
        order = _cancellable(tx, order_id)
        if order is None:
            return
        if ORDERS.allows(order.status, OrderEvent.PAUSE):
            order = _pause(ports, tx, order)
        _delete(ports, tx, order)


def _cancellable(tx: Transaction, order_id: int) -> Order | None:
    try:
        order = tx.orders.get(order_id, lock=True)
    except NotFound:
        return None
    return None if order.status is OrderStatus.DELETED else order


def possible_events(ports: Ports, orders: Sequence[Order]) -> Sequence[frozenset[OrderEvent]]:
    """Return what the state of each order allows; who may do it is another question."""
    paused = [order.id for order in orders if order.status is OrderStatus.PAUSED]
    busy: frozenset[int] = frozenset()
    if paused:
        with ports.store.read() as tx:
            busy = tx.claims.busy(paused)
    return [ORDERS.events(order.status) - ({OrderEvent.RESUME} if order.id in busy else set()) for order in orders]


def _managed(tx: Transaction, user: User, order_id: int, action: str) -> Order:
    order = tx.orders.get(order_id, lock=True)
    user.require_managing(order.owner, f"{action} order {order_id}")
    return order
