"""What a user can see of a system, and what must be true of it whatever happened (docs/orders.md, docs/states.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import attrs

from regards_order.application.ordering import Ordering
from regards_order.domain.basket import Basket
from regards_order.domain.errors import InvalidPattern, OrderingError
from regards_order.domain.events import OrderEnded, SuborderDone
from regards_order.domain.files import FileCounts, FileState, OrderFile
from regards_order.domain.order import ENDED, ERASED, GOING_ON, Contents, Order, OrderStatus
from regards_order.domain.principal import User
from regards_order.domain.settings import Settings
from regards_order.domain.suborder import HOLDING, Suborder, SuborderState
from regards_order.ports.outbox import Letter

T = TypeVar("T")


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
    if order.status in ERASED:
        assert (view.suborders, view.files, order.waiting_suborders, order.waiting_for_user) == ((), (), 0, False)
        return
    if not order.listed:  # whoever lists its files may have begun, or died
        assert order.status in GOING_ON
        assert (order.counts, order.waiting_suborders, order.contents) == (FileCounts(), 0, Contents())
        assert all(each.external or each.state is SuborderState.PENDING for each in suborders)
        return
    assert order.counts == count_files(view.files)
    assert order.waiting_suborders == sum(each.waiting for each in suborders)
    assert {file.suborder_id for file in view.files} == {each.id for each in suborders if each.counts.total}
    external = sum(each.external for each in suborders)
    assert order.contents.external_suborders == external
    assert order.contents.internal_suborders == len(suborders) - external
    assert sum(task.files_count for task in order.contents.tasks) == len(view.files)
    for suborder in suborders:
        check_suborder(suborder, [file for file in view.files if file.suborder_id == suborder.id])
        stopped = suborder.state is SuborderState.ABORTED
        may_go_on = suborder.state in (SuborderState.PENDING, SuborderState.QUEUED, SuborderState.ASKED)
        assert not (stopped and order.status is not OrderStatus.PAUSED)
        assert not (may_go_on and order.status is not OrderStatus.RUNNING)
    check_status(order, delivery_failed=delivery_failed)
    check_percent(order)


def check_suborder(suborder: Suborder, files: Sequence[OrderFile]) -> None:
    """Check that a suborder is in the state that its files call for; those asked for once more have left it."""
    counts, ids = suborder.counts, [file.id for file in files]
    assert counts == count_files(files)
    assert set(ids) <= set(range(suborder.first_file, suborder.last_file + 1))
    assert all(file.reference == suborder.external for file in files)
    if suborder.external:
        assert suborder.state is SuborderState.ENDED
        assert counts.pending == 0
    elif suborder.state in (SuborderState.PENDING, SuborderState.QUEUED, SuborderState.ABORTED):
        assert counts.pending > 0
    elif suborder.state is SuborderState.ASKED:
        assert counts.pending > 0
        assert suborder.deadline is not None
    elif suborder.state is SuborderState.WAITING:
        assert counts.pending == 0 < counts.available
    else:
        assert suborder.state is SuborderState.ENDED
        assert counts.pending == counts.available == 0


def check_status(order: Order, *, delivery_failed: bool) -> None:
    """Check that an order whose files are listed has the status that they call for."""
    counts, status = order.counts, order.status
    assert order.expires is not None
    if counts.total == 0:
        assert status in (OrderStatus.DONE_WITH_WARNING, OrderStatus.FAILED)
        assert order.message
    elif counts.pending:
        assert status in (OrderStatus.RUNNING, OrderStatus.PAUSED)
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


def check_letters(
    letters: Sequence[Letter], orders: Sequence[OrderView], retries: Mapping[int, int] | None = None
) -> None:
    """Check that each end of each order and the answer for each suborder were told exactly once.

    Args:
        letters: all that was ever told.
        orders: all orders.
        retries: order id → how often it went on after its end.
    """
    numbers = [letter.number for letter in letters]
    assert numbers == sorted(set(numbers))
    ended = Counter(each.event.order_id for each in letters if isinstance(each.event, OrderEnded))
    answered = Counter(each.event.suborder_id for each in letters if isinstance(each.event, SuborderDone))
    for view in orders:
        before, status = (retries or {}).get(view.order.id, 0), view.order.status
        assert ended[view.order.id] - before in ((0, 1) if status in ERASED else (status in ENDED,))
        for suborder in view.suborders:
            done = suborder.state in (SuborderState.WAITING, SuborderState.ENDED) and suborder.delivered_something
            left = suborder.counts.total == 0  # what it once delivered may have gone to another one
            assert answered[suborder.id] in ((0, 1) if left else (done and view.order.listed,))


def check_slots(orders: Sequence[OrderView], settings: Settings, *, worked: bool) -> None:
    """Check that nobody has more slots than allowed, and after background work none that could be given lies idle."""
    for owner in {view.order.owner for view in orders}:
        stored = [each for view in orders if view.order.owner == owner for each in view.suborders if not each.external]
        used = sum(each.state in HOLDING for each in stored)
        assert used <= settings.suborders_per_user
        running = {view.order.id for view in orders if view.order.status is OrderStatus.RUNNING and view.order.listed}
        waiting = [each for each in stored if each.state is SuborderState.PENDING and each.order_id in running]
        assert not (worked and waiting and used < settings.suborders_per_user)


def check_progress(before: Sequence[OrderView], after: Sequence[OrderView]) -> None:
    """Check that no order and no listed file is lost, or awaited again unless it could not be had."""
    known = {view.order.id: view for view in after}
    for old in before:
        new = known.get(old.order.id)
        if new is None:
            assert old.order.status is OrderStatus.DELETED
            continue
        if not old.order.listed or new.order.status in ERASED:
            continue
        assert [_fixed(file) for file in old.files] == [_fixed(file) for file in new.files]
        for was, now in zip(old.files, new.files, strict=True):
            moved = was.suborder_id != now.suborder_id
            could_not_be_had = was.state in (FileState.ERROR.value, FileState.DOWNLOAD_ERROR.value)
            assert could_not_be_had or not moved
            assert moved or was.state == FileState.PENDING.value or now.state != FileState.PENDING.value
            assert moved or was.state != FileState.ERROR.value or now.state == was.state


def _fixed(file: OrderFile) -> OrderFile:
    return file._replace(state="", download_error=None, suborder_id=0)


def check_end(ordering: Ordering, users: Sequence[User], later: Callable[[], object]) -> View:
    """Check that nothing waits for ever: when users resume and download, all orders come to their end.

    Args:
        ordering: the system; its storage has to answer.
        users: all who have orders.
        later: lets leases end and time pass until the storage is polled again.

    Returns:
        what can be seen then.
    """
    view = look(ordering, users)
    rounds = 0
    while rounds < 4 + sum(1 + len(each.suborders) + len(each.files) for each in view.orders):
        rounds += 1
        later()
        ordering.work()
        for user in users:
            for order in ordering.list_orders(user, limit=1000):
                if order.status is OrderStatus.PAUSED:
                    ordering.resume_order(user, order.id)
                elif order.available and order.status not in ERASED:
                    delivery = ordering.open_zip(user, order.id)
                    for _block in delivery:
                        continue
                    delivery.confirm()
        view = look(ordering, users)
        if ordering.work() == 0 and all(_is_over(each) for each in view.orders):
            break
    for each in view.orders:
        assert _is_over(each), f"order {each.order.id} waits for ever"
    with ordering.store.read() as tx:
        assert tx.slots.freed(1) == ()
        assert not tx.claims.busy([each.order.id for each in view.orders])
    return view


def _is_over(view: OrderView) -> bool:
    ended = all(suborder.state is SuborderState.ENDED for suborder in view.suborders)
    if view.order.status in ERASED:
        return True
    return ended and view.order.status in ENDED and view.order.available == 0
