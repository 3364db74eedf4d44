"""One leaf of a query as a condition on the products: the same meaning as in the predicate of the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.attributes import AttributeType, Field
from regards_order.domain.lucene import Anywhere, Between, Contains, Exists, HasWords, Like, Matches, OneOf
from regards_order.domain.lucene.nodes import Leaf
from regards_order_adapters.sql import schema, texts
from regards_order_adapters.sql.conditions import Condition, only_in_key, some, unindexed
from regards_order_adapters.sql.tenancy import Scope, among

Test = Callable[[sa.ColumnElement[Any]], Condition]

_PRODUCTS, _VALUES, _FILES, _TAGS = schema.products, schema.product_values, schema.product_files, schema.product_tags
_BY_TYPE: dict[AttributeType, sa.ColumnElement[Any]] = {
    AttributeType.STRING: _VALUES.c.text,
    AttributeType.LONG: _VALUES.c.integer,
    AttributeType.DOUBLE: _VALUES.c.number,
    AttributeType.DATE: _VALUES.c.integer,
    AttributeType.BOOLEAN: _VALUES.c.integer,
}
#: in the very words of its index
RAWDATA: Condition = sa.literal_column(f"product_files.{schema.RAWDATA}", sa.Boolean())


@attrs.frozen
class Rows:
    """Say where the values of a field are, when they are not in the product's own row.

    Attributes:
        table: in which table.
        column: in which column.
        chosen: what else chooses its rows.
    """

    table: sa.Table
    column: sa.ColumnElement[Any]
    chosen: tuple[Condition, ...] = ()

    def having(self, test: Test, scope: Scope) -> sa.Select[Any]:
        """Return a query for the ids of all products that have a value which passes *test*."""
        return scope.select(self.table, self.table.c.product_id).where(*self.chosen, test(self.column))

    def of_each(self, test: Test, scope: Scope) -> Condition:
        """Return the condition that a product has a value which passes *test*, asked of one after the other."""
        rows = scope.select(self.table, sa.literal_column("1")).where(
            self.table.c.product_id == _PRODUCTS.c.id, *self.chosen, test(unindexed(self.column))
        )
        return some(rows.correlate(_PRODUCTS))


def own_column(name: str, products: Any = _PRODUCTS) -> sa.ColumnElement[Any] | None:
    """Return the column of *products* that holds a built-in field, or None."""
    match name:
        case "id":
            return products.c.urn  # type: ignore[no-any-return]
        case "providerId":
            return products.c.provider_id  # type: ignore[no-any-return]
        case "label" | "model" | "version":
            return products.c[name]  # type: ignore[no-any-return]
        case "last":
            return sa.cast(products.c.last, sa.Integer)
        case "_creationDate":
            return sa.type_coerce(products.c.creation_date, sa.BigInteger)
        case "_lastUpdate":
            return sa.type_coerce(products.c.last_update, sa.BigInteger)
        case _:
            return None


def rows_of(field: Field, *, each: bool) -> Rows:
    """Return where the values of a field are that has several of them."""
    if field.built_in:
        return Rows(_TAGS, _TAGS.c.tag) if field.name == "tags" else Rows(_FILES, _FILES.c.filename, (RAWDATA,))
    name = only_in_key(_VALUES.c.name) if each else _VALUES.c.name
    return Rows(_VALUES, _BY_TYPE[field.type], (name == field.name,))


def leaf_condition(leaf: Leaf, scope: Scope, *, each: bool) -> Condition:
    """Return the condition on `schema.products` that a leaf means, true or false and never null."""
    if isinstance(leaf.field, Anywhere):
        return _anywhere(leaf.field, value_test(leaf), scope, each=each)
    return _field_condition(leaf.field, value_test(leaf), scope, each=each)


def _anywhere(anywhere: Anywhere, test: Test, scope: Scope, *, each: bool) -> Condition:
    own = [_field_condition(field, test, scope, each=each) for field in anywhere.fields if field.built_in]
    names = [field.name for field in anywhere.fields if not field.built_in]
    if not names:
        return sa.or_(sa.false(), *own)
    name = only_in_key(_VALUES.c.name) if each else _VALUES.c.name
    rows = Rows(_VALUES, _VALUES.c.text, (among(name, names),))
    return sa.or_(*own, rows.of_each(test, scope) if each else _PRODUCTS.c.id.in_(rows.having(test, scope)))


def _field_condition(field: Field, test: Test, scope: Scope, *, each: bool) -> Condition:
    if field.built_in:
        column = own_column(field.name)
        if column is not None:
            return test(unindexed(column) if each else column)
        if field.name == "virtualId":
            return sa.and_(_PRODUCTS.c.last, _PRODUCTS.c.virtual_id.is_not(None), test(_PRODUCTS.c.virtual_id))
        if field.name == "datasetModelNames":
            return sa.false()  # datasets have no models here
    rows = rows_of(field, each=each)
    return rows.of_each(test, scope) if each else _PRODUCTS.c.id.in_(rows.having(test, scope))


def value_test(leaf: Leaf) -> Test:
    """Return what a leaf asks of a value."""
    match leaf:
        case OneOf(_, values):
            return _one_of([value for value in values if _storable(value)])
        case Contains(_, parts):
            found = [part for part in parts if _storable(part)]
            return (lambda column: texts.contains(column, found)) if found else _never
        case Like(_, pieces, ignore_case=ignore_case):
            return _if_storable(pieces, lambda column: texts.like(column, pieces, ignore_case=ignore_case))
        case Matches(_, pattern, each_word=each_word):
            return lambda column: texts.matches(column, pattern, each_word=each_word)
        case HasWords(_, phrases):
            wanted = [each for each in phrases if all(_storable(piece) for shape in each for piece in shape)]
            return (lambda column: texts.has_words(column, wanted)) if wanted else _never
        case Exists():
            return lambda column: column.is_not(None)
        case Between():
            return lambda column: sa.and_(*_bounds(leaf, column))


def _never(column: sa.ColumnElement[Any]) -> Condition:
    return sa.false()


def _one_of(values: list[Any]) -> Test:
    def test(column: sa.ColumnElement[Any]) -> Condition:
        key = schema.text_key(column)
        if key is None:
            return among(column, values)
        keys = dict.fromkeys(value[: schema.TEXT_KEY_LENGTH] for value in values)
        if all(len(value) < schema.TEXT_KEY_LENGTH for value in keys):
            return among(key, keys)  # a text with such a key is no longer than the key
        return sa.and_(among(key, keys), among(unindexed(column), values))

    return test if values else _never


def _if_storable(parts: Iterable[object], test: Test) -> Test:
    return test if all(map(_storable, parts)) else _never


def _storable(value: object) -> bool:
    """Return whether a text can be one of those that are stored: without NUL, and without half a character."""
    return not isinstance(value, str) or ("\0" not in value and not any("\ud800" <= each <= "\udfff" for each in value))


def _bounds(leaf: Between, column: sa.ColumnElement[Any]) -> list[Condition]:
    bounds: list[Condition] = []
    if leaf.low is not None:
        bounds.append(column >= leaf.low if leaf.low_included else column > leaf.low)
    if leaf.high is not None:
        bounds.append(column <= leaf.high if leaf.high_included else column < leaf.high)
    return bounds
