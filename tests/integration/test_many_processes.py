"""Several processes on one database: nothing is lost, nothing is done twice, no count is wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import attrs
import pytest

from regards_order import Order, Ordering, OrderingError, OrderStatus, SelectionRequest, StoreUnavailable, User
from regards_order.application import fulfil
from regards_order.testing import ManualClock
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.scan import scan
from regards_order_adapters.config import Config
from regards_order_adapters.waiting import given_up
from servers import faulty_worker, finisher
from servers.centre import until

LISE = User("lise@obs.example")
PROCESSES = 16
Files = dict[str, str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of storage."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def service(database_url: str, root: Path) -> Iterator[Service]:
    """A service on either database."""
    with open_service(Config(database_url=database_url, storage_root=str(root))) as opened:
        yield opened


@pytest.fixture
def ordering(service: Service) -> Ordering:
    """Use cases with leases of a second."""
    return faulty_worker.impatient(service)


def fill(service: Service, root: Path, count: int) -> None:
    """Put files into the catalogue."""
    for number in range(count):
        (root / f"file-{number}").write_bytes(b"%d" % number)
    scan(service.store("default"), "default", root, service.clock.now())


def place(ordering: Ordering, label: str | None = None) -> Order:
    """Order everything."""
    ordering.add_selection(LISE, SelectionRequest())
    return ordering.place_order(LISE, label=label)


def started(script: object, *arguments: object) -> subprocess.Popen[str]:
    """Run one of the scripts as a process of its own."""
    command = [sys.executable, str(script.__file__), *map(str, arguments)]  # type: ignore[attr-defined]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(ordering: Ordering) -> Counter[str]:
    """Return what is in the outbox, by kind."""
    with ordering.store.read() as tx:
        return Counter(type(letter.event).__name__ for letter in tx.outbox.page(limit=10_000))


def states(ordering: Ordering, order: Order) -> Counter[str]:
    """Return the states of the files of an order."""
    return Counter(file.state for file in ordering.list_files(LISE, order.id, limit=100_000))


def frozen(process: subprocess.Popen[str]) -> bool:
    """Return whether a process is stopped by a signal."""
    assert process.poll() is None, process.communicate()
    state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "T"


def all_of(ordering: Ordering, order: Order) -> list[object]:
    """Return all that a late writer could spoil."""
    with ordering.store.read() as tx:
        return [
            tx.orders.get(order.id),
            tx.suborders.of_order(order.id),
            tx.outbox.page(),
            tx.slots.freed(9),
            tx.answers.of(1),
        ]


def test_sixteen_processes_finish_the_files_of_one_order(
    service: Service, ordering: Ordering, root: Path, database_url: str
) -> None:
    """Every file counts once, whoever finishes it and whoever waits for whom."""
    each = 12
    fill(service, root, PROCESSES * each)
    order = place(ordering)
    ordering.work()
    files = ordering.list_files(LISE, order.id, limit=10_000)
    first = files[0].id
    assert [file.id for file in files] == list(range(first, first + PROCESSES * each))
    shares = range(first, first + PROCESSES * each, each)
    processes = [started(finisher, database_url, root, LISE.email, start, start + each - 1) for start in shares]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, errors = process.communicate(timeout=120)
        assert (process.returncode, out) == (0, f"{each}\n"), errors
    after = ordering.get_order(LISE, order.id)
    assert (after.status, after.counts.downloaded, after.counts.total) == (OrderStatus.DONE, 192, 192)
    assert (after.waiting_suborders, after.waiting_for_user) == (0, False)
    assert states(ordering, order) == {"DOWNLOADED": 192}
    [suborder] = ordering.list_suborders(LISE, order.id)
    assert (suborder.counts, suborder.state.name) == (after.counts, "ENDED")
    assert told(ordering) == {"SuborderDone": 1, "OrderEnded": 1}


@pytest.mark.parametrize("where", ["ask", "collect"])
def test_a_worker_frozen_past_its_lease(
    service: Service, ordering: Ordering, root: Path, database_url: str, where: str
) -> None:
    """Another worker takes over; the first one wakes up and writes nothing any more."""
    fill(service, root, 3)
    order = place(ordering)
    ordering.complete()
    if where == "collect":
        _ask_alone(ordering)
    process = started(faulty_worker, database_url, root, "freeze", where)
    until(lambda: frozen(process))
    until(lambda: ordering.work() and ordering.get_order(LISE, order.id).status is OrderStatus.DONE)
    before = all_of(ordering, order)
    os.kill(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert all_of(ordering, order) == before
    assert states(ordering, order) == {"AVAILABLE": 3}
    assert told(ordering) == {"SuborderDone": 1, "OrderEnded": 1}


def test_a_completion_frozen_past_its_lease(
    service: Service, ordering: Ordering, root: Path, database_url: str
) -> None:
    """Whoever took over lists the files once; the first one wakes up and adds none."""
    fill(service, root, 3)
    order = place(ordering)
    process = started(faulty_worker, database_url, root, "freeze", "complete")
    until(lambda: frozen(process))
    until(lambda: ordering.work() and ordering.get_order(LISE, order.id).status is OrderStatus.DONE)
    before = all_of(ordering, order)
    os.kill(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert all_of(ordering, order) == before
    assert states(ordering, order) == {"AVAILABLE": 3}


@pytest.mark.parametrize("where", ["complete", "ask", "collect"])
def test_a_worker_that_is_killed(
    service: Service, ordering: Ordering, root: Path, database_url: str, where: str
) -> None:
    """What it held is taken up when its lease is over, and the order comes to its end."""
    fill(service, root, 3)
    order = place(ordering)
    if where != "complete":
        ordering.complete()
    if where == "collect":
        _ask_alone(ordering)
    process = started(faulty_worker, database_url, root, "die", where)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    until(lambda: ordering.work() and ordering.get_order(LISE, order.id).status is OrderStatus.DONE)
    assert states(ordering, order) == {"AVAILABLE": 3}
    assert told(ordering) == {"SuborderDone": 1, "OrderEnded": 1}


def _ask_alone(ordering: Ordering) -> None:
    """Ask the storage, and leave its answers to somebody else."""
    steps = iter([False, False])
    ordering.serve(lambda: next(steps, True))
    with ordering.store.read() as tx:
        [suborder] = tx.suborders.of_order(tx.orders.page()[0].id)
    assert suborder.state.name == "ASKED"


@pytest.mark.parametrize("labels", [("a", "a"), ("a", "b"), (None, None)])
def test_a_double_click(service: Service, ordering: Ordering, root: Path, labels: tuple[str | None, ...]) -> None:
    """Of two who order the same basket at once one gets the order, and the other one finds no basket any more."""
    fill(service, root, 1)
    for number in range(5):
        user = User(f"lise{number}@obs.example")
        ordering.add_selection(user, SelectionRequest())
        together, answers = Barrier(2), []

        def click(
            label: str | None, user: User = user, together: Barrier = together, answers: list[object] = answers
        ) -> None:
            together.wait()
            try:
                answers.append(ordering.place_order(user, label=label))
            except OrderingError as error:
                answers.append(error)

        clicks = [Thread(target=click, args=(label,)) for label in labels]
        for each in clicks:
            each.start()
        for each in clicks:
            each.join()
        assert sorted(type(answer).__name__ for answer in answers) == ["NoBasket", "Order"], answers


def test_two_unnamed_orders_of_one_moment(service: Service, ordering: Ordering, root: Path) -> None:
    """A generated label that is taken gets a number, whoever took it."""
    fill(service, root, 1)
    still = attrs.evolve(ordering, clock=ManualClock(service.clock.now()))
    labels = [place(still).label for _ in range(3)]
    assert labels == [labels[0], f"{labels[0]} (2)", f"{labels[0]} (3)"]


def test_parallel_edits_of_one_basket(service: Service, ordering: Ordering, root: Path) -> None:
    """Nobody's selection is lost, and nobody is sent away."""
    fill(service, root, 1)
    edits = [Thread(target=ordering.add_selection, args=(LISE, SelectionRequest())) for _ in range(16)]
    for each in edits:
        each.start()
    for each in edits:
        each.join()
    [selection] = ordering.get_basket(LISE).selections
    assert len(selection.items) == 16


