"""Ask once more for the files of an order that could not be had (docs/orders.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from regards_order.application.complete_order import suborder_done
from regards_order.application.settle import settle
from regards_order.application.tenant_settings import current_settings
from regards_order.domain.files import FILES, FileCounts, FileEvent, FileState, Moved
from regards_order.domain.order import ORDERS, Order, OrderEvent
from regards_order.domain.packing import Again, AgainPacker
from regards_order.domain.principal import User
from regards_order.domain.settings import Settings
from regards_order.domain.suborder import Suborder, SuborderState, priority
from regards_order.ports.bundle import Ports
from regards_order.ports.files import FileChoice
from regards_order.ports.unit_of_work import Transaction

_FAILED = (FileState.ERROR, FileState.DOWNLOAD_ERROR)
_PAGE = 1000


def retry_order(ports: Ports, user: User, order_id: int) -> Order:
    """Put the files in ERROR or DOWNLOAD_ERROR into new suborders; all others stay as they are.

    External files are available again at once, the others wait for the storage.  An order without such files is left
    as it is.

    Raises:
        NotFound: the tenant has no such order.
        NotManager: it is somebody else's and the user is not ADMIN or above.
        IllegalTransition: it is neither DONE_WITH_WARNING nor FAILED.
    """
    now = ports.clock.now()
    with ports.store.write() as tx:
        order = tx.orders.get(order_id, lock=True)
        user.require_managing(order.owner, f"retry order {order_id}")
        ORDERS.check(order_id, order.status, OrderEvent.RETRY)
        settings = current_settings(ports, tx)
        load = tx.slots.load(order.owner)
        rank = priority(load.total, load.mine, order.role)
        moved: list[Moved] = []
        suborders: list[Suborder] = []
        for group in _groups(tx, order, settings):
            suborder, left = _take_over(tx, order, group, rank)
            moved += left
            suborders.append(suborder)
        if not moved:
            return order
        internal = sum(not suborder.external for suborder in suborders)
        expires = now + dt.timedelta(hours=settings.order_hours(order.hours, internal))
        order = tx.orders.save(order.retried(now, expires, internal, len(suborders) - internal))
        order = tx.orders.count(order, FileCounts.change(moved), 0, now)
        for suborder in suborders:
            if suborder.external:
                tx.outbox.add(suborder_done(order, suborder))
        tx.slots.note_freed(order.owner)
        return settle(tx, order, (), now)


def _groups(tx: Transaction, order: Order, settings: Settings) -> Iterator[Again]:
    origins = {each.id: (each.dataset_urn, each.external) for each in tx.suborders.of_order(order.id)}
    packer = AgainPacker(settings)
    after = 0
    while page := tx.files.page(order.id, states=_FAILED, after=after, limit=_PAGE):
        after = page[-1].id
        for file in page:
            yield from packer.add(*origins[file.suborder_id], file)
    yield from packer.finish()


def _take_over(tx: Transaction, order: Order, group: Again, rank: int) -> tuple[Suborder, list[Moved]]:
    """Store a new suborder that takes over some files, and return it with how they moved."""
    event = FileEvent.RETRIED_EXTERNAL if group.external else FileEvent.RETRIED
    suborder = Suborder(
        id=tx.ids.block("suborder", 1)[0],
        order_id=order.id,
        owner=order.owner,
        dataset_urn=group.dataset_urn,
        external=group.external,
        state=SuborderState.ENDED if group.external else SuborderState.PENDING,
        priority=rank,
        hours=order.hours,
        first_file=group.ids[0],
        last_file=group.ids[-1],
        counts=group.counts,
    )
    tx.suborders.add(suborder)
    moved = list(tx.files.move(FileChoice(order_id=order.id, ids=group.ids), FILES.moves(event), into=suborder.id))
    for left in moved:
        tx.suborders.count(left.suborder_id, FileCounts.of(left.before, -left.files, -left.bytes))
    return suborder, moved
