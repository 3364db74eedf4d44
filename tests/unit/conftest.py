"""What the unit tests of use cases share: a small data centre in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
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
    SelectionRequest,
    Settings,
    Suborder,
    User,
)
from regards_order.testing import MemoryCatalog, MemoryStorage, in_memory, make_dataset, make_file, make_product

LISE = User("lise@obs.example")
QUICKLOOKS = (DataType.QUICKLOOK_SD, DataType.QUICKLOOK_MD, DataType.QUICKLOOK_HD)


@attrs.frozen
class Centre:
    """A data centre in memory with the steps that tests take again and again."""

    ordering: Ordering

    @property
    def catalog(self) -> MemoryCatalog:
        """Return the catalogue."""
        return self.ordering.catalog

    @property
    def storage(self) -> MemoryStorage:
        """Return the storage."""
        return self.ordering.storage

    def with_(self, **changes: Any) -> Centre:
        """Return the same centre with other ports or settings."""
        return Centre(attrs.evolve(self.ordering, **changes))

    def dataset(self, name: str, **kwargs: Any) -> Dataset:
        """Put a dataset into the catalogue."""
        dataset = make_dataset(name, **kwargs)
        self.catalog.put_dataset(dataset)
        return dataset

    def product(self, dataset: Dataset, name: str, *files: tuple[str, bytes] | Any, **kwargs: Any) -> None:
        """Put a product into the catalogue; (name, contents) are stored files."""
        described = []
        for file in files:
            if isinstance(file, tuple):
                self.storage.contents[file[0]] = file[1]
                file = make_file(*file)
            described.append(file)
        self.catalog.put_product(make_product(name, *described, datasets=(dataset,), **kwargs))

    def place(
        self,
        user: User = LISE,
        request: SelectionRequest | None = None,
        *,
        file_filter: FileFilter | None = None,
        **kwargs: Any,
    ) -> Order:
        """Fill a basket with everything, or with *request*, and place the order."""
        basket = self.ordering.add_selection(user, request or SelectionRequest())
        if file_filter is not None:
            for selection in basket.selections:
                self.ordering.filter_files(user, selection.id, file_filter)
        return self.ordering.place_order(user, **kwargs)

    def work(self, order: Order) -> Order:
        """Do all background work and return the order as it then is."""
        self.ordering.work()
        return self.read(order)

    def later(self, order: Order, **duration: float) -> Order:
        """Let some time pass, one second unless told, and work."""
        self.ordering.clock.advance(**(duration or {"seconds": 1}))
        return self.work(order)

    def read(self, order: Order) -> Order:
        """Return an order as it is now."""
        with self.ordering.store.read() as tx:
            return tx.orders.get(order.id)

    def force(self, order: Order, **changes: Any) -> Order:
        """Store an order with other fields than it came to by itself."""
        with self.ordering.store.write() as tx:
            return tx.orders.save(attrs.evolve(tx.orders.get(order.id), **changes))

    def suborders(self, order: Order) -> list[Suborder]:
        """Return the suborders of an order."""
        with self.ordering.store.read() as tx:
            return list(tx.suborders.of_order(order.id))

    def files(self, order: Order) -> list[OrderFile]:
        """Return the files of an order."""
        with self.ordering.store.read() as tx:
            return list(tx.files.page(order.id, limit=1_000_000))

    def states(self, order: Order) -> dict[str, str]:
        """Return the state of each file by its name."""
        return {file.filename: file.state for file in self.files(order)}

    def events(self, after: int = 0) -> list[Any]:
        """Return what was told after letter number *after*, in order."""
        with self.ordering.store.read() as tx:
            return [letter.event for letter in tx.outbox.page(after, limit=1_000_000)]

    def told(self) -> list[str]:
        """Return the kinds of what was told, in order."""
        return [type(event).__name__ for event in self.events()]

    def download(self, order: Order, user: User = LISE) -> tuple[Order, dict[str, bytes]]:
        """Take the ZIP of an order to its end and return the order and the entries."""
        delivery = self.ordering.open_zip(user, order.id)
        entries = unzip(b"".join(delivery))
        return delivery.confirm(), entries


def unzip(archive: bytes) -> dict[str, bytes]:
    """Return the entries of a ZIP, in their order."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert len(set(names)) == len(names)
        return {name: opened.read(name) for name in names}


class Intruded:
    """A store in which somebody else acts just before the next write transactions."""

    def __init__(self, store: Any, deeds: Iterator[Callable[[], object] | None]) -> None:
        self._store, self._deeds = store, deeds

    def read(self) -> AbstractContextManager[Any]:
        """Open a transaction that changes nothing."""
        return self._store.read()

    def write(self) -> AbstractContextManager[Any]:
        """Let the intruder act, then open a transaction."""
        deed = next(self._deeds, None)
        if deed is not None:
            deed()
        return self._store.write()


@pytest.fixture
def make_centre() -> Callable[..., Centre]:
    """Return a function that makes an empty data centre with the settings it is given."""
    return lambda **settings: Centre(in_memory(settings=Settings(**settings)))


@pytest.fixture
def centre(make_centre: Callable[..., Centre]) -> Centre:
    """Return an empty data centre with the default settings."""
    return make_centre()


@pytest.fixture
def make_twelve(make_centre: Callable[..., Centre]) -> Callable[..., Centre]:
    """Return a function that makes a data centre with the 12-file catalogue and a bucket of 1 MiB."""

    def make(**settings: int) -> Centre:
        centre = make_centre(**{"suborder_max_bytes": 1_048_576, **settings})
        dataset = centre.dataset("Twelve")
        for number, (raw, quicklook) in enumerate(((1_000_000, 22), (500_000, 15), (1_500_000, 20)), 1):
            contents = {f"P{number}.bin": bytes(raw)}
            contents |= {f"P{number}_{kind.name[-2:]}.png": bytes([number]) * quicklook for kind in QUICKLOOKS}
            centre.storage.contents.update(contents)
            kinds = (DataType.RAWDATA, *QUICKLOOKS)
            files = [
                make_file(name, data, data_type=kind)
                for kind, (name, data) in zip(kinds, contents.items(), strict=True)
            ]
            centre.product(dataset, f"P{number}", *files)
        return centre

    return make


@pytest.fixture
def twelve(make_twelve: Callable[..., Centre]) -> Centre:
    """Return a data centre with the 12-file catalogue, a bucket of 1 MiB and 2 slots."""
    return make_twelve()


@pytest.fixture
def intrude() -> Callable[..., Centre]:
    """Return a function that lets somebody act before the first, second… write transaction of a centre."""

    def make(centre: Centre, *deeds: Callable[[], object] | None) -> Centre:
        return centre.with_(store=Intruded(centre.ordering.store, iter(deeds)))

    return make
