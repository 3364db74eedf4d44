"""The catalogue in memory: the twin of the SQL adapter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from regards_order.domain.attributes import AttributeType, ValueKind, infer_type, read_values
from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.principal import Access
from regards_order.domain.product import ORDERABLE, CatalogFile, DataFile, Dataset, OrderedProduct, Product
from regards_order.domain.search import Search
from regards_order.domain.versions import LastVersions
from regards_order.ports.patterns import Patterns
from regards_order.testing.memory_storage import RePatterns


class MemoryCatalog:
    """Hold products and datasets in memory: a `Catalog` for tests and for trying things out."""

    def __init__(
        self,
        datasets: Iterable[Dataset] = (),
        products: Iterable[Product] = (),
        patterns: Patterns | None = None,
    ) -> None:
        self._patterns = patterns or RePatterns()
        self._datasets: dict[str, Dataset] = {}
        self._products: dict[str, Product] = {}
        for dataset in datasets:
            self.put_dataset(dataset)
        for product in products:
            self.put_product(product)

    def put_dataset(self, dataset: Dataset) -> None:
        """Store a dataset, in place of the one with its URN if there is one."""
        self._datasets[dataset.urn] = dataset

    def put_product(self, product: Product) -> None:
        """Store a product, in place of the one with its URN if there is one."""
        self._products[product.urn] = product

    def attributes(self) -> Mapping[str, AttributeType]:
        """Return name and type of each attribute."""
        kinds: defaultdict[str, set[ValueKind]] = defaultdict(set)
        for product in self._products.values():
            for name, value in product.attributes():
                kinds[name].update(read.kind for read in read_values(value))
        return {name: infer_type(seen) for name, seen in kinds.items() if seen}

    def summary(self, searches: Sequence[Search], access: Access) -> Summary:
        """Count what matches."""
        total, datasets = _Tally(), defaultdict[str, _Tally](_Tally)
        versions = LastVersions.of(self._datasets)
        for product in self._matching(searches, access):
            total.add(product)
            for urn in versions.named(product.tags):
                if urn in self._datasets and access.covers(self._datasets[urn].groups):
                    datasets[urn].add(product)
        return Summary(total.counters(), {urn: tally.counters() for urn, tally in datasets.items()})

    def search(
        self, searches: Sequence[Search], access: Access, *, after: str = "", limit: int
    ) -> Sequence[OrderedProduct]:
        """Return a page of what matches."""
        page: list[OrderedProduct] = []
        files = 0
        for product in self._matching(searches, access):
            if product.urn > after and len(page) < limit and files < limit:
                page.append(_ordered(product))
                files += len(product.files)
        return page

    def dataset(self, urn: str, access: Access) -> Dataset | None:
        """Return a dataset that *access* covers."""
        dataset = self._datasets.get(urn) or self._datasets.get(LastVersions.of(self._datasets).urns.get(urn, urn))
        return dataset if dataset is not None and access.covers(dataset.groups) else None

    def _matching(self, searches: Sequence[Search], access: Access) -> Iterator[Product]:
        versions = LastVersions.of(self._datasets)
        tests = [search.predicate(self._patterns.compile, versions) for search in searches]
        for urn in sorted(self._products):
            product = self._products[urn]
            if access.covers(product.groups) and any(test(product) for test in tests):
                yield product


@attrs.define
class _Tally:
    products: int = 0
    files: list[DataFile] = attrs.field(factory=list)

    def add(self, product: Product) -> None:
        self.products += 1
        self.files += [
            file for file in product.files if file.data_type in ORDERABLE and (file.reference or file.size is not None)
        ]

    def counters(self) -> Counters:
        types = {}
        for data_type in sorted({file.data_type for file in self.files}, key=lambda each: each.value):
            files = [file for file in self.files if file.data_type is data_type]
            stored = [file.size or 0 for file in files if not file.reference]
            referenced = [file.size or 0 for file in files if file.reference]
            types[data_type] = TypeCount(len(stored), sum(stored), len(referenced), sum(referenced))
        return Counters(self.products, types)


def _ordered(product: Product) -> OrderedProduct:
    return OrderedProduct(product.urn, product.provider_id, product.version, tuple(map(CatalogFile.of, product.files)))
