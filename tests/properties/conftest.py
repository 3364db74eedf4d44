"""Databases for property tests, which need an empty one for each example."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.unit_of_work import SqlStore

OpenStore = Callable[[], AbstractContextManager[SqlStore]]


@contextmanager
def opened(url: str) -> Iterator[SqlStore]:
    """Open a store."""
    engine = make_engine(url)
    try:
        yield SqlStore(engine, "default")
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def fresh_sqlite(sqlite_template: Path) -> OpenStore:
    """Return what opens an empty store on SQLite."""

    @contextmanager
    def fresh() -> Iterator[SqlStore]:
        with TemporaryDirectory() as folder:
            path = shutil.copy(sqlite_template, folder)
            with opened(f"sqlite:///{path}") as store:
                yield store

    return fresh


@pytest.fixture(scope="session")
def fresh_postgres(request: pytest.FixtureRequest) -> OpenStore:
    """Return what opens an empty store on PostgreSQL."""
    cluster = request.getfixturevalue("cluster")
    return lambda: opened(cluster.reuse())


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def fresh_store(request: pytest.FixtureRequest) -> OpenStore:
    """Return what opens an empty store; each test that uses it runs on both kinds of database."""
    fresh: OpenStore = request.getfixturevalue(f"fresh_{request.param}")
    return fresh
