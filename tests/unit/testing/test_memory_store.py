"""The store in memory: its transactions, and what contract suites cannot see from outside."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest

from regards_order import (
    Account,
    Basket,
    Conflict,
    FileCounts,
    FileState,
    LabelTaken,
    NotFound,
    Order,
    OrderFile,
    OrderStatus,
    Suborder,
    SuborderState,
    User,
)
from regards_order.domain.basket import BasketOwner
from regards_order.domain.events import OrderEnded
from regards_order.domain.files import FILES, FileEvent, Moved
from regards_order.ports.files import FileChoice
from regards_order.testing import MemoryStore

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.timezone.utc)
LISE, MAX = "lise@obs.example", "max@obs.example"
USER = BasketOwner.user(LISE)


def an_order(id: int = 1, **changes: Any) -> Order:
    """Return an order."""
    values = {
        "id": id,
        "owner": LISE,
        "label": f"order {id}",
        "correlation_id": "c",
        "created": NOW,
        "status_date": NOW,
        "hours": 1,
    }
    return Order(**{**values, **changes})


def a_suborder(id: int = 1, **changes: Any) -> Suborder:
    """Return a suborder."""
    values = {
        "id": id,
        "order_id": 1,
        "owner": LISE,
        "dataset_urn": "URN",
        "external": False,
        "state": SuborderState.PENDING,
        "priority": 0,
        "hours": 1,
        "first_file": 1,
        "last_file": 1,
        "counts": FileCounts(pending=1),
    }
    return Suborder(**{**values, **changes})


def a_file(id: int, **changes: Any) -> OrderFile:
    """Return the row of a file."""
    row = (id, 1, 1, "URN", "p", 1, "PENDING", None, "RAWDATA", f"f{id}", f"f{id}", "text/plain")
    return OrderFile(*row, 10, f"c{id}", "MD5", True, False)._replace(**changes)


def an_event(id: int) -> OrderEnded:
    """Return an event."""
    return OrderEnded(order_id=id, owner=LISE, correlation_id="c", status=OrderStatus.DONE, message=None)


@pytest.fixture
def store() -> MemoryStore:
    """Return a store with an order, a suborder and three files."""
    store = MemoryStore()
    with store.write() as tx:
        tx.orders.add(an_order())
        tx.suborders.add(a_suborder())
        tx.files.add(a_file(n) for n in (1, 2, 3))
    return store


@pytest.fixture
def tx(store: MemoryStore):
    """Return an open transaction."""
    with store.write() as tx:
        yield tx


def everything(tx) -> list[Any]:
    """Return all that a store holds."""
    return [
        tx.baskets.get(USER),
        tx.orders.page(),
        tx.suborders.of_order(1),
        tx.files.page(1, limit=99),
        tx.outbox.page(),
        tx.slots.freed(9),
        tx.users.all(),
    ]


class Stop(BaseException):
    """Ends a transaction."""


def test_failed_transaction_leaves_nothing(store: MemoryStore) -> None:
    """Whatever error leaves a transaction, all that it added, changed or erased is taken back."""
    with store.read() as tx:
        before = everything(tx)

    def change() -> None:
        with store.write() as tx:
            tx.baskets.save(Basket(1, USER))
            tx.orders.add(an_order(2))
            tx.orders.save(tx.orders.get(1).failed("no", NOW))
            tx.orders.count(tx.orders.get(1), FileCounts(1), 1, NOW)
            tx.suborders.add(a_suborder(2))
            tx.suborders.erase(1)
            tx.files.move(FileChoice(order_id=1), FILES.moves(FileEvent.MADE_AVAILABLE))
            tx.files.erase(1)
            tx.outbox.add(an_event(1))
            tx.slots.note_freed(LISE)
            tx.users.put(Account(User(LISE)))
            assert everything(tx) != before
            raise Stop

    with pytest.raises(Stop):
        change()
    with store.read() as tx:
        assert everything(tx) == before
        assert tx.ids.block("order", 1) == range(1, 2)


def test_committed_transaction_stays(store: MemoryStore) -> None:
    """A later failure does not take back what was committed before."""
    with store.write() as tx:
        tx.orders.add(an_order(2))

    def fail() -> None:
        with store.write() as tx:
            tx.orders.add(an_order(3))
            raise Stop

    with pytest.raises(Stop):
        fail()
    with store.read() as tx:
        assert [order.id for order in tx.orders.page()] == [1, 2]


def test_ids_come_in_blocks(tx) -> None:
    """Blocks follow each other, each kind on its own."""
    assert [tx.ids.block(*each) for each in (("a", 2), ("a", 3), ("b", 1), ("a", 1))] == [
        range(1, 3),
        range(3, 6),
        range(1, 2),
        range(6, 7),
    ]


# --- baskets ---------------------------------------------------------------------------------------------------------


def test_baskets_have_versions(tx) -> None:
    """A basket is saved over the version that it was read in, and has a new one then."""
    first = tx.baskets.save(Basket(1, USER))
    second = tx.baskets.save(first)
    assert (first.version, second.version, tx.baskets.get(USER)) == (1, 2, second)
    for stale in (first, Basket(1, USER), attrs.evolve(second, version=3)):
        with pytest.raises(Conflict):
            tx.baskets.save(stale)
    assert tx.baskets.get(USER) == second


def test_one_basket_for_each_owner(tx) -> None:
    """An owner has one basket: another one is refused, also as a gift."""
    tx.baskets.save(Basket(1, USER))
    with pytest.raises(Conflict):
        tx.baskets.save(Basket(2, USER))
    other = tx.baskets.save(Basket(3, BasketOwner.user(MAX)))
    with pytest.raises(Conflict):
        tx.baskets.save(other.given_to(USER))
    with pytest.raises(Conflict):
        tx.baskets.save(Basket(9, BasketOwner.order(9), version=1))


def test_baskets_are_given_and_removed(tx) -> None:
    """A given basket is its new owner's only; removing one that is not there does nothing."""
    basket = tx.baskets.save(Basket(1, USER))
    given = tx.baskets.save(basket.given_to(BasketOwner.order(7)))
    assert (tx.baskets.get(USER), tx.baskets.get(BasketOwner.order(7))) == (None, given)
    for _ in range(2):
        tx.baskets.remove(BasketOwner.order(7))
    assert tx.baskets.get(BasketOwner.order(7)) is None


