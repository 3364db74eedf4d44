"""What the cases share: a small data centre on the twins, on SQLite and on PostgreSQL."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import pytest

from regards_order import (
    Dataset,
    DataType,
    FileFilter,
    Order,
    OrderFile,
    Ordering,
    Product,
    SelectionRequest,
    Settings,
    Suborder,
    User,
)
from regards_order.testing import (
    CountedIds,
    ManualClock,
    MemoryCatalog,
    MemoryExternal,
    MemoryStorage,
    RePatterns,
    in_memory,
    make_dataset,
    make_file,
    make_product,
)
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.delivery.zip import ZipArchives
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.unit_of_work import SqlStore

LISE = User("lise@obs.example")
QUICKLOOKS = (DataType.QUICKLOOK_SD, DataType.QUICKLOOK_MD, DataType.QUICKLOOK_HD)


class RecordingNotifier:
    """A notifier that keeps what it is told, or fails."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.failure: Exception | None = None

    def order_created(self, event: Any, order: Any) -> None:
        self._tell(event)

    def orders_aside(self, event: Any) -> None:
        self._tell(event)

    def file_oversized(self, event: Any) -> None:
        self._tell(event)

    def _tell(self, event: Any) -> None:
        if self.failure is not None:
            raise self.failure
        self.told.append(event)


class Everything(set):
    """The set of all checksums: a storage that holds them says nothing about any file."""

    def __contains__(self, checksum: object) -> bool:
        return True


@attrs.frozen
class Centre:
    """A data centre with the steps that the cases take again and again."""

    ordering: Ordering
    publish: Callable[[Sequence[Dataset], Sequence[Product]], object]

    @property
    def storage(self) -> MemoryStorage:
        """Return the storage, which the cases steer."""
        return self.ordering.storage

    @property
    def clock(self) -> ManualClock:
        """Return business time."""
        return self.ordering.clock

    def with_(self, **changes: Any) -> Centre:
        """Return the same centre with other ports or settings."""
        return attrs.evolve(self, ordering=attrs.evolve(self.ordering, **changes))

    def place(self, user: User = LISE, request: SelectionRequest | None = None, **kwargs: Any) -> Order:
        """Fill a basket with everything, or with *request*, and place the order."""
        file_filter = kwargs.pop("file_filter", None)
        basket = self.ordering.add_selection(user, request or SelectionRequest())
        if file_filter is not None:
            for selection in basket.selections:
                self.ordering.filter_files(user, selection.id, file_filter)
        return self.ordering.place_order(user, **kwargs)

    def order(self, *, file_filter: FileFilter | None = None, **kwargs: Any) -> Order:
        """Place an order of everything and work it off, as far as that goes."""
        return self.work(self.place(file_filter=file_filter, **kwargs))

    def work(self, order: Order) -> Order:
        """Do all background work and return the order as it then is."""
        self.ordering.work()
        return self.read(order)

    def later(self, order: Order, **duration: float) -> Order:
        """Let some time pass, one second unless told, and work."""
        self.clock.advance(**(duration or {"seconds": 1}))
        return self.work(order)

    def read(self, order: Order) -> Order:
        """Return an order as it is now."""
        with self.ordering.store.read() as tx:
            return tx.orders.get(order.id)

    def suborders(self, order: Order) -> list[Suborder]:
        """Return the suborders of an order."""
        with self.ordering.store.read() as tx:
            return list(tx.suborders.of_order(order.id))

    def states(self, order: Order) -> list[str]:
        """Return the states of an order's suborders."""
        return [suborder.state.name for suborder in self.suborders(order)]

    def files(self, order: Order) -> list[OrderFile]:
        """Return the files of an order."""
        with self.ordering.store.read() as tx:
            return list(tx.files.page(order.id, limit=1_000_000))

    def events(self) -> list[Any]:
        """Return what was told, in order."""
        with self.ordering.store.read() as tx:
            return [letter.event for letter in tx.outbox.page(limit=1_000_000)]

    def told(self) -> list[str]:
        """Return the kinds of what was told, in order; what administrators are told left out."""
        return [kind for event in self.events() if (kind := type(event).__name__) != "FileOversized"]

    def download(self, order: Order, user: User = LISE) -> dict[str, bytes]:
        """Take the ZIP of an order to its end, give out freed slots, and return the entries."""
        delivery = self.ordering.open_zip(user, order.id)
        with zipfile.ZipFile(io.BytesIO(b"".join(delivery))) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        delivery.confirm()
        return entries

    def hold(self) -> None:
        """Let the storage say nothing."""
        self.storage.held = Everything()

    def release(self) -> None:
        """Let the storage speak again."""
        self.storage.held = set()

    def may(self, order: Order) -> set[str]:
        """Return what the state of an order allows to its user."""
        [events] = self.ordering.possible_events([self.read(order)])
        return {event.name for event in events}


