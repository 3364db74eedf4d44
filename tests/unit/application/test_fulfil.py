"""Working orders off: slots, the storage's answers, deadlines and races."""

from __future__ import annotations

import datetime as dt
import logging
from contextlib import contextmanager

import attrs
import pytest

from regards_order import (
    Conflict,
    DataFile,
    DataType,
    NotFound,
    Order,
    OrderStatus,
    StorageUnavailable,
    StoreUnavailable,
    User,
)
from regards_order.application import fulfil
from regards_order.domain.events import OrderEnded, SuborderDone
from regards_order.domain.files import FileCounts
from regards_order.ports.claims import Claim
from regards_order.ports.storage import Answer
from regards_order.testing import MemoryStorage, make_file
from regards_order.testing._memory_claims import MemoryAnswers

LISE, MAX = User("lise@obs.example"), User("max@obs.example")


def checksums(centre, order: Order, suborder: int = 0) -> list[str]:
    """Return the distinct checksums of the files of one suborder, by its place in the order."""
    wanted = centre.suborders(order)[suborder].id
    return list(dict.fromkeys(file.checksum for file in centre.files(order) if file.suborder_id == wanted))


def hold_everything(centre) -> None:
    """Let the storage say nothing about any file."""
    centre.storage.held = Everything()


class Everything(set):
    """The set of all checksums."""

    def __contains__(self, checksum: object) -> bool:
        return True


def states(centre, order: Order) -> list[str]:
    """Return the states of an order's suborders."""
    return [suborder.state.name for suborder in centre.suborders(order)]


# --- the plain way ---------------------------------------------------------------------------------------------------


def test_twelve_files_to_the_end(twelve) -> None:
    """Case 1: after both suborders the order is DONE at 100 percent with 12 files AVAILABLE."""
    order = twelve.place(correlation_id="c")
    done = twelve.work(order)
    assert (done.status, done.percent, done.counts.in_error) == (OrderStatus.DONE, 100, 0)
    assert done.counts == FileCounts(available=12, bytes_known=3_000_171)
    assert (done.waiting_for_user, done.waiting_suborders) == (True, 2)
    assert (done.status_date, done.available_since) == (order.created, order.created)
    assert states(twelve, order) == ["WAITING", "WAITING"]
    about = {"order_id": order.id, "owner": LISE.email, "correlation_id": "c"}
    [_, *told] = twelve.events()
    assert told == [
        *(SuborderDone(**about, suborder_id=each.id, errors=0, total_suborders=2) for each in twelve.suborders(order)),
        OrderEnded(**about, status=OrderStatus.DONE, message=None),
    ]


def test_nothing_to_do(centre) -> None:
    """Without orders there is nothing to do."""
    assert centre.ordering.work() == 0


def test_work_is_done_once(twelve) -> None:
    """Work that is done is not done again, and nothing is told twice."""
    order = twelve.work(twelve.place())
    told = twelve.events()
    assert twelve.ordering.work() == 0
    assert twelve.later(order) == order
    assert twelve.events() == told


def test_storage_is_asked_before_it_answers(twelve) -> None:
    """QUEUED suborders are asked for each distinct checksum, and wait for answers with a deadline."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    now = twelve.ordering.clock.now()
    assert (order.status, order.percent, order.counts.pending) == (OrderStatus.RUNNING, 0, 12)
    assert states(twelve, order) == ["ASKED", "ASKED"]
    assert [(each.next_poll, each.deadline) for each in twelve.suborders(order)] == [
        (now + dt.timedelta(seconds=1), now + dt.timedelta(hours=2))
    ] * 2
    assert sorted(twelve.storage.asked) == sorted(checksums(twelve, order, 0) + checksums(twelve, order, 1))


def test_storage_is_polled_at_its_pace(twelve) -> None:
    """Before the next poll the storage is left alone."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    twelve.storage.held = set()
    assert twelve.work(order).counts.available == 0
    assert twelve.later(order, milliseconds=999).counts.available == 0
    assert twelve.later(order, milliseconds=1).status is OrderStatus.DONE


class Recording(MemoryStorage):
    """A storage that keeps each request."""

    def __init__(self, contents) -> None:
        super().__init__(contents)
        self.requests: list[tuple[list[str], int]] = []
        self.polls: list[list[str]] = []

    def make_available(self, files, hours) -> None:
        self.requests.append(([file.checksum for file in files], hours))
        super().make_available(files, hours)

    def answers(self, files):
        self.polls.append([file.checksum for file in files])
        return super().answers(files)


