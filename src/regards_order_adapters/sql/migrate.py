"""Bring a database to the current schema, and refuse one that does not fit (docs/configuration.md)."""

from __future__ import annotations

from importlib.resources import files

import attrs
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from regards_order.domain.errors import OrderingError
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.dialects import be_patient, is_postgresql
from regards_order_adapters.sql.unit_of_work import writing

#: the schema that this code is written for; grows with every migration
CURRENT = 5
# of an advisory lock of PostgreSQL: any number that nobody else has
_LOCK = 0x7265676172647300


@attrs.define(eq=False)
class SchemaTooOld(OrderingError):
    """The database {self.database} has schema {self.found}, this program needs {self.needed}:
    run "regards-order migrate".
    """

    code = "SCHEMA_TOO_OLD"
    database: str
    found: int
    needed: int


@attrs.define(eq=False)
class SchemaTooNew(OrderingError):
    """The database {self.database} has schema {self.found}, which this program (schema {self.known}) does not
    understand: install a newer regards-order, "pip install --upgrade regards-order".
    """

    code = "SCHEMA_TOO_NEW"
    database: str
    found: int
    known: int


@attrs.define(eq=False)
class DatabaseUnusable(OrderingError):
    """The database {self.database} cannot be used: {self.cause}."""

    code = "DATABASE_UNUSABLE"
    status = 503
    database: str
    cause: str


def migrate(engine: sa.Engine, revision: str = "head") -> tuple[int, int]:
    """Bring a database to the current schema and return the version before and after; 0 is an empty database.

    Args:
        engine: the database.
        revision: go no further than this one.

    Raises:
        SchemaTooNew: a newer program has migrated it beyond what this one understands.
        DatabaseUnusable: it cannot be opened, or is no database of ours.
    """
    try:
        with writing(engine) as connection:
            _wait_for_others(connection)
            before = _version(connection)
            if before >= CURRENT:
                return before, before
            config = Config()
            config.set_main_option("script_location", str(files(__package__) / "migrations").replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            return before, _version(connection)
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        raise _unusable(engine, error) from error
    except CommandError as error:
        raise DatabaseUnusable(_name(engine), str(error)) from error


def check(engine: sa.Engine) -> None:
    """Refuse a database whose schema this program cannot work with.

    Raises:
        SchemaTooOld: it has to be migrated first.
        SchemaTooNew: this program has to be renewed first.
        DatabaseUnusable: it cannot be opened.
    """
    try:
        with engine.connect() as connection, connection.begin():
            found = _version(connection)
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        raise _unusable(engine, error) from error
    if found < CURRENT:
        raise SchemaTooOld(_name(engine), found, CURRENT)


def _wait_for_others(connection: sa.Connection) -> None:
    """Let one process migrate at a time; a write transaction of SQLite is the only one anyway."""
    if is_postgresql(connection):
        be_patient(connection)
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.cast(_LOCK, sa.BigInteger))))


def _unusable(engine: sa.Engine, error: sa.exc.DBAPIError | sa.exc.TimeoutError) -> DatabaseUnusable:
    return DatabaseUnusable(_name(engine), str(getattr(error, "orig", error)).strip())


def _version(connection: sa.Connection) -> int:
    table = schema.schema_version
    if not sa.inspect(connection).has_table(table.name):
        return 0
    row = connection.execute(sa.select(table)).one_or_none()
    if row is None:
        raise DatabaseUnusable(_name(connection.engine), f"its table {table.name} is empty")
    if row.oldest_compatible > CURRENT:
        raise SchemaTooNew(_name(connection.engine), row.version, CURRENT)
    return int(row.version)


def _name(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
