"""Asking once more for files that could not be had."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from regards_order import DataFile, DataType, FileState, Order, OrderStatus, Role, User
from regards_order.application.settle import settle
from regards_order.domain.events import OrderEnded, SuborderDone
from regards_order.domain.files import FileCounts
from regards_order.ports.files import FileChoice
from regards_order.testing import make_file

LISE = User("lise@obs.example")
ADMIN = User("adm@obs.example", Role.ADMIN)
HOUR = dt.timedelta(hours=1)
MIB = 1024 * 1024


def reference(name: str, size: int | None = None) -> DataFile:
    """Return an external file."""
    return DataFile(DataType.RAWDATA, name, f"http://x/{name}", size=size, reference=True)


def spoil(
    centre,
    order: Order,
    *names: str,
    state: FileState = FileState.ERROR,
    status: OrderStatus = OrderStatus.DONE_WITH_WARNING,
) -> Order:
    """Let files of an order be in an error, and the order in the status that comes of it."""
    with centre.ordering.store.write() as tx:
        ids = [file.id for file in tx.files.page(order.id, limit=10**6) if file.filename in names or not names]
        choice = FileChoice(order_id=order.id, ids=ids)
        moved = tx.files.move(choice, dict.fromkeys(FileState, state), "lost")
        settled = settle(tx, tx.orders.get(order.id, lock=True), moved, centre.ordering.clock.now())
        return tx.orders.save(attrs.evolve(settled, status=status, message="some are lost"))


def groups(centre, order: Order, first: int) -> list[tuple[str, ...]]:
    """Return the names of the files of each suborder from one on."""
    files = centre.files(order)
    suborders = centre.suborders(order)[first:]
    return [tuple(file.filename for file in files if file.suborder_id == each.id) for each in suborders]


def check_counts(centre, order: Order) -> None:
    """Compare all counts with the files themselves."""
    files, total = centre.files(order), FileCounts()
    for suborder in centre.suborders(order):
        theirs = [file for file in files if file.suborder_id == suborder.id]
        counts = sum((FileCounts.of(FileState(file.state), 1, file.size or 0) for file in theirs), FileCounts())
        assert suborder.counts == counts
        total += counts
    assert centre.read(order).counts == total


def test_one_file_of_twelve(twelve) -> None:
    """Case 34 as page 05 has it: percent 99, 3 suborders, the file in the new one; pause, resume: DONE at 100."""
    order = twelve.work(twelve.place(correlation_id="c"))
    twelve.download(order)
    spoil(twelve, order, "P2_SD.png")
    before, told = twelve.suborders(order), len(twelve.events())
    twelve.storage.held = {file.checksum for file in twelve.files(order)}
    twelve.storage.asked.clear()
    now = twelve.ordering.clock.advance(hours=1)
    retried = twelve.ordering.retry_order(LISE, order.id)
    assert (retried.status, retried.status_date, retried.message) == (OrderStatus.RUNNING, now, None)
    assert (retried.percent, retried.counts.pending, retried.counts.downloaded) == (99, 1, 11)
    assert (retried.suborders, retried.contents.internal_suborders) == (3, 3)
    assert retried.contents.tasks == order.contents.tasks
    assert retried.expires == now + 168 * HOUR
    *old, new = twelve.suborders(order)
    assert [each.id for each in old] == [each.id for each in before]
    assert groups(twelve, order, 2) == [("P2_SD.png",)]
    [file] = [file for file in twelve.files(order) if file.suborder_id == new.id]
    assert (file.state, file.download_error) == ("PENDING", None)
    assert (new.first_file, new.last_file, new.dataset_urn) == (file.id, file.id, old[0].dataset_urn)
    assert (new.state.name, new.hours, new.external) == ("PENDING", 240, False)
    check_counts(twelve, order)
    assert len(twelve.events()) == told
    assert twelve.work(order) == retried
    assert twelve.storage.asked == [file.checksum]
    twelve.ordering.pause_order(LISE, order.id)
    twelve.storage.held = set()
    twelve.ordering.resume_order(LISE, order.id)
    done = twelve.work(order)
    assert (done.status, done.percent, done.counts.available) == (OrderStatus.DONE, 100, 1)
    about = {"order_id": order.id, "owner": LISE.email, "correlation_id": "c"}
    assert twelve.events()[told:] == [
        SuborderDone(**about, suborder_id=new.id, errors=0, total_suborders=3),
        OrderEnded(**about, status=OrderStatus.DONE, message=None),
    ]


@pytest.mark.parametrize("state", [FileState.ERROR, FileState.DOWNLOAD_ERROR])
def test_both_errors_are_retried(twelve, state: FileState) -> None:
    """What the storage refused, and what could not be downloaded; all other files keep their state."""
    order = twelve.work(twelve.place())
    spoil(twelve, order, "P1_SD.png", "P3.bin", state=state)
    retried = twelve.ordering.retry_order(LISE, order.id)
    assert (retried.counts.pending, retried.counts.available, retried.counts.in_error) == (2, 10, 0)
    expected = dict.fromkeys(twelve.states(order), "AVAILABLE") | {"P1_SD.png": "PENDING", "P3.bin": "PENDING"}
    assert twelve.states(order) == expected
    check_counts(twelve, order)


def test_a_failed_order(twelve) -> None:
    """All files in error: the order begins again, in new suborders; the empty ones stay, and hold no slot."""
    twelve.storage.down = True
    order = twelve.work(twelve.place())
    assert order.status is OrderStatus.FAILED
    twelve.storage.down = False
    retried = twelve.ordering.retry_order(LISE, order.id)
    assert (retried.status, retried.percent, retried.counts.pending) == (OrderStatus.RUNNING, 0, 12)
    twelve.work(order)
    twelve.download(order)
    done = twelve.work(order)
    assert (done.status, done.counts.available, done.counts.downloaded) == (OrderStatus.DONE, 3, 9)
    assert [each.counts.total for each in twelve.suborders(order)] == [0, 0, 5, 4, 3]
    check_counts(twelve, order)


@pytest.mark.parametrize("status", [OrderStatus.DONE_WITH_WARNING, OrderStatus.FAILED])
def test_nothing_to_retry(twelve, status: OrderStatus) -> None:
    """An order without such files stays as it is, and nobody is told anything (W32)."""
    for order in (
        twelve.force(twelve.work(twelve.place()), status=status, message="why"),
        twelve.force(twelve.place(), status=status, listed=True, message="why"),
    ):
        told = twelve.events()
        assert twelve.ordering.retry_order(LISE, order.id) == order == twelve.read(order)
        assert twelve.events() == told


def test_files_whose_processing_failed_are_left_alone(twelve) -> None:
    """Only ERROR and DOWNLOAD_ERROR are asked for again."""
    order = twelve.work(twelve.place())
    order = spoil(twelve, order, "P1.bin", state=FileState.PROCESSING_ERROR)
    assert twelve.ordering.retry_order(LISE, order.id) == order


def test_references_are_available_at_once(centre) -> None:
    """They need no storage: the order is DONE again, and only the new suborder is told."""
    dataset = centre.dataset("D")
    for n in range(4):
        centre.product(dataset, f"p{n}", reference(f"r{n}", 5 if n else None))
    order = centre.work(centre.place(correlation_id="c"))
    spoil(centre, order, "r0", "r2", state=FileState.DOWNLOAD_ERROR)
    told = len(centre.events())
    now = centre.ordering.clock.advance(hours=1)
    retried = centre.ordering.retry_order(LISE, order.id)
    assert (retried.status, retried.percent, retried.message) == (OrderStatus.DONE, 100, None)
    assert (retried.counts.available, retried.available_since, retried.waiting_for_user) == (4, now, True)
    assert (retried.contents.internal_suborders, retried.contents.external_suborders) == (0, 2)
    assert centre.states(order) == dict.fromkeys(("r0", "r1", "r2", "r3"), "AVAILABLE")
    assert {file.download_error for file in centre.files(order)} == {None}
    new = centre.suborders(order)[1]
    assert (new.external, new.state.name, new.counts) == (True, "ENDED", FileCounts(available=2, bytes_known=5))
    check_counts(centre, order)
    about = {"order_id": order.id, "owner": LISE.email, "correlation_id": "c"}
    assert centre.events()[told:] == [
        SuborderDone(**about, suborder_id=new.id, errors=0, total_suborders=2),
        OrderEnded(**about, status=OrderStatus.DONE, message=None),
    ]


def test_files_of_the_dataset_service_stay_external(centre) -> None:
    """A file of a dataset under /dam needs no storage, not when it is asked for once more either."""
    dam = make_file("dam.pdf", b"1", uri="http://dam.example/1/dam")
    centre.product(centre.dataset("D", files=(dam,)), "p", ("a", b"aa"))
    order = centre.work(centre.place())
    spoil(centre, order, "dam.pdf", state=FileState.DOWNLOAD_ERROR)
    retried = centre.ordering.retry_order(LISE, order.id)
    assert centre.states(order)["dam.pdf"] == "AVAILABLE"
    assert (retried.contents.internal_suborders, retried.contents.external_suborders) == (1, 2)
    assert centre.suborders(order)[-1].external
    check_counts(centre, order)


def test_references_beside_stored_files(centre) -> None:
    """The order runs for the stored ones; a reference takes no slot, and old suborders are not told again (W7)."""
    centre.product(centre.dataset("D"), "p", ("a", b"aa"), ("b", b"b"), reference("r"))
    order = centre.work(centre.place())
    spoil(centre, order, "a", "r")
    told = len(centre.events())
    retried = centre.ordering.retry_order(LISE, order.id)
    assert (retried.status, retried.suborders) == (OrderStatus.RUNNING, 4)
    assert centre.states(order) == {"a": "PENDING", "b": "AVAILABLE", "r": "AVAILABLE"}
    assert groups(centre, order, 2) == [("a",), ("r",)]
    [event] = centre.events()[told:]
    assert (event.suborder_id, event.total_suborders) == (centre.suborders(order)[3].id, 4)
    assert centre.work(order).status is OrderStatus.DONE
    check_counts(centre, order)


def test_cut_after_each_file(make_centre) -> None:
    """Files are cut by bytes one by one, in the order of their ids; the one that overflows stays (9.4)."""
    centre = make_centre(suborder_max_bytes=100)
    dataset = centre.dataset("D")
    for n in range(5):
        centre.product(dataset, f"p{n}", (f"f{n}", bytes([n]) * 40))
    order = centre.work(centre.place())
    spoil(centre, order, status=OrderStatus.FAILED)
    ids = {file.filename: file.id for file in centre.files(order)}
    retried = centre.ordering.retry_order(LISE, order.id)
    found = groups(centre, order, order.suborders)
    names = [name for group in found for name in group]
    assert names == sorted(names, key=ids.__getitem__)
    assert [len(group) for group in found] == [3, 2]
    assert retried.contents.internal_suborders == order.contents.internal_suborders + 2
    check_counts(centre, order)


def test_many_files(make_centre) -> None:
    """More than a page of them is read page by page, and no suborder is larger than it may be."""
    centre = make_centre(suborder_max_files=600, external_max_files=300)
    dataset = centre.dataset("D")
    for n in range(1100):
        file = reference(f"r{n}") if n % 11 == 0 else (f"f{n}", b"")
        centre.product(dataset, f"p{n}", file)
    order = centre.work(centre.place())
    spoil(centre, order, status=OrderStatus.FAILED)
    retried = centre.ordering.retry_order(LISE, order.id)
    assert [len(group) for group in groups(centre, order, order.suborders)] == [600, 400, 100]
    assert (retried.counts.pending, retried.counts.available) == (1000, 100)
    check_counts(centre, order)


def test_several_datasets(centre) -> None:
    """New suborders are of one dataset each, and dataset tasks stay as they were."""
    for name in ("A", "B"):
        dataset = centre.dataset(name)
        centre.product(dataset, f"p{name}", (f"{name}1", name.encode()), (f"{name}2", name.encode() * 2))
    order = centre.work(centre.place())
    spoil(centre, order, "A1", "B2")
    urns = {
        file.filename: each.dataset_urn
        for each in centre.suborders(order)
        for file in centre.files(order)
        if file.suborder_id == each.id
    }
    retried = centre.ordering.retry_order(LISE, order.id)
    new = centre.suborders(order)[2:]
    assert sorted(groups(centre, order, 2)) == [("A1",), ("B2",)]
    assert {each.dataset_urn: name for each, (name,) in zip(new, groups(centre, order, 2), strict=True)} == {
        urns["A1"]: "A1",
        urns["B2"]: "B2",
    }
    assert retried.contents.tasks == order.contents.tasks


@pytest.mark.parametrize(("hours", "longest", "expected"), [(5, 100, 15), (5, 1, 1), (240, 168, 168)])
def test_expiration(make_twelve, hours: int, longest: int, expected: int) -> None:
    """The order lives on for (new internal suborders + 2) × D hours from now, never beyond the maximum."""
    centre = make_twelve(user_hours=hours, max_hours=longest)
    order = centre.work(centre.place())
    spoil(centre, order, "P1.bin")
    now = centre.ordering.clock.advance(minutes=10)
    assert centre.ordering.retry_order(LISE, order.id).expires == now + expected * HOUR


def test_expiration_without_the_storage(make_centre) -> None:
    """New suborders of references do not count: D hours."""
    centre = make_centre(user_hours=5)
    centre.product(centre.dataset("D"), "p", reference("r"))
    order = centre.work(centre.place())
    spoil(centre, order, "r", state=FileState.DOWNLOAD_ERROR)
    now = centre.ordering.clock.advance(minutes=10)
    assert centre.ordering.retry_order(LISE, order.id).expires == now + 5 * HOUR


def test_the_maximum_of_now_holds(twelve) -> None:
    """A setting that was changed meanwhile counts for what is asked for anew."""
    order = twelve.work(twelve.place())
    spoil(twelve, order, "P1.bin")
    twelve.ordering.change_setting(ADMIN, "expiration_max_duration_in_hours", 3)
    assert twelve.ordering.retry_order(LISE, order.id).expires == twelve.ordering.clock.now() + 3 * HOUR


@pytest.mark.parametrize(("role", "expected"), [(Role.REGISTERED_USER, 40), (Role.EXPLOIT, 90)])
def test_priority(twelve, role: Role, expected: int) -> None:
    """It follows what is in flight now, before the new suborders, and the owner's role, whoever retries."""
    owner = User(LISE.email, role)
    order = twelve.work(twelve.place(owner))
    twelve.download(order, owner)
    twelve.storage.held = {file.checksum for file in twelve.files(order)}
    for other in (owner, User("max@obs.example")):
        twelve.ordering.complete_order(twelve.place(other).id)
    spoil(twelve, order, "P1.bin")
    twelve.ordering.retry_order(ADMIN, order.id)
    assert [each.priority for each in twelve.suborders(order)][2:] == [expected]