def test_distinct_checksums_in_batches(make_centre) -> None:
    """Files of one checksum are asked for once, in batches of bounded size, for D hours, and change together."""
    centre = make_centre(storage_batch=3, user_hours=7)
    dataset = centre.dataset("D")
    for n in range(10):
        centre.product(dataset, f"p{n}", (f"f{n}", b"same" if n % 2 else bytes([n])))
    storage = Recording(centre.storage.contents)
    centre = centre.with_(storage=storage)
    order = centre.work(centre.place())
    asked = [checksum for batch, _ in storage.requests for checksum in batch]
    assert {hours for _, hours in storage.requests} == {7}
    assert len(asked) == len(set(asked)) == 6
    assert all(0 < len(batch) <= 3 for batch, _ in storage.requests)
    assert all(0 < len(set(batch)) <= 3 for batch in storage.polls)
    assert order.counts.available == 10


def test_checksum_in_two_places(make_centre) -> None:
    """A checksum is available while one of the places where it lies can be read; a refusal keeps its cause."""
    centre = make_centre()
    dataset = centre.dataset("D")
    centre.product(dataset, "p", ("a", b"same"), ("b", b"same"), ("c", b"other"))
    order = centre.place()
    del centre.storage.contents["a"]
    del centre.storage.contents["c"]
    order = centre.work(order)
    assert centre.states(order) == {"a": "AVAILABLE", "b": "AVAILABLE", "c": "ERROR"}
    causes = [file.download_error for file in centre.files(order)]
    assert causes == [None, None, "file c does not exist"]


class Broken(MemoryStorage):
    """A storage whose adapter has a fault."""

    def __init__(self, contents, method: str, victim: str) -> None:
        super().__init__(contents)
        self.method, self.victim = method, victim

    def _raise(self, method: str, files) -> None:
        if method == self.method and any(file.uri == self.victim for file in files):
            raise RuntimeError("adapter broken")

    def make_available(self, files, hours) -> None:
        self._raise("make_available", files)
        super().make_available(files, hours)

    def answers(self, files):
        self._raise("answers", files)
        return super().answers(files)


@pytest.mark.parametrize("method", ["make_available", "answers"])
def test_one_broken_suborder_does_not_stop_the_others(make_centre, method: str) -> None:
    """Whatever an adapter raises for one suborder, the next ones are worked off, and the broken one ends in error."""
    centre = make_centre(suborder_max_files=1, suborders_per_user=10)
    dataset = centre.dataset("D")
    for name in ("a", "b", "c"):
        centre.product(dataset, name, (name, name.encode()))
    centre = centre.with_(storage=Broken(centre.storage.contents, method, "a"))
    order = centre.work(centre.place())
    assert (order.counts.available, order.counts.pending + order.counts.error) == (2, 1)
    order = centre.later(order, hours=2)
    assert centre.states(order) == {"a": "ERROR", "b": "AVAILABLE", "c": "AVAILABLE"}
    reason = {"make_available": "adapter broken", "answers": "The storage did not answer in time"}[method]
    assert reason in [file.download_error for file in centre.files(order)]


def test_storage_is_never_asked_for_nothing(make_centre) -> None:
    """Files of one checksum are asked for with one place and looked for in all of theirs."""
    centre = make_centre(storage_batch=3)
    dataset = centre.dataset("D")
    centre.product(dataset, "p", *((f"f{n}", b"same") for n in range(8)))
    storage = Recording(centre.storage.contents)
    centre = centre.with_(storage=storage)
    order = centre.work(centre.place())
    assert [len(batch) for batch, _ in storage.requests] == [1]
    assert [len(batch) for batch in storage.polls] == [8]
    assert order.counts.available == 8


def test_answers_are_stored_as_they_come(twelve) -> None:
    """A file is available as soon as the storage says so; the suborder waits only when no file is PENDING (page 05)."""
    order = twelve.place()
    hold_everything(twelve)
    twelve.work(order)
    first, *others = checksums(twelve, order)
    twelve.storage.held = {*others, *checksums(twelve, order, 1)}
    running = twelve.later(order)
    assert running.counts.available == len([f for f in twelve.files(order) if f.checksum == first])
    assert (running.waiting_for_user, states(twelve, order)[0]) == (False, "ASKED")
    assert twelve.told() == ["FileOversized"]
    twelve.storage.held = set(checksums(twelve, order, 1))
    running = twelve.later(order)
    assert (running.waiting_for_user, running.waiting_suborders, states(twelve, order)) == (
        True,
        1,
        ["WAITING", "ASKED"],
    )
    assert twelve.told() == ["FileOversized", "SuborderDone"]