# --- orders ----------------------------------------------------------------------------------------------------------


def test_orders_have_versions_and_keep_their_counts(tx) -> None:
    """Saving checks the version and leaves alone what is counted."""
    read = tx.orders.get(1)
    counted = tx.orders.count(tx.orders.get(1), FileCounts(pending=2), 1, NOW)
    assert (counted.counts.pending, counted.waiting_suborders, counted.available_since) == (2, 1, None)
    saved = tx.orders.save(read.failed("no", NOW))
    assert (saved.version, saved.counts, saved.waiting_suborders) == (2, FileCounts(pending=2), 1)
    assert tx.orders.get(1, lock=True) == saved
    with pytest.raises(Conflict, match="Order 1"):
        tx.orders.save(read)
    with pytest.raises(Conflict, match="Order 9"):
        tx.orders.save(an_order(9))


def test_date_of_availability(tx) -> None:
    """The date moves when the number of available files does."""
    later = NOW + dt.timedelta(hours=1)
    assert tx.orders.count(tx.orders.get(1), FileCounts(available=1), 0, NOW).available_since == NOW
    assert tx.orders.count(tx.orders.get(1), FileCounts(error=1), 0, later).available_since == NOW
    assert tx.orders.count(tx.orders.get(1), FileCounts(available=-1), 0, later).available_since == later


def test_absent_orders(tx) -> None:
    """An order that does not exist is not found."""
    for look in (lambda: tx.orders.get(9), lambda: tx.orders.count(an_order(9), FileCounts(), 0, NOW)):
        with pytest.raises(NotFound, match="Entity Order with id : 9 doesn't exist"):
            look()


def test_labels_are_unique_for_an_owner(tx) -> None:
    """An owner has one order of a label; another owner may have it too."""
    assert tx.orders.label_taken(LISE, "order 1")
    assert not tx.orders.label_taken(MAX, "order 1")
    assert not tx.orders.label_taken(LISE, "Order 1")
    with pytest.raises(LabelTaken):
        tx.orders.add(an_order(2, label="order 1"))
    tx.orders.add(an_order(2, label="order 1", owner=MAX))


