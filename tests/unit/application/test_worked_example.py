"""The worked example of page 20, chapter 18: 12,345 files, nine steps, exact counts."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

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
    User,
)
from regards_order.domain.events import OrderCreated, OrderEnded, SuborderDone
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.testing import MemoryStorage

USER = User("user-a@example.org")
MIB = 1024 * 1024
ENTERED = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
_ZEROS = memoryview(bytes(40 * MIB))


class Hollow(MemoryStorage):
    """A storage of zeros of the right length, that answers for what it is not told to hold."""

    def __init__(self, sizes: dict[str, int]) -> None:
        super().__init__()
        self.contents = sizes

    def open(self, file):
        return HollowSource(self.contents[file.uri])


class HollowSource:
    """A source of zeros."""

    def __init__(self, size: int | None) -> None:
        self.size = size

    def chunks(self) -> Iterator[memoryview]:
        """Yield all zeros at once: nobody copies them."""
        yield _ZEROS[: self.size or 0]

    def close(self) -> None:
        """Do nothing."""


class HollowArchives:
    """An archive that counts its entries."""

    def __init__(self) -> None:
        self.entries = 0

    def start(self, now):
        """Begin again."""
        self.entries = 0
        return self

    def entry(self, name, size, chunks):
        """Read the contents and forget them."""
        self.entries += 1
        for chunk in chunks:
            assert len(chunk) == (size or 0)
        yield b"entry"

    def finish(self):
        """Yield the end."""
        yield b"end"


class HollowServer:
    """A server of empty external files."""

    def open(self, url: str) -> HollowSource:
        """Open one."""
        return HollowSource(None)


class Example:
    """The data centre of the example."""

    def __init__(self, centre) -> None:
        self.sizes: dict[str, int] = {}
        self.number = 0
        alpha, bravo = (self._dataset(n, name) for n, name in enumerate(("Alpha", "Bravo"), 1))
        products = [self._product(alpha, (10_000, 2_000)) for _ in range(6000)]
        products += [self._product(bravo, (100_000, 50_000, 5_000)) for _ in range(110)]
        products += [self._product(bravo, (40 * MIB, 20 * MIB, 5 * MIB)) for _ in range(4)]
        self.references = self._product(bravo, (None, None, None))
        for dataset in (alpha, bravo):
            centre.catalog.put_dataset(dataset)
        for product in (*products, self.references):
            centre.catalog.put_product(product)
        self.archives = HollowArchives()
        self.centre = centre.with_(storage=Hollow(self.sizes), archives=self.archives, external=HollowServer())
        self.centre.storage.held = self.held = set()

    @staticmethod
    def _dataset(number: int, name: str) -> Dataset:
        return Dataset(f"URN:AIP:DATASET:demo:{uuid.UUID(int=number)}:V1", name, name)

    def _product(self, dataset: Dataset, sizes: tuple[int | None, ...]) -> Product:
        self.number += 1
        kinds = (DataType.RAWDATA, DataType.QUICKLOOK_SD, DataType.QUICKLOOK_MD)
        files = []
        for kind, size in zip(kinds, sizes, strict=False):
            name = f"{self.number}{kind.name}"
            # a digest of an algorithm that nobody knows is not verified: zeros of the right length will do
            facts = {"size": size, "checksum": name, "digest_algorithm": "none", "reference": size is None}
            files.append(DataFile(kind, name, f"http://x/{name}", **facts))
            if size is not None:
                self.sizes[f"http://x/{name}"] = size
        return Product(
            f"URN:AIP:DATA:demo:{uuid.UUID(int=self.number)}:V1",
            f"p{self.number}",
            "",
            "m",
            frozenset({dataset.urn}),
            1,
            True,
            {},
            None,
            frozenset({"public"}),
            tuple(files),
            ENTERED,
            ENTERED,
        )

    def occupy(self, count: int) -> None:
        """Let other users have some suborders in flight."""
        now = self.centre.ordering.clock.now()
        with self.centre.ordering.store.write() as tx:
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
        self.centre.ordering.complete_order(order.id)
        self.suborders = dict(
            zip(("A1", "A2", "A3", "B1", "B2", "X1"), (s.id for s in self.centre.suborders(order)), strict=True)
        )
        self.checksums = {name: set() for name in self.suborders}
        names = {id: name for name, id in self.suborders.items()}
        for file in self.centre.files(order):
            self.checksums[names[file.suborder_id]].add(file.checksum)
            self.held.add(file.checksum)
        return self.centre.work(order)

    def answer(self, order: Order, name: str) -> Order:
        """Let the storage answer for one suborder, a second later."""
        self.held -= self.checksums[name]
        return self.centre.later(order)

    def download(self, order: Order) -> Order:
        """Take the ZIP, and let freed slots be given out."""
        delivery = self.centre.ordering.open_zip(USER, order.id)
        list(delivery)
        assert (delivery.files, delivery.failures) == (self.archives.entries, [])
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


def test_nine_steps(example: Example) -> None:
    """Case 43: the order of 12,345 files, step by step, as the table says."""
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
        centre.ordering.get_basket(USER)

    # the nine steps
    assert example.line(order) == (["A1", "A2"], [], 0, 3, False, "RUNNING")
    order = example.answer(order, "A1")
    assert example.line(order) == (["A2"], ["A1"], 8, 5003, True, "RUNNING")
    order = example.answer(order, "A2")
    assert example.line(order) == ([], ["A1", "A2"], 16, 10_003, True, "RUNNING")
    assert centre.later(order) == order  # blocked
    order = example.download(order)
    assert example.archives.entries == 10_003
    assert example.line(order) == (["A3", "B1"], [], 16, 0, False, "RUNNING")
    order = example.answer(order, "A3")
    assert example.line(order) == (["B1"], ["A3"], 19, 2000, True, "RUNNING")
    order = example.answer(order, "B1")
    assert example.line(order) == ([], ["A3", "B1"], 62, 2336, True, "RUNNING")
    order = example.download(order)
    assert example.archives.entries == 2336
    assert example.line(order) == (["B2"], [], 62, 0, False, "RUNNING")
    order = example.answer(order, "B2")
    assert example.line(order) == ([], ["B2"], 100, 6, True, "DONE")
    order = example.download(order)
    assert example.archives.entries == 6
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


def test_variant_with_errors(example: Example) -> None:
    """Case 44, up to the retry: two refused files of B1 end the order with a warning."""
    centre = example.centre
    order = example.place()
    for name in ("A1", "A2"):
        order = example.answer(order, name)
    order = example.download(order)
    order = example.answer(order, "A3")
    big = {file.checksum for file in centre.files(order) if file.size == 40 * MIB}
    refused = sorted(big & example.checksums["B1"])
    assert len(refused) == 2
    centre.storage.refused.update(dict.fromkeys(refused, "lost"))
    order = example.answer(order, "B1")
    assert (order.percent, order.counts.available, order.counts.in_error) == (62, 2334, 2)
    assert [event.errors for event in centre.events() if isinstance(event, SuborderDone)] == [0, 0, 0, 0, 2]
    order = example.download(order)
    order = example.answer(order, "B2")
    assert example.line(order) == ([], ["B2"], 100, 6, True, "DONE_WITH_WARNING")
    assert centre.events()[-1].status is OrderStatus.DONE_WITH_WARNING


def test_variant_with_references_only(example: Example) -> None:
    """References alone: DONE at once, 100 percent, three files waiting for their user, 168 hours."""
    centre = example.centre
    order = centre.work(centre.place(USER, SelectionRequest(include=(example.references.urn,))))
    assert (order.percent, order.counts.available, order.waiting_for_user, order.status.name) == (100, 3, True, "DONE")
    assert order.expires == order.created + dt.timedelta(hours=168)
    assert centre.storage.asked == []
    assert example.download(order).waiting_for_user is False
