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
from regards_order_adapters.sql.engine import WRITE

#: the schema that this code is written for; grows with every migration
CURRENT = 1


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


def migrate(engine: sa.Engine) -> tuple[int, int]:
    """Bring a database to the current schema and return the version before and after; 0 is an empty database.

    Raises:
        SchemaTooNew: a newer program has migrated it beyond what this one understands.
        DatabaseUnusable: it cannot be opened, or is no database of ours.
    """
    try:
        with engine.connect().execution_options(**{WRITE: True}) as connection, connection.begin():
            before = _version(connection)
            if before >= CURRENT:
                return before, before
            config = Config()
            config.set_main_option("script_location", str(files(__package__) / "migrations").replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return before, _version(connection)
    except sa.exc.DBAPIError as error:
        raise DatabaseUnusable(_name(engine), str(error.orig)) from error
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
    except sa.exc.DBAPIError as error:
        raise DatabaseUnusable(_name(engine), str(error.orig)) from error
    if found < CURRENT:
        raise SchemaTooOld(_name(engine), found, CURRENT)


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
