"""The twins and the SQL adapters behave alike, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest
from hypothesis import HealthCheck, settings

from regards_order import Ordering
from regards_order.testing import CountedIds
from regards_order.testing.machine import Bench, OrderingMachine, twin
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.delivery.zip import ZipArchives
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.unit_of_work import SqlStore

OpenStore = Callable[[], AbstractContextManager[SqlStore]]


@pytest.fixture(autouse=True)
def systems(request: pytest.FixtureRequest) -> Iterator[None]:
    """Say where databases come from, and let nobody collect the warnings of thousands of steps."""
    for machine, fixture in ((TwinAndSqlite, "fresh_sqlite"), (TwinAndPostgres, "fresh_postgres")):
        if request.cls is machine.TestCase:
            machine.factories = (twin, partial(on_database, request.getfixturevalue(fixture)))
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@contextmanager
def on_database(fresh_store: OpenStore, bench: Bench) -> Iterator[Ordering]:
    """Open a system on a database of its own, with real patterns and archives."""
    with fresh_store() as store:
        put(store, bench.catalog.datasets, bench.catalog.products)
        yield Ordering(
            store=store,
            catalog=SqlCatalog(store, Re2Patterns()),
            storage=bench.storage,
            external=bench.external,
            patterns=Re2Patterns(),
            archives=ZipArchives(),
            clock=bench.clock,
            unique_ids=CountedIds(),
            settings=bench.settings,
        )


class TwinAndSqlite(OrderingMachine):
    """The second factory comes from `systems`."""


class TwinAndPostgres(OrderingMachine):
    """Likewise."""


_beside_a_database = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestTwinAndSqlite = pytest.mark.slow(TwinAndSqlite.TestCase)
TestTwinAndSqlite.settings = _beside_a_database
TestTwinAndPostgres = pytest.mark.slow(TwinAndPostgres.TestCase)
TestTwinAndPostgres.settings = _beside_a_database


class TwinAlone(OrderingMachine):
    factories = (twin,)


TestTwinAlone = pytest.mark.slow(TwinAlone.TestCase)
TestTwinAlone.settings = settings(
    max_examples=80,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
