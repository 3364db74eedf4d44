"""A catalogue of one's own: the four methods of the port over a table of rows, with twins in memory for all the rest.

Whoever has products in a database or behind a service writes such a class; docs/adapters.md says how to prove it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import attrs

from regards_order import (
    Access,
    AttributeType,
    Counters,
    DataFile,
    Dataset,
    DataType,
    OrderedProduct,
    Product,
    Search,
    SelectionRequest,
    Summary,
    TypeCount,
    Urn,
    User,
)
from regards_order.domain.product import CatalogFile
from regards_order.testing import RePatterns, in_memory, make_product

#: name, month, mean temperature
ROWS = (("alps-01", 1, -3.5), ("alps-02", 2, 0.25), ("coast-01", 1, 7.0))
DATASET = Dataset(str(Urn.make("DATASET", "default", "STATIONS")), "STATIONS", "Weather stations")


class TableCatalog:
    """Answer questions about the rows of a table: a `Catalog`.

    The query has been parsed and its names and values checked when it arrives here; `Search.predicate` tests products
    one by one, which is enough for a table.  A database would translate `Search.query` instead.
    """

    def attributes(self) -> Mapping[str, AttributeType]:
        """Return name and type of each attribute."""
        return {"month": AttributeType.LONG, "temperature": AttributeType.DOUBLE}

    def summary(self, searches: Sequence[Search], access: Access) -> Summary:
        """Count what matches; every row is in the one dataset and has one stored file."""
        sizes = [file.size or 0 for product in self._matching(searches, access) for file in product.files]
        raw = TypeCount(stored_files=len(sizes), stored_bytes=sum(sizes))
        counters = Counters(len(sizes), {DataType.RAWDATA: raw})
        return Summary(counters, {DATASET.urn: counters} if sizes else {})

    def search(
        self, searches: Sequence[Search], access: Access, *, after: str = "", limit: int
    ) -> Sequence[OrderedProduct]:
        """Return a page of what matches, by URN."""
        page = [product for product in self._matching(searches, access) if product.urn > after][:limit]
        return [
            OrderedProduct(each.urn, each.provider_id, each.version, tuple(map(CatalogFile.of, each.files)))
            for each in page
        ]

    def dataset(self, urn: str, access: Access) -> Dataset | None:
        """Return the one dataset."""
        return DATASET if urn == DATASET.urn and access.covers(DATASET.groups) else None

    def _matching(self, searches: Sequence[Search], access: Access) -> Iterator[Product]:
        tests = [search.predicate(RePatterns().compile) for search in searches]
        products = sorted((_product(*row) for row in ROWS), key=lambda product: product.urn)
        return (each for each in products if access.covers(each.groups) and any(test(each) for test in tests))


def _contents(name: str, month: int, temperature: float) -> bytes:
    return f"{name};{month};{temperature}\n".encode()


def _product(name: str, month: int, temperature: float) -> Product:
    data = _contents(name, month, temperature)
    digest = hashlib.sha256(data).hexdigest()
    file = DataFile(
        DataType.RAWDATA, f"{name}.csv", name, "text/csv", size=len(data), checksum=digest, digest_algorithm="SHA-256"
    )
    return make_product(name, file, datasets=(DATASET,), properties={"month": month, "temperature": temperature})


def main() -> None:
    """Order the cold months and print what came."""
    ordering = attrs.evolve(in_memory(contents={row[0]: _contents(*row) for row in ROWS}), catalog=TableCatalog())
    user = User("lise@obs.example")
    basket = ordering.add_selection(user, SelectionRequest.of("temperature<5"))
    for selection in basket.selections:
        print(f"{selection.label}: {selection.counters.files_count} files, {selection.counters.files_size} bytes")
    order = ordering.place_order(user, label="Cold months")
    ordering.work()
    delivery = ordering.open_zip(user, order.id)
    size = sum(map(len, delivery))
    order = delivery.confirm()
    print(f"{order.label}: {order.status.name}, {delivery.files} files in a ZIP of {size} bytes")


if __name__ == "__main__":
    main()
