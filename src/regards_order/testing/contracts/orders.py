"""What `Orders` promises."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from regards_order.domain.errors import Conflict, LabelTaken, NotFound
from regards_order.domain.files import FileCounts
from regards_order.domain.order import REMINDED, Contents, DatasetTask, Order, OrderStatus
from regards_order.domain.principal import Role
from regards_order.ports.storage import Answer
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import (
    DATASET,
    HUGO,
    LISE,
    NOW,
    StoreSuite,
    a_filter,
    a_request,
    a_suborder,
    an_order,
)

_LATER = NOW + dt.timedelta(hours=1, microseconds=1)
_TICK = dt.timedelta(microseconds=1)
_LONG = 3600.0


def _task(id: int = 1, **changes: object) -> DatasetTask:
    return DatasetTask(
        id=id,
        dataset_urn=f"{DATASET[:-1]}{id}",
        dataset_label="Été",
        objects_count=3,
        files_count=2,
        files_size=2**40,
        file_filter=a_filter(),
        requests=(a_request(), a_request(None, include=None)),
    )


def _full() -> Order:
    """Return a new order with something in every field that a new order may have."""
    return an_order(
        role=Role.PROJECT_ADMIN,
        groups=frozenset({"public", "été"}),
        label="L" * 50,
        frontend_url="https://front.example/é?q=1",
    )


def _add(store: UnitOfWork, *orders: Order) -> None:
    with store.write() as tx:
        for order in orders:
            tx.orders.add(order)


def _get(store: UnitOfWork, order_id: int = 1) -> Order:
    with store.read() as tx:
        return tx.orders.get(order_id)


def _put(store: UnitOfWork, order: Order, available: int = 0, since: dt.datetime = NOW) -> None:
    """Store an order with so many files that are available since an instant."""
    with store.write() as tx:
        tx.orders.add(order)
        tx.orders.count(order, FileCounts(pending=1, available=available), 0, since)


class OrdersContract(StoreSuite):
    """Prove the `Orders` of a store; override the fixture `store`."""

    def test_a_new_order_comes_back_as_it_was(self, store: UnitOfWork) -> None:
        """Every field survives; the version stays what it was."""
        _add(store, _full())
        assert _get(store) == _full()

    def test_a_lock_changes_nothing(self, store: UnitOfWork) -> None:
        """Reading with a lock gives the same order."""
        _add(store, _full())
        with store.write() as tx:
            assert tx.orders.get(1, lock=True) == _full()

    @pytest.mark.parametrize("lock", [False, True])
    def test_an_unknown_order_is_not_found(self, store: UnitOfWork, lock: bool) -> None:
        """The error names entity and id."""
        with store.write() as tx, pytest.raises(NotFound) as caught:
            tx.orders.get(404, lock=lock)
        assert (caught.value.entity, caught.value.id) == ("Order", 404)

    def test_a_label_is_unique_for_its_owner(self, store: UnitOfWork) -> None:
        """A second order of that label is refused, naming both, and the first one stays."""
        _add(store, an_order(1, label="mine"))
        with pytest.raises(LabelTaken) as caught:
            _add(store, an_order(2, label="mine"))
        assert (caught.value.owner, caught.value.label) == (LISE, "mine")
        with store.read() as tx:
            assert [order.id for order in tx.orders.page()] == [1]

    def test_a_refused_label_leaves_the_transaction_alive(self, store: UnitOfWork) -> None:
        """Whoever catches the refusal inside may go on with another label."""
        with store.write() as tx:
            tx.orders.add(an_order(1, label="mine"))
            with pytest.raises(LabelTaken):
                tx.orders.add(an_order(2, label="mine"))
            tx.orders.add(an_order(3, label="other"))
        with store.read() as tx:
            assert [order.id for order in tx.orders.page()] == [1, 3]

    def test_labels_are_compared_letter_by_letter(self, store: UnitOfWork) -> None:
        """Case, accents, blanks and the owner make another label."""
        _add(store, *(an_order(number, label=label) for number, label in enumerate(("été", "Été", "ete", "été "), 1)))
        _add(store, an_order(9, HUGO, label="été"))
        with store.read() as tx:
            assert [tx.orders.label_taken(LISE, label) for label in ("été", "ÉTÉ", "")] == [True, False, False]
            assert tx.orders.label_taken(HUGO, "été")
            assert not tx.orders.label_taken(HUGO, "Été")

    def test_a_transition_of_an_order_is_stored_with_the_next_version(self, store: UnitOfWork) -> None:
        """Save returns the order as it then is, with all that the transition brought."""
        _add(store, _full())
        contents = Contents(tasks=(_task(1), _task(2)), internal_suborders=2, external_suborders=1, features=2**40)
        changed = attrs.evolve(_full().completed(contents, NOW, _LATER), message="M" * 255)
        with store.write() as tx:
            saved = tx.orders.save(changed)
        assert saved == attrs.evolve(changed, version=2)
        assert _get(store) == saved

    def test_tasks_stay_through_later_transitions(self, store: UnitOfWork) -> None:
        """Dataset tasks are stored once and come back by id ever after."""
        _add(store, an_order())
        contents = Contents(tasks=(_task(3), _task(7)), internal_suborders=1)
        with store.write() as tx:
            saved = tx.orders.save(an_order().completed(contents, NOW, _LATER))
            again = tx.orders.save(saved.settled(_LATER))
        assert _get(store) == again
        assert again.contents == contents
        assert again.status is OrderStatus.DONE

    def test_a_task_without_filter_comes_back(self, store: UnitOfWork) -> None:
        """No filter and no request are no special case."""
        _add(store, an_order())
        contents = Contents(tasks=(attrs.evolve(_task(), file_filter=None, requests=()),))
        with store.write() as tx:
            tx.orders.save(an_order().completed(contents, NOW, _LATER))
        assert _get(store).contents == contents

    @pytest.mark.parametrize("version", [0, 1, 3])
    def test_another_version_of_an_order_is_a_conflict(self, store: UnitOfWork, version: int) -> None:
        """A transition of an order that somebody else changed meanwhile is refused and changes nothing."""
        _add(store, an_order())
        with store.write() as tx:
            saved = tx.orders.save(an_order().failed("first", NOW))
        with pytest.raises(Conflict), store.write() as tx:
            tx.orders.save(attrs.evolve(saved, version=version, message="second"))
        assert _get(store) == saved

    def test_an_order_that_is_not_there_is_a_conflict(self, store: UnitOfWork) -> None:
        """A transition does not bring an order into being."""
        with pytest.raises(Conflict), store.write() as tx:
            tx.orders.save(an_order(404))

    def test_counts_of_orders_change_by_differences(self, store: UnitOfWork) -> None:
        """Each change is added, field by field, and the order returned as it then is, version and status untouched."""
        _add(store, an_order())
        first = FileCounts(5, 4, 3, 2, 1, 6, 2**50, 2**49)
        change = FileCounts(-5, 5, bytes_pending=-(2**49))
        with store.write() as tx:
            tx.orders.count(tx.orders.get(1), first, 2, NOW)
            counted = tx.orders.count(tx.orders.get(1), change, -1, NOW)
        assert counted.counts == first + change
        assert (counted.waiting_suborders, counted.version, counted.status) == (1, 1, OrderStatus.PENDING)
        assert _get(store) == counted

    def test_saving_an_order_leaves_counts_alone(self, store: UnitOfWork) -> None:
        """A transition made from an order read before a change of counts does not undo that change."""
        _add(store, an_order())
        with store.write() as tx:
            old = tx.orders.get(1)
            counted = tx.orders.count(tx.orders.get(1), FileCounts(pending=2, available=3, bytes_known=5), 1, NOW)
            saved = tx.orders.save(old.failed("no", NOW))
        assert saved.counts == counted.counts
        assert (saved.waiting_suborders, saved.available_since) == (1, NOW)
        assert _get(store) == saved

    @pytest.mark.parametrize(
        ("change", "dated"),
        [
            (FileCounts(available=1), True),
            (FileCounts(available=-1), True),
            (FileCounts(pending=1, downloaded=1), False),
            (FileCounts(), False),
        ],
    )
    def test_available_since_follows_the_number_of_available_files(
        self, store: UnitOfWork, change: FileCounts, dated: bool
    ) -> None:
        """Only a change of the available files is dated."""
        _add(store, an_order())
        with store.write() as tx:
            assert tx.orders.count(tx.orders.get(1), FileCounts(pending=9), 0, NOW).available_since is None
            assert tx.orders.count(tx.orders.get(1), FileCounts(available=9), 0, NOW).available_since == NOW
            expected = _LATER if dated else NOW
            assert tx.orders.count(tx.orders.get(1), change, 0, _LATER).available_since == expected

    def test_a_change_of_nothing_returns_the_order(self, store: UnitOfWork) -> None:
        """Counting nothing is allowed."""
        _add(store, an_order())
        with store.write() as tx:
            assert tx.orders.count(tx.orders.get(1), FileCounts(), 0, NOW) == an_order()

    def test_counting_an_unknown_order_is_refused(self, store: UnitOfWork) -> None:
        """There is nothing to count."""
        with store.write() as tx, pytest.raises(NotFound):
            tx.orders.count(an_order(404), FileCounts(), 0, NOW)

    def test_pages_of_orders_are_by_id(self, store: UnitOfWork) -> None:
        """Orders come by id whenever they were stored, above *after*, at most *limit* of them."""
        _add(store, *(an_order(number) for number in (5, 1, 4, 2, 3)))
        with store.read() as tx:
            assert [order.id for order in tx.orders.page()] == [1, 2, 3, 4, 5]
            assert [order.id for order in tx.orders.page(after=1, limit=2)] == [2, 3]
            assert [order.id for order in tx.orders.page(after=5)] == []
            assert tx.orders.page(after=2)[0] == an_order(3)

    def test_a_page_of_orders_without_limit_holds_a_hundred(self, store: UnitOfWork) -> None:
        """The default limit is 100."""
        _add(store, *(an_order(number) for number in range(1, 103)))
        with store.read() as tx:
            assert len(tx.orders.page()) == 100
            assert len(tx.orders.page(limit=1000)) == 102

    def test_pages_can_be_of_one_owner(self, store: UnitOfWork) -> None:
        """Owner and statuses are joined by AND; without statuses an order of any status comes."""
        _add(store, an_order(1, LISE), an_order(2, HUGO), an_order(3, LISE), an_order(4, LISE))
        with store.write() as tx:
            tx.orders.save(tx.orders.get(3).failed("no", NOW))
        pending, failed = OrderStatus.PENDING, OrderStatus.FAILED
        with store.read() as tx:
            assert [order.id for order in tx.orders.page(owner=LISE)] == [1, 3, 4]
            assert [order.id for order in tx.orders.page(owner=LISE, statuses=(pending,))] == [1, 4]
            assert [order.id for order in tx.orders.page(statuses=(failed, OrderStatus.DONE))] == [3]
            assert [order.id for order in tx.orders.page(statuses=(pending, failed), after=1, limit=2)] == [2, 3]
            assert list(tx.orders.page(owner="nobody")) == []

    @pytest.mark.parametrize("keep", [False, True])
    def test_saving_gives_the_lease_back_unless_it_is_kept(self, store: UnitOfWork, keep: bool) -> None:
        """Whoever lists the files of an order goes on while it is paused; any other transition takes it away."""
        _add(store, an_order())
        with store.write() as tx:
            (claimed,) = tx.claims.orders(1, _LONG)
            saved = tx.orders.save(claimed.paused(NOW), keep_lease=keep)
            assert (saved.version, saved.attempt, saved.status) == (2, 1, OrderStatus.PAUSED)
            assert tx.claims.busy((1,)) == ({1} if keep else set())
        assert _get(store) == saved

    @pytest.mark.parametrize("keep", [False, True])
    def test_a_claim_that_was_overtaken_is_a_conflict(self, store: UnitOfWork, keep: bool) -> None:
        """An order read before it was claimed once more is not saved, whatever becomes of the lease."""
        _add(store, an_order())
        with store.write() as tx:
            (old,) = tx.claims.orders(1, 0)
            (new,) = tx.claims.orders(1, _LONG)
        with pytest.raises(Conflict), store.write() as tx:
            tx.orders.save(old.paused(NOW), keep_lease=keep)
        assert _get(store) == new

    def test_an_erased_order_leaves_nothing(self, store: UnitOfWork) -> None:
        """Tasks, suborders and their answers go with it, its label is free again, and other orders stay."""
        _add(store, an_order(1, label="mine"), an_order(2))
        contents = Contents(tasks=(_task(),), internal_suborders=1)
        with store.write() as tx:
            tx.orders.save(tx.orders.get(1).completed(contents, NOW, _LATER))
            for number in (1, 2):
                tx.suborders.add(a_suborder(number, number))
                tx.answers.put(number, [Answer("c", True)])
            tx.orders.erase(1)
        with store.read() as tx:
            with pytest.raises(NotFound):
                tx.orders.get(1)
            assert not tx.orders.label_taken(LISE, "mine")
            assert [order.id for order in tx.orders.page()] == [2]
            assert list(tx.suborders.of_order(1)) == []
            assert list(tx.suborders.of_order(2)) == [a_suborder(2, 2)]
            assert list(tx.answers.of(1)) == []
            assert len(tx.answers.of(2)) == 1
        _add(store, an_order(1, label="mine"))
        assert _get(store) == an_order(1, label="mine")

    def test_an_erased_order_is_held_by_nobody(self, store: UnitOfWork) -> None:
        """Its lease is gone, so that another order of its owner may be listed."""
        _add(store, an_order(1), an_order(2))
        with store.write() as tx:
            assert [order.id for order in tx.claims.orders(9, _LONG)] == [1]
            tx.orders.erase(1)
            assert tx.claims.busy((1,)) == set()
            assert [order.id for order in tx.claims.orders(9, _LONG)] == [2]

    def test_erasing_an_unknown_order_does_nothing(self, store: UnitOfWork) -> None:
        """Nor does erasing one twice."""
        _add(store, an_order())
        with store.write() as tx:
            tx.orders.erase(404)
            tx.orders.erase(1)
            tx.orders.erase(1)
            assert list(tx.orders.page()) == []

    def test_tenants_erase_their_own(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """An order of another tenant is neither erased nor over nor aside nor reminded."""
        _put(store, an_order(status=OrderStatus.RUNNING, expires=NOW), 1)
        before = _get(store)
        with neighbour.write() as tx:
            tx.orders.erase(1)
            assert list(tx.orders.over(_LATER, limit=9)) == []
            assert list(tx.orders.aside(_LATER, 9)) == []
        assert _get(store) == before

    @pytest.mark.parametrize("status", OrderStatus)
    @pytest.mark.parametrize("available", [0, 1])
    @pytest.mark.parametrize("expires", [None, NOW - _TICK, NOW, NOW + _TICK])
    def test_orders_are_over(
        self, store: UnitOfWork, status: OrderStatus, available: int, expires: dt.datetime | None
    ) -> None:
        """Exactly those of which `Order.is_over` says so: after their date, never at it or without one."""
        _put(store, an_order(status=status, expires=expires), available)
        order = _get(store)
        with store.read() as tx:
            assert list(tx.orders.over(NOW, limit=9)) == ([order] if order.is_over(NOW) else [])

    def test_orders_that_are_over_come_by_id(self, store: UnitOfWork) -> None:
        """Above *after*, at most *limit*, with their tasks, whatever their dates say."""
        for number in (3, 1, 4, 2):
            _put(store, an_order(number, expires=NOW - number * _TICK))
        contents = Contents(tasks=(_task(),), internal_suborders=1)
        with store.write() as tx:
            saved = tx.orders.save(tx.orders.get(2).completed(contents, NOW, NOW - _TICK))
        with store.read() as tx:
            assert [order.id for order in tx.orders.over(NOW, limit=9)] == [1, 2, 3, 4]
            assert list(tx.orders.over(NOW, after=1, limit=1)) == [saved]
            assert list(tx.orders.over(NOW, after=4, limit=9)) == []

    @pytest.mark.parametrize("status", OrderStatus)
    def test_orders_in_some_statuses_are_aside(self, store: UnitOfWork, status: OrderStatus) -> None:
        """Nobody is reminded of an order that is PENDING, FAILED, or without files."""
        _put(store, an_order(status=status), 1)
        with store.read() as tx:
            assert len(tx.orders.aside(_LATER, 9)) == (1 if status in REMINDED else 0)

    @pytest.mark.parametrize(
        ("available", "since", "aside"),
        [(1, NOW - _TICK, True), (1, NOW, False), (1, NOW + _TICK, False), (0, NOW - _TICK, False)],
    )
    def test_files_are_aside_after_their_date(
        self, store: UnitOfWork, available: int, since: dt.datetime, aside: bool
    ) -> None:
        """Files have to be available, and their number the same since before the date."""
        _put(store, an_order(status=OrderStatus.DONE), available, since)
        with store.read() as tx:
            assert len(tx.orders.aside(NOW, 9)) == (1 if aside else 0)

    def test_orders_aside_come_by_owner_and_age(self, store: UnitOfWork) -> None:
        """Owners sort as in Python; of each the oldest comes first, two of one date by id; *limit* counts owners."""
        owners = ("é@x", "Z@x", "a@x")
        numbers = {(owner, age): 10 * n + age for n, owner in enumerate(owners, 1) for age in (1, 2, 3)}
        for (owner, age), number in numbers.items():
            created = NOW - dt.timedelta(hours=age // 2)
            _put(store, an_order(number, owner, status=OrderStatus.DONE, created=created), 1)
        with store.read() as tx:
            found = [order.id for order in tx.orders.aside(_LATER, 9)]
            expected = [numbers[owner, age] for owner in sorted(owners) for age in (2, 3, 1)]
            assert found == expected
            assert [order.id for order in tx.orders.aside(_LATER, 2)] == expected[:6]
            assert next(iter(tx.orders.aside(_LATER, 9))) == tx.orders.get(expected[0])

    def test_a_reminder_counts_from_its_date(self, store: UnitOfWork) -> None:
        """Reminded orders, and no others, are aside only after another while; version and counts stay."""
        for number in (1, 2):
            _put(store, an_order(number, status=OrderStatus.DONE), 1)
        before = _get(store)
        with store.write() as tx:
            tx.orders.reminded([], _LATER)
            tx.orders.reminded([1, 404], _LATER)
        assert _get(store) == attrs.evolve(before, available_since=_LATER)
        with store.read() as tx:
            assert [order.id for order in tx.orders.aside(_LATER, 9)] == [2]
            assert [order.id for order in tx.orders.aside(_LATER + _TICK, 9)] == [1, 2]