def test_one_slot(make_twelve) -> None:
    """Case 20: with one slot the second suborder starts after the ZIP of the first, and the end is told once."""
    centre = make_twelve(suborders_per_user=1)
    order = centre.work(centre.place(correlation_id="myCorrelationId"))
    assert (order.status, order.waiting_for_user) == (OrderStatus.RUNNING, True)
    assert states(centre, order) == ["WAITING", "PENDING"]
    assert centre.told()[1:] == ["SuborderDone"]
    freed, _ = centre.download(order)
    assert (freed.waiting_for_user, freed.status) == (False, OrderStatus.RUNNING)
    done = centre.work(order)
    assert (done.status, states(centre, order)) == (OrderStatus.DONE, ["ENDED", "WAITING"])
    assert centre.told()[1:] == ["SuborderDone", "SuborderDone", "OrderEnded"]
    assert {event.correlation_id for event in centre.events()} == {"myCorrelationId"}


def test_two_datasets_and_two_slots(twelve) -> None:
    """Case 19: four suborders and two slots: the order waits for its user, the ZIP lets the two others run."""
    dataset = twelve.dataset("More")
    twelve.product(dataset, "Q1", *((f"Q{n}", bytes(1_000_000 + n)) for n in range(2)))
    twelve.product(dataset, "Q2", ("Q9", b"x"))
    order = twelve.work(twelve.place())
    assert (order.status, order.waiting_for_user, order.suborders) == (OrderStatus.RUNNING, True, 4)
    assert states(twelve, order) == ["WAITING", "WAITING", "PENDING", "PENDING"]
    freed, _ = twelve.download(order)
    assert (freed.status, freed.waiting_for_user) == (OrderStatus.RUNNING, False)
    assert twelve.work(order).status is OrderStatus.DONE


# --- slots -----------------------------------------------------------------------------------------------------------


def test_slots_are_shared_by_all_orders_of_a_user(twelve) -> None:
    """Case 10: two orders of four suborders hold two slots in all, the older order first; another user has his own."""
    hold_everything(twelve)
    orders = [twelve.place(), twelve.place(), twelve.place(MAX)]
    twelve.ordering.work()
    assert [states(twelve, order) for order in orders] == [
        ["ASKED", "ASKED"],
        ["PENDING", "PENDING"],
        ["ASKED", "ASKED"],
    ]


def test_done_orders_keep_their_slots(twelve) -> None:
    """Suborders of a DONE order that wait for download block the user's other orders until he downloads."""
    first, second = twelve.place(), twelve.place()
    twelve.ordering.work()
    assert twelve.read(first).status is OrderStatus.DONE
    assert states(twelve, second) == ["PENDING", "PENDING"]
    twelve.download(first)
    twelve.ordering.work()
    assert twelve.read(second).status is OrderStatus.DONE


def test_suborder_in_error_frees_its_slot(make_twelve) -> None:
    """A suborder whose files are all in error takes no slot any more."""
    centre = make_twelve(suborders_per_user=1)
    order = centre.place()
    centre.ordering.complete_order(order.id)
    centre.storage.refused = dict.fromkeys(checksums(centre, order), "lost")
    centre.work(order)
    assert states(centre, order) == ["ENDED", "WAITING"]


def test_higher_priority_goes_first(make_twelve) -> None:
    """A free slot goes to the highest priority, then to the oldest."""
    centre = make_twelve(suborders_per_user=1)
    orders = [centre.place() for _ in range(3)]
    for order in orders:
        centre.ordering.complete_order(order.id)
    urgent = centre.suborders(orders[1])[1]
    with centre.ordering.store.write() as tx:
        tx.suborders.save(attrs.evolve(urgent, priority=100))
    assert fulfil.schedule(centre.ordering, LISE.email) == 1
    assert states(centre, orders[1]) == ["PENDING", "QUEUED"]
    assert fulfil.schedule(centre.ordering, LISE.email) == 0
    centre.ordering.work()
    centre.download(orders[1])
    fulfil.schedule(centre.ordering, LISE.email)
    assert [states(centre, order)[0] for order in orders] == ["QUEUED", "PENDING", "PENDING"]


