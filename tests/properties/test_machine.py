"""The twins and the SQL adapters behave alike, whatever happens."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings

from regards_order import Ordering
from regards_order.testing import CountedIds
from regards_order.testing.machine import Bench, OrderingMachine, twin
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.delivery.zip import ZipArchives
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import migrate
from regards_order_adapters.sql.unit_of_work import SqlStore


@cache
def template() -> bytes:
    """Return a migrated database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "template.db")
        engine = make_engine(f"sqlite:///{path}")
        migrate(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return path.read_bytes()


@contextmanager
def sqlite(bench: Bench) -> Iterator[Ordering]:
    """Open a system on a database of its own, with real patterns and archives."""
    folder = Path(tempfile.mkdtemp())
    path = folder / "store.db"
    path.write_bytes(template())
    engine = make_engine(f"sqlite:///{path}")
    try:
        store = SqlStore(engine, "default")
        put(store, bench.catalog.datasets, bench.catalog.products)
        yield Ordering(
            store=store,
            catalog=SqlCatalog(store),
            storage=bench.storage,
            external=bench.external,
            patterns=Re2Patterns(),
            archives=ZipArchives(),
            clock=bench.clock,
            unique_ids=CountedIds(),
            settings=bench.settings,
        )
    finally:
        engine.dispose()
        shutil.rmtree(folder)


class TwinAndSqlite(OrderingMachine):
    factories = (twin, sqlite)


TestTwinAndSqlite = TwinAndSqlite.TestCase
TestTwinAndSqlite.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class TwinAlone(OrderingMachine):
    factories = (twin,)


TestTwinAlone = TwinAlone.TestCase
TestTwinAlone.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
