"""A state machine that drives systems side by side and compares all that a user can see (needs hypothesis).

Baskets are filled, orders placed and worked off, a storage holds back, refuses, loses and spoils files, time passes,
and ZIPs are read to their end or not.  After every step all systems have to show the same, and what they show has to
obey the rules of `regards_order.testing.invariants`.  A third party proves its adapters with a subclass:

    class Mine(OrderingMachine):
        factories = (twin, my_system)

    TestMine = Mine.TestCase
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import ClassVar, TypeVar

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from regards_order.application.deliver import Delivery
from regards_order.application.ordering import Ordering
from regards_order.domain.archive import NOTICE
from regards_order.domain.basket import Basket, DatasetSelection
from regards_order.domain.errors import DeliveryIncomplete, SourceUnreachable
from regards_order.domain.files import FileState
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.principal import Role, User
from regards_order.domain.product import ORDERABLE, DataType
from regards_order.domain.search import compile_search
from regards_order.domain.selection import FileFilter, SelectionRequest
from regards_order.domain.settings import Settings
from regards_order.ports.outbox import Letter
from regards_order.testing.invariants import (
    Refused,
    View,
    agreed,
    attempt,
    check_letters,
    check_order,
    check_progress,
    check_slots,
    look,
)
from regards_order.testing.memory_catalog import MemoryCatalog
from regards_order.testing.memory_storage import (
    CountedIds,
    ManualClock,
    MemoryExternal,
    MemoryStorage,
    RePatterns,
    ZipfileArchives,
)
from regards_order.testing.memory_store import MemoryStore
from regards_order.testing.samples import make_dataset, make_file, make_product
from regards_order.testing.strategies import CatalogSample, catalogs, contents_of, file_filters, queries

T = TypeVar("T")

USERS = (
    User("lise@obs.example"),
    User("hugo@obs.example", groups=frozenset({"lab-team"})),
    User("root@obs.example", Role.PROJECT_ADMIN),
)
TIGHT = Settings(
    suborder_max_bytes=12,
    suborder_max_files=3,
    external_max_files=1,
    suborders_per_user=2,
    catalog_page=3,
    storage_batch=2,
)
TIGHTER = attrs.evolve(TIGHT, suborder_max_files=1, suborders_per_user=1, catalog_page=1, max_hours=30, user_hours=5)


# --- systems ---------------------------------------------------------------------------------------------------------


@attrs.frozen
class Bench:
    """Hold what one system is built of.

    Attributes:
        catalog: what can be ordered.
        settings: limits.
        storage: to be used as it is: the machine steers it.
        external: likewise.
        clock: likewise.
    """

    catalog: CatalogSample
    settings: Settings
    storage: MemoryStorage
    external: MemoryExternal
    clock: ManualClock

    @classmethod
    def make(cls, catalog: CatalogSample, settings: Settings) -> Bench:
        """Return a bench for one system."""
        storage, external = MemoryStorage(dict(catalog.contents)), MemoryExternal({**catalog.external})
        return cls(catalog, settings, storage, external, ManualClock())


#: opens a fresh system on a bench, and closes it when its block ends
Factory = Callable[[Bench], AbstractContextManager[Ordering]]


@contextmanager
def twin(bench: Bench) -> Iterator[Ordering]:
    """Open a system made of twins."""
    yield Ordering(
        store=MemoryStore(),
        catalog=MemoryCatalog(bench.catalog.datasets, bench.catalog.products),
        storage=bench.storage,
        external=bench.external,
        patterns=RePatterns(),
        archives=ZipfileArchives(),
        clock=bench.clock,
        unique_ids=CountedIds(),
        settings=bench.settings,
    )


def rich_catalog() -> CatalogSample:
    """Return a catalogue of two datasets from which orders with many suborders can be made."""
    guide = make_file("guide.txt", contents_of("f/5"), uri="f/5")
    datasets = (make_dataset("été", files=(guide,)), make_dataset("zoo"))
    external = "https://ref.example/4"
    products = tuple(
        make_product(
            f"p{n}",
            make_file("a.dat", contents_of(f"f/{n}"), uri=f"f/{n}", online=bool(n % 2)),
            make_file("b.png", contents_of(f"f/{n + 1}"), uri=f"f/{n + 1}", data_type=DataType.QUICKLOOK_SD),
            make_file(f"ref{n}.dat", contents_of(external), uri=external, reference=True),
            datasets=datasets[: 1 + n % 2],
            groups=frozenset({"lab-team"}) if n == 5 else frozenset({"public"}),
            properties={"title": "Alpha" if n % 3 else "Été"},
        )
        for n in range(7)
    )
    stored = {f"f/{n}": contents_of(f"f/{n}") for n in range(8)}
    return CatalogSample(datasets, products, stored, {external: contents_of(external)})


@attrs.define
class Parcel:
    """Hold the deliveries of one ZIP by all systems, as far as they were read."""

    order_id: int
    deliveries: Sequence[Delivery]
    streams: Sequence[Iterator[bytes]]
    blocks: Sequence[list[bytes]]

    @classmethod
    def of(cls, order_id: int, deliveries: Sequence[Delivery]) -> Parcel:
        """Return deliveries of which nothing was read."""
        return cls(order_id, deliveries, [iter(each) for each in deliveries], [[] for _ in deliveries])

    def read(self, files: int) -> None:
        """Read on until *files* files are behind, or to the end: each archive cuts its blocks elsewhere."""
        for delivery, stream, blocks in zip(self.deliveries, self.streams, self.blocks, strict=True):
            while delivery.files + len(delivery.failures) < files and (block := next(stream, None)) is not None:
                blocks.append(block)

    def finish(self) -> list[dict[str, bytes]]:
        """Read all to the end and return what the archives hold."""
        found = []
        for stream, blocks in zip(self.streams, self.blocks, strict=True):
            with zipfile.ZipFile(io.BytesIO(b"".join([*blocks, *stream]))) as archive:
                found.append({name: archive.read(name) for name in archive.namelist()})
        return found

    def close(self) -> None:
        """Go away, as a client that hangs up."""
        for stream in self.streams:
            stream.close()  # type: ignore[attr-defined]


# --- the machine -----------------------------------------------------------------------------------------------------

_users = st.sampled_from(USERS)
_numbers = st.integers(0, 9)


class OrderingMachine(RuleBasedStateMachine):
    """Drive systems through everything that can happen; all are compared with the first one.

    Attributes:
        factories: open the systems; ids have to be the same in all of them, each counted from 1.
        catalogs: what can be ordered.
        limits: settings to try.
    """

    factories: ClassVar[Sequence[Factory]] = (twin, twin)
    catalogs: ClassVar[st.SearchStrategy[CatalogSample]] = st.one_of(*[st.builds(rich_catalog)] * 3, catalogs())
    limits: ClassVar[st.SearchStrategy[Settings]] = st.sampled_from((TIGHT, TIGHTER))
    parcels: Bundle[Parcel] = Bundle("parcels")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.benches: list[Bench] = []
        self.systems: list[Ordering] = []
        self.view = View((), (), ())
        self.worked = False
        self.told: list[Letter] = []
        self.open_parcels: list[Parcel] = []
        self.expected: dict[int, Counter[tuple[str, str]]] = {}
        self.delivered: defaultdict[int, set[str]] = defaultdict(set)
        self.undelivered: set[int] = set()

    @initialize(data=st.data(), orders=st.lists(st.tuples(_users, st.booleans()), max_size=3))
    def open(self, data: st.DataObject, orders: list[tuple[User, bool]]) -> None:
        """Open all systems on the same catalogue, and place some orders."""
        catalog, limits = data.draw(self.catalogs), data.draw(self.limits)
        for factory in self.factories:
            bench = Bench.make(catalog, limits)
            self.benches.append(bench)
            self.systems.append(self.stack.enter_context(factory(bench)))
        for user, at_once in orders:
            self.order_everything(user, at_once)

    def teardown(self) -> None:
        """Close all systems."""
        for parcel in self.open_parcels:
            parcel.close()
        self.stack.close()

    def each(self, action: Callable[[Ordering], T]) -> T | Refused:
        """Do the same with all systems and return what all of them answered."""
        self.worked = False
        return agreed([attempt(partial(action, system)) for system in self.systems])

    # --- baskets

    @rule(user=_users, query=st.none() | queries(), where=_numbers, left_out=_numbers)
    def add(self, user: User, query: str | None, where: int, left_out: int) -> None:
        """Add a selection: of everything, sometimes of one dataset or without some products."""
        catalog = self.benches[0].catalog
        dataset = catalog.datasets[where].urn if where < len(catalog.datasets) else None
        known = tuple(product.urn for product in catalog.products[:left_out]) if left_out < 4 else None
        request = attrs.evolve(SelectionRequest.of(query, dataset=dataset), exclude=known)
        self.each(lambda system: system.add_selection(user, request))

    @precondition(lambda self: self.has_baskets)
    @rule(user=_users, number=_numbers, file_filter=st.none() | file_filters() | st.just(FileFilter(name_pattern="(")))
    def filter(self, user: User, number: int, file_filter: FileFilter | None) -> None:
        """Set a file filter, now and then an impossible one."""
        selection = self.selection(user, number)
        self.each(lambda system: system.filter_files(user, selection.id if selection else number, file_filter))

    @precondition(lambda self: self.has_baskets)
    @rule(user=_users, number=_numbers, item=st.none() | _numbers)
    def remove(self, user: User, number: int, item: int | None) -> None:
        """Take a dataset selection off, or one of its dated selections."""
        selection = self.selection(user, number)
        if selection is None or item is None:
            self.each(lambda system: system.remove_dataset(user, selection.id if selection else number))
        else:
            date = selection.items[item % len(selection.items)].date
            self.each(lambda system: system.remove_item(user, selection.id, date))

    @precondition(lambda self: self.has_baskets)
    @rule(user=_users)
    def empty(self, user: User) -> None:
        """Erase the basket."""
        self.each(lambda system: system.empty_basket(user))

    @property
    def has_baskets(self) -> bool:
        """Return whether anybody has a basket."""
        return any(isinstance(each, Basket) for each in self.view.baskets)

    def basket(self, user: User) -> Basket | Refused:
        """Return the user's basket, or that there is none."""
        return agreed([attempt(partial(system.get_basket, user)) for system in self.systems])

    def selection(self, user: User, number: int) -> DatasetSelection | None:
        """Return one of the dataset selections of the user's basket."""
        basket = self.basket(user)
        if not isinstance(basket, Basket) or not basket.selections:
            return None
        return basket.selections[number % len(basket.selections)]

    # --- orders

    @precondition(lambda self: self.has_baskets)
    @rule(
        user=_users,
        label=st.sampled_from((None, None, "", "été", "second", "x" * 50, "x" * 51)),
        url=st.sampled_from((None, "https://front.example/")),
        correlation=st.sampled_from((None, "c-1")),
    )
    def place(self, user: User, label: str | None, url: str | None, correlation: str | None) -> None:
        """Order the basket."""
        basket = self.basket(user)
        order = self.each(
            lambda system: system.place_order(user, label=label, frontend_url=url, correlation_id=correlation)
        )
        if isinstance(order, Order):
            assert isinstance(basket, Basket)
            self.expected[order.id] = self.files_of(basket, user)

    def files_of(self, basket: Basket, user: User) -> Counter[tuple[str, str]]:
        """Return what an order of *basket* has to hold, as product URN and file name, found without any packing."""
        catalog = self.benches[0].catalog
        found: Counter[tuple[str, str]] = Counter()
        for selection in basket.selections:
            dataset = next(each for each in catalog.datasets if each.urn == selection.dataset_urn)
            found.update((dataset.urn, file.filename) for file in dataset.files if file.data_type in ORDERABLE)
            attributes = self.systems[0].catalog.attributes()
            searches = [compile_search(each.request, attributes, dataset=dataset.urn) for each in selection.items]
            tests = [search.predicate(RePatterns().compile) for search in searches]
            wanted = selection.file_filter or FileFilter()
            matches = RePatterns().compile(wanted.pattern or ".*")
            for product in catalog.products:
                if user.access.covers(product.groups) and any(test(product) for test in tests):
                    files = [file for file in product.files if file.data_type in wanted.data_types]
                    names = {(file.filename, file.checksum or file.uri) for file in files if matches(file.filename)}
                    found.update((product.urn, name) for name, _ in names)
        return found

    @rule(user=_users, at_once=st.booleans(), pattern=st.sampled_from((None, None, "b.*")))
    def order_everything(self, user: User, at_once: bool, pattern: str | None = None) -> None:
        """Add all that the user may order, or only its stored files, place the order, and work at once or not."""
        basket = self.each(lambda system: system.add_selection(user, SelectionRequest.of()))
        for selection in basket.selections if pattern and isinstance(basket, Basket) else ():
            self.each(
                partial(
                    Ordering.filter_files,
                    user=user,
                    selection_id=selection.id,
                    file_filter=FileFilter(name_pattern=pattern),
                )
            )
        self.place(user, None, None, None)
        if at_once:
            self.work()

    @rule(number=_numbers)
    def complete(self, number: int) -> None:
        """List the files of one order, known or not."""
        self.each(lambda system: system.complete_order(number))

    @precondition(lambda self: self.view.orders)
    @rule()
    def work(self) -> None:
        """Do all background work: afterwards there is nothing left to do."""
        self.each(lambda system: system.work())
        assert self.each(lambda system: system.work()) == 0
        self.worked = True

    @rule(user=_users, number=_numbers, after=_numbers)
    def pry(self, user: User, number: int, after: int) -> None:
        """Look at an order, one's own or not, there or not."""
        self.each(lambda system: system.get_order(user, number))
        self.each(lambda system: list(system.list_suborders(user, number)))
        self.each(lambda system: list(system.list_files(user, number, after=after, limit=3)))
        self.each(lambda system: list(system.list_orders(user, after=number, limit=2)))

    @precondition(lambda self: self.view.letters)
    @rule(limit=st.integers(1, 5))
    def tell(self, limit: int) -> None:
        """Take some letters out of the outbox."""
        letters = self.view.letters[:limit]
        self.told += letters
        for system in self.systems:
            with system.store.write() as tx:
                tx.outbox.remove([letter.number for letter in letters])

    # --- storage, external servers, time

    def uri(self, number: int) -> str:
        """Return the URI of one of the stored files."""
        uris = sorted(self.benches[0].catalog.contents)
        return uris[number % len(uris)]

    def checksum(self, number: int) -> str:
        """Return the checksum of one of the stored files."""
        contents = self.benches[0].catalog.contents
        return hashlib.md5(contents[self.uri(number)], usedforsecurity=False).hexdigest()

    @rule(numbers=st.sets(_numbers, min_size=1))
    def hold(self, numbers: set[int]) -> None:
        """Let the storage say nothing about some files."""
        for bench in self.benches:
            bench.storage.held.update(map(self.checksum, numbers))

    @rule(number=st.none() | _numbers)
    def release(self, number: int | None) -> None:
        """Let the storage speak again: about one file, or about all."""
        for bench in self.benches:
            bench.storage.held -= set(bench.storage.held) if number is None else {self.checksum(number)}

    @rule(number=_numbers, how=st.sampled_from(("refused", "lost", "emptied", "spoiled", "cut off", "unplugged")))
    def trouble(self, number: int, how: str) -> None:
        """Let a file be refused, lost or spoiled, the storage or the external servers be out of reach."""
        for bench in self.benches:
            storage, external, uri = bench.storage, bench.external, self.uri(number)
            if how == "refused":
                storage.refused[self.checksum(number)] = "the tape is broken"
            elif how == "lost":
                storage.contents.pop(uri, None)
            elif how == "unplugged":
                storage.down = True
            elif how == "cut off":
                external.contents.update(dict.fromkeys(bench.catalog.external, SourceUnreachable("no route")))
            else:
                storage.contents[uri] = b"" if how == "emptied" else b"X" * len(bench.catalog.contents[uri])

    @rule()
    def repair(self) -> None:
        """Make storage and external servers whole again."""
        for bench in self.benches:
            bench.storage.contents.update(bench.catalog.contents)
            bench.storage.refused.clear()
            bench.storage.down = False
            bench.external.contents.update(bench.catalog.external)

    @rule(seconds=st.sampled_from((0.000001, 1, 60, 3600, 7199, 7200, 86_400)))
    def pass_time(self, seconds: float) -> None:
        """Let time pass: a moment, or beyond the storage's two hours."""
        for bench in self.benches:
            bench.clock.advance(seconds=seconds)

    # --- deliveries

    @precondition(lambda self: self.view.orders)
    @rule(target=parcels, user=_users, number=_numbers)
    def send(self, user: User, number: int) -> Parcel | MultipleResults[Parcel]:
        """Begin a ZIP, mostly as the owner of the order; other things may happen before its end."""
        order = self.view.orders[number % len(self.view.orders)].order
        reader = user if number == 0 else next(each for each in USERS if each.email == order.owner)
        opened = [attempt(partial(system.open_zip, reader, order.id)) for system in self.systems]
        agreed([each if isinstance(each, Refused) else each.name for each in opened])
        deliveries = [each for each in opened if isinstance(each, Delivery)]
        if not deliveries:
            return multiple()
        self.open_parcels.append(Parcel.of(order.id, deliveries))
        return self.open_parcels[-1]

    @rule(parcel=parcels, files=st.integers(1, 3))
    def read_on(self, parcel: Parcel, files: int) -> None:
        """Read some files of a ZIP, then try to confirm what was not read to its end."""
        first = parcel.deliveries[0]
        parcel.read(first.files + len(first.failures) + files)
        if not first._whole:
            for delivery in parcel.deliveries:
                refusal = attempt(delivery.confirm)
                assert isinstance(refusal, Refused)
                assert refusal.code == DeliveryIncomplete.code

    @rule(parcel=consumes(parcels))
    def finish(self, parcel: Parcel) -> None:
        """Read a ZIP to its end and confirm it, twice: the second time says nothing new."""
        archives = parcel.finish()
        first = parcel.deliveries[0]
        self.worked = False
        archive = agreed(archives)
        agreed([(delivery.failures, delivery.files, delivery.size) for delivery in parcel.deliveries])
        assert (NOTICE in archive) == bool(first.failures)
        digests = (hashlib.md5(data, usedforsecurity=False).hexdigest() for data in archive.values())
        self.delivered[parcel.order_id].update(digests)
        if first.failures:
            self.undelivered.add(parcel.order_id)
        for delivery in parcel.deliveries:
            assert delivery.confirm() == delivery.confirm()
        self.abandon(parcel)

    @precondition(lambda self: self.view.orders)
    @rule(number=_numbers)
    def fetch(self, number: int) -> None:
        """Download all that is there, and go on with the next suborders."""
        parcel = self.send(USERS[0], number + 1)
        if isinstance(parcel, Parcel):
            self.finish(parcel)
            self.work()

    @rule(parcel=consumes(parcels))
    def give_up(self, parcel: Parcel) -> None:
        """Hang up half way: nothing was downloaded."""
        self.abandon(parcel)

    def abandon(self, parcel: Parcel) -> None:
        """Let go of a ZIP."""
        parcel.close()
        self.open_parcels.remove(parcel)

    # --- what must be true

    @invariant()
    def all_show_the_same(self) -> None:
        """Everything that can be seen is the same in all systems, and no order or file was lost on the way."""
        view = agreed([look(system, USERS) for system in self.systems])
        check_progress(self.view.orders, view.orders)
        self.view = view

    @invariant()
    def orders_agree_with_their_files(self) -> None:
        """Counts, states, percentages and messages are what the files call for, and nothing is told twice."""
        for view in self.view.orders:
            check_order(view, delivery_failed=view.order.id in self.undelivered)
            if view.order.status is not OrderStatus.PENDING:
                listed = Counter((file.product_urn, file.filename) for file in view.files)
                assert listed == self.expected[view.order.id]
        check_letters([*self.told, *self.view.letters], self.view.orders)
        check_slots(self.view.orders, self.benches[0].settings, worked=self.worked)

    @invariant()
    def downloads_were_handed_over(self) -> None:
        """A DOWNLOADED file was in an archive, with these very bytes; a failed one says why.

        Beside a file of its name without checksum a file need not be written (docs/downloads.md).
        """
        for view in self.view.orders:
            vague = {file.filename for file in view.files if not file.checksum}
            for file in view.files:
                if file.state == FileState.DOWNLOADED.value and file.filename not in vague:
                    assert file.checksum in self.delivered[view.order.id]
                failed = file.state in (FileState.DOWNLOAD_ERROR.value, FileState.ERROR.value)
                assert failed == (file.download_error is not None)

    @invariant()
    def nothing_stays_open(self) -> None:
        """At most one source is open for each ZIP on its way."""
        for bench in self.benches:
            assert sum(not source.closed for source in bench.storage.opened) <= len(self.open_parcels)
