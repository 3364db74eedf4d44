"""What `Claims` promises."""

from __future__ import annotations

import datetime as dt
from threading import Thread

import attrs
import pytest

from regards_order.domain.errors import Conflict
from regards_order.domain.order import LISTABLE, Order, OrderStatus
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.ports.claims import Claim, Claimed
from regards_order.ports.unit_of_work import Transaction, UnitOfWork
from regards_order.testing.contracts.values import HUGO, NOW, StoreSuite, a_suborder, an_order, failed_write, put_order

_LONG = 3600.0
_TICK = dt.timedelta(microseconds=1)


def _pending_orders(store: UnitOfWork, *numbers: int) -> None:
    with store.write() as tx:
        for number in numbers:
            tx.orders.add(an_order(number, f"{number}@obs.example"))


def _queued(store: UnitOfWork) -> None:
    with store.write() as tx:
        put_order(tx, an_order(status=OrderStatus.RUNNING), a_suborder(state=SuborderState.QUEUED))


def _claim(tx: Transaction, seconds: float = _LONG) -> list[Order | Suborder]:
    return [*tx.claims.suborders(NOW, 9, seconds), *tx.claims.orders(9, seconds)]


class ClaimsContract(StoreSuite):
    """Prove the `Claims` of a store; override the fixture `store`."""

    def test_pending_orders_are_claimed_once(self, store: UnitOfWork) -> None:
        """Each PENDING order is handed out once while its lease lasts, the oldest first, with the next attempt."""
        _pending_orders(store, 3, 1, 2)
        with store.write() as tx:
            assert [(each.id, each.attempt) for each in tx.claims.orders(2, _LONG)] == [(1, 1), (2, 1)]
        with store.write() as tx:
            assert list(tx.claims.orders(9, _LONG)) == [attrs.evolve(an_order(3, "3@obs.example"), attempt=1)]
            assert list(tx.claims.orders(9, _LONG)) == []

    @pytest.mark.parametrize("status", OrderStatus)
    @pytest.mark.parametrize("listed", [False, True])
    def test_only_unlisted_orders_that_go_on_are_claimed(
        self, store: UnitOfWork, status: OrderStatus, listed: bool
    ) -> None:
        """An order in another status, or whose files are listed, needs no completion."""
        with store.write() as tx:
            put_order(tx, an_order(status=status, listed=listed))
            assert len(tx.claims.orders(9, _LONG)) == (1 if status in LISTABLE and not listed else 0)

    def test_orders_of_one_owner_are_listed_one_after_the_other(self, store: UnitOfWork) -> None:
        """While one is claimed the others of its owner wait, without losing an attempt; those of others do not."""
        with store.write() as tx:
            for number, owner in ((1, "a@x"), (2, "a@x"), (3, "b@x")):
                tx.orders.add(an_order(number, owner))
        with store.write() as tx:
            assert [(each.id, each.attempt) for each in tx.claims.orders(9, _LONG)] == [(1, 1), (3, 1)]
        with store.write() as tx:
            assert list(tx.claims.orders(9, _LONG)) == []
            assert list(tx.claims.orders(9, _LONG, only=2)) == []
            assert tx.claims.busy([1, 2, 3, 4]) == {1, 3}
            tx.claims.release([Claim(Claimed.ORDER, 1, 1)])
            tx.orders.save(attrs.evolve(tx.orders.get(1), status=OrderStatus.DONE, listed=True))
            assert [(each.id, each.attempt) for each in tx.claims.orders(9, _LONG)] == [(2, 1)]

    def test_one_order_may_be_named(self, store: UnitOfWork) -> None:
        """No other order is claimed than the one named; one that is held or absent is not."""
        _pending_orders(store, 1, 2)
        with store.write() as tx:
            assert [each.id for each in tx.claims.orders(9, _LONG, only=2)] == [2]
            assert list(tx.claims.orders(9, _LONG, only=2)) == []
            assert list(tx.claims.orders(9, _LONG, only=404)) == []
            assert [each.id for each in tx.claims.orders(9, _LONG)] == [1]

    def test_a_lease_that_is_over_lets_others_in(self, store: UnitOfWork) -> None:
        """Each claim of the same order bears the next attempt number, and nothing else changes."""
        _pending_orders(store, 1)
        for attempt in (1, 2, 3):
            with store.write() as tx:
                assert list(tx.claims.orders(9, 0)) == [attrs.evolve(an_order(1, "1@obs.example"), attempt=attempt)]
        with store.read() as tx:
            assert tx.orders.get(1) == attrs.evolve(an_order(), attempt=3)

    def test_due_suborders_are_claimed_once(self, store: UnitOfWork) -> None:
        """QUEUED ones at once, ASKED ones when their poll has come; highest priority first, then by id."""
        asked = SuborderState.ASKED
        polls = ((1, NOW - _TICK), (2, NOW), (3, NOW + _TICK), (4, None))
        with store.write() as tx:
            put_order(tx, an_order(status=OrderStatus.RUNNING))
            for number, poll in polls:
                tx.suborders.add(a_suborder(number, state=asked, next_poll=poll))
            put_order(tx, an_order(2, HUGO), a_suborder(5, 2, SuborderState.QUEUED, owner=HUGO, priority=90))
            tx.suborders.add(a_suborder(6, 2, SuborderState.QUEUED, owner=HUGO, priority=90))
        with store.write() as tx:
            claimed = tx.claims.suborders(NOW, 3, _LONG)
            assert [(each.id, each.attempt) for each in claimed] == [(5, 1), (6, 1), (1, 1)]
            assert [each.id for each in tx.claims.suborders(NOW, 9, _LONG)] == [2]
            assert list(tx.claims.suborders(NOW, 9, _LONG)) == []

    @pytest.mark.parametrize("state", SuborderState)
    def test_other_suborders_are_not_due(self, store: UnitOfWork, state: SuborderState) -> None:
        """Whatever its next poll says, a suborder of another state is not handed out."""
        with store.write() as tx:
            put_order(tx, an_order(status=OrderStatus.RUNNING), a_suborder(state=state, next_poll=NOW))
            due = state in (SuborderState.QUEUED, SuborderState.ASKED)
            assert len(tx.claims.suborders(NOW, 9, _LONG)) == (1 if due else 0)

    def test_who_was_overtaken_writes_nothing(self, store: UnitOfWork) -> None:
        """Saving an order or suborder of an older attempt is a conflict; the claim of today goes through."""
        _queued(store)
        _pending_orders(store, 2)
        with store.write() as tx:
            (old,) = tx.claims.suborders(NOW, 1, 0)
            (new,) = tx.claims.suborders(NOW, 1, _LONG)
            (old_order,) = tx.claims.orders(1, 0)
            (new_order,) = tx.claims.orders(1, _LONG)
        with pytest.raises(Conflict), store.write() as tx:
            tx.suborders.save(old.asked(NOW, _TICK))
        with pytest.raises(Conflict), store.write() as tx:
            tx.orders.save(old_order.failed("no", NOW))
        with store.write() as tx:
            assert tx.suborders.save(new.asked(NOW, _TICK)).attempt == 2
            assert tx.orders.save(new_order.failed("no", NOW)).attempt == 2

    def test_saving_gives_the_lease_back(self, store: UnitOfWork) -> None:
        """After a transition the next step may be claimed at once."""
        _queued(store)
        with store.write() as tx:
            (queued,) = tx.claims.suborders(NOW, 1, _LONG)
            tx.suborders.save(queued.asked(NOW, _TICK))
            assert [each.attempt for each in tx.claims.suborders(NOW, 1, _LONG)] == [2]

    def test_claims_are_given_back(self, store: UnitOfWork) -> None:
        """What was released may be claimed at once; releasing for somebody else changes nothing."""
        _queued(store)
        _pending_orders(store, 2)
        with store.write() as tx:
            old = _claim(tx)
            tx.claims.release([Claim.of(each) for each in old])
            new = _claim(tx)
            assert [each.attempt for each in new] == [2, 2]
            tx.claims.release([Claim.of(each) for each in old])
            assert _claim(tx) == []

    def test_leases_are_renewed(self, store: UnitOfWork) -> None:
        """A lease lasts from its renewal on."""
        _queued(store)
        _pending_orders(store, 2)
        with store.write() as tx:
            claims = [Claim.of(each) for each in _claim(tx, 0)]
            tx.claims.renew(claims, _LONG)
            assert _claim(tx) == []
            tx.claims.renew(claims, 0)
            assert [each.attempt for each in tx.claims.suborders(NOW, 1, _LONG)] == [2]

    def test_renewing_brings_no_lease_back(self, store: UnitOfWork) -> None:
        """A claim that was given back, taken over, or never made stays as it is."""
        _queued(store)
        with store.write() as tx:
            (old,) = tx.claims.suborders(NOW, 1, 0)
            (new,) = tx.claims.suborders(NOW, 1, 0)
            tx.claims.renew([Claim.of(old), Claim(Claimed.SUBORDER, 404, 1)], _LONG)
            assert [each.attempt for each in tx.claims.suborders(NOW, 1, _LONG)] == [new.attempt + 1]
            tx.claims.release([Claim(Claimed.SUBORDER, 1, new.attempt + 1)])
            tx.claims.renew([Claim(Claimed.SUBORDER, 1, new.attempt + 1)], _LONG)
            assert [each.attempt for each in tx.claims.suborders(NOW, 1, _LONG)] == [new.attempt + 2]
            tx.claims.renew([], _LONG)
            tx.claims.release([])

    def test_a_claim_that_is_rolled_back_was_none(self, store: UnitOfWork) -> None:
        """A transaction that fails leaves attempt and lease as they were."""
        _pending_orders(store, 1)
        with failed_write(store) as tx:
            tx.claims.orders(1, _LONG)
        with store.write() as tx:
            assert [each.attempt for each in tx.claims.orders(1, _LONG)] == [1]

    def test_many_workers_share_the_work(self, store: UnitOfWork) -> None:
        """Whatever several threads claim at the same time, nothing is handed out twice and nothing is left."""
        _pending_orders(store, *range(1, 41))
        taken: list[int] = []

        def claim() -> None:
            while True:
                with store.write() as tx:
                    claimed = [order.id for order in tx.claims.orders(3, _LONG)]
                if not claimed:
                    return
                taken.extend(claimed)

        workers = [Thread(target=claim) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert sorted(taken) == list(range(1, 41))

    def test_tenants_claim_their_own(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """Nobody claims, renews or releases work of another tenant."""
        _queued(store)
        _pending_orders(store, 2)
        with neighbour.write() as tx:
            assert _claim(tx) == []
        with store.write() as tx:
            claims = [Claim.of(each) for each in _claim(tx)]
        with neighbour.write() as tx:
            tx.claims.release(claims)
        with store.write() as tx:
            assert _claim(tx) == []
