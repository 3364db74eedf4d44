"""Transactions of one tenant on a SQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from regards_order.domain.errors import StoreUnavailable
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.engine import WRITE
from regards_order_adapters.sql.files import SqlFiles
from regards_order_adapters.sql.orders import SqlOrders, SqlSuborders
from regards_order_adapters.sql.stores import SqlBaskets, SqlIds, SqlOutbox, SqlSlots, SqlUsers
from regards_order_adapters.sql.tenancy import Scope


class SqlTransaction:
    """Reach everything that a database holds for one tenant."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.ids = SqlIds(scope.connection)
        self.baskets = SqlBaskets(scope)
        self.orders = SqlOrders(scope)
        self.suborders = SqlSuborders(scope)
        self.slots = SqlSlots(scope)
        self.files = SqlFiles(scope)
        self.outbox = SqlOutbox(scope)
        self.users = SqlUsers(scope)


class SqlStore:
    """Keep the data of one tenant in a database: a `UnitOfWork`."""

    def __init__(self, engine: sa.Engine, tenant: str) -> None:
        """Take a migrated database; a tenant that it does not know yet is added.

        Args:
            engine: from `make_engine`.
            tenant: name of the tenant.
        """
        self._engine = engine
        self._tenant = _tenant_number(engine, tenant)

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        """Open a transaction that sees one state of the database."""
        with _translated(), self._engine.connect() as connection, connection.begin():
            yield SqlTransaction(Scope(connection, self._tenant))

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """Open a transaction that may change things; on SQLite the only one at a time."""
        with (
            _translated(),
            self._engine.connect().execution_options(**{WRITE: True}) as connection,
            connection.begin(),
        ):
            yield SqlTransaction(Scope(connection, self._tenant))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the driver says of a database that is full, locked or away into an error of the domain."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        raise StoreUnavailable(str(getattr(error, "orig", error))) from error


def _tenant_number(engine: sa.Engine, name: str) -> int:
    table = schema.tenants
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        number = connection.execute(sa.select(table.c.id).where(table.c.name == name)).scalar()
        if number is None:
            number = SqlIds(connection).block("tenant", 1)[0]
            connection.execute(sa.insert(table).values(id=number, name=name))
        return int(number)
