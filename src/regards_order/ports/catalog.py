"""The catalogue: what can be ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from regards_order.domain.attributes import AttributeType
from regards_order.domain.counters import Summary
from regards_order.domain.principal import Access
from regards_order.domain.product import Dataset, OrderedProduct
from regards_order.domain.search import Search


class Catalog(Protocol):
    """Answer questions about products.

    Every method may raise `CatalogUnavailable`.  Several searches are joined by OR; an empty list finds nothing.
    """

    def attributes(self) -> Mapping[str, AttributeType]:
        """Return name and type of each attribute that some product has."""
        ...

    def summary(self, searches: Sequence[Search], access: Access) -> Summary:
        """Count the products that match and that *access* covers, with their orderable files, in all and by dataset.

        A dataset is named, by its own URN, when that is among a product's tags, or for the last version the URN with
        LAST, and *access* covers it.  A stored file without size is not counted; a reference without size counts 0
        bytes.
        """
        ...

    def search(
        self, searches: Sequence[Search], access: Access, *, after: str = "", limit: int
    ) -> Sequence[OrderedProduct]:
        """Return products that match, with a URN above *after*, by URN; none when there are no more.

        A page ends at *limit* products, or with the product that brings its files to *limit*.
        """
        ...

    def dataset(self, urn: str, access: Access) -> Dataset | None:
        """Return a dataset that *access* covers, if the catalogue has it; a URN with LAST names the last version."""
        ...