Make = Callable[..., Centre]


@pytest.fixture(params=["twin", "sqlite", "postgres"])
def make_centre(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Return a function that makes one empty data centre, with the settings it is given, on each kind of store."""
    if request.param == "twin":

        def make(**settings: int) -> Centre:
            catalog = MemoryCatalog()

            def publish(datasets: Sequence[Dataset], products: Sequence[Product]) -> None:
                for dataset in datasets:
                    catalog.put_dataset(dataset)
                for product in products:
                    catalog.put_product(product)

            ordering = in_memory(catalog, settings=Settings(**settings))
            return Centre(attrs.evolve(ordering, notifier=RecordingNotifier()), publish)

        yield make
        return
    if request.param == "postgres":
        url = request.getfixturevalue("cluster").reuse()
    else:
        url = request.getfixturevalue("sqlite")()
    engine = make_engine(url)
    store = SqlStore(engine, "default")
    yield lambda **settings: Centre(
        Ordering(
            store=store,
            catalog=SqlCatalog(store, Re2Patterns()),
            storage=MemoryStorage(),
            external=MemoryExternal(),
            patterns=RePatterns(),
            archives=ZipArchives(),
            clock=ManualClock(),
            unique_ids=CountedIds(),
            notifier=RecordingNotifier(),
            settings=Settings(**settings),
        ),
        lambda datasets, products: put(store, datasets, products),
    )
    engine.dispose()


@pytest.fixture
def centre(make_centre: Make) -> Centre:
    """Return an empty data centre with the default settings."""
    return make_centre()


@pytest.fixture
def make_twelve(make_centre: Make) -> Make:
    """Return a function that makes a data centre with the 12-file catalogue and a bucket of 1 MiB.

    Contents differ, so that each file has a checksum of its own; a dataset of its own name may be added.
    """

    def make(*datasets: Dataset, **settings: int) -> Centre:
        centre = make_centre(**{"suborder_max_bytes": 1_048_576, **settings})
        datasets = datasets or (make_dataset("Twelve"),)
        products = []
        for letter, dataset in zip("PQR", datasets, strict=False):
            for number, (raw, quicklook) in enumerate(((1_000_000, 22), (500_000, 15), (1_500_000, 20)), 1):
                name = f"{letter}{number}"
                sizes = {f"{name}.bin": raw, **{f"{name}_{kind.name[-2:]}.png": quicklook for kind in QUICKLOOKS}}
                contents = {file: file.encode().ljust(size, b".") for file, size in sizes.items()}
                centre.storage.contents.update(contents)
                kinds = (DataType.RAWDATA, *QUICKLOOKS)
                files = [
                    make_file(file, data, data_type=kind)
                    for kind, (file, data) in zip(kinds, contents.items(), strict=True)
                ]
                products.append(make_product(name, *files, datasets=(dataset,)))
        centre.publish(datasets, products)
        return centre

    return make


@pytest.fixture
def twelve(make_twelve: Make) -> Centre:
    """Return a data centre with the 12-file catalogue, a bucket of 1 MiB and 2 slots."""
    return make_twelve()
