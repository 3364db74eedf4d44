"""The catalogue in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from regards_order.domain.attributes import AttributeType, ValueKind, infer_type
from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.principal import Access
from regards_order.domain.product import ORDERABLE, CatalogFile, DataFile, Dataset, DataType, OrderedProduct
from regards_order.domain.search import Search
from regards_order_adapters.catalog.query import Condition, any_of, condition
from regards_order_adapters.sql import schema, wire
from regards_order_adapters.sql.tenancy import Scope, among
from regards_order_adapters.sql.unit_of_work import SqlStore

_PRODUCTS, _TAGS, _FILES, _DATASETS = schema.products, schema.product_tags, schema.product_files, schema.datasets
_FILE_COLUMNS = tuple(_FILES.c[name] for name in CatalogFile._fields)


class SqlCatalog:
    """Answer questions about the products of one tenant: a `Catalog`."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

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
        with self._store.read() as tx:
            scope = tx.scope
            matching = scope.select(_PRODUCTS, _PRODUCTS.c.id).where(_matching(searches, access, scope)).cte("matching")
            objects = scope.execute(sa.select(sa.func.count()).select_from(matching)).scalar_one()
            total = _counters(objects, scope.execute(_file_counts(matching, scope)).all())
            visible = scope.select(_DATASETS, _DATASETS.c.urn).where(_covered(_DATASETS, access, scope))
            tagged = (
                scope.select(_TAGS, _TAGS.c.tag, _TAGS.c.product_id)
                .join(matching, matching.c.id == _TAGS.c.product_id)
                .where(_TAGS.c.tag.in_(visible))
                .cte("tagged")
            )
            counts = sa.select(tagged.c.tag, sa.func.count()).group_by(tagged.c.tag)
            by_tag: dict[str, list[Any]] = {}
            for row in scope.execute(_file_counts(tagged, scope, tagged.c.tag)):
                by_tag.setdefault(row[0], []).append(row[1:])
            products: Sequence[Any] = scope.execute(counts).all()
        return Summary(total, {row[0]: _counters(row[1], by_tag.get(row[0], [])) for row in products})

    def search(
        self, searches: Sequence[Search], access: Access, *, after: str = "", limit: int
    ) -> Sequence[OrderedProduct]:
        """Return a page of what matches, by URN."""
        columns = (
            _PRODUCTS.c.id,
            _PRODUCTS.c.urn,
            _PRODUCTS.c.provider_id,
            _PRODUCTS.c.version,
            _PRODUCTS.c.file_count,
        )
        shared = set.intersection(*(set(search.datasets) for search in searches)) if searches else set()
        with self._store.read() as tx:
            scope = tx.scope
            query = scope.select(_PRODUCTS, *columns)
            urn: sa.ColumnElement[str] = _PRODUCTS.c.urn
            dataset = min(shared, default=None)
            if dataset is not None:
                # the tag's own index is in URN order: a page costs what it holds, wherever it lies
                query = query.join(_TAGS, _TAGS.c.product_id == _PRODUCTS.c.id).where(
                    _TAGS.c.tenant_id == scope.tenant, _TAGS.c.tag == dataset
                )
                urn = _TAGS.c.urn
            query = query.where(urn > after, _matching(searches, access, scope, known=dataset))
            rows = _first(scope.plain(query.order_by(urn).limit(limit)), limit)
            files = _read_files([row[0] for row in rows], scope)
        return [OrderedProduct(urn, name, version, tuple(files.get(id, ()))) for id, urn, name, version, _ in rows]

    def dataset(self, urn: str, access: Access) -> Dataset | None:
        """Return a dataset that *access* covers."""
        with self._store.read() as tx:
            query = tx.scope.select(_DATASETS).where(_DATASETS.c.urn == urn, _covered(_DATASETS, access, tx.scope))
            row = tx.scope.execute(query).one_or_none()
            if row is None:
                return None
            groups = _group_sets(tx.scope)[row.group_set_id]
        files = tuple(wire.load(DataFile, file) for file in row.files)
        return Dataset(row.urn, row.provider_id, row.label, groups, files)


def _matching(searches: Sequence[Search], access: Access, scope: Scope, *, known: str | None = None) -> Condition:
    return sa.and_(_covered(_PRODUCTS, access, scope), any_of(_condition(search, scope, known) for search in searches))


def _condition(search: Search, scope: Scope, known: str | None) -> Condition:
    parts: list[Condition] = []
    for urn in search.datasets:
        if urn != known:
            parts.append(_PRODUCTS.c.id.in_(scope.select(_TAGS, _TAGS.c.product_id).where(_TAGS.c.tag == urn)))
    if search.include is not None:
        parts.append(among(_PRODUCTS.c.urn, search.include))
    if search.exclude:
        parts.append(~among(_PRODUCTS.c.urn, search.exclude))
    if search.before is not None:
        parts.append(_PRODUCTS.c.creation_date < search.before)
    if search.query is not None:
        parts.append(condition(search.query, scope, each=known is not None))
    return sa.and_(sa.true(), *parts)


def _covered(table: sa.Table, access: Access, scope: Scope) -> Condition:
    if access.everything:
        return sa.true()
    return table.c.group_set_id.in_([id for id, names in _group_sets(scope).items() if access.covers(names)])


def _group_sets(scope: Scope) -> dict[int, frozenset[str]]:
    rows = scope.execute(scope.select(schema.group_sets))
    return {row.id: frozenset(row.names.split("\n")) - {""} for row in rows}


def _file_counts(chosen: sa.CTE, scope: Scope, *keys: sa.ColumnElement[Any]) -> sa.Select[Any]:
    product_id = chosen.c.product_id if "product_id" in chosen.c else chosen.c.id
    size = sa.cast(sa.func.coalesce(sa.func.sum(_FILES.c.size), 0), sa.BigInteger)  # not PostgreSQL's decimals
    return (
        scope.select(_FILES, *keys, _FILES.c.data_type, _FILES.c.reference, sa.func.count(), size)
        .join(chosen, product_id == _FILES.c.product_id)
        .where(
            _FILES.c.data_type.in_([each.value for each in ORDERABLE]), _FILES.c.reference | _FILES.c.size.is_not(None)
        )
        .group_by(*keys, _FILES.c.data_type, _FILES.c.reference)
        .order_by(*keys, _FILES.c.data_type)
    )


def _counters(objects: int, rows: Sequence[Any]) -> Counters:
    types: dict[DataType, TypeCount] = {}
    for name, reference, files, size in rows:
        old = types.get(DataType(name), TypeCount())
        stored = (old.stored_files, old.stored_bytes) if reference else (files, size)
        referenced = (files, size) if reference else (old.referenced_files, old.referenced_bytes)
        types[DataType(name)] = TypeCount(*stored, *referenced)
    return Counters(objects, types)


def _first(rows: list[tuple[Any, ...]], limit: int) -> list[tuple[Any, ...]]:
    """Return the products up to the one that brings their files to *limit*."""
    files = 0
    for n, row in enumerate(rows, 1):
        files += row[-1]
        if files >= limit:
            return rows[:n]
    return rows


def _read_files(product_ids: list[int], scope: Scope) -> dict[int, list[CatalogFile]]:
    query = (
        scope.select(_FILES, _FILES.c.product_id, *_FILE_COLUMNS)
        .where(among(_FILES.c.product_id, product_ids))
        .order_by(_FILES.c.product_id, _FILES.c.position)
    )
    files: dict[int, list[CatalogFile]] = {}
    for row in scope.plain(query):
        files.setdefault(row[0], []).append(CatalogFile._make(row[1:]))
    return files
