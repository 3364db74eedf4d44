"""Databases for property tests, which need a fresh one for each example."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

import pytest

from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import migrate
from regards_order_adapters.sql.unit_of_work import SqlStore


@cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "template.db")
        engine = make_engine(f"sqlite:///{path}")
        migrate(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return path.read_bytes()


@contextmanager
def sqlite_store() -> Iterator[SqlStore]:
    """Open a store on a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        path.write_bytes(_template())
        engine = make_engine(f"sqlite:///{path}")
        try:
            yield SqlStore(engine, "default")
        finally:
            engine.dispose()


@pytest.fixture(scope="session")
def fresh_store() -> Callable[[], AbstractContextManager[SqlStore]]:
    """Return what opens an empty store."""
    return sqlite_store
