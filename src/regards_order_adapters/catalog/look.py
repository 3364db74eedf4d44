"""A second look at products that the database found, by the predicate of the core."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from regards_order.domain.lucene import Predicate
from regards_order.domain.product import DataFile, DataType, Product
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.tenancy import Scope, among

_PRODUCTS, _TAGS, _FILES = schema.products, schema.product_tags, schema.product_files
_BATCH = 1000
_ANYWHERE = "https://catalogue.example/"  # no search asks where a file is


def accepted(ids: Sequence[int], look: Predicate, scope: Scope) -> Iterator[int]:
    """Yield those of *ids* whose products pass *look*, in their order."""
    rest = iter(ids)
    while batch := list(islice(rest, _BATCH)):
        products = _load(batch, scope)
        yield from (id for id in batch if look(products[id]))


def _load(ids: list[int], scope: Scope) -> dict[int, Product]:
    """Return products as far as a search may ask for them: of their files the names and types only."""
    tags: defaultdict[int, list[str]] = defaultdict(list)
    query = scope.select(_TAGS, _TAGS.c.product_id, _TAGS.c.tag).where(among(_TAGS.c.product_id, ids))
    for id, tag in scope.plain(query):
        tags[id].append(tag)
    files: defaultdict[int, list[DataFile]] = defaultdict(list)
    columns = _FILES.c.product_id, _FILES.c.data_type, _FILES.c.filename
    for id, data_type, name in scope.plain(scope.select(_FILES, *columns).where(among(_FILES.c.product_id, ids))):
        files[id].append(DataFile(DataType(data_type), name, _ANYWHERE, reference=True))
    rows = scope.execute(scope.select(_PRODUCTS).where(among(_PRODUCTS.c.id, ids)))
    return {row.id: _product(row, tags[row.id], files[row.id]) for row in rows}


def _product(row: Any, tags: list[str], files: list[DataFile]) -> Product:
    return Product(
        row.urn,
        row.provider_id,
        row.label,
        row.model,
        frozenset(tags),
        row.version,
        row.last,
        row.properties,
        row.geometry,
        frozenset(),
        tuple(files),
        row.creation_date,
        row.last_update,
    )
