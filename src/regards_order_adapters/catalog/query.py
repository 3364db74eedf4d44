"""A validated query as SQL conditions: the same meaning as the predicate of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping

from regards_order.domain.attributes import AttributeType, Field
from regards_order.domain.lucene import (
    And,
    Anywhere,
    Between,
    Contains,
    Exists,
    HasWords,
    Like,
    Matches,
    Not,
    OneOf,
    Or,
    Query,
)
from regards_order.domain.product import DataType
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.conditions import apart, contains, like, only_in_key, some, unindexed
from regards_order_adapters.sql.tenancy import Scope, among

Condition = sa.ColumnElement[bool]
Test = Callable[[sa.ColumnElement[Any]], Condition]

_PRODUCTS = schema.products
_FEW = 5
_COLUMNS: dict[str, sa.ColumnElement[Any]] = {
    "id": _PRODUCTS.c.urn,
    "providerId": _PRODUCTS.c.provider_id,
    "label": _PRODUCTS.c.label,
    "model": _PRODUCTS.c.model,
    "version": _PRODUCTS.c.version,
    "last": sa.cast(_PRODUCTS.c.last, sa.Integer),
    "_creationDate": sa.type_coerce(_PRODUCTS.c.creation_date, sa.BigInteger),
    "_lastUpdate": sa.type_coerce(_PRODUCTS.c.last_update, sa.BigInteger),
}
_VALUES = schema.product_values
_BY_TYPE: dict[AttributeType, sa.ColumnElement[Any]] = {
    AttributeType.STRING: _VALUES.c.text,
    AttributeType.LONG: _VALUES.c.integer,
    AttributeType.DOUBLE: _VALUES.c.number,
    AttributeType.DATE: _VALUES.c.integer,
    AttributeType.BOOLEAN: _VALUES.c.integer,
}


def condition(query: Query, scope: Scope, *, each: bool = False) -> Condition:
    """Return the condition on `schema.products` that *query* means, true or false and never null.

    Args:
        query: what to find.
        scope: whose products.
        each: ask the question of one product after the other, as suits a short page in a given order; else the answer
            may be found for all of them at once, by an index of the values.

    The depth of a query is limited where it is parsed, so this may recurse over operators; their operands are halved
    again and again, because SQLite refuses 1,000 of them in a row.
    """
    if isinstance(query, And):
        parts = [condition(part, scope, each=each) for part in query.parts]
        return _joined("AND", [*map(apart, parts)] if len(parts) > _FEW else parts, sa.true())
    if isinstance(query, Or):
        return _joined("OR", [condition(part, scope, each=each) for part in query.parts], sa.false())
    if isinstance(query, Not):
        return sa.not_(condition(query.part, scope, each=each))
    if isinstance(query, Matches | HasWords) or isinstance(query.field, Anywhere):
        raise NotImplementedError(f"not in SQL yet: {query}")
    return _leaf(query.field, _test(query), scope, each=each)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Return the condition that at least one of *conditions* holds; of none, that is false."""
    return _joined("OR", list(conditions), sa.false())


def _joined(operator: str, parts: list[Condition], empty: Condition) -> Condition:
    if not parts:
        return empty
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    left, right = (_joined(operator, some, empty) for some in (parts[:half], parts[half:]))
    # an operator of our own, because SQLAlchemy makes one flat row of nested ANDs and ORs
    joined: Condition = Grouping(left).op(operator, return_type=sa.Boolean())(Grouping(right))
    return joined


def _leaf(field: Field, test: Test, scope: Scope, *, each: bool) -> Condition:
    if field.built_in and field.name in _COLUMNS:
        return test(_COLUMNS[field.name])
    table, column, *others = _parts(field, each=each)
    if each:
        rows = scope.select(table, sa.literal_column("1")).where(
            table.c.product_id == _PRODUCTS.c.id, *others, test(unindexed(column))
        )
        return some(rows.correlate(_PRODUCTS))
    return _PRODUCTS.c.id.in_(scope.select(table, table.c.product_id).where(*others, test(column)))


def _parts(field: Field, *, each: bool) -> tuple[Any, ...]:
    """Return the table that holds the values of a field, their column, and what else chooses its rows."""
    if field.built_in and field.name == "tags":
        return schema.product_tags, schema.product_tags.c.tag
    if field.built_in and field.name == "rawdata":
        files = schema.product_files
        return files, files.c.filename, files.c.data_type == DataType.RAWDATA.value
    name = only_in_key(_VALUES.c.name) if each else _VALUES.c.name
    return _VALUES, _BY_TYPE[field.type], name == field.name


def _test(leaf: Contains | OneOf | Like | Exists | Between) -> Test:
    if isinstance(leaf, Contains):
        texts = [text for text in leaf.texts if not _has_nul(text)]
        return lambda column: any_of(contains(column, text) for text in texts)
    if isinstance(leaf, OneOf):
        return lambda column: among(column, [value for value in leaf.values if not _has_nul(value)])
    if isinstance(leaf, Like):
        return _unless_nul(leaf.pieces, lambda column: like(column, leaf.pieces))
    if isinstance(leaf, Exists):
        return lambda column: column.is_not(None)
    return lambda column: sa.and_(*_bounds(leaf, column))


def _unless_nul(parts: Iterable[object], test: Test) -> Test:
    """Return *test*, or one that nothing passes when a part holds NUL, which no stored text does."""
    return (lambda column: sa.false()) if any(map(_has_nul, parts)) else test


def _has_nul(value: object) -> bool:
    return isinstance(value, str) and "\0" in value


def _bounds(leaf: Between, column: sa.ColumnElement[Any]) -> list[Condition]:
    bounds: list[Condition] = []
    if leaf.low is not None:
        bounds.append(column >= leaf.low if leaf.low_included else column > leaf.low)
    if leaf.high is not None:
        bounds.append(column <= leaf.high if leaf.high_included else column < leaf.high)
    return bounds