def test_raised_number_of_slots(make_twelve) -> None:
    """As many suborders start as there are slots."""
    centre = make_twelve(suborders_per_user=3)
    hold_everything(centre)
    orders = [centre.place(), centre.place()]
    centre.ordering.work()
    assert [states(centre, order) for order in orders] == [["ASKED", "ASKED"], ["ASKED", "PENDING"]]


def test_lowered_number_of_slots(twelve) -> None:
    """With more slots held than there are now, nothing starts."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    assert states(twelve, order) == ["ASKED", "ASKED"]
    fewer = twelve.with_(settings=attrs.evolve(twelve.ordering.settings, suborders_per_user=1))
    assert fulfil.schedule(fewer.ordering, LISE.email) == 0


def test_paused_orders_get_no_slot(twelve) -> None:
    """Suborders of an order that is not RUNNING are not started, and take no place from others (W9)."""
    first, second = twelve.place(), twelve.place()
    for order in (first, second):
        twelve.ordering.complete_order(order.id)
    with twelve.ordering.store.write() as tx:
        tx.orders.save(attrs.evolve(tx.orders.get(first.id), status=OrderStatus.PAUSED))
    twelve.ordering.work()
    assert states(twelve, first) == ["PENDING", "PENDING"]
    assert states(twelve, second) == ["WAITING", "WAITING"]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_everything_refused(twelve) -> None:
    """Case 21: every checksum refused: percent 100, 12 in error, FAILED; no suborder has anything to tell."""
    twelve.storage.contents.clear()
    order = twelve.work(twelve.place(correlation_id="c"))
    assert (order.status, order.percent, order.counts.in_error) == (OrderStatus.FAILED, 100, 12)
    assert (order.waiting_for_user, states(twelve, order)) == (False, ["ENDED", "ENDED"])
    assert twelve.events()[1:] == [
        OrderEnded(order_id=order.id, owner=LISE.email, correlation_id="c", status=OrderStatus.FAILED, message=None)
    ]


def test_some_refused(twelve) -> None:
    """Some files refused: DONE_WITH_WARNING, told with the number of errors of their suborder."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    name = twelve.files(order)[0].filename
    del twelve.storage.contents[name]
    twelve.storage.held = set(checksums(twelve, order, 1))
    twelve.work(order)
    twelve.storage.held = set()
    ended = twelve.later(order)
    errors = [file for file in twelve.files(order) if file.state == "ERROR"]
    assert (ended.status, ended.percent) == (OrderStatus.DONE_WITH_WARNING, 100)
    assert (ended.counts.in_error, ended.counts.available) == (len(errors), 12 - len(errors))
    [first, second, last] = twelve.events()[1:]
    assert [first.errors, second.errors] == [len(errors), 0]
    assert last.status is OrderStatus.DONE_WITH_WARNING


def test_refusal_wins_over_availability(twelve) -> None:
    """When the storage says both about one checksum, its files are in error (20, 7.1)."""

    class Undecided(MemoryStorage):
        def answers(self, files):
            return [Answer(file.checksum, available) for file in files for available in (False, True)]

    centre = twelve.with_(storage=Undecided(twelve.storage.contents))
    assert centre.work(centre.place()).counts.error == 12


def test_answers_about_other_files_are_ignored(twelve) -> None:
    """An answer about a checksum that nobody asked for, or about an empty list, changes nothing."""

    class Talkative(MemoryStorage):
        def answers(self, files):
            return [*super().answers(files), Answer("somebody else's", True), Answer("lost", False)]

    centre = twelve.with_(storage=Talkative(twelve.storage.contents))
    assert centre.work(centre.place()).counts == FileCounts(available=12, bytes_known=3_000_171)


def test_storage_down_when_asked(twelve, caplog) -> None:
    """A storage that cannot be asked leaves the suborder's files in error, and the slot free (20, 7.1)."""
    twelve.storage.down = True
    with caplog.at_level(logging.WARNING, "regards_order"):
        order = twelve.work(twelve.place())
    assert (order.status, order.counts.error) == (OrderStatus.FAILED, 12)
    assert states(twelve, order) == ["ENDED", "ENDED"]
    assert [record.action for record in caplog.records] == ["storage_failed"] * 2
    assert twelve.told()[1:] == ["OrderEnded"]


