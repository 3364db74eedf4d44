"""Connect to SQLite."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa

from regards_order_adapters.sql import functions
from regards_order_adapters.sql.options import WRITE
from regards_order_adapters.sql.types import dump_json

#: less than a request waits for its answer
_BUSY_MILLISECONDS = 8_000


def make_engine(url: sa.URL) -> sa.Engine:
    """Return an engine with WAL, foreign keys, a busy time-out and immediate writes."""
    engine = sa.create_engine(url, json_serializer=dump_json, json_deserializer=_load_json)
    sa.event.listen(engine, "connect", _connect)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _load_json(value: Any) -> Any:
    # SQLite takes a text that holds nothing but a number for a number
    return orjson.loads(value) if isinstance(value, str) else value


def _connect(connection: Any, record: Any) -> None:
    # sqlite3 opens transactions on its own, and deferred; a deferred one that wants to write later fails at once
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        "synchronous = NORMAL",
        # 20 MiB instead of 2: products are read in the order of their URNs, all over the file
        "cache_size = -20480",
        # pages: a log of 16 MiB instead of 4, because a large order is stored in many transactions
        "wal_autocheckpoint = 4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    functions.register(connection)


def _begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
