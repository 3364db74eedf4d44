"""Conditions made so that a planner does what is meant."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from regards_order_adapters.sql.dialects import Test

Condition = sa.ColumnElement[bool]


class _Unindexed(FunctionElement[Any]):
    inherit_cache = True


class _OnlyInKey(FunctionElement[Any]):
    inherit_cache = True


class _Apart(Test):
    inherit_cache = True


def unindexed(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return *column*, hidden from a planner, which would search an index by it.

    Without statistics it would walk the values of all products for each single one.
    """
    return _typed(_Unindexed(column), column)


def only_in_key(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return *column* of a primary key, hidden from the planner of PostgreSQL, which would take the wrong index by it.

    SQLite takes the right one, and reads less when it knows the column.
    """
    return _typed(_OnlyInKey(column), column)


def _typed(element: FunctionElement[Any], column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    element.type = column.type
    return element


def apart(condition: Condition) -> Condition:
    """Return *condition*, to be tested row by row: PostgreSQL does not make a join of the query within it.

    The time to plan a hundred joins knows no bounds.
    """
    return _Apart(condition)


def some(rows: sa.Select[Any]) -> Condition:
    """Return the condition that a query, which is asked for each row of another one, finds something.

    PostgreSQL would answer EXISTS for all rows at once, those that are never asked for included; and of this form it
    takes for granted that nearly every row fulfils it, so that it reads them in the order in which they are wanted.
    """
    return rows.limit(1).scalar_subquery().is_not(None)


def _parts(element: FunctionElement[Any], compiler: Any, options: Any) -> list[str]:
    return [compiler.process(each, **options) for each in element.clauses]


@compiles(_Unindexed)
@compiles(_OnlyInKey, "postgresql")
def _hidden(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
    (column,) = _parts(element, compiler, options)
    return f"coalesce({column}, {column})"


@compiles(_OnlyInKey, "sqlite")
def _shown(element: _OnlyInKey, compiler: Any, **options: Any) -> str:
    return _parts(element, compiler, options)[0]


@compiles(_Apart, "sqlite")
def _as_it_is(element: _Apart, compiler: Any, **options: Any) -> str:
    return f"({_parts(element, compiler, options)[0]})"


@compiles(_Apart, "postgresql")
def _is_true(element: _Apart, compiler: Any, **options: Any) -> str:
    return f"(({_parts(element, compiler, options)[0]}) IS TRUE)"
