"""Transactions of one tenant on a SQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from regards_order.domain.errors import Fault, InvalidInput, OrderingError, StoreUnavailable
from regards_order_adapters.sql import dialects, schema
from regards_order_adapters.sql.answers import SqlAnswers
from regards_order_adapters.sql.claims import SqlClaims
from regards_order_adapters.sql.files import SqlFiles
from regards_order_adapters.sql.listings import SqlListings
from regards_order_adapters.sql.options import ALONE, WRITE
from regards_order_adapters.sql.orders import SqlOrders, SqlSuborders
from regards_order_adapters.sql.stores import SqlBaskets, SqlIds, SqlOutbox, SqlSlots, SqlTenantSettings, SqlUsers
from regards_order_adapters.sql.tenancy import Scope
from regards_order_adapters.waiting import is_given_up


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
        self.answers = SqlAnswers(scope)
        self.claims = SqlClaims(scope)
        self.listings = SqlListings(scope)
        self.outbox = SqlOutbox(scope)
        self.users = SqlUsers(scope)
        self.settings = SqlTenantSettings(scope)


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
            yield SqlTransaction(Scope(self._tenant, connection))

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        """Open a transaction that may change things; on SQLite the only one at a time."""
        with _translated(), writing(self._engine) as connection:
            yield SqlTransaction(Scope(self._tenant, connection))

    @contextmanager
    def statement(self) -> Iterator[Scope]:
        """Open what runs one statement that is a transaction of its own; on PostgreSQL that is one round trip."""
        alone: sa.Engine | None = self._engine.get_execution_options().get(ALONE)
        if alone is None:
            with self.write() as tx:
                yield tx.scope
            return
        with _translated(), alone.connect() as connection:
            yield Scope(self._tenant, connection)


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that may change things, of no tenant in particular."""
    with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
        yield connection
        if is_given_up():
            raise StoreUnavailable("it took longer than anybody waits for it")


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the driver says of a database that is full, locked, slow or away into an error of the domain.

    Deadlocks and time-outs are operational errors as well; mistakes of ours stay what they are.  What a column type
    refuses to take comes out as it was raised.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise StoreUnavailable(str(error)) from error
    except sa.exc.StatementError as error:
        if isinstance(error.orig, OrderingError):
            raise error.orig from None
        outside = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or (
            isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
        )
        if isinstance(error, sa.exc.DataError) or isinstance(error.orig, UnicodeEncodeError):
            raise InvalidInput((Fault("$", "holds characters that no database can keep"),)) from error
        if not outside:
            raise
        raise StoreUnavailable(str(error.orig).strip()) from error


def _tenant_number(engine: sa.Engine, name: str) -> int:
    """Return the number of a tenant; a new one gets the next number."""
    table = schema.tenants
    known = sa.select(table.c.id).where(table.c.name == name)
    with _translated():
        with engine.connect() as connection, connection.begin():
            number = connection.execute(known).scalar()
        if number is None:
            with writing(engine) as connection:
                row = {"id": SqlIds(connection).block("tenant", 1)[0], "name": name}
                connection.execute(dialects.insert(connection, table).values(row).on_conflict_do_nothing())
                number = connection.execute(known).scalar_one()
    return int(number)
