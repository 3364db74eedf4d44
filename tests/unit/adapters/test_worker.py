"""The worker: its loops, its leases, and how it stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, current_thread
from threading import enumerate as enumerate_threads
from typing import Any

import attrs
import pytest

from regards_order import Order, Ordering, OrderStatus, SelectionRequest, StoreUnavailable, User
from regards_order.ports.claims import Claim, Claimed
from regards_order.testing import MemoryCatalog, MemoryStore, in_memory, make_dataset, make_file, make_product
from regards_order_adapters.worker.leases import LIMITS, RenewedLeases
from regards_order_adapters.worker.loop import Worker

LISE = User("lise@obs.example")


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition, and fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)


def make_ordering(**changes: Any) -> Ordering:
    """Return a data centre with one file."""
    images = make_dataset("Images")
    scene = make_product("scene", make_file("scene.tif", b"pixels"), datasets=(images,))
    plain = in_memory(MemoryCatalog([images], [scene]), {"scene.tif": b"pixels"})
    return attrs.evolve(plain, **changes)


def place(ordering: Ordering) -> Order:
    """Place an order of everything."""
    ordering.add_selection(LISE, SelectionRequest())
    return ordering.place_order(LISE)


def status(ordering: Ordering, order: Order) -> OrderStatus:
    """Return what became of an order."""
    return ordering.get_order(LISE, order.id).status


@pytest.fixture
def started():
    """Return a function that starts a worker, which is stopped at the end."""
    workers: list[Worker] = []

    def start(*orderings: Ordering, **times: float) -> Worker:
        workers.append(Worker(orderings, **{"idle_seconds": 60.0, "retry_seconds": 0.01, **times}))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        assert worker.stop(20)


def test_orders_of_all_tenants_are_worked_off(started) -> None:
    """What waits when the worker starts is done, for each tenant."""
    tenants = [make_ordering(), make_ordering()]
    orders = [place(ordering) for ordering in tenants]
    started(*tenants)
    for ordering, order in zip(tenants, orders, strict=True):
        until(lambda ordering=ordering, order=order: status(ordering, order) is OrderStatus.DONE)


def test_a_worker_looks_again_by_itself(started) -> None:
    """Work that comes while it is idle is found after the pause."""
    ordering = make_ordering()
    started(ordering, idle_seconds=0.01)
    order = place(ordering)
    until(lambda: status(ordering, order) is OrderStatus.DONE)


def test_a_worker_that_is_woken_looks_at_once(started) -> None:
    """Whoever changes something may wake it; it does not wait for its pause to end."""
    ordering = make_ordering()
    worker = started(ordering)
    order = place(ordering)

    def woken() -> bool:
        worker.wake()
        return status(ordering, order) is OrderStatus.DONE

    until(woken)


def test_a_failure_stops_nobody(started, caplog) -> None:
    """Whatever one tenant raises, the others are served, and it is tried again."""
    broken, ordering = make_ordering(), make_ordering()
    failures = iter([StoreUnavailable("gone"), RuntimeError("odd"), StoreUnavailable("gone")])
    order = place(broken)

    class Away(MemoryStore):
        def write(self):
            # the other thread would meet a failure in the middle of an order, which is another story
            failure = next(failures, None) if current_thread().name == "lister" else None
            if failure is not None:
                raise failure
            return broken.store.write()

        def read(self):
            return broken.store.read()

    healthy = place(ordering)
    started(make_ordering(store=Away(), catalog=broken.catalog, storage=broken.storage), ordering, idle_seconds=0.01)
    until(lambda: status(ordering, healthy) is OrderStatus.DONE)
    until(lambda: status(broken, order) is OrderStatus.DONE)
    assert [record.action for record in caplog.records] == ["work_failed"] * 3


def test_a_worker_that_stops_says_whether_it_has_ended() -> None:
    """It waits for what goes on, but no longer than it is told."""
    asked, answer = Event(), Event()
    ordering = make_ordering()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            asked.set()
            answer.wait()
            return getattr(ordering.storage, name)

    order = place(ordering)
    slow = make_ordering(store=ordering.store, catalog=ordering.catalog, storage=Slow())
    worker = Worker([slow], idle_seconds=0.01)
    worker.start()
    until(asked.is_set)
    assert worker.stop(0.02) is False
    answer.set()
    assert worker.stop(20) is True
    assert status(ordering, order) is OrderStatus.RUNNING


def test_a_worker_that_never_started_has_ended() -> None:
    """Nothing is waited for."""
    assert Worker([make_ordering()]).stop(20) is True


class Seconds:
    """The clock of the leases, moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """Leases are timed by this."""
    return Seconds()


