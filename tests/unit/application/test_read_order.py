"""Looking at orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from regards_order import NotAllowed, NotFound, Role, User

LISE, MAX = User("lise@obs.example"), User("max@obs.example")

READERS: list[Callable] = [
    lambda ordering, user, order_id: ordering.get_order(user, order_id),
    lambda ordering, user, order_id: ordering.list_suborders(user, order_id),
    lambda ordering, user, order_id: ordering.list_files(user, order_id),
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
