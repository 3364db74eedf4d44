"""What `Slots` promises."""

from __future__ import annotations

import attrs
import pytest

from regards_order.domain.order import Contents, OrderStatus
from regards_order.domain.suborder import HOLDING, SuborderState
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import (
    HUGO,
    LISE,
    NOW,
    StoreSuite,
    a_suborder,
    an_order,
    failed_write,
    put_order,
)

_CONTENTS = Contents(internal_suborders=1)


class SlotsContract(StoreSuite):
    """Prove the `Slots` of a store; override the fixture `store`."""

    def test_nobody_uses_slots_of_an_empty_store(self, store: UnitOfWork) -> None:
        """Without suborders no slot is used and nothing is in flight."""
        with store.write() as tx:
            assert tx.slots.used(LISE) == 0
            assert tx.slots.load(LISE) == (0, 0)
            assert list(tx.slots.candidates(LISE, 5)) == []
            assert list(tx.slots.freed(5)) == []

    @pytest.mark.parametrize("state", SuborderState)
    def test_a_state_holds_a_slot_or_not(self, store: UnitOfWork, state: SuborderState) -> None:
        """QUEUED, ASKED and WAITING suborders hold one; external ones never do."""
        with store.write() as tx:
            put_order(tx, an_order(), a_suborder(1, state=state), a_suborder(2, state=state, external=True))
            assert tx.slots.used(LISE) == (1 if state in HOLDING else 0)

    def test_slots_count_over_all_orders_of_one_owner(self, store: UnitOfWork) -> None:
        """Suborders of other owners, or of another spelling, do not count."""
        queued = SuborderState.QUEUED
        with store.write() as tx:
            put_order(tx, an_order(1), a_suborder(1, 1, queued), a_suborder(2, 1, queued))
            put_order(tx, an_order(2), a_suborder(3, 2, queued))
            put_order(tx, an_order(3, HUGO), a_suborder(4, 3, queued, owner=HUGO))
            assert [tx.slots.used(owner) for owner in (LISE, HUGO, LISE.upper())] == [3, 1, 0]

    def test_candidates_come_by_priority_then_age(self, store: UnitOfWork) -> None:
        """Highest priority first, then the older order, then the lower id; at most as many as asked for."""
        with store.write() as tx:
            for order_id in (2, 1):
                put_order(tx, an_order(order_id, status=OrderStatus.RUNNING))
            for number, order_id, priority in ((1, 2, 50), (2, 1, 50), (3, 1, 80), (4, 1, 50), (5, 2, 100)):
                tx.suborders.add(a_suborder(number, order_id, priority=priority))
            assert [each.id for each in tx.slots.candidates(LISE, 10)] == [5, 3, 2, 4, 1]
            assert [each.id for each in tx.slots.candidates(LISE, 2)] == [5, 3]

    @pytest.mark.parametrize("status", OrderStatus)
    def test_only_running_orders_have_candidates(self, store: UnitOfWork, status: OrderStatus) -> None:
        """A suborder of an order that is not RUNNING gets no slot."""
        with store.write() as tx:
            put_order(tx, an_order(status=status), a_suborder())
            assert len(tx.slots.candidates(LISE, 5)) == (1 if status is OrderStatus.RUNNING else 0)

    def test_an_order_that_is_being_listed_has_no_candidates(self, store: UnitOfWork) -> None:
        """One that was resumed before its files were listed is RUNNING, but nothing of it starts before they are."""
        with store.write() as tx:
            put_order(tx, an_order(status=OrderStatus.RUNNING, listed=False), a_suborder())
            assert list(tx.slots.candidates(LISE, 5)) == []
            tx.orders.save(attrs.evolve(tx.orders.get(1), listed=True))
            assert list(tx.slots.candidates(LISE, 5)) == [a_suborder()]

    @pytest.mark.parametrize("state", SuborderState)
    def test_only_pending_stored_suborders_are_candidates(self, store: UnitOfWork, state: SuborderState) -> None:
        """Whatever is not PENDING, external, or somebody else's is no candidate."""
        with store.write() as tx:
            order = an_order(status=OrderStatus.RUNNING)
            put_order(tx, order, a_suborder(1, state=state), a_suborder(2, state=state, external=True))
            found = [each.id for each in tx.slots.candidates(LISE, 5)]
            assert found == ([1] if state is SuborderState.PENDING else [])
            assert list(tx.slots.candidates(HUGO, 5)) == []

    def test_an_order_that_starts_brings_candidates(self, store: UnitOfWork) -> None:
        """A stored transition to RUNNING counts at once."""
        with store.write() as tx:
            put_order(tx, an_order(), a_suborder())
            assert list(tx.slots.candidates(LISE, 5)) == []
            tx.orders.save(an_order(contents=_CONTENTS, status=OrderStatus.RUNNING))
            assert list(tx.slots.candidates(LISE, 5)) == [a_suborder()]

    def test_load_counts_what_has_not_ended(self, store: UnitOfWork) -> None:
        """All stored suborders but ENDED ones, of all users and of one; external ones do not count."""
        states = list(SuborderState)
        with store.write() as tx:
            put_order(tx, an_order(1), *(a_suborder(n, 1, state) for n, state in enumerate(states, 1)))
            put_order(
                tx, an_order(2, HUGO), a_suborder(50, 2, owner=HUGO), a_suborder(51, 2, owner=HUGO, external=True)
            )
            live = len(states) - 1
            assert tx.slots.load(LISE) == (live + 1, live)
            assert tx.slots.load(HUGO) == (live + 1, 1)
            assert tx.slots.load("nobody") == (live + 1, 0)

    @pytest.mark.parametrize("status", OrderStatus)
    def test_paused_orders_are_no_load(self, store: UnitOfWork, status: OrderStatus) -> None:
        """Only the suborders of a PAUSED order are left out."""
        with store.write() as tx:
            put_order(tx, an_order(status=status), a_suborder())
            assert tx.slots.load(LISE) == ((0, 0) if status is OrderStatus.PAUSED else (1, 1))

    def test_freed_owners_come_in_the_order_of_their_notes(self, store: UnitOfWork) -> None:
        """The longest waiting comes first, at most as many as asked for; noting twice is noting once."""
        with store.write() as tx:
            for owner in ("c", "a", "b", "c", "a"):
                tx.slots.note_freed(owner)
        with store.write() as tx:
            tx.slots.note_freed("c")
            assert list(tx.slots.freed(10)) == ["c", "a", "b"]
            assert list(tx.slots.freed(2)) == ["c", "a"]

    def test_a_forgotten_owner_starts_anew(self, store: UnitOfWork) -> None:
        """Striking off takes one owner away; noted again, it comes last.  Striking off nobody is harmless."""
        with store.write() as tx:
            for owner in ("a", "b"):
                tx.slots.note_freed(owner)
            tx.slots.forget_freed("a")
            tx.slots.forget_freed("nobody")
            assert list(tx.slots.freed(10)) == ["b"]
            tx.slots.note_freed("a")
            assert list(tx.slots.freed(10)) == ["b", "a"]

    def test_a_failed_transaction_keeps_the_order_of_notes(self, store: UnitOfWork) -> None:
        """An owner struck off by a transaction that fails keeps its place."""
        with store.write() as tx:
            for owner in ("a", "b"):
                tx.slots.note_freed(owner)
        with failed_write(store) as tx:
            tx.slots.forget_freed("a")
        with store.read() as tx:
            assert list(tx.slots.freed(10)) == ["a", "b"]

    def test_the_last_transition_counts(self, store: UnitOfWork) -> None:
        """A slot is held from the saved transition on, and free after the last one."""
        with store.write() as tx:
            put_order(tx, an_order(status=OrderStatus.RUNNING), a_suborder())
            queued = tx.suborders.save(a_suborder().queued())
            assert (tx.slots.used(LISE), list(tx.slots.candidates(LISE, 5))) == (1, [])
            asked = tx.suborders.save(queued.asked(NOW, NOW - NOW))
            tx.suborders.save(asked.settled())
            assert (tx.slots.used(LISE), tx.slots.load(LISE)) == (0, (0, 0))
