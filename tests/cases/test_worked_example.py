"""The worked example of page 20, chapter 18, on the twins, on SQLite and on PostgreSQL: 12,345 files, exact counts.

Case 44 and the files that a retry asks for are as page 05 has them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator

import attrs
import pytest

from regards_order import (
    DataFile,
    Dataset,
    DataType,
    FileCounts,
    NoBasket,
    Order,
    OrderStatus,
    Product,
    SelectionRequest,
    Suborder,
    SuborderState,
    User,
)
from regards_order.application.settle import settle
from regards_order.domain.events import OrderCreated, OrderEnded, SuborderDone
from regards_order.domain.files import FILES, FileEvent
from regards_order.ports.files import FileChoice
from regards_order.testing import MemoryStorage

USER = User("user-a@example.org")
MIB = 1024 * 1024
ENTERED = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
KINDS = (DataType.RAWDATA, DataType.QUICKLOOK_SD, DataType.QUICKLOOK_MD)
_ZEROS = memoryview(bytes(40 * MIB))


class Hollow(MemoryStorage):
    """A storage of zeros of the right length."""

    def open(self, file):
        return HollowSource(self.contents[file.uri])


@attrs.define
class HollowSource:
    """A source of zeros, and a server of empty external files."""

    size: int | None = None

    def open(self, url: str) -> HollowSource:
        return self

    def chunks(self) -> Iterator[memoryview]:
        """Yield all zeros at once: nobody copies them."""
        yield _ZEROS[: self.size or 0]

    def close(self) -> None:
        """Do nothing."""


class HollowArchives:
    """An archive that holds nothing."""

    def start(self, now):
        return self

    def entry(self, name, size, chunks):
        assert sum(map(len, chunks)) == (size or 0)
        yield b"entry"

    def finish(self):
        yield b"end"


def product(number: int, dataset: Dataset, sizes: tuple[int | None, ...]) -> Product:
    """Return a product with files of these sizes; None is a reference.

    A digest of an algorithm that nobody knows is not verified: zeros of the right length will do.
    """
    files = []
    for kind, size in zip(KINDS, sizes, strict=False):
        name = f"{number}{kind.name}"
        facts = {"size": size, "checksum": name, "digest_algorithm": "none", "reference": size is None}
        files.append(DataFile(kind, name, f"http://x/{name}", **facts))
    urn = f"URN:AIP:DATA:demo:{uuid.UUID(int=number)}:V1"
    groups = frozenset({"public"})
    return Product(
        urn, f"p{number}", "", "m", frozenset({dataset.urn}), 1, True, {}, None, groups, tuple(files), ENTERED, ENTERED
    )


ALPHA, BRAVO = (
    Dataset(f"URN:AIP:DATASET:demo:{uuid.UUID(int=number)}:V1", name, name)
    for number, name in enumerate(("Alpha", "Bravo"), 1)
)
SHAPES = [
    *[(ALPHA, (10_000, 2_000))] * 6000,
    *[(BRAVO, (100_000, 50_000, 5_000))] * 110,
    *[(BRAVO, (40 * MIB, 20 * MIB, 5 * MIB))] * 4,
    (BRAVO, (None, None, None)),
]
PRODUCTS = [product(number, *shape) for number, shape in enumerate(SHAPES, 1)]
REFERENCES = PRODUCTS[-1]


class Example:
    """The data centre of the example."""

    def __init__(self, centre) -> None:
        centre.publish([ALPHA, BRAVO], PRODUCTS)
        storage = Hollow({file.uri: file.size for each in PRODUCTS for file in each.files if not file.reference})
        self.centre = centre.with_(storage=storage, archives=HollowArchives(), external=HollowSource())
        self.ordering = self.centre.ordering
        self.held = storage.held
        self.suborders: dict[str, int] = {}
        self.checksums: dict[str, set[str]] = {}

    def occupy(self, count: int) -> None:
        """Let another user have some suborders in flight."""
        now = self.centre.clock.now()
        with self.ordering.store.write() as tx:
            other = Order(
                id=tx.ids.block("order", 1)[0],
                owner="other@example.org",
                label="other",
                correlation_id="other",
                created=now,
                status=OrderStatus.RUNNING,
                status_date=now,
                hours=1,
                listed=True,
            )
            tx.orders.add(other)
            for id in tx.ids.block("suborder", count):
                tx.suborders.add(
                    Suborder(
                        id=id,
                        order_id=other.id,
                        owner=other.owner,
                        dataset_urn="URN",
                        external=False,
                        state=SuborderState.PENDING,
                        priority=0,
                        hours=1,
                        first_file=1,
                        last_file=1,
                        counts=FileCounts(pending=1),
                    )
                )

    def place(self) -> Order:
        """Place the order and list its files; the storage holds everything back."""
        order = self.centre.place(
            USER, label="Spring mosaics", frontend_url="/user/demo/modules/12", correlation_id="c"
        )
        assert (order.status, order.percent) == (OrderStatus.PENDING, 0)
        self.ordering.complete_order(order.id)
        self.name(order, "A1", "A2", "A3", "B1", "B2", "X1")
        self.held.update(*self.checksums.values())
        return self.centre.work(order)

    def name(self, order: Order, *names: str) -> None:
        """Give names to the suborders of an order, in their order."""
        self.suborders = dict(zip(names, (each.id for each in self.centre.suborders(order)), strict=True))
        by_id = {id: name for name, id in self.suborders.items()}
        self.checksums = {name: set() for name in names}
        for file in self.centre.files(order):
            self.checksums[by_id[file.suborder_id]].add(file.checksum)

    def answer(self, order: Order, *names: str) -> Order:
        """Let the storage answer for some suborders, a second later."""
        for name in names:
            self.held -= self.checksums[name]
        return self.centre.later(order)

    def download(self, order: Order, expected: int) -> Order:
        """Take the ZIP, which holds so many files, and let freed slots be given out."""
        delivery = self.ordering.open_zip(USER, order.id)
        list(delivery)
        assert (delivery.files, delivery.failures) == (expected, [])
        delivery.confirm()
        return self.centre.work(order)

    def holding(self, order: Order, *states: str) -> list[str]:
        """Return the names of the suborders in one of some states."""
        found = {each.id: each.state.name for each in self.centre.suborders(order)}
        return [name for name, id in self.suborders.items() if found[id] in states]

    def line(self, order: Order) -> tuple[object, ...]:
        """Return what the table of the example shows of an order."""
        return (
            self.holding(order, "QUEUED", "ASKED"),
            self.holding(order, "WAITING"),
            order.percent,
            order.counts.available,
            order.waiting_for_user,
            order.status.name,
        )


@pytest.fixture
def example(centre) -> Example:
    """Return the data centre of the example."""
    return Example(centre)


def test_case_43_nine_steps(example: Example) -> None:
    """The order of 12,345 files, step by step, as the table says; at its end nothing is left to expire."""
    example.occupy(6)
    centre = example.centre
    order = example.place()

    # completion
    suborders = dict(zip(example.suborders, centre.suborders(order), strict=True))
    assert {name: (s.counts.total, s.counts.bytes_known, s.priority) for name, s in suborders.items()} == {
        "A1": (5000, 30_000_000, 80),
        "A2": (5000, 30_000_000, 80),
        "A3": (2000, 12_000_000, 80),
        "B1": (336, 153_364_880, 80),
        "B2": (6, 136_314_880, 80),
        "X1": (3, 0, 80),
    }
    contents = order.contents
    assert (contents.internal_suborders, contents.external_suborders, contents.features) == (5, 1, 6115)
    assert [(t.dataset_label, t.objects_count, t.files_count, t.files_size) for t in contents.tasks] == [
        ("Alpha", 6000, 12_000, 72_000_000),
        ("Bravo", 115, 345, 289_679_760),
    ]
    assert (order.counts.total, order.counts.bytes_known) == (12_345, 361_679_760)
    assert order.expires == order.created + dt.timedelta(hours=168)
    with pytest.raises(NoBasket):
        example.ordering.get_basket(USER)

    # the nine steps
    assert example.line(order) == (["A1", "A2"], [], 0, 3, False, "RUNNING")
    order = example.answer(order, "A1")
    assert example.line(order) == (["A2"], ["A1"], 8, 5003, True, "RUNNING")
    order = example.answer(order, "A2")
    assert example.line(order) == ([], ["A1", "A2"], 16, 10_003, True, "RUNNING")
    assert centre.later(order) == order  # blocked
    order = example.download(order, 10_003)
    assert example.line(order) == (["A3", "B1"], [], 16, 0, False, "RUNNING")
    order = example.answer(order, "A3")
    assert example.line(order) == (["B1"], ["A3"], 19, 2000, True, "RUNNING")
    order = example.answer(order, "B1")
    assert example.line(order) == ([], ["A3", "B1"], 62, 2336, True, "RUNNING")
    order = example.download(order, 2336)
    assert example.line(order) == (["B2"], [], 62, 0, False, "RUNNING")
    order = example.answer(order, "B2")
    assert example.line(order) == ([], ["B2"], 100, 6, True, "DONE")
    assert example.ordering.list_orders(USER)[0].status is OrderStatus.DONE
    order = example.download(order, 6)
    assert example.line(order) == ([], [], 100, 0, False, "DONE")
    assert order.counts == FileCounts(downloaded=12_345, bytes_known=361_679_760)

    # messages
    about = {"order_id": order.id, "owner": USER.email, "correlation_id": "c"}
    done = {
        name: SuborderDone(**about, suborder_id=id, errors=0, total_suborders=6)
        for name, id in example.suborders.items()
    }
    assert centre.events() == [
        done["X1"],
        OrderCreated(**about, frontend_url="/user/demo/modules/12"),
        *(done[name] for name in ("A1", "A2", "A3", "B1", "B2")),
        OrderEnded(**about, status=OrderStatus.DONE, message=None),
    ]

    # everything is downloaded: its time passes, and it stays DONE
    centre.clock.advance(hours=169)
    example.ordering.do_chores()
    assert centre.read(order) == order


def test_case_43_variant_single_downloads(example: Example) -> None:
    """4,999 of A1's 5,000 files, downloaded one by one, free nothing; the last one lets A3 begin while A2 waits.

    All but ten of them are marked at once, as their downloads would.
    """
    order = example.place()
    order = example.answer(order, "A1", "A2")
    a1 = [file.id for file in example.centre.files(order) if file.suborder_id == example.suborders["A1"]]
    with example.ordering.store.write() as tx:
        choice = FileChoice(order_id=order.id, ids=a1[:-10])
        moved = tx.files.move(choice, FILES.moves(FileEvent.DELIVERED))
        settle(tx, tx.orders.get(order.id, lock=True), moved, example.centre.clock.now())
    for file_id in a1[-10:-1]:
        take(example, file_id)
        assert example.line(example.centre.work(order))[:2] == ([], ["A1", "A2"])
    assert example.centre.read(order).counts.available == 5004
    take(example, a1[-1])
    order = example.centre.work(order)
    assert example.line(order) == (["A3"], ["A2"], 16, 5003, True, "RUNNING")
    assert example.holding(order, "ENDED") == ["A1", "X1"]


def take(example: Example, file_id: int) -> None:
    """Download one file to its last byte."""
    delivery = example.ordering.open_file(USER, file_id)
    list(delivery)
    delivery.confirm()


def test_case_43_variant_references_only(example: Example) -> None:
    """References alone: DONE at once, 100 percent, three files waiting for their user, 168 hours."""
    centre = example.centre
    order = centre.work(centre.place(USER, SelectionRequest(include=(REFERENCES.urn,))))
    assert (order.percent, order.counts.available, order.waiting_for_user, order.status.name) == (100, 3, True, "DONE")
    assert order.expires == order.created + dt.timedelta(hours=168)
    assert centre.storage.asked == []
    assert example.download(order, 3).waiting_for_user is False


def test_case_44_errors_and_retry(example: Example) -> None:
    """Two refused files of B1 end the order with a warning; asked for once more, they end it DONE."""
    centre = example.centre
    order = example.place()
    order = example.answer(order, "A1", "A2")
    order = example.download(order, 10_003)
    order = example.answer(order, "A3")
    big = {file.checksum for file in centre.files(order) if file.size == 40 * MIB}
    refused = sorted(big & example.checksums["B1"])
    assert len(refused) == 2
    centre.storage.refused.update(dict.fromkeys(refused, "lost"))
    order = example.answer(order, "B1")
    assert (order.percent, order.counts.available, order.counts.in_error) == (62, 2334, 2)
    assert [event.errors for event in centre.events() if isinstance(event, SuborderDone)] == [0, 0, 0, 0, 2]
    order = example.download(order, 2334)
    order = example.answer(order, "B2")
    assert example.line(order) == ([], ["B2"], 100, 6, True, "DONE_WITH_WARNING")
    assert order.counts.in_error == 2

    # retry, while B2 waits and takes one of the two slots
    now = centre.clock.advance(hours=1)
    centre.storage.refused.clear()
    example.held.update(refused)
    order = example.ordering.retry_order(USER, order.id)
    assert (order.status, order.percent, order.counts.in_error) == (OrderStatus.RUNNING, 76, 0)
    assert (order.counts.pending, order.counts.bytes_pending) == (2, 83_886_080)
    assert order.expires == now + dt.timedelta(hours=168)
    example.name(order, "A1", "A2", "A3", "B1", "B2", "X1", "R1")
    assert {name: len(checksums) for name, checksums in example.checksums.items()} == {
        "A1": 5000,
        "A2": 5000,
        "A3": 2000,
        "B1": 334,
        "B2": 6,
        "X1": 3,
        "R1": 2,
    }
    order = centre.work(order)
    assert example.line(order) == (["R1"], ["B2"], 76, 6, True, "RUNNING")
    order = example.answer(order, "R1")
    assert example.line(order) == ([], ["B2", "R1"], 100, 8, True, "DONE")
    assert (order.counts.in_error, order.suborders) == (0, 7)
    counts = Counter(type(event).__name__ for event in centre.events())
    assert counts == {"SuborderDone": 7, "OrderCreated": 1, "OrderEnded": 2}
    assert [e.total_suborders for e in centre.events() if isinstance(e, SuborderDone)] == [6] * 6 + [7]

    # nobody downloads them: unlike in case 43 the order expires, and its files are erased
    centre.clock.advance(hours=169)
    example.ordering.do_chores()
    expired = centre.read(order)
    assert (expired.status, expired.percent, expired.available) == (OrderStatus.EXPIRED, 100, 0)
    assert (expired.waiting_for_user, expired.contents) == (False, order.contents)
    assert (centre.files(order), centre.suborders(order)) == ([], [])
