"""What a `UnitOfWork` promises: all or nothing, one state, one tenant."""

from __future__ import annotations

from threading import Thread

import pytest

from regards_order.domain.basket import Basket, BasketOwner
from regards_order.domain.errors import NotFound
from regards_order.domain.events import OrderCreated
from regards_order.domain.files import FileCounts
from regards_order.domain.principal import Account, User
from regards_order.domain.suborder import SuborderState
from regards_order.ports.storage import Answer
from regards_order.ports.unit_of_work import Transaction, UnitOfWork
from regards_order.testing.contracts.values import (
    HUGO,
    LISE,
    NOW,
    StoreSuite,
    a_basket,
    a_file,
    a_selection,
    a_suborder,
    an_order,
    failed_write,
    put_order,
)

_NOTHING: list[object] = [None, (), (), (), None, (), (), 0, 0, (), [], ()]
_EVENT = OrderCreated(order_id=1, owner=LISE, correlation_id="c", frontend_url="https://front.example/")


def _fill(tx: Transaction) -> None:
    tx.baskets.save(a_basket(1, LISE, a_selection()))
    put_order(tx, an_order(), a_suborder(state=SuborderState.QUEUED))
    tx.files.add([a_file()])
    tx.answers.put(1, [Answer("c", True)])
    tx.slots.note_freed(LISE)
    tx.outbox.add(_EVENT)
    tx.users.put(Account(User(LISE)))


def _seen(tx: Transaction) -> list[object]:
    """Return all that a store holds of what `_fill` stores."""
    orders = tx.orders.page()
    return [
        tx.baskets.get(BasketOwner.user(LISE)),
        tuple(orders),
        tuple(tx.suborders.of_order(1)),
        tuple(tx.answers.of(1)),
        tx.listings.file(1),
        tuple(tx.files.page(1, limit=10)),
        tuple(tx.files.unanswered(1, limit=10)),
        tx.files.last_id(1),
        tx.slots.used(LISE),
        tuple(tx.slots.freed(10)),
        [letter.event for letter in tx.outbox.page()],
        tuple(tx.users.all()),
    ]