def test_pages_of_orders(tx) -> None:
    """Orders come by id, of one owner or all, of some statuses or all."""
    for id, owner, status in ((5, MAX, "RUNNING"), (3, LISE, "RUNNING"), (4, LISE, "DONE")):
        tx.orders.add(an_order(id, owner=owner, status=OrderStatus[status]))

    def page(**kwargs: Any) -> list[int]:
        return [order.id for order in tx.orders.page(**kwargs)]

    assert page() == [1, 3, 4, 5]
    assert page(owner=LISE) == [1, 3, 4]
    assert page(after=1, limit=2) == [3, 4]
    assert page(statuses=(OrderStatus.RUNNING, OrderStatus.PENDING)) == [1, 3, 5]


# --- suborders and slots ---------------------------------------------------------------------------------------------


def test_suborders_have_versions_and_keep_their_counts(tx) -> None:
    """Saving checks the version and leaves the counts alone."""
    [read] = tx.suborders.of_order(1)
    assert tx.suborders.count(1, FileCounts(error=1)).counts == FileCounts(pending=1, error=1)
    saved = tx.suborders.save(read.queued())
    assert (saved.version, saved.counts) == (2, FileCounts(pending=1, error=1))
    assert list(tx.suborders.of_order(1)) == [saved]
    for stale in (read, a_suborder(9)):
        with pytest.raises(Conflict, match="Suborder"):
            tx.suborders.save(stale)


def test_erasing_suborders(tx) -> None:
    """The suborders of one order are erased, others stay."""
    tx.suborders.add(a_suborder(2, order_id=2))
    tx.suborders.erase(1)
    assert (tx.suborders.of_order(1), [each.id for each in tx.suborders.of_order(2)]) == ((), [2])


def test_slots(tx) -> None:
    """Slots are held from QUEUED to WAITING; external suborders take none."""
    states = ("QUEUED", "ASKED", "WAITING", "ENDED", "ABORTED", "PENDING")
    for id, state in enumerate(states, 2):
        tx.suborders.add(a_suborder(id, state=SuborderState[state]))
    tx.suborders.add(a_suborder(20, state=SuborderState.WAITING, external=True))
    tx.suborders.add(a_suborder(21, state=SuborderState.WAITING, owner=MAX))
    assert (tx.slots.used(LISE), tx.slots.used(MAX), tx.slots.used("nobody")) == (3, 1, 0)
    assert tx.slots.load(LISE) == (7, 6)
    tx.orders.save(attrs.evolve(tx.orders.get(1), status=OrderStatus.PAUSED))
    assert tx.slots.load(LISE) == (0, 0)


def test_candidates(tx) -> None:
    """Of RUNNING orders the highest priority comes first, then the older order, then the older suborder."""
    assert tx.slots.candidates(LISE, 9) == ()
    for id, owner in ((2, LISE), (3, MAX)):
        tx.orders.add(an_order(id, owner=owner, status=OrderStatus.RUNNING, listed=True))
    tx.orders.save(attrs.evolve(tx.orders.get(1), status=OrderStatus.RUNNING, listed=True))
    for id, order_id, priority in ((9, 1, 5), (8, 1, 5), (7, 2, 5), (6, 2, 50)):
        tx.suborders.add(a_suborder(id, order_id=order_id, priority=priority))
    tx.suborders.add(a_suborder(5, order_id=2, priority=99, external=True))
    tx.suborders.add(a_suborder(4, order_id=2, priority=99, state=SuborderState.QUEUED))
    tx.suborders.add(a_suborder(3, order_id=3, priority=99, owner=MAX))
    assert [each.id for each in tx.slots.candidates(LISE, 9)] == [6, 8, 9, 7, 1]
    assert [each.id for each in tx.slots.candidates(LISE, 2)] == [6, 8]


def test_freed_slots(tx) -> None:
    """Owners are noted once, in order, until they are struck off."""
    for owner in (MAX, LISE, MAX):
        tx.slots.note_freed(owner)
    assert (tx.slots.freed(9), tx.slots.freed(1)) == ((MAX, LISE), (MAX,))
    for _ in range(2):
        tx.slots.forget_freed(MAX)
    assert tx.slots.freed(9) == (LISE,)


# --- files -----------------------------------------------------------------------------------------------------------