def test_work_that_was_given_up_commits_nothing(service: Service, ordering: Ordering, root: Path) -> None:
    """Who was told to come back later does not find his request done all the same."""
    fill(service, root, 1)
    ordering.add_selection(LISE, SelectionRequest())
    abandoned = Event()
    abandoned.set()
    token = given_up.set(abandoned)
    try:
        with pytest.raises(StoreUnavailable):
            ordering.place_order(LISE)
    finally:
        given_up.reset(token)
    assert ordering.list_orders(LISE) == ()
    assert ordering.get_basket(LISE).selections


def test_a_slot_that_is_freed_while_slots_are_counted(postgres: Callable[..., str], root: Path) -> None:
    """A note that is committed after the count stays for the next pass."""
    with open_service(Config(database_url=postgres(), storage_root=str(root))) as service:
        ordering = service.ordering("default")

        class Slots:
            def __init__(self, slots: Any) -> None:
                self.slots = slots

            def __getattr__(self, name: str) -> Any:
                return getattr(self.slots, name)

            def used(self, owner: str) -> int:
                count: int = self.slots.used(owner)
                with ordering.store.write() as tx:
                    tx.slots.note_freed(owner)
                return count

        class Store:
            @contextmanager
            def write(self) -> Iterator[Any]:
                with ordering.store.write() as tx:
                    tx.slots = Slots(tx.slots)  # type: ignore[misc,assignment]
                    yield tx

        fulfil.schedule(attrs.evolve(ordering, store=Store()), LISE.email)
        with ordering.store.read() as tx:
            assert list(tx.slots.freed(9)) == [LISE.email]
