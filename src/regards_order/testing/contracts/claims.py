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
            assert tx.orders.get(1) == attrs.evolve(an_order(1, "1@obs.example"), attempt=3)

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

    def test_claims_are_undone(self, store: UnitOfWork) -> None:
        """What was undone is as before its claim; one that was given back, or is another's, stays as it is."""
        _queued(store)
        _pending_orders(store, 2)
        with store.write() as tx:
            chore = tx.claims.chore("expire", NOW, _LONG)
            assert chore is not None
            first = [chore, *map(Claim.of, _claim(tx))]
            tx.claims.undo(first)
            assert tx.claims.chore("expire", NOW, 0) == chore
            assert [Claim.of(each) for each in _claim(tx, 0)] == first[1:]
            second = [tx.claims.chore("expire", NOW, _LONG), *map(Claim.of, _claim(tx))]
            assert [claim and claim.attempt for claim in second] == [2, 2, 2]
            tx.claims.undo(first)
            assert _claim(tx) == []
            tx.claims.release([claim for claim in second if claim])
            tx.claims.undo([claim for claim in second if claim])
            assert [each.attempt for each in _claim(tx)] == [3, 3]

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

    def test_a_held_order_is_busy(self, store: UnitOfWork) -> None:
        """One that is held, or one of whose suborders is, and only among those asked for."""
        _queued(store)
        _pending_orders(store, 2, 3)
        with store.write() as tx:
            assert tx.claims.busy((1, 2, 3)) == set()
            _claim(tx)
            assert tx.claims.busy((1, 2, 3, 404)) == {1, 2, 3}
            assert tx.claims.busy([2]) == {2}
            assert tx.claims.busy(()) == set()
            tx.claims.release([Claim(Claimed.SUBORDER, 1, 1), Claim(Claimed.ORDER, 3, 1)])
            assert tx.claims.busy((1, 2, 3)) == {2}

    def test_an_order_is_busy_until_its_lease_is_over(self, store: UnitOfWork) -> None:
        """Who is dead, or has given back, works on nothing any more."""
        _queued(store)
        _pending_orders(store, 2)
        with store.write() as tx:
            _claim(tx, 0)
            assert tx.claims.busy((1, 2)) == set()

    def test_hundreds_of_orders_may_be_busy(self, store: UnitOfWork) -> None:
        """Any number of orders is looked at together."""
        _pending_orders(store, *range(1, 40))
        with store.write() as tx:
            claimed = {order.id for order in tx.claims.orders(30, _LONG)}
            assert tx.claims.busy(range(40_000)) == claimed

    def test_a_chore_that_was_never_done_is_due(self, store: UnitOfWork) -> None:
        """Chores come in the order of the names asked for; nobody needs to have heard of them."""
        with store.write() as tx:
            assert list(tx.claims.due_chores(("b", "a"), NOW)) == ["b", "a"]
            assert list(tx.claims.due_chores((), NOW)) == []
            claim = tx.claims.chore("a", NOW, _LONG)
            assert claim is not None
            assert (claim.kind, claim.attempt) == (Claimed.CHORE, 1)
            assert list(tx.claims.due_chores(("b", "a"), NOW)) == ["b"]

    def test_a_chore_is_held_by_one(self, store: UnitOfWork) -> None:
        """While its lease lasts nobody else gets it, but any other; each claim has the next attempt number."""
        with store.write() as tx:
            first = tx.claims.chore("a", NOW, 0)
            second = tx.claims.chore("a", NOW, _LONG)
            assert first is not None
            assert second == Claim(Claimed.CHORE, first.id, 2)
            assert tx.claims.chore("a", NOW, _LONG) is None
            other = tx.claims.chore("b", NOW, _LONG)
            assert other is not None
            assert (other.id == first.id, other.attempt) == (False, 1)

    def test_a_chore_that_is_done_waits_for_its_time(self, store: UnitOfWork) -> None:
        """It is due again at its instant, not before, and has the next attempt number."""
        with store.write() as tx:
            claim = tx.claims.chore("a", NOW, _LONG)
            assert claim is not None
            tx.claims.chore_done(claim, NOW + _TICK)
            assert tx.claims.chore("a", NOW, _LONG) is None
            assert list(tx.claims.due_chores(("a",), NOW)) == []
            assert list(tx.claims.due_chores(("a",), NOW + _TICK)) == ["a"]
            assert tx.claims.chore("a", NOW + _TICK, _LONG) == Claim(Claimed.CHORE, claim.id, 2)

    def test_a_chore_that_somebody_took_over_is_not_ended_by_another(self, store: UnitOfWork) -> None:
        """Who lost the lease neither gives it back nor says when it is due; nor does a claim that never was."""
        with store.write() as tx:
            old, new = tx.claims.chore("a", NOW, 0), tx.claims.chore("a", NOW, _LONG)
            assert old is not None
            assert new is not None
            tx.claims.chore_done(old, NOW)
            tx.claims.chore_done(Claim(Claimed.CHORE, 404, 1), NOW)
            assert tx.claims.chore("a", NOW, _LONG) is None
            tx.claims.chore_done(new, NOW)
            assert tx.claims.chore("a", NOW, _LONG) is not None

    def test_chores_are_woken(self, store: UnitOfWork) -> None:
        """Those named are due at once unless somebody holds them; unknown ones are due anyway."""
        names = ("a", "b", "c", "held")
        with store.write() as tx:
            for name in names[:3]:
                claim = tx.claims.chore(name, NOW, _LONG)
                assert claim is not None
                tx.claims.chore_done(claim, NOW + _TICK)
            tx.claims.chore("held", NOW, _LONG)
            tx.claims.wake_chores(("a", "b", "held", "unknown"))
            assert list(tx.claims.due_chores((*names, "unknown"), NOW)) == ["a", "b", "unknown"]
            tx.claims.wake_chores(())
            assert list(tx.claims.due_chores(names, NOW)) == ["a", "b"]

    def test_leases_of_chores_are_renewed_and_given_back(self, store: UnitOfWork) -> None:
        """As those of orders and suborders: by who holds them, and by nobody else."""
        with store.write() as tx:
            old = tx.claims.chore("a", NOW, 0)
            held = tx.claims.chore("a", NOW, 0)
            assert old is not None
            assert held is not None
            tx.claims.renew([old, Claim(Claimed.ORDER, held.id, 2), Claim(Claimed.CHORE, 404, 1)], _LONG)
            assert list(tx.claims.due_chores(("a",), NOW)) == ["a"]
            tx.claims.renew([held], _LONG)
            tx.claims.release([old, Claim(Claimed.SUBORDER, held.id, 2), Claim(Claimed.CHORE, 404, 1)])
            assert tx.claims.chore("a", NOW, _LONG) is None
            tx.claims.release([held])
            tx.claims.renew([held], _LONG)
            assert tx.claims.chore("a", NOW, _LONG) == Claim(Claimed.CHORE, held.id, 3)

    def test_a_chore_that_is_rolled_back_was_not_claimed(self, store: UnitOfWork) -> None:
        """A transaction that fails leaves it due, with the attempt number it had."""
        for _ in range(2):
            with failed_write(store) as tx:
                claim = tx.claims.chore("a", NOW, _LONG)
                assert claim is not None
                assert claim.attempt == 1

    def test_many_workers_share_the_chores(self, store: UnitOfWork) -> None:
        """Whatever several threads claim at the same time, nobody gets what another one has."""
        names = tuple(f"chore {number}" for number in range(10))
        taken: list[Claim | None] = []

        def claim() -> None:
            for name in names:
                with store.write() as tx:
                    taken.append(tx.claims.chore(name, NOW, _LONG))

        workers = [Thread(target=claim) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        claims = [each for each in taken if each is not None]
        assert (len(taken), len(claims), len(set(claims))) == (40, 10, 10)

    def test_tenants_do_their_own_chores(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """A chore of one tenant is due, held, done and woken apart from that of another."""
        with store.write() as tx:
            mine = tx.claims.chore("a", NOW, _LONG)
            assert mine is not None
        with neighbour.write() as tx:
            assert list(tx.claims.due_chores(("a",), NOW)) == ["a"]
            theirs = tx.claims.chore("a", NOW, _LONG)
            assert theirs is not None
            tx.claims.chore_done(theirs, NOW + _TICK)
        with store.write() as tx:
            tx.claims.wake_chores(("a",))
            assert tx.claims.chore("a", NOW, _LONG) is None
            tx.claims.chore_done(mine, NOW + _TICK)
            tx.claims.wake_chores(("a",))
        with neighbour.write() as tx:
            assert list(tx.claims.due_chores(("a",), NOW)) == []
