"""Looking at orders."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from regards_order import NotAllowed, NotFound, OrderStatus, Role, User
from regards_order.ports.listings import Sort

LISE, MAX = User("lise@obs.example"), User("max@obs.example")

READERS: list[Callable] = [
    lambda ordering, user, order_id: ordering.get_order(user, order_id),
    lambda ordering, user, order_id: ordering.list_suborders(user, order_id),
    lambda ordering, user, order_id: ordering.list_files(user, order_id),
    lambda ordering, user, order_id: ordering.available_files(user, order_id),
    lambda ordering, user, order_id: ordering.open_zip(user, order_id),
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("role", Role)
def test_who_may_read(twelve, role: Role, read: Callable) -> None:
    """Case 37: the owner always, of others PROJECT_ADMIN and INSTANCE_ADMIN only."""
    order = twelve.work(twelve.place())
    assert read(twelve.ordering, User(LISE.email, role), order.id)
    stranger = User(MAX.email, role)
    if role in (Role.PROJECT_ADMIN, Role.INSTANCE_ADMIN):
        assert read(twelve.ordering, stranger, order.id)
        return
    with pytest.raises(NotAllowed, match=f"order {order.id}"):
        read(twelve.ordering, stranger, order.id)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("id", [-12, 99])
def test_unknown_orders(twelve, read: Callable, id: int) -> None:
    """An unknown order is not found, by its number."""
    twelve.place()
    with pytest.raises(NotFound, match=f"Entity Order with id : {id} doesn't exist"):
        read(twelve.ordering, LISE, id)


@pytest.mark.parametrize("read", READERS)
def test_other_tenants(twelve, make_twelve, read: Callable) -> None:
    """An order of another tenant does not exist, not even for an administrator."""
    order = twelve.work(twelve.place())
    with pytest.raises(NotFound):
        read(make_twelve().ordering, User(LISE.email, Role.INSTANCE_ADMIN), order.id)


def test_own_orders_in_pages(twelve) -> None:
    """The list holds the user's own orders by id, in pages by key."""
    placed = [twelve.place(user).id for user in (LISE, MAX, LISE, LISE)]
    mine = [placed[0], *placed[2:]]
    ordering = twelve.ordering
    assert [order.id for order in ordering.list_orders(LISE)] == mine
    assert [order.id for order in ordering.list_orders(LISE, limit=2)] == mine[:2]
    assert [order.id for order in ordering.list_orders(LISE, after=mine[1], limit=2)] == mine[2:]
    assert ordering.list_orders(User("nobody@obs.example")) == ()


def test_suborders_and_files(twelve) -> None:
    """Suborders and files come by id, files in pages by key."""
    order = twelve.work(twelve.place())
    other = twelve.work(twelve.place(MAX))
    ordering = twelve.ordering
    assert list(ordering.list_suborders(LISE, order.id)) == twelve.suborders(order)
    assert [each.order_id for each in ordering.list_suborders(MAX, other.id)] == [other.id] * 2
    pages, after = [], 0
    while page := ordering.list_files(LISE, order.id, after=after, limit=5):
        pages.append(page)
        after = page[-1].id
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [file for page in pages for file in page] == twelve.files(order)


def test_own_orders_newest_first(twelve) -> None:
    """A page holds the newest orders of the caller, and says how many there are; DELETED ones are left out."""
    orders = []
    for _ in range(3):
        twelve.ordering.clock.advance(seconds=1)
        orders.append(twelve.place())
    twelve.place(MAX)
    listed = twelve.ordering.page_orders(LISE, limit=2)
    assert (listed.total, [each.id for each in listed.items]) == (3, [orders[2].id, orders[1].id])
    assert [each.id for each in twelve.ordering.page_orders(LISE, offset=2).items] == [orders[0].id]
    with twelve.ordering.store.write() as tx:
        tx.orders.save(attrs.evolve(orders[1], status=OrderStatus.DELETED))
    assert twelve.ordering.page_orders(LISE).total == 2


def test_files_that_are_ready(make_twelve) -> None:
    """D-14: whether there are any and whether more will come follows the order, or the suborder."""
    twelve = make_twelve(suborders_per_user=1)
    order = twelve.place()
    empty = twelve.ordering.available_files(LISE, order.id)
    assert (empty.over, empty.some, empty.listed.total) == (False, False, 0)
    twelve.work(order)
    first, second = twelve.suborders(order)
    some = twelve.ordering.available_files(LISE, order.id, sort=[Sort("size")], limit=3)
    assert (some.over, some.some, some.listed.total) == (False, True, first.counts.total)
    sizes = [file.size for file in some.listed.items]
    assert (len(sizes), sizes) == (3, sorted(sizes))
    ready = twelve.ordering.available_files(LISE, order.id, suborder_id=first.id)
    assert (ready.over, ready.some, ready.listed.total) == (True, True, first.counts.total)
    waiting = twelve.ordering.available_files(LISE, order.id, suborder_id=second.id)
    assert (waiting.over, waiting.some, waiting.listed.total) == (False, False, 0)
    last = ready.listed.items[-1].id
    assert twelve.ordering.available_files(LISE, order.id, after=last - 1).listed.total == 1
    twelve.download(order)
    twelve.work(order)
    twelve.download(order)
    over = twelve.ordering.available_files(LISE, order.id, offset=1)
    assert (over.over, over.some, over.listed.total) == (True, False, 0)


def test_suborders_of_other_orders_have_no_files_here(twelve) -> None:
    """A suborder is named together with its order."""
    one, other = twelve.place(), twelve.place(label="other")
    twelve.ordering.work()
    foreign = twelve.suborders(other)[0].id
    for number in (foreign, 99, -1):
        with pytest.raises(NotFound, match=f"with id : {number} doesn't exist"):
            twelve.ordering.available_files(LISE, one.id, suborder_id=number)
