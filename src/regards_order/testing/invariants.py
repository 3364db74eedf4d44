"""What a user can see of a system, and what must be true of it whatever happened (docs/orders.md, docs/states.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

import attrs

from regards_order.application.ordering import Ordering
from regards_order.domain.basket import Basket
from regards_order.domain.errors import InvalidPattern, OrderingError
from regards_order.domain.events import OrderEnded, SuborderDone
from regards_order.domain.files import FileCounts, FileState, OrderFile
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.principal import User
from regards_order.domain.settings import Settings
from regards_order.domain.suborder import HOLDING, Suborder, SuborderState
from regards_order.ports.outbox import Letter

T = TypeVar("T")

_ENDED = (OrderStatus.DONE, OrderStatus.DONE_WITH_WARNING, OrderStatus.FAILED)


@attrs.frozen
class Refused:
    """Hold a refusal in a form that can be compared: engines may word differently what is wrong with a pattern."""

    kind: str
    code: str
    message: str


def attempt(action: Callable[[], T]) -> T | Refused:
    """Return what *action* returns, or how it was refused."""
    try:
        return action()
    except OrderingError as refusal:
        message = refusal.pattern if isinstance(refusal, InvalidPattern) else refusal.message
        return Refused(type(refusal).__name__, refusal.code, message)


def agreed(results: Sequence[T]) -> T:
    """Return what all systems answered alike."""
    first, *others = results
    for number, other in enumerate(others, 2):
        assert other == first, f"system {number} differs from the first one:\n{other}\n{first}"
    return first


# --- what can be seen ------------------------------------------------------------------------------------------------


@attrs.frozen
class OrderView:
    """Hold all that can be seen of one order."""

    order: Order
    percent: int
    waiting: bool
    suborders: tuple[Suborder, ...]
    files: tuple[OrderFile, ...]


@attrs.frozen
class View:
    """Hold all that can be seen of one system: baskets by user, orders by id, letters by number."""

    baskets: tuple[Basket | Refused, ...]
    orders: tuple[OrderView, ...]
    letters: tuple[Letter, ...]


def look(ordering: Ordering, users: Sequence[User]) -> View:
    """Return all that *users* can see of a system."""
    orders = [look_at(ordering, user, order.id) for user in users for order in ordering.list_orders(user, limit=1000)]
    with ordering.store.read() as tx:
        letters = tuple(tx.outbox.page(limit=10_000))
    baskets = tuple(attempt(partial(ordering.get_basket, user)) for user in users)
    return View(baskets, tuple(sorted(orders, key=lambda each: each.order.id)), letters)


def look_at(ordering: Ordering, user: User, order_id: int) -> OrderView:
    """Return all that *user* can see of an order."""
    order = ordering.get_order(user, order_id)
    suborders = tuple(ordering.list_suborders(user, order_id))
    files = tuple(ordering.list_files(user, order_id, limit=100_000))
    return OrderView(order, order.percent, order.waiting_for_user, suborders, files)


# --- what must be true -----------------------------------------------------------------------------------------------


def count_files(files: Iterable[OrderFile]) -> FileCounts:
    """Return the counts of files, counted one by one."""
    counts = FileCounts()
    for file in files:
        counts += FileCounts.of(FileState(file.state), 1, file.size or 0)
    return counts


def check_order(view: OrderView, *, delivery_failed: bool) -> None:
    """Check that an order and its suborders agree with its files.

    Args:
        view: the order.
        delivery_failed: whether some file of it could once not be delivered.
    """
    order, suborders = view.order, view.suborders
    assert order.counts == count_files(view.files)
    assert order.waiting_suborders == sum(each.waiting for each in suborders)
    assert {file.suborder_id for file in view.files} == {each.id for each in suborders}
    if order.status is not OrderStatus.PENDING:
        external = sum(each.external for each in suborders)
        assert order.contents.external_suborders == external
        assert order.contents.internal_suborders == len(suborders) - external
        assert sum(task.files_count for task in order.contents.tasks) == len(view.files)
    for suborder in suborders:
        check_suborder(suborder, [file for file in view.files if file.suborder_id == suborder.id])
    check_status(order, delivery_failed=delivery_failed)
    check_percent(order)


def check_suborder(suborder: Suborder, files: Sequence[OrderFile]) -> None:
    """Check that a suborder is in the state that its files call for."""
    counts, ids = suborder.counts, [file.id for file in files]
    assert counts == count_files(files)
    assert ids == list(range(suborder.first_file, suborder.last_file + 1))
    assert all(file.reference for file in files) == suborder.external
    if suborder.external:
        assert suborder.state is SuborderState.ENDED
        assert counts.pending == 0
    elif suborder.state in (SuborderState.PENDING, SuborderState.QUEUED):
        assert counts.pending == counts.total
    elif suborder.state is SuborderState.ASKED:
        assert counts.pending > 0
        assert suborder.deadline is not None
    elif suborder.state is SuborderState.WAITING:
        assert counts.pending == 0 < counts.available
    else:
        assert suborder.state is SuborderState.ENDED
        assert counts.pending == counts.available == 0


def check_status(order: Order, *, delivery_failed: bool) -> None:
    """Check that an order has the status that its files call for."""
    counts, status = order.counts, order.status
    if status is OrderStatus.PENDING:
        assert (counts, order.contents.tasks, order.expires) == (FileCounts(), (), None)
        return
    assert order.expires is not None
    if counts.total == 0:
        assert status in (OrderStatus.DONE_WITH_WARNING, OrderStatus.FAILED)
        assert order.message
    elif counts.pending:
        assert status is OrderStatus.RUNNING
    elif counts.in_error:
        all_failed = counts.in_error == counts.total
        assert status is (OrderStatus.FAILED if all_failed else OrderStatus.DONE_WITH_WARNING)
    elif status is OrderStatus.DONE:
        assert counts.download_error == 0 or order.waiting_for_user
    else:
        assert status is OrderStatus.DONE_WITH_WARNING
        assert delivery_failed


def check_percent(order: Order) -> None:
    """Check that an order's percentage is the share of treated bytes, and 100 only when no file is awaited."""
    counts = order.counts
    assert (order.percent == 100) == (counts.total > 0 and counts.pending == 0)
    treated = counts.bytes_known - counts.bytes_pending
    if counts.pending and counts.bytes_known:
        assert order.percent == min(99, 100 * treated // counts.bytes_known)
    elif order.percent != 100:
        assert order.percent == 0


def check_letters(letters: Sequence[Letter], orders: Sequence[OrderView]) -> None:
    """Check that the end of each order and the answer for each suborder were told exactly once."""
    numbers = [letter.number for letter in letters]
    assert numbers == sorted(set(numbers))
    ended = Counter(each.event.order_id for each in letters if isinstance(each.event, OrderEnded))
    answered = Counter(each.event.suborder_id for each in letters if isinstance(each.event, SuborderDone))
    for view in orders:
        assert ended[view.order.id] == (view.order.status in _ENDED)
        for suborder in view.suborders:
            done = suborder.state in (SuborderState.WAITING, SuborderState.ENDED) and suborder.delivered_something
            assert answered[suborder.id] == (done and view.order.status is not OrderStatus.PENDING)


def check_slots(orders: Sequence[OrderView], settings: Settings, *, worked: bool) -> None:
    """Check that nobody has more slots than allowed, and after background work none that could be given lies idle."""
    for owner in {view.order.owner for view in orders}:
        stored = [each for view in orders if view.order.owner == owner for each in view.suborders if not each.external]
        used = sum(each.state in HOLDING for each in stored)
        assert used <= settings.suborders_per_user
        running = {view.order.id for view in orders if view.order.status is OrderStatus.RUNNING}
        waiting = [each for each in stored if each.state is SuborderState.PENDING and each.order_id in running]
        assert not (worked and waiting and used < settings.suborders_per_user)


def check_progress(before: Sequence[OrderView], after: Sequence[OrderView]) -> None:
    """Check that no order and no listed file is lost, moved, or awaited again."""
    known = {view.order.id: view for view in after}
    for old in before:
        new = known[old.order.id]
        if old.files:
            assert [_fixed(file) for file in old.files] == [_fixed(file) for file in new.files]
        for was, now in zip(old.files, new.files, strict=False):
            assert was.state == FileState.PENDING.value or now.state != FileState.PENDING.value
            assert was.state != FileState.ERROR.value or now.state == was.state


def _fixed(file: OrderFile) -> OrderFile:
    return file._replace(state="", download_error=None)