def test_pages_of_files(tx) -> None:
    """Files come by id, in some states, between two ids."""
    tx.files.add([a_file(9, state="AVAILABLE"), a_file(8, order_id=2, suborder_id=3), a_file(7, suborder_id=2)])

    def page(**kwargs: Any) -> list[int]:
        return [file.id for file in tx.files.page(1, **{"limit": 9, **kwargs})]

    assert page() == [1, 2, 3, 7, 9]
    assert page(states={FileState.AVAILABLE}) == [9]
    assert page(after=1, upto=7, limit=2) == [2, 3]
    assert page(upto=2) == [1, 2]
    assert [file.id for file in tx.files.unanswered(1, after=1, limit=9)] == [2, 3]
    assert [file.id for file in tx.files.unanswered(1, limit=1)] == [1]
    assert [tx.files.last_id(id) for id in (1, 2, 3)] == [9, 8, 0]


@pytest.mark.parametrize(
    ("choice", "moved"),
    [
        ({}, [1, 2, 3, 7]),
        ({"suborder_id": 1}, [1, 2, 3]),
        ({"ids": [1, 7, 9, 8]}, [1, 7]),
        ({"ids": []}, []),
        ({"checksums": ["c2", "c7", "c8"]}, [2, 7]),
        ({"checksums": []}, []),
        ({"suborder_id": 2, "ids": [1, 7], "checksums": ["c1", "c7"]}, [7]),
    ],
)
def test_choosing_files(tx, choice: dict[str, Any], moved: list[int]) -> None:
    """All parts of a choice have to hold; files in other states, or of other orders, stay."""
    tx.files.add([a_file(9, state="ERROR"), a_file(8, order_id=2), a_file(7, suborder_id=2)])
    tx.files.move(FileChoice(order_id=1, **choice), {FileState.PENDING: FileState.AVAILABLE})
    found = [file.id for file in tx.files.page(1, states=[FileState.AVAILABLE], limit=9)]
    assert found == moved
    assert tx.files.page(2, limit=9)[0].state == "PENDING"


def test_what_moved(tx) -> None:
    """Moves are counted by suborder and states with their known bytes; the reason replaces the one before."""
    tx.files.add(
        [a_file(7, suborder_id=2, size=None), a_file(8, state="AVAILABLE", size=5), a_file(9, suborder_id=2, size=7)]
    )
    moves = {FileState.PENDING: FileState.ERROR, FileState.AVAILABLE: FileState.DOWNLOAD_ERROR}
    moved = tx.files.move(FileChoice(order_id=1), moves, "lost")
    assert sorted(moved, key=str) == sorted(
        [
            Moved(1, FileState.PENDING, FileState.ERROR, 3, 30),
            Moved(1, FileState.AVAILABLE, FileState.DOWNLOAD_ERROR, 1, 5),
            Moved(2, FileState.PENDING, FileState.ERROR, 2, 7),
        ],
        key=str,
    )
    assert {file.download_error for file in tx.files.page(1, limit=9)} == {"lost"}
    tx.files.move(FileChoice(order_id=1, ids=[8]), FILES.moves(FileEvent.DELIVERED))
    assert tx.files.page(1, after=7, upto=8, limit=1)[0].download_error is None


def test_erasing_files(tx) -> None:
    """The files of one order are erased, others stay."""
    tx.files.add([a_file(8, order_id=2)])
    tx.files.erase(1)
    assert (tx.files.page(1, limit=9), tx.files.last_id(2)) == ((), 8)


# --- outbox and users ------------------------------------------------------------------------------------------------


def test_outbox(tx) -> None:
    """Letters come by number until they are removed; numbers are never given twice."""
    for id in (1, 2, 3):
        tx.outbox.add(an_event(id))
    assert tx.outbox.page() == tuple((id, an_event(id)) for id in (1, 2, 3))
    assert [letter.number for letter in tx.outbox.page(after=1, limit=1)] == [2]
    tx.outbox.remove([1, 3, 99])
    tx.outbox.add(an_event(4))
    assert [(letter.number, letter.event.order_id) for letter in tx.outbox.page()] == [(2, 2), (4, 4)]


def test_users(tx) -> None:
    """Accounts are kept by e-mail, one each."""
    for email in (MAX, LISE):
        tx.users.put(Account(User(email)))
    tx.users.put(Account(User(LISE), active=False))
    assert [account.user.email for account in tx.users.all()] == [LISE, MAX]
    assert (tx.users.get(LISE), tx.users.get("nobody")) == (Account(User(LISE), active=False), None)
