"""Put products and datasets into the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import attrs
import orjson
import sqlalchemy as sa

from regards_order.domain.attributes import ValueKind, microseconds, read_values, virtual_id
from regards_order.domain.geometry import read_shape
from regards_order.domain.product import CatalogFile, Dataset, Product
from regards_order_adapters.catalog.statistics import tell_planner
from regards_order_adapters.sql import dialects, schema, wire
from regards_order_adapters.sql.tenancy import Scope, among
from regards_order_adapters.sql.types import check_text
from regards_order_adapters.sql.unit_of_work import SqlStore, SqlTransaction

_GroupSets = dict[frozenset[str], int]


@attrs.frozen
class Written:
    """Count what came in: new entries, and entries in place of others."""

    added: int = 0
    replaced: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(self.added + other.added, self.replaced + other.replaced)


def put(store: SqlStore, datasets: Sequence[Dataset], products: Sequence[Product]) -> Written:
    """Store datasets and products in one transaction; of several with one URN the last one stays."""
    unique_datasets = {each.urn: each for each in datasets}
    unique_products = {each.urn: each for each in products}
    again = len(datasets) - len(unique_datasets) + len(products) - len(unique_products)
    _check_texts(unique_datasets.values(), unique_products.values())
    with store.write() as tx:
        # two of us at once would take turns at groups, attributes and versions, and stand in each other's way
        tx.scope.lock("catalogue")
        tx.scope.be_patient()
        entries: Iterable[Dataset | Product] = chain(unique_datasets.values(), unique_products.values())
        sets = _group_sets(tx, [each.groups for each in entries])
        written = _put_datasets(tx.scope, unique_datasets, sets) + _put_products(tx, unique_products, sets)
        if products:
            tell_planner(tx.scope)
    return written + Written(0, again)


def _check_texts(datasets: Iterable[Dataset], products: Iterable[Product]) -> None:
    """Refuse what the fast way of storing rows does not look at.

    Raises:
        InvalidInput: a text holds NUL.
    """
    for dataset in datasets:
        check_text("".join((dataset.provider_id, dataset.label)))
    for product in products:
        check_text("".join((product.provider_id, product.label, product.model, *product.tags)))
        for name, value in product.attributes():
            check_text("".join((name, *(read.text for read in read_values(value)))))


def _group_sets(tx: SqlTransaction, wanted: Iterable[frozenset[str]]) -> _GroupSets:
    """Return the ids of sets of groups; those that are new get one, in their order."""
    table = schema.group_sets
    names = {groups: "\n".join(sorted(groups)) for groups in dict.fromkeys(wanted)}
    known = tx.scope.select(table, table.c.names, table.c.id).where(among(table.c.names, names.values()))
    ids: dict[str, int] = {row.names: row.id for row in tx.scope.execute(known)}
    new = [each for each in names.values() if each not in ids]
    if new:
        ids.update(zip(new, tx.ids.block("group_set", len(new)), strict=True))
        tx.scope.insert(table, *({"id": ids[each], "names": each} for each in new))
    return {groups: ids[each] for groups, each in names.items()}


def _put_datasets(scope: Scope, datasets: dict[str, Dataset], sets: _GroupSets) -> Written:
    table = schema.datasets
    erased = scope.execute(scope.delete(table).where(among(table.c.urn, datasets))).rowcount
    rows = [
        {
            "urn": dataset.urn,
            "provider_id": dataset.provider_id,
            "label": dataset.label,
            "group_set_id": sets[dataset.groups],
            "files": wire.dump(dataset.files),
        }
        for dataset in datasets.values()
    ]
    scope.insert(table, *rows)
    return Written(len(datasets) - erased, erased)


def _put_products(tx: SqlTransaction, products: dict[str, Product], sets: _GroupSets) -> Written:
    if not products:
        return Written()
    table = schema.products
    scope = tx.scope
    old = scope.select(table, table.c.id, table.c.urn, table.c.creation_date).where(among(table.c.urn, products))
    replaced = {row.urn: row for row in scope.execute(old)}
    if replaced:
        _erase(scope, [row.id for row in replaced.values()])
    ids = dict(zip(products, tx.ids.block("product", len(products)), strict=True))
    columns = [column for column in table.c if column.name != "tenant_id"]
    rows = []
    for urn, product in products.items():
        created = replaced[urn].creation_date if urn in replaced else product.creation_date
        rows.append(_product_row(ids[urn], product, microseconds(created), sets[product.groups]))
    scope.bulk_insert(table, columns, rows)
    _insert_parts(scope, ids, products.values())
    _recompute_last(scope, {product.provider_id for product in products.values()})
    return Written(len(products) - len(replaced), len(replaced))


def _product_row(id: int, product: Product, created: int, group_set: int) -> tuple[Any, ...]:
    shape = None if product.geometry is None else read_shape(product.geometry)
    return (
        id,
        product.urn,
        product.provider_id,
        product.label,
        product.model,
        product.version,
        product.last,
        orjson.dumps(product.properties).decode(),
        None if product.geometry is None else orjson.dumps(product.geometry).decode(),
        group_set,
        created,
        microseconds(product.last_update),
        len(product.files),
        next(iter(virtual_id(product.urn, last=True)), None),
        *(None if shape is None else getattr(shape.box, side) for side in schema.BOX),
    )


def _insert_parts(scope: Scope, ids: dict[str, int], products: Iterable[Product]) -> None:
    tags, files, values = [], [], []
    uses: Counter[tuple[str, ValueKind]] = Counter()
    for product in products:
        id = ids[product.urn]
        tags += [(tag, product.urn, id) for tag in product.tags]
        files += [(id, position, *CatalogFile.of(file)) for position, file in enumerate(product.files)]
        positions: Counter[str] = Counter()
        for name, value in product.attributes():
            for read in read_values(value):
                values.append((id, name, positions[name], read.kind.name, read.text, read.integer, read.number))
                positions[name] += 1
                uses[name, read.kind] += 1
    table = schema.product_tags
    scope.bulk_insert(table, (table.c.tag, table.c.urn, table.c.product_id), tags)
    for target, rows in ((schema.product_files, files), (schema.product_values, values)):
        scope.bulk_insert(target, [column for column in target.c if column.name != "tenant_id"], rows)
    _count_uses(scope, uses)


def _erase(scope: Scope, ids: list[int]) -> None:
    table, products = schema.product_values, schema.products
    counted = (
        scope.select(table, table.c.name, table.c.kind, sa.func.count().label("uses"))
        .where(among(table.c.product_id, ids))
        .group_by(table.c.name, table.c.kind)
    )
    _count_uses(scope, Counter({(row.name, row.kind): -row.uses for row in scope.execute(counted)}))
    for parts in (table, schema.product_files, schema.product_tags):
        scope.execute(scope.delete(parts).where(among(parts.c.product_id, ids)))
    scope.execute(scope.delete(products).where(among(products.c.id, ids)))


def _count_uses(scope: Scope, uses: Counter[tuple[str, ValueKind]]) -> None:
    table = schema.attributes
    insert = dialects.insert(scope.connection, table)
    keys = [column.name for column in table.primary_key]
    add = insert.on_conflict_do_update(index_elements=keys, set_={"uses": table.c.uses + insert.excluded.uses})
    rows = [
        {"tenant_id": scope.tenant, "name": name, "kind": kind, "uses": change} for (name, kind), change in uses.items()
    ]
    if rows:
        scope.connection.execute(add, rows)


def _recompute_last(scope: Scope, provider_ids: set[str]) -> None:
    table, other = schema.products, schema.products.alias()
    newest = (
        sa.select(sa.func.max(other.c.version))
        .where(other.c.tenant_id == scope.tenant, other.c.provider_id == table.c.provider_id)
        .scalar_subquery()
    )
    change = scope.update(table).where(among(table.c.provider_id, provider_ids))
    scope.execute(change.values(last=table.c.version == newest))
