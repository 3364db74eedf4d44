"""Connect to a database: SQLite is made safe for several processes."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa

from regards_order.domain.errors import Fault, InvalidInput
from regards_order_adapters.sql import functions

WRITE = "regards_order_write"
_BUSY_MILLISECONDS = 30_000


def make_engine(url: str) -> sa.Engine:
    """Return an engine for a database.

    Args:
        url: SQLAlchemy URL; ``sqlite:///file.db`` with WAL, foreign keys, a busy time-out and immediate writes.

    Raises:
        InvalidInput: the URL is none, names another database, or a SQLite database without a file.
    """
    parsed = _parse(url)
    engine = sa.create_engine(parsed, json_serializer=_dumps, json_deserializer=orjson.loads)
    sa.event.listen(engine, "connect", _connect)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _parse(url: str) -> sa.URL:
    expected = "expected sqlite:///FILE"
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise InvalidInput((Fault("$.database_url", f'"{url}" is no database URL; {expected}'),)) from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        detail = f'"{parsed.drivername}" is not supported; {expected}'
        raise InvalidInput((Fault("$.database_url", detail),))
    if parsed.database in (None, "", ":memory:") or parsed.host or parsed.username or parsed.query:
        shown = parsed.render_as_string(hide_password=True)
        raise InvalidInput((Fault("$.database_url", f'"{shown}" names no file, or more than a file; {expected}'),))
    return parsed


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def _connect(connection: Any, record: Any) -> None:
    # sqlite3 opens transactions on its own, and deferred; a deferred one that wants to write later fails at once
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        "synchronous = NORMAL",
        # 32 MiB instead of 2: products are read in the order of their URNs, all over the file
        "cache_size = -32768",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    functions.register(connection)


def _begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