def test_a_retry_waits_for_a_slot(make_twelve) -> None:
    """What waits for download holds its slot: the new suborder starts when it is downloaded (chapter 18)."""
    centre = make_twelve(suborders_per_user=1)
    order = centre.work(centre.place())
    centre.download(order)
    centre.ordering.work()
    first = groups(centre, order, 0)[0][0]
    spoil(centre, order, first)
    centre.ordering.retry_order(LISE, order.id)
    centre.ordering.work()
    assert [each.state.name for each in centre.suborders(order)] == ["ENDED", "WAITING", "PENDING"]
    centre.download(order)
    done = centre.work(order)
    assert (done.status, done.counts.available) == (OrderStatus.DONE, 1)


def test_a_retry_that_fails_again(make_twelve) -> None:
    """The order ends with a warning once more, and may be retried once more."""
    twelve = make_twelve(suborders_per_user=5)
    order = twelve.work(twelve.place())
    spoil(twelve, order, "P1.bin")
    twelve.storage.contents.pop("P1.bin")
    for suborders in (3, 4):
        twelve.ordering.retry_order(LISE, order.id)
        ended = twelve.work(order)
        assert (ended.status, ended.suborders) == (OrderStatus.DONE_WITH_WARNING, suborders)
        assert ended.counts.error == 1
    check_counts(twelve, order)


def test_a_retry_that_cannot_be_stored_changes_nothing(twelve, monkeypatch) -> None:
    """It is one transaction."""
    order = twelve.work(twelve.place())
    order = spoil(twelve, order, "P1.bin")
    files = twelve.files(order)

    def refuse(self, suborder) -> None:
        raise RuntimeError("lost")

    with twelve.ordering.store.read() as tx:
        monkeypatch.setattr(type(tx.slots), "note_freed", refuse)
    with pytest.raises(RuntimeError, match="lost"):
        twelve.ordering.retry_order(LISE, order.id)
    assert (twelve.read(order), twelve.files(order)) == (order, files)
