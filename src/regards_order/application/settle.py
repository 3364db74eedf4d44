"""Carry what happened to files on to their suborders, their order, their owner's slots and the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from regards_order.application.complete_order import order_ended, suborder_done
from regards_order.domain.files import FileCounts, Moved
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.suborder import SuborderState
from regards_order.ports.unit_of_work import Transaction


def settle(tx: Transaction, order: Order, moved: Sequence[Moved], now: dt.datetime) -> Order:
    """Apply the moves of an order's files, in the transaction that moved them, and return the order as it then is.

    Args:
        tx: the transaction.
        order: the order, locked before its files were touched.
        moved: what moved.
        now: business time (UTC).

    Counts change by differences; what they cross decides what waits, what has ended and what is told (docs/orders.md).
    """
    waiting = 0
    ended = []
    for suborder_id in sorted({move.suborder_id for move in moved}):
        change = FileCounts.change(move for move in moved if move.suborder_id == suborder_id)
        before = tx.suborders.count(suborder_id, change)
        after = before.settled()
        if after is before:
            continue
        waiting += after.waiting - before.waiting
        tx.suborders.save(after)
        if before.state is SuborderState.ASKED and after.delivered_something:
            ended.append(after)
        if not after.waiting:
            tx.slots.note_freed(order.owner)
    order = tx.orders.count(order, FileCounts.change(moved), waiting, now)
    for suborder in ended:
        tx.outbox.add(suborder_done(order, suborder))
    settled = order.settled(now)
    if settled is order:
        return order
    if order.status is not OrderStatus.DONE:
        tx.outbox.add(order_ended(settled))
    # what was DONE with failed downloads goes on to its warning, of which nobody is told
    return tx.orders.save(settled.settled(now))
