"""Conditions that mean the same on SQLite, on PostgreSQL and in the predicate of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from regards_order.domain.lucene import Wildcard
from regards_order_adapters.sql.functions import LIKE, dump_pieces

_ESCAPED = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
_MARKS = {Wildcard.ANY: "%", Wildcard.ONE: "_"}


class _Contains(FunctionElement[bool]):
    type = sa.Boolean()
    inherit_cache = True


class _Like(FunctionElement[bool]):
    type = sa.Boolean()
    inherit_cache = True


class _Unindexed(FunctionElement[Any]):
    inherit_cache = True


class _OnlyInKey(FunctionElement[Any]):
    inherit_cache = True


class _Apart(FunctionElement[bool]):
    type = sa.Boolean()
    inherit_cache = True


class _Pattern(sa.TypeDecorator[Any]):
    """Hand over the pieces of a wildcard term."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        if dialect.name != "postgresql":
            return dump_pieces(value)
        return "".join(_MARKS[piece] if isinstance(piece, Wildcard) else piece.translate(_ESCAPED) for piece in value)


def contains(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Return the condition that *column* contains *text*, ASCII letters in either case."""
    return _Contains(column, sa.literal(text, sa.Text()))


def like(column: sa.ColumnElement[Any], pieces: Sequence[str | Wildcard]) -> sa.ColumnElement[bool]:
    """Return the condition that the whole of *column* follows *pieces*."""
    return _Like(column, sa.bindparam(None, tuple(pieces), type_=_Pattern(), unique=True))


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


def apart(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return *condition*, to be tested row by row: PostgreSQL does not make a join of the query within it.

    The time to plan a hundred joins knows no bounds.
    """
    return _Apart(condition)


def some(rows: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a query, which is asked for each row of another one, finds something.

    PostgreSQL would answer EXISTS for all rows at once, those that are never asked for included; and of this form it
    takes for granted that nearly every row fulfils it, so that it reads them in the order in which they are wanted.
    """
    return rows.limit(1).scalar_subquery().is_not(None)


def _parts(element: FunctionElement[Any], compiler: Any, options: Any) -> list[str]:
    return [compiler.process(each, **options) for each in element.clauses]


@compiles(_Contains, "sqlite")
def _instr(element: _Contains, compiler: Any, **options: Any) -> str:
    column, text = _parts(element, compiler, options)
    return f"(instr(lower({column}), lower({text})) > 0)"


@compiles(_Contains, "postgresql")
def _strpos(element: _Contains, compiler: Any, **options: Any) -> str:
    column, text = _parts(element, compiler, options)
    # by the collation "C", which the column has, only ASCII letters have another case
    return f'(strpos(lower({column}), lower({text} COLLATE "C")) > 0)'


@compiles(_Like, "sqlite")
def _like_function(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({LIKE}({pattern}, {column}) = 1)"


@compiles(_Like, "postgresql")
def _like_operator(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({column} LIKE {pattern})"


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
