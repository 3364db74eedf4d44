"""Pages of products in the order of their URNs."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa

from regards_order_adapters.catalog import anchors
from regards_order_adapters.catalog.look import accepted
from regards_order_adapters.catalog.selection import Selection
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.conditions import unindexed
from regards_order_adapters.sql.tenancy import Scope

_PRODUCTS, _TAGS = schema.products, schema.product_tags
_SAMPLE = 200
#: to walk along so many products costs about as much as to find all that are wanted, and to sort them
_FAR = 100_000
_LOOK, _LOOK_SORTED = 2000, 50_000


#: a product of a page: id, URN, the provider's identifier, version, number of files
Row = tuple[int, str, str, int, int]
_COLUMNS = tuple(_PRODUCTS.c[name] for name in ("id", "urn", "provider_id", "version", "file_count"))


def read_page(selection: Selection, scope: Scope, after: str, limit: int) -> list[Row]:
    """Return the products that *selection* wants, with a URN above *after*, by URN.

    The page ends at *limit* products, or with the one that brings their files to *limit*.
    """
    walk = _is_worth_a_walk(selection, scope, after, limit)
    if not walk:
        selection = selection.narrowed(scope, anchors.FEW)
    if selection.look is None:
        return _first(_read(selection, scope, after, limit, walk=walk), limit)
    page: list[Row] = []
    size = _LOOK if walk else _LOOK_SORTED
    while len(page) < limit:
        found = _read(selection, scope, after, size, walk=walk)
        good = set(accepted([row[0] for row in found], selection.look, scope))
        page += [row for row in found if row[0] in good]
        if len(found) < size:
            break
        after = found[-1][1]
    return _first(page[:limit], limit)


def _read(selection: Selection, scope: Scope, after: str, limit: int, *, walk: bool) -> list[Row]:
    """Return products with a URN above *after*; either along an index of URNs, or all that there are, sorted."""
    if walk:
        query, urn = _walk(selection, scope)
        condition = selection.condition(scope, each=True, known=selection.dataset)
    else:
        query, urn = scope.select(_PRODUCTS, *_COLUMNS), unindexed(_PRODUCTS.c.urn)
        condition = selection.condition(scope, each=False)
    rows = scope.plain(query.where(urn > after, condition).order_by(urn).limit(limit))
    return cast(list[Row], rows)


def _walk(selection: Selection, scope: Scope) -> tuple[sa.Select[Any], sa.ColumnElement[str]]:
    query = scope.select(_PRODUCTS, *_COLUMNS)
    if selection.dataset is None:
        return query, _PRODUCTS.c.urn
    # the tag's own index is in URN order: a page costs what it holds, wherever it lies
    query = query.join(_TAGS, _TAGS.c.product_id == _PRODUCTS.c.id)
    return query.where(_TAGS.c.tenant_id == scope.tenant, _TAGS.c.tag == selection.dataset), _TAGS.c.urn


def _is_worth_a_walk(selection: Selection, scope: Scope, after: str, limit: int) -> bool:
    """Return whether a page is full before very many products have been seen, judged by the first few."""
    if selection.is_plain:
        return True
    query, urn = _walk(selection, scope)
    sample = query.where(urn > after).order_by(urn).limit(_SAMPLE).with_only_columns(_PRODUCTS.c.id).cte("sample")
    wanted = selection.condition(scope, each=True, known=selection.dataset)
    found = sa.select(sa.func.count()).where(_PRODUCTS.c.id.in_(sa.select(sample.c.id)), wanted).scalar_subquery()
    seen = sa.select(sa.func.count()).select_from(sample).scalar_subquery()
    row: Any = scope.execute(sa.select(seen.label("seen"), found.label("found"))).one()
    return bool(row.seen < _SAMPLE or limit * _SAMPLE <= _FAR * row.found)


def _first(rows: list[Row], limit: int) -> list[Row]:
    """Return the products up to the one that brings their files to *limit*."""
    files = 0
    for n, (*_, file_count) in enumerate(rows, 1):
        files += file_count
        if files >= limit:
            return rows[:n]
    return rows
