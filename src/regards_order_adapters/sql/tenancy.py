"""The one place that adds the tenant to statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import orjson
import sqlalchemy as sa


@attrs.frozen
class Scope:
    """Make statements that can reach only the rows of one tenant.

    Attributes:
        connection: with an open transaction.
        tenant: the tenant's number.
    """

    connection: sa.Connection
    tenant: int

    def select(self, table: sa.Table, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """Return a query for rows of *table*; all its columns unless some are named."""
        return sa.select(*(columns or table.c)).select_from(table).where(table.c.tenant_id == self.tenant)

    def update(self, table: sa.Table) -> sa.Update:
        """Return a change of rows of *table*."""
        return sa.update(table).where(table.c.tenant_id == self.tenant)

    def delete(self, table: sa.Table) -> sa.Delete:
        """Return an erasure of rows of *table*."""
        return sa.delete(table).where(table.c.tenant_id == self.tenant)

    def insert(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        """Store new rows."""
        if rows:
            self.connection.execute(sa.insert(table), [{**row, "tenant_id": self.tenant} for row in rows])

    def bulk_insert(self, table: sa.Table, columns: Iterable[sa.Column[Any]], rows: Iterable[tuple[Any, ...]]) -> None:
        """Store many rows of plain values, in the order of *columns*, as fast as the driver can."""
        names = [column.name for column in columns]
        statement = (
            f"INSERT INTO {table.name} (tenant_id, {', '.join(names)})"  # noqa: S608 -- names are our own
            f" VALUES ({int(self.tenant)}, {', '.join('?' * len(names))})"
        )
        if batch := list(rows):
            self.connection.exec_driver_sql(statement, batch)

    def execute(self, statement: sa.Executable) -> sa.CursorResult[Any]:
        """Run a statement."""
        result: sa.CursorResult[Any] = self.connection.execute(statement)
        return result

    def plain(self, statement: sa.Executable) -> list[tuple[Any, ...]]:
        """Run a query and return its rows as the driver gives them: for bulk reads of plain values."""
        return list(self.execute(statement).cursor.fetchall())


def among(column: sa.ColumnElement[Any], values: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that *column* is one of any number of values, as one bound parameter."""
    array = sa.func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
    return column.in_(sa.select(array.c.value))
