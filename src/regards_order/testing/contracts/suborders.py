"""What `Suborders` promises."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from regards_order.domain.errors import Conflict, NotFound
from regards_order.domain.files import FileCounts
from regards_order.domain.order import OrderStatus
from regards_order.domain.suborder import SUBORDERS, Suborder, SuborderEvent, SuborderState
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import NOW, StoreSuite, a_suborder, an_order

_TICK = dt.timedelta(microseconds=1)


def _full() -> Suborder:
    return a_suborder(
        external=True,
        state=SuborderState.ASKED,
        priority=100,
        first_file=2**40,
        last_file=2**40 + 9,
        counts=FileCounts(1, 2, 3, 4, 5, 6, 2**50, 2**49),
        next_poll=NOW,
        deadline=NOW + _TICK,
    )


def _add(store: UnitOfWork, *suborders: Suborder) -> None:
    with store.write() as tx:
        for order_id in sorted({each.order_id for each in suborders}):
            tx.orders.add(an_order(order_id))
        for each in suborders:
            tx.suborders.add(each)


class SubordersContract(StoreSuite):
    """Prove the `Suborders` of a store; override the fixture `store`."""

    def test_a_suborder_comes_back_as_it_was(self, store: UnitOfWork) -> None:
        """Every field survives, counts included."""
        _add(store, _full())
        with store.read() as tx:
            assert list(tx.suborders.of_order(1)) == [_full()]

    @pytest.mark.parametrize("lock", [False, True])
    def test_one_suborder(self, store: UnitOfWork, lock: bool) -> None:
        """It is found by its id; an unknown one is not, and the error names it."""
        _add(store, _full())
        with store.write() as tx:
            assert tx.suborders.get(1, lock=lock) == _full()
            for number in (404, 0, -12, 2**63):
                with pytest.raises(NotFound) as caught:
                    tx.suborders.get(number, lock=lock)
                assert (caught.value.entity, caught.value.id) == ("Suborder", number)

    def test_suborders_of_tenants_are_apart(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """A suborder of another tenant does not exist."""
        _add(store, _full())
        with neighbour.read() as tx, pytest.raises(NotFound):
            tx.suborders.get(1)

    def test_suborders_come_by_id(self, store: UnitOfWork) -> None:
        """The suborders of one order come by id, those of others do not."""
        _add(store, *(a_suborder(number, order_id) for number, order_id in ((5, 1), (2, 1), (3, 2), (4, 1))))
        with store.read() as tx:
            assert [each.id for each in tx.suborders.of_order(1)] == [2, 4, 5]
            assert list(tx.suborders.of_order(404)) == []

    def test_a_transition_of_a_suborder_is_stored_with_the_next_version(self, store: UnitOfWork) -> None:
        """Save returns the suborder as it then is."""
        _add(store, a_suborder(state=SuborderState.QUEUED))
        asked = a_suborder(state=SuborderState.QUEUED).asked(NOW, dt.timedelta(hours=2))
        with store.write() as tx:
            saved = tx.suborders.save(asked)
            assert saved == attrs.evolve(asked, version=2)
            assert list(tx.suborders.of_order(1)) == [saved]
            assert tx.suborders.save(saved.postponed(NOW + _TICK)).version == 3

    @pytest.mark.parametrize("version", [0, 1, 3])
    def test_another_version_of_a_suborder_is_a_conflict(self, store: UnitOfWork, version: int) -> None:
        """Two workers cannot both make the same transition."""
        _add(store, a_suborder())
        with store.write() as tx:
            saved = tx.suborders.save(a_suborder().queued())
        with pytest.raises(Conflict), store.write() as tx:
            tx.suborders.save(attrs.evolve(saved, version=version))
        with store.read() as tx:
            assert list(tx.suborders.of_order(1)) == [saved]

    def test_a_suborder_that_is_gone_is_a_conflict(self, store: UnitOfWork) -> None:
        """A transition does not bring a suborder back."""
        _add(store, a_suborder())
        with store.write() as tx:
            tx.suborders.erase(1)
        with pytest.raises(Conflict), store.write() as tx:
            tx.suborders.save(a_suborder().queued())

    def test_counts_of_suborders_change_by_differences(self, store: UnitOfWork) -> None:
        """Each change is added, and the suborder returned as it then is, version and state untouched."""
        _add(store, a_suborder(counts=FileCounts(pending=3, bytes_known=30, bytes_pending=30)))
        change = FileCounts(-1, 0, 0, 0, 0, 1, 0, -10)
        with store.write() as tx:
            counted = tx.suborders.count(1, change)
            assert counted.counts == FileCounts(2, 0, 0, 0, 0, 1, 30, 20)
            assert (counted.version, counted.state) == (1, SuborderState.PENDING)
            assert tx.suborders.count(1, FileCounts()) == counted
            assert list(tx.suborders.of_order(1)) == [counted]

    def test_saving_a_suborder_leaves_counts_alone(self, store: UnitOfWork) -> None:
        """A transition made from a suborder read before a change of counts does not undo that change."""
        _add(store, a_suborder())
        with store.write() as tx:
            tx.suborders.count(1, FileCounts(pending=7))
            assert tx.suborders.save(a_suborder().queued()).counts.pending == 7

    def test_erasing_suborders_spares_other_orders(self, store: UnitOfWork) -> None:
        """Only the suborders of one order are erased; erasing none is harmless."""
        _add(store, a_suborder(1, 1), a_suborder(2, 2), a_suborder(3, 1))
        with store.write() as tx:
            tx.suborders.erase(1)
            tx.suborders.erase(404)
        with store.read() as tx:
            assert [len(tx.suborders.of_order(order_id)) for order_id in (1, 2)] == [0, 1]

    @pytest.mark.parametrize("event", [SuborderEvent.ABORT, SuborderEvent.RESUME])
    def test_suborders_move_by_the_table(self, store: UnitOfWork, event: SuborderEvent) -> None:
        """Each state goes where the moves say with the next version; others, and other orders, stay as they are."""
        moves = SUBORDERS.moves(event)
        states = dict(enumerate(SuborderState, 1))
        _add(store, *(a_suborder(number, 1, state) for number, state in states.items()), a_suborder(99, 2))
        with store.write() as tx:
            assert tx.suborders.move(1, moves) == len(moves)
        with store.read() as tx:
            expected = [
                a_suborder(n, 1, moves.get(state, state), version=1 + (state in moves)) for n, state in states.items()
            ]
            assert list(tx.suborders.of_order(1)) == expected
            assert list(tx.suborders.of_order(2)) == [a_suborder(99, 2)]

    def test_a_move_of_no_suborder_is_counted_so(self, store: UnitOfWork) -> None:
        """No suborder in these states, no moves at all, no such order: nothing moves."""
        _add(store, a_suborder())
        with store.write() as tx:
            assert tx.suborders.move(1, {SuborderState.ASKED: SuborderState.ABORTED}) == 0
            assert tx.suborders.move(1, {}) == 0
            assert tx.suborders.move(404, SUBORDERS.moves(SuborderEvent.ABORT)) == 0
            assert tx.suborders.get(1) == a_suborder()

    def test_whoever_works_on_a_moved_suborder_writes_nothing(self, store: UnitOfWork) -> None:
        """Its lease lasts, so that it is known to be busy, but what it read before is out of date."""
        with store.write() as tx:
            tx.orders.add(an_order(status=OrderStatus.RUNNING))
            tx.suborders.add(a_suborder(state=SuborderState.QUEUED))
            (claimed,) = tx.claims.suborders(NOW, 1, 3600)
            tx.suborders.move(1, SUBORDERS.moves(SuborderEvent.ABORT))
            assert tx.claims.busy((1,)) == {1}
        with pytest.raises(Conflict), store.write() as tx:
            tx.suborders.save(claimed.asked(NOW, _TICK))

    def test_tenants_move_their_own_suborders(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """A suborder of another tenant stays."""
        _add(store, a_suborder())
        with neighbour.write() as tx:
            assert tx.suborders.move(1, SUBORDERS.moves(SuborderEvent.ABORT)) == 0
        with store.read() as tx:
            assert tx.suborders.get(1) == a_suborder()
