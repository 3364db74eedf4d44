"""What SQLite and PostgreSQL say differently, as elements of statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from regards_order_adapters.sql.types import dump_json

Insert = postgresql.Insert | sqlite.Insert


def is_postgresql(connection: sa.Connection) -> bool:
    """Return whether the database is PostgreSQL."""
    return connection.dialect.name == "postgresql"


def be_patient(connection: sa.Connection) -> None:
    """Let a transaction take the time that many rows need; SQLite sets no limit."""
    if is_postgresql(connection):
        from regards_order_adapters.sql import postgresql

        postgresql.be_patient(connection)


def insert(connection: sa.Connection, table: sa.Table) -> Insert:
    """Return an insertion that may say what to do with rows that are there already."""
    return postgresql.insert(table) if is_postgresql(connection) else sqlite.insert(table)


# --- any number of values as one parameter ---------------------------------------------------------------------------


class _Values(sa.TypeDecorator[Any]):
    """Hand over a list: as an array, or as JSON."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: type[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            # without a length: a cast to a shorter one would cut
            items = {int: sa.BigInteger, float: sa.Double}.get(self.item, sa.Text)
            return dialect.type_descriptor(postgresql.ARRAY(items()))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        value = [float(each) for each in value] if self.item is float else list(value)
        return value if dialect.name == "postgresql" else dump_json(value)


class Test(FunctionElement[bool]):
    """A condition in words of its own."""

    type = sa.Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Return the condition as part of a larger one; "= 1", which it would get on SQLite, hides it from indexes."""
        return self


class _Among(Test):
    inherit_cache = True


@compiles(_Among, "sqlite")
def _among_json(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"  # noqa: S608 -- made of compiled parts


@compiles(_Among, "postgresql")
def _among_array(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"({column} = ANY ({values}))"


def among(column: sa.ColumnElement[Any], values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that *column* is one of any number of values, as one bound parameter."""
    # the parameter has a name of its own, so that two of them in one statement stay apart
    return _Among(column, sa.bindparam(None, list(values), type_=_values_of(column), unique=True))


def among_parameter(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Return the condition that *column* is one of the values of a list, which is given by name."""
    return _Among(column, sa.bindparam(name, type_=_values_of(column)))


def _values_of(column: sa.ColumnElement[Any]) -> _Values:
    kind: Any = column.type
    kind = kind.impl if isinstance(kind, sa.TypeDecorator) else kind
    return _Values(float if isinstance(kind, sa.Float) else int if isinstance(kind, sa.Integer) else str)


# --- the clock of the database ----------------------------------------------------------------------------------------


class DatabaseTime(FunctionElement[int]):
    """The present instant by the clock of the database, in microseconds since 1970."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(DatabaseTime, "sqlite")
def _julian(element: DatabaseTime, compiler: Any, **options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"


@compiles(DatabaseTime, "postgresql")
def _statement_time(element: DatabaseTime, compiler: Any, **options: Any) -> str:
    # of the statement, not of this very moment, which an index could not be searched by
    return "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)"