@pytest.fixture
def ordering(seconds: Seconds) -> Ordering:
    """A data centre whose leases are timed by hand."""
    return make_ordering(store=MemoryStore(seconds))


def claim(ordering: Ordering, lease: float = 60) -> list[Claim]:
    """Claim what there is."""
    with ordering.store.write() as tx:
        return [Claim.of(order) for order in tx.claims.orders(9, lease)]


def test_what_is_held_is_renewed(ordering: Ordering, seconds: Seconds) -> None:
    """As often as it is renewed in time, nobody else gets it."""
    place(ordering)
    leases = RenewedLeases(ordering.store, 60)
    with leases.hold(claim(ordering)):
        for now in (50, 100, 150):
            seconds.now = now
            leases.renew()
            assert claim(ordering) == []
    seconds.now = 205
    leases.renew()
    seconds.now = 211
    assert len(claim(ordering)) == 1
    leases.close()


def test_leases_are_renewed_at_a_third(ordering: Ordering, seconds: Seconds, monkeypatch) -> None:
    """A thread renews them until they are closed."""
    place(ordering)
    leases = RenewedLeases(ordering.store, 0.03)
    renewed: list[int] = []
    monkeypatch.setattr(leases, "renew", lambda: renewed.append(1))
    with leases.hold(claim(ordering)):
        until(lambda: len(renewed) > 2)
    leases.close()
    count = len(renewed)
    with leases.hold([]):
        assert len(renewed) == count


def test_a_store_that_is_away_is_asked_again(ordering: Ordering, seconds: Seconds, caplog) -> None:
    """A renewal that fails is logged, the next one may succeed."""
    place(ordering)
    away = True

    class Away(MemoryStore):
        def write(self):
            if away:
                raise StoreUnavailable("gone")
            return ordering.store.write()

    leases = RenewedLeases(Away(), 60)
    with leases.hold(claim(ordering)):
        seconds.now = 50
        leases.renew()
        away = False
        leases.renew()
        seconds.now = 100
        assert claim(ordering) == []
    leases.close()
    assert [record.action for record in caplog.records] == ["leases_not_renewed"]


def test_everything_that_can_be_claimed_has_a_limit() -> None:
    """Else what renews leases would end with the first claim of that kind."""
    assert set(LIMITS) == set(Claimed)


def test_what_is_held_is_given_back_at_the_end(ordering: Ordering) -> None:
    """A process that ends lets others claim at once what it could not finish."""
    place(ordering)
    leases = RenewedLeases(ordering.store, 60)
    with leases.hold(claim(ordering)):
        leases.close()
        assert [each.attempt for each in claim(ordering)] == [2]


def test_a_store_that_is_away_at_the_end(ordering: Ordering, caplog) -> None:
    """What cannot be given back runs out by itself; the process ends all the same."""
    place(ordering)
    hang, over = Event(), Event()

    class Away(MemoryStore):
        def write(self):
            if hang.is_set():
                hang.clear()
                over.wait()
            raise StoreUnavailable("gone")

    for hanging in (False, True):
        leases = RenewedLeases(Away(), 60)
        with leases.hold(claim(ordering)):
            if hanging:
                hang.set()
            leases.close(0.05 if hanging else 20)
        with ordering.store.write() as tx:
            tx.claims.renew([Claim(Claimed.ORDER, 1, 1)], 0)
    assert [record.action for record in caplog.records] == ["claims_not_given_back"]
    over.set()
    for thread in enumerate_threads():  # what it says at its end belongs to this test
        if thread.name == "leases-end":
            thread.join(20)


def test_a_claim_is_not_renewed_for_ever(ordering: Ordering, seconds: Seconds, monkeypatch) -> None:
    """What hangs is left to others: its lease runs out."""
    place(ordering)
    leases = RenewedLeases(ordering.store, 60)
    monkeypatch.setitem(LIMITS, Claimed.ORDER, 0.0)
    with leases.hold(claim(ordering)):
        seconds.now = 50
        leases.renew()
        seconds.now = 61
        assert [each.attempt for each in claim(ordering)] == [2]
    leases.close()
