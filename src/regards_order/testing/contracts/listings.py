"""What `Listings` promises."""

from __future__ import annotations

import datetime as dt

import pytest

from regards_order.domain.files import FileState, OrderFile
from regards_order.domain.order import OrderStatus
from regards_order.ports.listings import Sort
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import HUGO, LISE, NOW, StoreSuite, a_file, a_suborder, an_order, put_order

_TICK = dt.timedelta(microseconds=1)


def _with_files(store: UnitOfWork, *files: OrderFile) -> None:
    with store.write() as tx:
        put_order(tx, an_order(), a_suborder(1), a_suborder(2))
        put_order(tx, an_order(2), a_suborder(3, 2))
        tx.files.add(files)


class ListingsContract(StoreSuite):
    """Prove the `Listings` of a store; override the fixture `store`."""

    def test_orders_come_newest_first(self, store: UnitOfWork) -> None:
        """By date of creation, those of one instant by id; the total counts all of the owner's."""
        dates = {1: NOW, 2: NOW + _TICK, 3: NOW - _TICK, 4: NOW + _TICK}
        with store.write() as tx:
            for number, date in dates.items():
                tx.orders.add(an_order(number, created=date))
            tx.orders.add(an_order(5, HUGO, created=NOW))
        with store.read() as tx:
            listed = tx.listings.orders(LISE, limit=10)
            assert (listed.total, [order.id for order in listed.items]) == (4, [2, 4, 1, 3])
            assert [tx.orders.get(order.id) for order in listed.items] == list(listed.items)
            part = tx.listings.orders(LISE, offset=1, limit=2)
            assert (part.total, [order.id for order in part.items]) == (4, [4, 1])
            beyond = tx.listings.orders(LISE, offset=4, limit=2)
            assert (beyond.total, list(beyond.items)) == (4, [])
            assert tx.listings.orders(LISE.upper(), limit=10).total == 0

    def test_statuses_are_left_out(self, store: UnitOfWork) -> None:
        """Orders of some statuses are neither counted nor listed."""
        with store.write() as tx:
            for number, status in enumerate(OrderStatus, 1):
                put_order(tx, an_order(number, status=status))
        with store.read() as tx:
            listed = tx.listings.orders(LISE, without=(OrderStatus.DELETED, OrderStatus.DONE), limit=100)
        left = {order.status for order in listed.items}
        assert left == set(OrderStatus) - {OrderStatus.DELETED, OrderStatus.DONE}
        assert listed.total == len(left)

    def test_files_come_by_id(self, store: UnitOfWork) -> None:
        """Those of one order, or of one of its suborders, above an id, from an offset on."""
        _with_files(store, a_file(4), a_file(2), a_file(3, suborder_id=2), a_file(9, order_id=2, suborder_id=3))
        with store.read() as tx:
            listed = tx.listings.files(1, limit=10)
            assert (listed.total, [file.id for file in listed.items]) == (3, [2, 3, 4])
            assert list(listed.items) == list(tx.files.page(1, limit=10))
            assert [file.id for file in tx.listings.files(1, suborder_id=2, limit=10).items] == [3]
            assert tx.listings.files(1, suborder_id=3, limit=10) == (0, [])
            above = tx.listings.files(1, after=2, offset=1, limit=1)
            assert (above.total, [file.id for file in above.items]) == (2, [4])
            assert tx.listings.files(404, limit=10).total == 0

    def test_files_of_some_states(self, store: UnitOfWork) -> None:
        """Files of other states are neither counted nor listed."""
        _with_files(store, *(a_file(number, state=state.value) for number, state in enumerate(FileState, 1)))
        with store.read() as tx:
            listed = tx.listings.files(1, states=(FileState.AVAILABLE, FileState.ERROR), limit=10)
            assert {file.state for file in listed.items} == {"AVAILABLE", "ERROR"}
            assert listed.total == 2

    def test_files_are_sorted(self, store: UnitOfWork) -> None:
        """The first field is the strongest, ties come by id, and absent values come last."""
        _with_files(
            store,
            a_file(1, filename="b", size=2),
            a_file(2, filename="B", size=None),
            a_file(3, filename="b", size=10),
            a_file(4, filename="a", size=None),
        )
        expected = {
            (Sort("filename"),): [2, 4, 1, 3],
            (Sort("filename", descending=True),): [1, 3, 4, 2],
            (Sort("filename"), Sort("size", descending=True)): [2, 4, 3, 1],
            (Sort("size"),): [1, 3, 2, 4],
            (Sort("size", descending=True), Sort("id", descending=True)): [3, 1, 4, 2],
        }
        with store.read() as tx:
            for sort, ids in expected.items():
                assert [file.id for file in tx.listings.files(1, sort=sort, limit=10).items] == ids, sort

    @pytest.mark.parametrize("field", OrderFile._fields)
    def test_files_are_sorted_by_any_field(self, store: UnitOfWork, field: str) -> None:
        """Every field of a file can be sorted by."""
        _with_files(store, a_file(2), a_file(1))
        with store.read() as tx:
            assert tx.listings.files(1, sort=[Sort(field)], limit=10).total == 2

    def test_a_file_is_found_by_its_id(self, store: UnitOfWork) -> None:
        """Whatever its order; an id that is none finds nothing."""
        _with_files(store, a_file(1), a_file(2, order_id=2, suborder_id=3))
        with store.read() as tx:
            assert tx.listings.file(2) == a_file(2, order_id=2, suborder_id=3)
            assert [tx.listings.file(number) for number in (404, 0, -12, 2**63, 10**30)] == [None] * 5

    def test_tenants_list_their_own(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """Nobody sees orders or files of another tenant."""
        _with_files(store, a_file(1))
        with neighbour.read() as tx:
            assert tx.listings.orders(LISE, limit=10) == (0, [])
            assert tx.listings.files(1, limit=10) == (0, [])
            assert tx.listings.file(1) is None