def test_storage_down_for_one_suborder(make_twelve) -> None:
    """Only the files of the suborder that could not be asked for are in error."""

    class Failing(MemoryStorage):
        calls = 0

        def make_available(self, files, hours) -> None:
            Failing.calls += 1
            if Failing.calls == 1:
                raise StorageUnavailable("once")

    centre = make_twelve(suborders_per_user=1)
    centre = centre.with_(storage=Failing(centre.storage.contents))
    order = centre.work(centre.place())
    assert order.status is OrderStatus.DONE_WITH_WARNING
    assert [suborder.counts.error for suborder in centre.suborders(order)] == [order.counts.error, 0]


def test_storage_down_when_polled(twelve, caplog) -> None:
    """A storage that is away for a while delays the answers and changes nothing else."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    twelve.storage.held, twelve.storage.down = set(), True
    with caplog.at_level(logging.WARNING, "regards_order"):
        waiting = twelve.later(order)
    assert waiting == order
    assert states(twelve, order) == ["ASKED", "ASKED"]
    assert [record.action for record in caplog.records] == ["storage_failed"] * 2
    twelve.storage.down = False
    assert twelve.later(order).status is OrderStatus.DONE


@pytest.mark.parametrize("down", [False, True])
def test_silence_ends_at_the_deadline(twelve, down: bool) -> None:
    """Files about which the storage said nothing for 2 hours are in error, even while it is away (W12)."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    twelve.storage.down = down
    assert twelve.later(order, hours=2, microseconds=-1).counts.pending == 12
    ended = twelve.later(order)
    assert (ended.status, ended.counts.error, ended.percent) == (OrderStatus.FAILED, 12, 100)
    assert states(twelve, order) == ["ENDED", "ENDED"]


def test_deadline_with_some_answers(make_twelve) -> None:
    """At the deadline answered files stay AVAILABLE and the suborder waits for its user."""
    centre = make_twelve(suborder_max_bytes=10**9, storage_silence_hours=1)
    order = centre.place()
    centre.ordering.complete_order(order.id)
    silent = checksums(centre, order)[:1]
    centre.storage.held = set(silent)
    centre.work(order)
    ended = centre.later(order, hours=1)
    assert (ended.status, states(centre, order)) == (OrderStatus.DONE_WITH_WARNING, ["WAITING"])
    lost = [file for file in centre.files(order) if file.state == "ERROR"]
    assert {file.checksum for file in lost} == set(silent)
    assert [event.errors for event in centre.events() if isinstance(event, SuborderDone)] == [len(lost)]


def test_answers_that_come_after_the_deadline(twelve) -> None:
    """Answers found at the first look after the deadline still count; later ones find nothing to change."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    twelve.storage.held = set(checksums(twelve, order, 0))
    ended = twelve.later(order, hours=3)
    [silent, answered] = twelve.suborders(order)
    assert (silent.counts.in_error, answered.counts.in_error) == (silent.counts.total, 0)
    assert ended.status is OrderStatus.DONE_WITH_WARNING
    twelve.storage.held = set()
    assert twelve.later(order, hours=1) == ended


def test_files_downloaded_before_the_last_answer(make_twelve) -> None:
    """A suborder whose available files were downloaded before its last answer ends at once, and tells it."""
    centre = make_twelve(suborder_max_bytes=10**9)
    order = centre.place()
    centre.ordering.complete_order(order.id)
    last = centre.files(order)[0]
    centre.storage.held = {last.checksum}
    centre.work(order)
    centre.download(order)
    assert (states(centre, order), centre.told()) == (["ASKED"], [])
    centre.storage.held, centre.storage.refused = set(), {last.checksum: "lost"}
    ended = centre.later(order)
    assert (states(centre, order), ended.status) == (["ENDED"], OrderStatus.DONE_WITH_WARNING)
    assert (ended.counts.downloaded, ended.counts.error, ended.waiting_suborders) == (11, 1, 0)
    assert centre.told() == ["SuborderDone", "OrderEnded"]


def test_offline_files_are_named_to_the_storage(centre) -> None:
    """The storage is told checksum, URI and whether the file is online."""
    dataset = centre.dataset("D")
    tape = make_file("t", b"t", uri="tape/t", online=False)
    centre.storage.contents["tape/t"] = b"t"
    centre.product(dataset, "p", tape)
    seen = []

    class Curious(MemoryStorage):
        def make_available(self, files, hours) -> None:
            seen.extend(files)

    centre = centre.with_(storage=Curious(centre.storage.contents))
    centre.work(centre.place())
    assert seen == [(tape.checksum, "tape/t", False)]


# --- races -----------------------------------------------------------------------------------------------------------


def test_suborder_asked_by_somebody_else(twelve, intrude, caplog) -> None:
    """Who asks for a suborder that another worker asked for meanwhile notes nothing; the other's work stays."""
    hold_everything(twelve)
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    fulfil.schedule(twelve.ordering, LISE.email)
    first = twelve.suborders(order)[0]
    # the worker's first write looks for orders, its second one claims, its third one notes what it asked for
    raced = intrude(twelve, None, None, lambda: fulfil.ask(twelve.ordering, twelve.suborders(order)[0]))
    with caplog.at_level(logging.INFO, "regards_order"):
        raced.ordering.work()
    assert [(record.action, record.suborder_id) for record in caplog.records] == [("suborder_skipped", first.id)]
    assert states(twelve, order) == ["ASKED", "ASKED"]
    assert len(twelve.storage.asked) == len({*twelve.storage.asked}) + len(checksums(twelve, order, 0))


