"""What `Outbox` promises."""

from __future__ import annotations

import pytest

from regards_order.domain.events import (
    Event,
    FileOversized,
    OrderAside,
    OrderCreated,
    OrderEnded,
    OrdersAside,
    SuborderDone,
)
from regards_order.domain.order import OrderStatus
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import LISE, NOW, StoreSuite

_EVENTS: tuple[Event, ...] = (
    OrderCreated(order_id=1, owner=LISE, correlation_id="c", frontend_url="https://front.example/é"),
    SuborderDone(order_id=1, suborder_id=2, owner=LISE, correlation_id="c", errors=0, total_suborders=3),
    OrderEnded(order_id=1, owner=LISE, correlation_id="c", status=OrderStatus.DONE, message=None),
    OrderEnded(order_id=2, owner=LISE, correlation_id="", status=OrderStatus.FAILED, message="Zerstört"),
    FileOversized(order_id=1, owner=LISE, correlation_id="c", filename="été.dat"),
    OrdersAside(
        order_id=1,
        owner=LISE,
        correlation_id="c",
        orders=(
            OrderAside(order_id=1, label="Été", created=NOW, expires=None, available=2**40, since=NOW),
            OrderAside(order_id=2, label="b", created=NOW, expires=NOW, available=1, since=NOW),
        ),
    ),
)


def _add(store: UnitOfWork, *events: Event) -> list[int]:
    with store.write() as tx:
        for event in events:
            tx.outbox.add(event)
        return [letter.number for letter in tx.outbox.page(limit=100_000)]


class OutboxContract(StoreSuite):
    """Prove the `Outbox` of a store; override the fixture `store`."""

    @pytest.mark.parametrize("event", _EVENTS)
    def test_an_event_comes_back_as_it_was(self, store: UnitOfWork, event: Event) -> None:
        """Every kind of event survives, with its type."""
        _add(store, event)
        with store.read() as tx:
            assert [letter.event for letter in tx.outbox.page()] == [event]

    def test_letters_come_in_the_order_of_their_events(self, store: UnitOfWork) -> None:
        """Numbers are above 0 and grow, within a transaction and from one to the next."""
        _add(store, *_EVENTS)
        numbers = _add(store, *_EVENTS)
        assert numbers == sorted(set(numbers))
        assert numbers[0] > 0
        with store.read() as tx:
            assert [letter.event for letter in tx.outbox.page()] == [*_EVENTS, *_EVENTS]

    def test_pages_begin_after_a_number(self, store: UnitOfWork) -> None:
        """Above *after*, at most *limit*."""
        numbers = _add(store, *_EVENTS)
        with store.read() as tx:
            assert [letter.number for letter in tx.outbox.page(numbers[1], 2)] == numbers[2:4]
            assert list(tx.outbox.page(numbers[-1])) == []

    def test_pages_hold_the_kinds_that_are_named(self, store: UnitOfWork) -> None:
        """Letters of other kinds neither come nor count on the limit; without kinds all come."""
        numbers = _add(store, *_EVENTS)
        with store.read() as tx:
            assert [letter.number for letter in tx.outbox.page(kinds=())] == numbers
            found = tx.outbox.page(kinds=(OrderEnded, FileOversized))
            assert [letter.number for letter in found] == numbers[2:5]
            assert [letter.number for letter in tx.outbox.page(numbers[2], 1, kinds=(OrderEnded,))] == [numbers[3]]
            assert list(tx.outbox.page(numbers[3], kinds=(OrderEnded,))) == []

    def test_a_page_of_letters_without_limit_holds_a_hundred(self, store: UnitOfWork) -> None:
        """The default limit is 100."""
        numbers = _add(store, *[_EVENTS[0]] * 101)
        with store.read() as tx:
            assert [letter.number for letter in tx.outbox.page()] == numbers[:100]

    def test_removed_letters_are_gone(self, store: UnitOfWork) -> None:
        """Others stay; removing none, an unknown one or one twice is harmless."""
        numbers = _add(store, *_EVENTS)
        with store.write() as tx:
            tx.outbox.remove([])
            tx.outbox.remove([numbers[1], numbers[3], 10**9])
            tx.outbox.remove((numbers[1],))
            assert [letter.number for letter in tx.outbox.page()] == [numbers[0], numbers[2], *numbers[4:]]

    def test_thousands_of_letters_are_removed_at_once(self, store: UnitOfWork) -> None:
        """A relay that was away for long may catch up."""
        numbers = _add(store, *[_EVENTS[0]] * 50)
        with store.write() as tx:
            tx.outbox.remove([*numbers[:-1], *range(10**6, 10**6 + 40_000)])
            assert [letter.number for letter in tx.outbox.page()] == numbers[-1:]

    def test_a_number_is_never_given_again(self, store: UnitOfWork) -> None:
        """A letter that comes after the last one was removed has a higher number."""
        (first,) = _add(store, _EVENTS[0])
        with store.write() as tx:
            tx.outbox.remove([first])
        assert _add(store, _EVENTS[1])[0] > first
