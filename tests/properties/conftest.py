"""Databases for property tests, which need an empty one for each example."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa

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


@pytest.fixture(scope="session")
def engines(sqlite_template: Path, cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[sa.Engine]]:
    """One database of each kind; every example has a tenant of its own in it."""
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("engines"))
    engines = [make_engine(f"sqlite:///{path}"), make_engine(cluster.create())]
    yield engines
    for engine in engines:
        engine.dispose()