class UnitOfWorkContract(StoreSuite):
    """Prove a `UnitOfWork`; override the fixture `store`, and `neighbour` where tenants share something."""

    def test_an_empty_store_holds_nothing(self, store: UnitOfWork) -> None:
        """The suite starts with an empty store."""
        with store.read() as tx:
            assert _seen(tx) == _NOTHING

    def test_a_block_that_ends_is_committed(self, store: UnitOfWork) -> None:
        """What a transaction did is seen by every later one."""
        with store.write() as tx:
            _fill(tx)
            inside = _seen(tx)
        for transaction in (store.read(), store.write(), store.read()):
            with transaction as tx:
                assert _seen(tx) == inside

    def test_a_transaction_sees_its_own_changes(self, store: UnitOfWork) -> None:
        """A read inside a write transaction sees what was written before it."""
        with store.write() as tx:
            _fill(tx)
            assert tx.orders.get(1).owner == LISE
            assert tx.files.last_id(1) == 1

    def test_an_error_takes_everything_back(self, store: UnitOfWork) -> None:
        """An error that leaves the block undoes the whole transaction, and arrives unchanged."""
        with failed_write(store) as tx:
            _fill(tx)
        with store.read() as tx:
            assert _seen(tx) == _NOTHING

    def test_an_error_takes_back_changes_and_erasures(self, store: UnitOfWork) -> None:
        """What was changed or erased by a failed transaction is as it was."""
        with store.write() as tx:
            _fill(tx)
            before = _seen(tx)
        with failed_write(store) as tx:
            tx.baskets.remove(BasketOwner.user(LISE))
            tx.orders.save(tx.orders.get(1).failed("gone", NOW))
            tx.orders.count(tx.orders.get(1), FileCounts(pending=5), 1, NOW)
            tx.suborders.erase(1)
            tx.files.erase(1)
            tx.slots.forget_freed(LISE)
            tx.outbox.remove([letter.number for letter in tx.outbox.page()])
            tx.users.put(Account(User(LISE), active=False))
        with store.read() as tx:
            assert _seen(tx) == before

    def test_an_interruption_takes_everything_back(self, store: UnitOfWork) -> None:
        """KeyboardInterrupt and its like, which are no `Exception`, undo the transaction too."""
        with failed_write(store, KeyboardInterrupt) as tx:
            _fill(tx)
        with store.read() as tx:
            assert tx.baskets.get(BasketOwner.user(LISE)) is None

    def test_a_refusal_that_is_caught_inside_undoes_nothing(self, store: UnitOfWork) -> None:
        """An error that stays inside the block leaves the transaction usable."""
        with store.write() as tx:
            _fill(tx)
            with pytest.raises(NotFound):
                tx.orders.get(2)
        with store.read() as tx:
            assert tx.orders.get(1).id == 1

    def test_nobody_sees_what_was_taken_back(self, store: UnitOfWork) -> None:
        """A reader that starts during a transaction never sees what that one does not commit."""
        found: list[Basket | None] = []

        def look() -> None:
            with store.read() as tx:
                found.append(tx.baskets.get(BasketOwner.user(LISE)))

        reader = Thread(target=look)
        with failed_write(store) as tx:
            _fill(tx)
            reader.start()
        reader.join()
        assert found == [None]

    def test_a_reader_sees_one_state(self, store: UnitOfWork) -> None:
        """What others commit meanwhile is not seen by a read transaction that has begun to read."""

        def change() -> None:
            with store.write() as tx:
                _fill(tx)

        writer = Thread(target=change)
        with store.read() as tx:
            before = _seen(tx)
            writer.start()
            writer.join(0.05)  # a store that lets nobody write during a read makes it wait longer
            assert _seen(tx) == before
        writer.join()
        with store.read() as tx:
            assert tx.orders.get(1).id == 1

    def test_writers_lose_nothing(self, store: UnitOfWork) -> None:
        """Transactions of several threads add up."""
        with store.write() as tx:
            put_order(tx, an_order())

        def add() -> None:
            for _ in range(10):
                with store.write() as tx:
                    tx.orders.count(an_order(), FileCounts(pending=1, bytes_known=7), 1, NOW)

        writers = [Thread(target=add) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        with store.read() as tx:
            order = tx.orders.get(1)
        assert (order.counts.pending, order.counts.bytes_known, order.waiting_suborders) == (40, 280, 40)

    def test_transactions_follow_each_other(self, store: UnitOfWork) -> None:
        """A hundred transactions leave nothing open behind them."""
        for number in range(1, 51):
            with store.write() as tx:
                put_order(tx, an_order(number))
            with store.read() as tx:
                assert tx.orders.get(number).id == number

    def test_tenants_are_apart(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """Nothing of one tenant can be seen, changed or erased through another one's store."""
        with store.write() as tx:
            _fill(tx)
            before = _seen(tx)
        with neighbour.write() as tx:
            assert _seen(tx) == _NOTHING
            with pytest.raises(NotFound):
                tx.orders.get(1)
            assert not tx.orders.label_taken(LISE, "order 1")
            assert tx.slots.load(LISE) == (0, 0)
            tx.baskets.remove(BasketOwner.user(LISE))
            tx.files.erase(1)
            tx.suborders.erase(1)
            tx.slots.forget_freed(LISE)
            tx.outbox.remove(range(100))
        with store.read() as tx:
            assert _seen(tx) == before

    def test_tenants_may_use_the_same_names(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """Owners, labels and e-mails are unique within a tenant only."""
        for number, each in enumerate((store, neighbour), 1):
            with each.write() as tx:
                tx.baskets.save(a_basket(number))
                tx.orders.add(an_order(number, label="the same"))
                tx.slots.note_freed(HUGO)
                tx.users.put(Account(User(LISE, groups=frozenset({f"group {number}"}))))
        for number, each in enumerate((store, neighbour), 1):
            with each.read() as tx:
                assert [order.id for order in tx.orders.page()] == [number]
                account = tx.users.get(LISE)
                assert account is not None
                assert account.user.groups == {f"group {number}"}
