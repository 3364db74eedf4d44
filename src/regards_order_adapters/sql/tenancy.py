"""The one place that adds the tenant to statements."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order_adapters.sql import dialects
from regards_order_adapters.sql.dialects import among, is_postgresql

__all__ = ["PREPARED", "Scope", "among"]


@attrs.frozen
class Tenanted:
    """Make statements that can reach only the rows of one tenant.

    Attributes:
        tenant: the tenant's number, or a parameter in place of it.
    """

    tenant: int | sa.BindParameter[int]

    def select(self, table: sa.Table, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """Return a query for rows of *table*; all its columns unless some are named."""
        return sa.select(*(columns or table.c)).select_from(table).where(table.c.tenant_id == self.tenant)

    def update(self, table: sa.Table) -> sa.Update:
        """Return a change of rows of *table*."""
        return sa.update(table).where(table.c.tenant_id == self.tenant)

    def delete(self, table: sa.Table) -> sa.Delete:
        """Return an erasure of rows of *table*."""
        return sa.delete(table).where(table.c.tenant_id == self.tenant)


#: rows of a statement for SQLite, whose driver holds up other threads for each step; its own limit is 32,766 values
_ROWS = 1500
#: makes statements once and for all, to be run by `Scope.run`: to make one may take longer than to run it
PREPARED = Tenanted(sa.bindparam("the_tenant", type_=sa.SmallInteger))


@attrs.frozen
class Scope(Tenanted):
    """Run statements for one tenant.

    Attributes:
        tenant: the tenant's number.
        connection: with an open transaction.
    """

    tenant: int
    connection: sa.Connection

    def insert(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        """Store new rows."""
        self._insert(sa.insert(table), rows)

    def insert_one(self, table: sa.Table, row: dict[str, Any]) -> None:
        """Store a new row, some values of which may be expressions."""
        self.execute(sa.insert(table).values(**row, tenant_id=self.tenant))

    def insert_new(self, table: sa.Table, *rows: dict[str, Any]) -> int:
        """Store those rows whose unique keys are free, and return how many these were.

        An error would be the end of the transaction on PostgreSQL.
        """
        statement = dialects.insert(self.connection, table).on_conflict_do_nothing()
        return self._insert(statement.execution_options(preserve_rowcount=True), rows)

    def upsert(
        self,
        table: sa.Table,
        rows: Sequence[dict[str, Any]],
        only: Callable[[Any], sa.ColumnElement[bool]] | None = None,
    ) -> None:
        """Store rows in place of those with the same primary key.

        Args:
            table: where.
            rows: with all columns; sorted by key, so that two of us at once do not wait for each other.
            only: replace a row only if this holds for the columns of the new one.
        """
        if rows:
            statement = dialects.insert(self.connection, table)
            keys = [column.name for column in table.primary_key]
            values = {name: statement.excluded[name] for name in rows[0] if name not in keys}
            where = None if only is None else only(statement.excluded)
            self._insert(statement.on_conflict_do_update(index_elements=keys, set_=values, where=where), rows)

    def bulk_insert(self, table: sa.Table, columns: Sequence[sa.Column[Any]], rows: Iterable[tuple[Any, ...]]) -> None:
        """Store many rows of plain values, in the order of *columns*, as fast as the driver can."""
        names = ", ".join(["tenant_id", *(column.name for column in columns)])
        if is_postgresql(self.connection):
            from regards_order_adapters.sql import postgresql

            postgresql.copy(self.connection, f"COPY {table.name} ({names}) FROM STDIN", self.tenant, rows)
            return
        head = f"INSERT INTO {table.name} ({names}) VALUES "  # noqa: S608 -- our own
        row = f"({self.tenant}{', ?' * len(columns)})"
        rest = iter(rows)
        while batch := list(islice(rest, _ROWS)):
            if len(batch) == _ROWS:
                self.connection.exec_driver_sql(head + ", ".join([row] * _ROWS), tuple(chain.from_iterable(batch)))
            else:
                self.connection.exec_driver_sql(head + row, batch)

    def execute(self, statement: sa.Executable) -> sa.CursorResult[Any]:
        """Run a statement."""
        result: sa.CursorResult[Any] = self.connection.execute(statement)
        return result

    def run(self, prepared: sa.Executable, **values: Any) -> sa.CursorResult[Any]:
        """Run a statement that `PREPARED` has made."""
        result: sa.CursorResult[Any] = self.connection.execute(prepared, {"the_tenant": self.tenant, **values})
        return result

    def plain(self, statement: sa.Executable) -> list[tuple[Any, ...]]:
        """Run a query and return its rows as the driver gives them: for bulk reads of plain values."""
        return list(self.execute(statement).cursor.fetchall())

    def lock(self, name: str) -> None:
        """Wait until nobody else of the tenant holds the lock *name*, and hold it until the transaction ends.

        A write transaction of SQLite is the only one anyway.
        """
        if is_postgresql(self.connection):
            digest = hashlib.blake2b(f"{self.tenant} {name}".encode(), digest_size=8).digest()
            key = int.from_bytes(digest, signed=True)
            self.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.cast(key, sa.BigInteger))))

    def analyse_once(self, *tables: sa.Table) -> None:
        """Let the planner look at tables that it has never looked at, as soon as there is something in them.

        PostgreSQL does so by itself, but only after a while; until then it takes them for empty.
        """
        if is_postgresql(self.connection):
            pg_class = sa.table("pg_class", sa.column("relname"), sa.column("reltuples"))
            names = [table.name for table in tables]
            unknown = sa.select(pg_class.c.relname).where(pg_class.c.relname.in_(names), pg_class.c.reltuples <= 0)
            for name in self.execute(unknown).scalars().all():
                self.connection.exec_driver_sql(f"ANALYZE {name}")

    def be_patient(self) -> None:
        """Let this transaction take the time that many rows need."""
        dialects.be_patient(self.connection)

    def _insert(self, statement: sa.Insert, rows: Sequence[dict[str, Any]]) -> int:
        if not rows:
            return 0
        return self.connection.execute(statement, [{**row, "tenant_id": self.tenant} for row in rows]).rowcount
