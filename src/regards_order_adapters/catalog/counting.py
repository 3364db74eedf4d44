"""Count products and their files, in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.product import ORDERABLE, DataType
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.conditions import Condition
from regards_order_adapters.sql.tenancy import Scope

_TAGS, _FILES, _DATASETS = schema.product_tags, schema.product_files, schema.datasets


def count(matching: sa.Select[Any], visible: Condition, scope: Scope) -> Summary:
    """Count the products that *matching* finds, in all and in each dataset for which *visible* holds.

    Args:
        matching: a query for ids.
        visible: a condition on datasets.
        scope: whose products.
    """
    chosen = matching.cte("matching")
    datasets = scope.select(_DATASETS, _DATASETS.c.urn).where(visible)
    tagged = (
        scope.select(_TAGS, _TAGS.c.tag, _TAGS.c.product_id)
        .join(chosen, chosen.c.id == _TAGS.c.product_id)
        .where(_TAGS.c.tag.in_(datasets))
        .cte("tagged")
    )
    found = _files(chosen, scope).cte("found")
    rows: Sequence[Any] = scope.execute(
        sa.union_all(
            _products(chosen, sa.cast(sa.null(), sa.Text)),
            _totals(found, sa.cast(sa.null(), sa.Text)),
            _products(tagged, tagged.c.tag).group_by(tagged.c.tag),
            _totals(found, tagged.c.tag).join(tagged, tagged.c.product_id == found.c.product_id).group_by(tagged.c.tag),
        )
    ).all()
    objects: dict[str | None, int] = {}
    files: defaultdict[str | None, list[Any]] = defaultdict(list)
    for tag, data_type, reference, number, size in rows:
        if data_type is None:
            objects[tag] = number
        else:
            files[tag].append((data_type, reference, number, size))
    counters = {tag: _counters(number, files[tag]) for tag, number in objects.items()}
    return Summary(counters.pop(None), {tag: each for tag, each in sorted(counters.items()) if tag is not None})


def _products(chosen: sa.CTE, tag: sa.ColumnElement[Any]) -> sa.Select[Any]:
    nothing = sa.cast(sa.null(), sa.Text), sa.cast(sa.null(), sa.Boolean)
    return sa.select(tag.label("tag"), *nothing, sa.func.count(), sa.cast(0, sa.BigInteger)).select_from(chosen)


def _files(chosen: sa.CTE, scope: Scope) -> sa.Select[Any]:
    """Return a query for the files that count, which are read once for all sums."""
    return (
        scope.select(_FILES, _FILES.c.product_id, _FILES.c.data_type, _FILES.c.reference, _FILES.c.size)
        .join(chosen, chosen.c.id == _FILES.c.product_id)
        .where(
            _FILES.c.data_type.in_([each.value for each in ORDERABLE]), _FILES.c.reference | _FILES.c.size.is_not(None)
        )
    )


def _totals(found: sa.CTE, tag: sa.ColumnElement[Any]) -> sa.Select[Any]:
    size = sa.cast(sa.func.coalesce(sa.func.sum(found.c.size), 0), sa.BigInteger)  # not PostgreSQL's decimals
    columns = tag.label("tag"), found.c.data_type, found.c.reference, sa.func.count(), size
    return sa.select(*columns).select_from(found).group_by(found.c.data_type, found.c.reference)


def _counters(objects: int, rows: Sequence[Any]) -> Counters:
    types: dict[DataType, TypeCount] = {}
    for name, reference, files, size in sorted(rows):
        old = types.get(DataType(name), TypeCount())
        stored = (old.stored_files, old.stored_bytes) if reference else (files, size)
        referenced = (files, size) if reference else (old.referenced_files, old.referenced_bytes)
        types[DataType(name)] = TypeCount(*stored, *referenced)
    return Counters(objects, types)
