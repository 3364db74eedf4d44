"""Use cases that meet: whatever comes between whose transactions, no count is wrong, and nothing waits for ever.

On the twins actors take turns, transaction by transaction, and Hypothesis chooses whose turn it is.  On databases the
same scenarios run with threads that nobody controls.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import count
from threading import Barrier, Semaphore, Thread
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regards_order import (
    Conflict,
    DeliveryIncomplete,
    Order,
    Ordering,
    OrderingError,
    OrderStatus,
    SelectionRequest,
    StoreUnavailable,
    User,
)
from regards_order.ports.storage import Answer
from regards_order.testing import CountedIds, MemoryStore
from regards_order.testing.invariants import (
    check_end,
    check_letters,
    check_order,
    check_progress,
    check_slots,
    look,
)
from regards_order.testing.machine import TIGHT, Bench, rich_catalog, twin
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.delivery.zip import ZipArchives
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.unit_of_work import SqlStore, writing

LISE = User("lise@obs.example")
CATALOG = rich_catalog()
_SECONDS = 60


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Let nobody collect the warnings of thousands of races."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


# --- a data centre ---------------------------------------------------------------------------------------------------


@attrs.frozen
class Centre:
    """A data centre, and what is known of it from outside."""

    ordering: Ordering
    bench: Bench
    end_leases: Callable[[], object]

    def place(self) -> Order:
        """Order everything."""
        self.ordering.add_selection(LISE, SelectionRequest())
        return self.ordering.place_order(LISE)

    def read(self, order: Order) -> Order:
        """Return an order as it is now."""
        return self.ordering.get_order(LISE, order.id)

    def later(self) -> None:
        """Let leases end, and the storage be polled again."""
        self.end_leases()
        self.bench.clock.advance(seconds=2)

    def check(self, order: Order, *, retries: int = 0) -> None:
        """Check all that must be true, bring everything to its end, and check it again."""
        for step in ("now", "at the end"):
            if step == "at the end":
                self.bench.storage.held = set()
                check_end(self.ordering, (LISE,), self.later)
            view = look(self.ordering, (LISE,))
            for each in view.orders:
                check_order(each, delivery_failed=False)
                if each.order.listed and each.files:
                    assert Counter((file.product_urn, file.filename) for file in each.files) == FILES
            check_slots(view.orders, self.ordering.settings, worked=False)
            check_letters(view.letters, view.orders, {order.id: retries})


class Everything(set):  # type: ignore[type-arg]
    """The set of all checksums."""

    def __contains__(self, checksum: object) -> bool:
        return True


@attrs.define
class Seconds:
    """The clock of leases."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def end_leases(self) -> None:
        """Let more time pass than a lease lasts."""
        self.now += 1000


def on_twins() -> Centre:
    """Return a data centre made of twins, where leases end when they are told to."""
    bench = Bench.make(CATALOG, TIGHT)
    seconds = Seconds()
    with twin(bench) as ordering:
        return Centre(attrs.evolve(ordering, store=MemoryStore(seconds)), bench, seconds.end_leases)


_tenants = count(1)


def on_database(engine: sa.Engine) -> Centre:
    """Return a data centre on a tenant of its own."""
    store = SqlStore(engine, f"tenant-{next(_tenants)}")
    put(store, CATALOG.datasets, CATALOG.products)
    bench = Bench.make(CATALOG, TIGHT)
    ordering = Ordering(
        store=store,
        catalog=SqlCatalog(store, Re2Patterns()),
        storage=bench.storage,
        external=bench.external,
        patterns=Re2Patterns(),
        archives=ZipArchives(),
        clock=bench.clock,
        unique_ids=CountedIds(),
        settings=bench.settings,
    )

    def end_leases() -> None:
        with writing(engine) as connection:
            for table in (schema.orders, schema.suborders, schema.chores):
                held = sa.update(table).where(table.c.leased_until.is_not(None))
                connection.execute(held.values(leased_until=1))

    return Centre(ordering, bench, end_leases)


def _files() -> Counter[tuple[str, str]]:
    """Return what an order of everything holds."""
    centre = on_twins()
    order = centre.place()
    centre.ordering.complete_order(order.id)
    return Counter((file.product_urn, file.filename) for file in centre.ordering.list_files(LISE, order.id))


# --- scenarios -------------------------------------------------------------------------------------------------------

#: what somebody does, one thing after the other, each of which may be refused
Actor = Callable[[Centre, Ordering, Order], object]


def complete(centre: Centre, ordering: Ordering, order: Order) -> None:
    """List the files of the order."""
    ordering.complete_order(order.id)


