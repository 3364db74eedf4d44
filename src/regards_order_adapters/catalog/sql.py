"""The catalogue in the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from regards_order.domain.attributes import AttributeType, ValueKind, infer_type
from regards_order.domain.counters import Summary
from regards_order.domain.principal import Access
from regards_order.domain.product import CatalogFile, DataFile, Dataset, OrderedProduct
from regards_order.domain.search import Search
from regards_order.ports.patterns import Patterns
from regards_order_adapters.catalog import anchors
from regards_order_adapters.catalog.counting import count
from regards_order_adapters.catalog.look import accepted
from regards_order_adapters.catalog.pages import Row, read_page
from regards_order_adapters.catalog.selection import Selection, covered, group_sets, last_versions, select
from regards_order_adapters.sql import functions, schema, wire
from regards_order_adapters.sql.dialects import is_postgresql
from regards_order_adapters.sql.tenancy import Scope, among
from regards_order_adapters.sql.unit_of_work import SqlStore

_PRODUCTS, _FILES, _DATASETS = schema.products, schema.product_files, schema.datasets
_FILE_COLUMNS = tuple(_FILES.c[name] for name in CatalogFile._fields)


class SqlCatalog:
    """Answer questions about the products of one tenant: a `Catalog`."""

    def __init__(self, store: SqlStore, patterns: Patterns) -> None:
        """Take the database, and what compiles the regular expressions of queries."""
        self._store = store
        self._patterns = patterns

    def attributes(self) -> Mapping[str, AttributeType]:
        """Return name and type of each attribute."""
        table = schema.attributes
        kinds: dict[str, set[ValueKind]] = {}
        with self._store.read() as tx:
            for row in tx.scope.execute(tx.scope.select(table).where(table.c.uses > 0)):
                kinds.setdefault(row.name, set()).add(row.kind)
        return {name: infer_type(seen) for name, seen in kinds.items()}

    def summary(self, searches: Sequence[Search], access: Access) -> Summary:
        """Count what matches."""
        with self._scope() as scope:
            selection = select(searches, access, scope, self._patterns.compile)
            selection = selection.narrowed(scope, min(anchors.FEW, anchors.FEW_TO_COUNT))
            return count(_matching(selection, scope), covered(_DATASETS, access, scope), scope)

    def search(
        self, searches: Sequence[Search], access: Access, *, after: str = "", limit: int
    ) -> Sequence[OrderedProduct]:
        """Return a page of what matches, by URN."""
        with self._scope() as scope:
            selection = select(searches, access, scope, self._patterns.compile)
            rows = read_page(selection, scope, after, limit)
            files = _read_files(rows, scope)
        return [OrderedProduct(urn, name, version, tuple(files.get(id, ()))) for id, urn, name, version, _ in rows]

    def dataset(self, urn: str, access: Access) -> Dataset | None:
        """Return a dataset that *access* covers."""
        with self._store.read() as tx:
            last = last_versions([urn], tx.scope).urns.get(urn, urn)
            rows = tx.scope.execute(tx.scope.select(_DATASETS).where(_DATASETS.c.urn.in_({urn, last}))).all()
            row = min(rows, key=lambda row: row.urn != urn, default=None)
            groups = frozenset[str]() if row is None else group_sets(tx.scope)[row.group_set_id]
        if row is None or not access.covers(groups):
            return None
        files = tuple(wire.load(DataFile, file) for file in row.files)
        return Dataset(row.urn, row.provider_id, row.label, groups, files)

    @contextmanager
    def _scope(self) -> Iterator[Scope]:
        """Open a transaction in which regular expressions can be matched."""
        with self._store.read() as tx:
            if not is_postgresql(tx.scope.connection):
                functions.register_patterns(tx.scope.connection.connection.driver_connection, self._patterns.compile)
            yield tx.scope


def _matching(selection: Selection, scope: Scope) -> sa.Select[Any]:
    """Return a query for the ids of all wanted products."""
    matching = scope.select(_PRODUCTS, _PRODUCTS.c.id).where(selection.condition(scope, each=False))
    if selection.look is None:
        return matching
    ids = [id for (id,) in scope.plain(matching)]
    return scope.select(_PRODUCTS, _PRODUCTS.c.id).where(
        among(_PRODUCTS.c.id, list(accepted(ids, selection.look, scope)))
    )


def _read_files(rows: Sequence[Row], scope: Scope) -> dict[int, list[CatalogFile]]:
    query = (
        scope.select(_FILES, _FILES.c.product_id, *_FILE_COLUMNS)
        .where(among(_FILES.c.product_id, [id for id, *_ in rows]))
        .order_by(_FILES.c.product_id, _FILES.c.position)
    )
    files: dict[int, list[CatalogFile]] = {}
    for row in scope.plain(query):
        files.setdefault(row[0], []).append(CatalogFile._make(row[1:]))
    return files
