"""The few products among which everything is that a search finds, if an index can tell them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from regards_order.domain.lucene import And, Anywhere, Between, Not, OneOf, Or, Query
from regards_order.domain.search import Search
from regards_order_adapters.catalog.leaves import own_column, rows_of, value_test
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.tenancy import Scope, among

#: to look at each of so many products costs less than to walk along the others in the order of their URNs
FEW = 20_000
#: more are counted faster all at once
FEW_TO_COUNT = 1500
_MAX_OPTIONS = 4
_MAX_PARTS = 50
_INDEXED = frozenset({"id", "providerId", "label", "_creationDate"})
_PRODUCTS, _TAGS = schema.products, schema.product_tags

#: queries for ids; all of them together give every product that can be found, and others
Anchor = list[sa.Select[Any]]


def find_few(
    searches: Sequence[tuple[Search, Sequence[Sequence[str]]]], scope: Scope, most: int
) -> sa.CompoundSelect[Any] | None:
    """Return a query for the ids of few products, among which everything is that *searches* find, or None.

    Args:
        searches: each with the names of each of its datasets.
        scope: whose products.
        most: so many for each search are few.
    """
    options = [_options(search, names, scope) for search, names in searches]
    if not options or not all(options):
        return None
    counts = [_bounded_count(option, most) for each in options for option in each]
    found = iter(scope.execute(sa.select(*(count.label(f"n{n}") for n, count in enumerate(counts)))).one())
    chosen: Anchor = []
    for each in options:
        count, _, best = min((next(found), n, option) for n, option in enumerate(each))
        if count > most:
            return None
        chosen += best
    return sa.union_all(*chosen)


def _bounded_count(anchor: Anchor, most: int) -> sa.ScalarSelect[Any]:
    rows = sa.union_all(*anchor).limit(most + 1).subquery()
    return sa.select(sa.func.count()).select_from(rows).scalar_subquery()


def _options(search: Search, datasets: Sequence[Sequence[str]], scope: Scope) -> list[Anchor]:
    options: list[Anchor] = []
    if search.include is not None:
        options.append([scope.select(_PRODUCTS, _PRODUCTS.c.id).where(among(_PRODUCTS.c.urn, search.include))])
    if search.query is not None:
        options += _of_query(search.query, scope)
    if options:
        options += [[scope.select(_TAGS, _TAGS.c.product_id).where(among(_TAGS.c.tag, names))] for names in datasets]
    return options[:_MAX_OPTIONS]


def _of_query(query: Query, scope: Scope) -> list[Anchor]:
    """Return several ways to find the products that *query* selects, and others; none if no index can tell."""
    if isinstance(query, And):
        return [option for part in query.parts for option in _of_query(part, scope)][:_MAX_OPTIONS]
    if isinstance(query, Or):
        if len(query.parts) > _MAX_PARTS:
            return []
        found = [_of_query(part, scope) for part in query.parts]
        return [[select for options in found for select in options[0]]] if found and all(found) else []
    if isinstance(query, Not) or not isinstance(query, OneOf | Between) or isinstance(query.field, Anywhere):
        return []
    return [[select] for select in _of_leaf(query, scope)]


def _of_leaf(leaf: OneOf | Between, scope: Scope) -> Anchor:
    field, test = leaf.field, value_test(leaf)
    if not field.built_in or field.name in ("tags", "rawdata"):
        return [rows_of(field, each=False).having(test, scope)]
    products = _PRODUCTS.alias()
    column: sa.ColumnElement[Any] | None = products.c.virtual_id if field.name == "virtualId" else None
    if field.name in _INDEXED:
        column = own_column(field.name, products)
    if column is None:
        return []
    return [sa.select(products.c.id).where(products.c.tenant_id == scope.tenant, test(column))]