def test_failure_to_ask_loses_against_a_success(twelve, intrude) -> None:
    """A worker that could not ask does not spoil what another one asked for."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    fulfil.schedule(twelve.ordering, LISE.email)
    [first, _] = twelve.suborders(order)

    def succeed() -> None:
        twelve.storage.down = False
        fulfil.ask(twelve.ordering, first)

    twelve.storage.down = True
    with pytest.raises(fulfil.Conflict):
        fulfil.ask(intrude(twelve, succeed).ordering, first)
    assert (states(twelve, order)[0], twelve.read(order).counts.error) == ("ASKED", 0)


def test_answers_taken_by_somebody_else(twelve, intrude) -> None:
    """Answers that another worker has taken meanwhile are not counted twice."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    twelve.storage.held = set()
    twelve.ordering.clock.advance(seconds=1)
    asked = twelve.suborders(order)
    raced = intrude(twelve, lambda: fulfil.collect(twelve.ordering, asked[0]))
    raced.ordering.work()
    done = twelve.read(order)
    assert (done.status, done.counts.available, done.waiting_suborders) == (OrderStatus.DONE, 12, 2)
    assert twelve.told()[1:] == ["SuborderDone", "SuborderDone", "OrderEnded"]


def test_suborder_erased_meanwhile(twelve, intrude) -> None:
    """A worker whose suborder is gone writes nothing (W27)."""
    hold_everything(twelve)
    order = twelve.place()
    twelve.work(order)
    twelve.storage.held = set()
    [first, _] = twelve.suborders(order)

    def erase() -> None:
        with twelve.ordering.store.write() as tx:
            tx.files.erase(order.id)
            tx.suborders.erase(order.id)

    with pytest.raises(NotFound):
        fulfil.collect(intrude(twelve, erase).ordering, first)
    assert twelve.read(order).counts.available == 0


def test_steps_are_counted(twelve) -> None:
    """The work done is counted in steps: one completion, one pass of slots, two asked, twelve files moved."""
    twelve.place()
    assert twelve.ordering.work() == 1 + 1 + 2 + 12


def test_references_need_no_slot(centre) -> None:
    """External suborders take no slot and are never asked for."""
    dataset = centre.dataset("D")
    files = [("a", b"a"), DataFile(DataType.RAWDATA, "r", "http://x/r", reference=True)]
    centre.product(dataset, "p", *files)
    orders = [centre.place(), centre.place()]
    centre.ordering.work()
    assert [centre.read(order).status for order in orders] == [OrderStatus.DONE] * 2
    with centre.ordering.store.write() as tx:
        assert tx.slots.used(LISE.email) == 2
    assert len(centre.storage.asked) == 2


# --- claims ----------------------------------------------------------------------------------------------------------


class Stop:
    """Say stop from the nth question on."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_held_suborder_is_left_alone(twelve) -> None:
    """What another worker has claimed waits until that lease is over."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    fulfil.schedule(twelve.ordering, LISE.email)
    with twelve.ordering.store.write() as tx:
        held = tx.claims.suborders(order.created, 1, 3600)
    twelve.ordering.work()
    assert [each.state.name for each in twelve.suborders(order)] == ["QUEUED", "WAITING"]
    with twelve.ordering.store.write() as tx:
        tx.claims.release([Claim.of(each) for each in held])
    assert twelve.work(order).status is OrderStatus.DONE