def serve(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Give out slots, ask the storage, take its answers."""
    ordering.serve()


def work(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Do all background work."""
    ordering.work()


def pause(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Pause the order."""
    ordering.pause_order(LISE, order.id)


def resume(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Resume the order."""
    ordering.resume_order(LISE, order.id)


def pause_and_resume(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Pause the order, and resume it."""
    pause(centre, ordering, order)
    resume(centre, ordering, order)


def delete(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Delete the order."""
    ordering.delete_order(LISE, order.id)


def pause_and_delete(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Pause the order, and delete it."""
    pause(centre, ordering, order)
    delete(centre, ordering, order)


def cancel(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Cancel the order, as other services do."""
    ordering.cancel_order(order.id)


def chores(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Do what is to be done regularly."""
    ordering.do_chores()


def retry(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Ask once more for what could not be had."""
    ordering.retry_order(LISE, order.id)


def restart(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Order the same once more."""
    ordering.restart_order(LISE, order.id)


def download(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Take everything that is available."""
    delivery = ordering.open_zip(LISE, order.id)
    list(delivery)
    delivery.confirm()


def download_one(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Take two files, one by one."""
    for file in ordering.available_files(LISE, order.id, limit=2).listed.items:
        delivery = ordering.open_file(LISE, file.id)
        list(delivery)
        delivery.confirm()


def leases_end(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Let all leases end."""
    # a transaction of its own, so that turns come between
    with ordering.store.read():
        pass
    centre.end_leases()


def late_answers(centre: Centre, ordering: Ordering, order: Order) -> None:
    """The storage speaks by itself of files that it held back."""
    for suborder in ordering.list_suborders(LISE, order.id):
        files = [file for file in ordering.list_files(LISE, order.id) if file.suborder_id == suborder.id]
        ordering.keep_answers(suborder.id, [Answer(str(file.checksum), True, None) for file in files])


def add(centre: Centre, ordering: Ordering, order: Order) -> None:
    """Put everything into the basket."""
    ordering.add_selection(LISE, SelectionRequest())


# --- where they begin


def placed(centre: Centre) -> Order:
    """Its files are not listed yet."""
    return centre.place()


def queued(centre: Centre) -> Order:
    """Its files are listed."""
    order = centre.place()
    return centre.ordering.complete_order(order.id)


def asked(centre: Centre) -> Order:
    """The storage was asked, and answers from now on."""
    order = centre.place()
    centre.bench.storage.held = Everything()
    centre.ordering.work()
    centre.bench.storage.held = set()
    centre.bench.clock.advance(seconds=1)
    return order


def held(centre: Centre) -> Order:
    """The storage was asked, and is silent; the order is paused."""
    order = centre.place()
    centre.bench.storage.held = Everything()
    centre.ordering.work()
    centre.bench.clock.advance(seconds=1)
    return centre.ordering.pause_order(LISE, order.id)


def waiting(centre: Centre) -> Order:
    """Both slots wait for their user."""
    order = centre.place()
    centre.ordering.work()
    return order


def warned(centre: Centre) -> Order:
    """It has ended with files in error, and everything else is downloaded; the storage is whole again."""
    order = centre.place()
    refused = sorted(file.checksum for product in CATALOG.products for file in product.files if not file.reference)[::2]
    centre.bench.storage.refused.update(dict.fromkeys(refused, "the tape is broken"))
    for _ in range(20):
        centre.ordering.work()
        if not centre.read(order).available:
            break
        download(centre, centre.ordering, order)
    centre.bench.storage.refused.clear()
    return centre.read(order)


def over(centre: Centre) -> Order:
    """Its time is over while the storage is asked."""
    order = asked(centre)
    centre.bench.clock.advance(hours=1000)
    return order


@attrs.frozen
class Scenario:
    """Say who meets whom, and when."""

    begin: Callable[[Centre], Order]
    actors: Sequence[Actor]


SCENARIOS = {
    "pause during completion": Scenario(placed, (complete, pause_and_resume, work)),
    "delete during completion": Scenario(placed, (complete, pause_and_delete, serve)),
    "two completions": Scenario(placed, (complete, leases_end, complete, serve)),
    "pause while slots are given out": Scenario(queued, (serve, pause_and_resume, serve)),
    "pause during answers": Scenario(asked, (serve, pause_and_resume, serve)),
    "delete during answers": Scenario(asked, (serve, pause_and_delete, serve)),
    "answers taken twice": Scenario(asked, (serve, leases_end, serve)),
    "two deliveries free a slot": Scenario(waiting, (download, download_one, serve, serve)),
    "delete during a delivery": Scenario(waiting, (download, pause_and_delete, download_one)),
    "cancel during expiry": Scenario(over, (chores, cancel, serve)),
    "expiry during answers": Scenario(over, (chores, serve, download)),
    "retry against delete": Scenario(warned, (retry, delete, serve)),
    "two retries and a restart": Scenario(warned, (retry, retry, restart, work)),
    "resume against late answers": Scenario(held, (resume, late_answers, work)),
    "cancel against resume": Scenario(held, (resume, cancel, work)),
    "adds to one basket": Scenario(queued, (add, add, add)),
}


def attempt(centre: Centre, ordering: Ordering, order: Order, actor: Actor) -> None:
    """Let an actor act; refusals are fine, but nobody is told of a race."""
    try:
        actor(centre, ordering, order)
    except DeliveryIncomplete:
        raise
    except OrderingError as refusal:
        if isinstance(refusal, Conflict | StoreUnavailable):
            raise


def check(centre: Centre, scenario: Scenario, order: Order, before: Any) -> None:
    """Check what must be true after a scenario."""
    view = look(centre.ordering, (LISE,))
    check_progress(before.orders, view.orders)
    if add in scenario.actors:
        for selection in centre.ordering.get_basket(LISE).selections:
            assert len(selection.items) == scenario.actors.count(add)
    was_over = before.orders[0].order.status in (OrderStatus.DONE_WITH_WARNING, OrderStatus.FAILED)
    now = centre.read(order)
    retried = was_over and now.contents.internal_suborders > before.orders[0].order.contents.internal_suborders
    centre.check(order, retries=int(retried))


# --- turns -----------------------------------------------------------------------------------------------------------


class Turn:
    """An actor in a thread of its own that stops before each transaction until it is called."""

    def __init__(self, centre: Centre, order: Order, actor: Actor) -> None:
        self._go, self._back = Semaphore(0), Semaphore(0)
        self._store = centre.ordering.store
        self.over = False
        self.error: BaseException | None = None
        ordering = attrs.evolve(centre.ordering, store=self)
        self._thread = Thread(target=self._run, args=(centre, ordering, order, actor), daemon=True)
        self._thread.start()

    def _run(self, *arguments: Any) -> None:
        self._go.acquire()
        try:
            attempt(*arguments)
        except BaseException as error:
            self.error = error
        self.over = True
        self._back.release()

    def step(self) -> None:
        """Let it go on to its next transaction, or to its end."""
        self._go.release()
        assert self._back.acquire(timeout=_SECONDS)
        if self.over:
            self._thread.join()
        if self.error is not None:
            raise self.error

    def read(self) -> AbstractContextManager[Any]:
        self._stop()
        return self._store.read()

    def write(self) -> AbstractContextManager[Any]:
        self._stop()
        return self._store.write()

    def _stop(self) -> None:
        self._back.release()
        self._go.acquire()


def play(centre: Centre, order: Order, actors: Sequence[Actor], choices: Iterator[int]) -> None:
    """Let actors take turns as they are chosen."""
    turns = [Turn(centre, order, actor) for actor in actors]
    while turns:
        turn = turns[next(choices) % len(turns)]
        turn.step()
        turns = [turn for turn in turns if not turn.over]


@pytest.mark.parametrize("name", SCENARIOS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(choices=st.lists(st.integers(0, 3), max_size=80))
def test_any_interleaving_on_twins(name: str, choices: list[int]) -> None:
    """Whoever's turn it is, what must be true is true; who was not chosen goes on when the others are done."""
    scenario = SCENARIOS[name]
    centre = on_twins()
    order = scenario.begin(centre)
    before = look(centre.ordering, (LISE,))
    play(centre, order, scenario.actors, chain_zeros(choices))
    check(centre, scenario, order, before)


def chain_zeros(choices: list[int]) -> Iterator[int]:
    """Yield the choices, then let the first one go on."""
    yield from choices
    while True:
        yield 0


ACTORS = (
    complete, serve, work, pause, resume, pause_and_resume, pause_and_delete, cancel, chores, retry, restart,
    download, download_one, leases_end, late_answers,
)  # fmt: skip
BEGINNINGS = (placed, queued, asked, held, waiting, warned, over)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    begin=st.sampled_from(BEGINNINGS),
    actors=st.lists(st.sampled_from(ACTORS), min_size=2, max_size=5),
    choices=st.lists(st.integers(0, 4), max_size=80),
)
def test_any_meeting_on_twins(begin: Callable[[Centre], Order], actors: list[Actor], choices: list[int]) -> None:
    """Whoever meets whom, whenever, what must be true is true."""
    scenario = Scenario(begin, actors)
    centre = on_twins()
    order = begin(centre)
    before = look(centre.ordering, (LISE,))
    play(centre, order, actors, chain_zeros(choices))
    check(centre, scenario, order, before)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_threads_on_databases(name: str, kind: str, engines: Sequence[sa.Engine]) -> None:
    """With threads that nobody controls what must be true is true as well."""
    scenario = SCENARIOS[name]
    for _ in range(3):
        centre = on_database(engines[kind == "postgres"])
        order = scenario.begin(centre)
        before = look(centre.ordering, (LISE,))
        barrier, errors = Barrier(len(scenario.actors)), list[BaseException]()

        def act(actor: Actor, centre: Centre, order: Order, barrier: Barrier, errors: list[BaseException]) -> None:
            barrier.wait(_SECONDS)
            try:
                attempt(centre, centre.ordering, order, actor)
            except BaseException as failure:
                errors.append(failure)

        arguments = [(actor, centre, order, barrier, errors) for actor in scenario.actors]
        threads = [Thread(target=act, args=each) for each in arguments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_SECONDS)
        assert not any(thread.is_alive() for thread in threads)
        if errors:
            raise errors[0]
        check(centre, scenario, order, before)


FILES = _files()