def test_a_worker_that_is_told_to_stop_gives_back(twelve) -> None:
    """What it has claimed and not begun may be claimed at once; work goes on where it stopped."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    assert twelve.ordering.serve(Stop(2)) == 2
    assert [each.state.name for each in twelve.suborders(order)] == ["ASKED", "QUEUED"]
    with twelve.ordering.store.write() as tx:
        assert len(tx.claims.suborders(order.created, 9, 0)) == 2
    assert twelve.work(order).status is OrderStatus.DONE


class Garbled(MemoryStorage):
    """A storage that speaks of bytes that are no text."""

    def make_available(self, files, hours) -> None:
        if self.down:
            raise OSError("tape\0 \ud800")


def test_causes_that_no_database_keeps(make_twelve) -> None:
    """What a storage says is kept as far as it is text: a suborder whose cause is none is not stuck for ever."""
    centre = make_twelve()
    centre = centre.with_(storage=Garbled(centre.storage.contents))
    order = centre.place()
    centre.ordering.complete_order(order.id)
    first, *others = checksums(centre, order)
    centre.storage.refused = {first: "lost\0 \udcff"}
    centre.storage.held = set(others)
    centre.work(order)
    centre.ordering.keep_answers(centre.suborders(order)[0].id, [Answer(others[0], False, "gone\0")])
    centre.later(order)
    causes = {file.checksum: file.download_error for file in centre.files(order)}
    assert (causes[first], causes[others[0]]) == ("lost? ?", "gone?")
    centre.storage.down = True
    order = centre.work(centre.place(MAX))
    assert {file.download_error for file in centre.files(order)} == {"tape? ?"}


def test_a_suborder_that_fails_does_not_hold_up_the_others(make_centre, monkeypatch, caplog) -> None:
    """Whatever happens to one of those that were claimed together, the others are worked on at once."""
    centre = make_centre(suborder_max_files=1, suborders_per_user=10)
    dataset = centre.dataset("D")
    for name in ("a", "b", "c"):
        centre.product(dataset, name, (name, name.encode()))
    order, really = centre.place(), MemoryAnswers.put

    def put(answers, suborder_id, known) -> None:
        if suborder_id == 1:
            raise RuntimeError("row is locked by ghosts")
        really(answers, suborder_id, known)

    monkeypatch.setattr(MemoryAnswers, "put", put)
    with caplog.at_level(logging.WARNING, "regards_order"):
        centre.work(order)
    assert states(centre, order) == ["ASKED", "WAITING", "WAITING"]
    assert [(record.action, record.suborder_id) for record in caplog.records] == [("suborder_failed", 1)]


def test_nothing_is_begun_after_the_stop(twelve) -> None:
    """A worker that is to stop claims nothing."""
    order = twelve.place()
    assert twelve.ordering.work(Stop(0)) == 0
    assert twelve.ordering.complete(Stop(0)) == 0
    assert (twelve.read(order).status, twelve.read(order).attempt) == (OrderStatus.PENDING, 0)


def test_leases_are_held_while_working(twelve) -> None:
    """Orders and suborders are renewed from before the first step until after the last one."""
    held: list[tuple[str, list[tuple[str, int, int]]]] = []

    class Noted:
        @contextmanager
        def hold(self, claims):
            shown = [(claim.kind.name, claim.id, claim.attempt) for claim in claims]
            held.append(("begin", shown))
            yield
            held.append(("end", shown))

    centre = twelve.with_(leases=Noted())
    order = centre.place()
    centre.ordering.complete()
    first = [("ORDER", order.id, 1)]
    assert held == [("begin", first), ("end", first)]
    held.clear()
    centre.ordering.serve()
    numbers = [("SUBORDER", each.id, 1) for each in centre.suborders(order)]
    assert held == [("begin", numbers), ("end", numbers)]


# --- answers that are kept -------------------------------------------------------------------------------------------


def test_answers_that_come_by_themselves(twelve) -> None:
    """A storage that calls back: its answers are kept, and the next look applies them."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    for each, suborder in enumerate(twelve.suborders(order)):
        answers = [Answer(checksum, True) for checksum in checksums(twelve, order, each)]
        twelve.ordering.keep_answers(suborder.id, [*answers, Answer("foreign", False, "no")])
    assert twelve.read(order).counts.available == 0
    done = twelve.later(order)
    assert (done.status, done.counts.available) == (OrderStatus.DONE, 12)
    with twelve.ordering.store.read() as tx:
        assert [list(tx.answers.of(each.id)) for each in twelve.suborders(order)] == [[], []]


def test_a_refusal_after_an_answer(twelve) -> None:
    """An error answer turns an AVAILABLE file into ERROR while the suborder still waits for others."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    suborder = twelve.suborders(order)[0]
    checksum = checksums(twelve, order)[0]
    twelve.ordering.keep_answers(suborder.id, [Answer(checksum, True)])
    assert twelve.later(order).counts.available == 1
    twelve.ordering.keep_answers(suborder.id, [Answer(checksum, False, "tape broken")])
    counts = twelve.later(order).counts
    assert (counts.available, counts.error) == (0, 1)


def test_answers_of_unknown_suborders(twelve) -> None:
    """There is nobody to keep them for."""
    with pytest.raises(NotFound):
        twelve.ordering.keep_answers(99, [Answer("c", True)])


def test_answers_survive_the_worker(twelve, intrude) -> None:
    """A worker that dies between keeping and applying loses nothing: another one applies what was kept."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    twelve.storage.held = set()
    twelve.ordering.clock.advance(seconds=1)

    def die() -> None:
        raise KeyboardInterrupt

    suborder = twelve.suborders(order)[0]
    with pytest.raises(KeyboardInterrupt):
        fulfil.collect(intrude(twelve, None, die).ordering, suborder)
    hold_everything(twelve)
    assert twelve.work(order).counts.available == suborder.counts.pending


def test_a_storage_that_never_answers(twelve) -> None:
    """A worker that hangs at the deadline does not come back; the next one gives the files up without asking."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())

    class Hanging(MemoryStorage):
        def answers(self, files):
            raise KeyboardInterrupt  # the nearest thing to a thread that is never heard of again

    twelve.ordering.clock.advance(hours=2)
    suborders = twelve.suborders(order)
    for suborder in suborders:
        with pytest.raises(KeyboardInterrupt):
            fulfil.collect(twelve.with_(storage=Hanging()).ordering, suborder)
    assert twelve.later(order, minutes=14).counts.error == 0
    twelve.ordering.clock.advance(minutes=1)
    ended = twelve.with_(storage=Hanging()).work(order)
    assert (ended.status, ended.counts.error) == (OrderStatus.FAILED, 12)


def test_slots_are_counted_after_their_notes_are_struck_off(twelve) -> None:
    """What is freed after the count is noted after it: striking off comes first, or that note would be lost."""
    called = []

    class Slots:
        def __init__(self, slots) -> None:
            self.slots = slots

        def __getattr__(self, name: str):
            called.append(name)
            return getattr(self.slots, name)

    class Store:
        @contextmanager
        def write(self):
            with twelve.ordering.store.write() as tx:
                tx.slots = Slots(tx.slots)
                yield tx

    fulfil.schedule(twelve.with_(store=Store()).ordering, LISE.email)
    assert called[:2] == ["forget_freed", "used"]


def test_slots_that_changed_while_they_were_given_out(twelve, intrude, caplog) -> None:
    """Nobody got one; the note is still there, and looked at again."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)
    caplog.set_level(logging.INFO)

    def conflict() -> None:
        raise Conflict("Suborder", 1)

    intrude(twelve, conflict).ordering.serve()
    assert [record.action for record in caplog.records] == ["slots_skipped"]
    assert set(states(twelve, order)) == {"PENDING"}
    assert twelve.work(order).status is OrderStatus.DONE


def test_answers_of_a_lost_claim_are_not_kept(twelve, intrude) -> None:
    """Who was overtaken while the storage answered keeps nothing: the next worker asks for itself."""
    hold_everything(twelve)
    order = twelve.work(twelve.place())
    twelve.storage.held = set()
    twelve.ordering.clock.advance(seconds=1)
    with twelve.ordering.store.write() as tx:
        [first, _] = tx.claims.suborders(twelve.ordering.clock.now(), 9, 0)

    def overtake() -> None:
        with twelve.ordering.store.write() as tx:
            tx.claims.suborders(twelve.ordering.clock.now(), 9, 3600)

    with pytest.raises(fulfil.Conflict):
        fulfil.collect(intrude(twelve, overtake).ordering, first)
    with twelve.ordering.store.read() as tx:
        assert list(tx.answers.of(first.id)) == []
    assert order.counts.available == 0


def test_a_store_that_goes_away_ends_the_work(twelve, monkeypatch) -> None:
    """It is no failure of one suborder: whoever works waits until the store is back."""
    order = twelve.place()
    twelve.ordering.complete_order(order.id)

    def away(*_: object) -> int:
        raise StoreUnavailable("it restarts")

    monkeypatch.setattr(fulfil, "ask", away)
    with pytest.raises(StoreUnavailable):
        twelve.ordering.serve()
