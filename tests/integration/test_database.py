"""The database: schema, migrations, tenants."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from regards_order import Account, InvalidInput, NotFound, Ordering, SelectionRequest, StoreUnavailable, User
from regards_order.testing import ManualClock, make_dataset, make_file, make_product
from regards_order_adapters.bootstrap import Service
from regards_order_adapters.catalog.write import put
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import DatabaseUnusable, SchemaTooNew, SchemaTooOld, check, migrate


@contextmanager
def opened(path: Path) -> Iterator[sa.Engine]:
    """Open a database and close it afterwards."""
    engine = make_engine(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


def test_the_migrations_make_the_tables_that_the_code_describes(tmp_path: Path) -> None:
    """A migrated database and the tables in the code do not differ."""
    with opened(tmp_path / "x.db") as engine:
        assert migrate(engine) == (0, 1)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    """A current database stays as it is."""
    with opened(tmp_path / "x.db") as engine:
        migrate(engine)
        assert migrate(engine) == (1, 1)
        check(engine)


def test_an_old_schema_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    """A process that does not migrate says what to run."""
    with opened(tmp_path / "x.db") as engine, pytest.raises(SchemaTooOld, match='run "regards-order migrate"'):
        check(engine)


def test_a_newer_schema_is_refused_unless_it_is_compatible(tmp_path: Path) -> None:
    """What counts is the oldest code that the schema still serves, not its own number."""
    with opened(tmp_path / "x.db") as engine:
        migrate(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE schema_version SET version = 7, oldest_compatible = 1")
        check(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE schema_version SET oldest_compatible = 7")
        with pytest.raises(SchemaTooNew, match=r"has schema 7, which this program \(schema 1\)"):
            check(engine)
        with pytest.raises(SchemaTooNew):
            migrate(engine)


def test_a_failed_migration_leaves_nothing(tmp_path: Path) -> None:
    """A database with a table in the way is refused, and none of ours is in it afterwards."""
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE products (x)")
    connection.close()
    with opened(tmp_path / "x.db") as engine:
        with pytest.raises(DatabaseUnusable, match="products already exists"):
            migrate(engine)
        assert sa.inspect(engine).get_table_names() == ["products"]


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql://x/y"])
def test_other_databases_are_refused(url: str) -> None:
    """A URL that cannot be served is named with what is expected."""
    with pytest.raises(InvalidInput, match="expected sqlite:///FILE"):
        make_engine(url)


def test_connections_are_safe_for_several_processes(tmp_path: Path) -> None:
    """SQLite works with WAL, foreign keys and a busy time-out; a write takes its lock at once."""
    with opened(tmp_path / "x.db") as engine, engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30000}


_TENANT_FREE = re.compile(r"id_counters|sqlite_master|tenants|schema_version|^BEGIN|^PRAGMA")


def story(ordering: Ordering, service: Service, clock: ManualClock, tenant: str) -> int:
    """Fill a catalogue, order from it, and download."""
    user = User("lise@obs.example")
    dataset = make_dataset("DS")
    product = make_product("P", make_file("f.txt"), datasets=(dataset,), properties={"cloud": 1, "mode": "IW"})
    put(service.store(tenant), [dataset], [product])
    put(service.store(tenant), [dataset], [product])
    clock.advance(seconds=1)
    ordering.add_selection(user, SelectionRequest.of("cloud:[0 TO 3] AND mode:*W AND NOT tags:x AND rawdata:f"))
    order = ordering.place_order(user)
    ordering.work()
    ordering.list_files(user, order.id)
    return order.id


def test_every_statement_names_the_tenant(service: Service, clock: ManualClock) -> None:
    """No statement that reads or changes a tenant's table can reach the rows of another one."""
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(service.engine, "before_cursor_execute", note)
    story(service.ordering("default"), service, clock, "default")
    checked = [statement for statement in statements if not _TENANT_FREE.search(statement)]
    assert len(checked) > 30
    for statement in checked:
        for part in re.split(r"\bUNION\b", statement):
            assert "tenant_id" in (part if part.startswith("INSERT") else part.partition("WHERE")[2]), statement


def test_tenants_do_not_see_each_other(service: Service, clock: ManualClock) -> None:
    """The same user has another basket, other orders and another catalogue in another tenant."""
    order_id = story(service.ordering("default"), service, clock, "default")
    user, other = User("lise@obs.example"), service.ordering("other")
    with pytest.raises(NotFound, match=f"with id : {order_id} doesn't exist"):
        other.get_order(user, order_id)
    with pytest.raises(NotFound):
        other.open_zip(user, order_id)
    assert other.list_orders(user) == ()
    assert other.catalog.attributes() == {}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (" OR ".join(f"cloud:{n}" for n in range(1100)), 50),
        (" AND ".join(f"NOT cloud:{n}" for n in range(100, 1200)), 50),
        ("mode:(" + " OR ".join(f"a{n}*" for n in range(1100)) + ") OR cloud:1", 1),
    ],
    ids=["or", "and", "wildcards"],
)
def test_long_queries_are_answered(service: Service, clock: ManualClock, query: str, expected: int) -> None:
    """SQLite refuses a thousand operators in a row; a query may have many more."""
    dataset = make_dataset("DS")
    products = [
        make_product(f"P{n}", make_file(f"f{n}"), datasets=(dataset,), properties={"cloud": n, "mode": "IW"})
        for n in range(50)
    ]
    put(service.store("default"), [dataset], products)
    clock.advance(seconds=1)
    user, ordering = User("lise@obs.example"), service.ordering("default")
    basket = ordering.add_selection(user, SelectionRequest.of(query, dataset=dataset.urn))
    assert basket.selections[0].counters.objects_count == expected
    ordering.place_order(user)
    ordering.work()
    assert ordering.list_orders(user)[0].counts.total == expected


def test_a_full_database_is_an_error_of_the_domain(service: Service) -> None:
    """What the driver says becomes one error of our tree; nothing of the transaction stays."""
    user = User("lise@obs.example")

    def write() -> None:
        with service.store("default").write() as tx:
            tx.users.put(Account(user))
            tx.scope.connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreUnavailable, match="no such table: nowhere"):
        write()
    with service.store("default").read() as tx:
        assert tx.users.get(user.email) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("DELETE FROM schema_version", "its table schema_version is empty"),
        (
            "UPDATE alembic_version SET version_num = 'x'; UPDATE schema_version SET version = 0",
            "Can't locate revision",
        ),
    ],
)
def test_a_damaged_schema_is_named(tmp_path: Path, change: str, expected: str) -> None:
    """A database that cannot be migrated is refused with the cause."""
    with opened(tmp_path / "x.db") as engine:
        migrate(engine)
        with engine.begin() as connection:
            for statement in change.split(";"):
                connection.exec_driver_sql(statement)
        with pytest.raises(DatabaseUnusable, match=expected):
            migrate(engine)


def test_a_newer_compatible_schema_is_used_as_it_is(tmp_path: Path) -> None:
    """A program older than the database, but not too old for it, works and migrates nothing."""
    with opened(tmp_path / "x.db") as engine:
        migrate(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE schema_version SET version = 2")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
        assert migrate(engine) == (2, 2)


def test_an_absent_number_is_not_found(ordering: Ordering) -> None:
    """A number that no order can have is an absent one."""
    for number in (-12, 0, 2**63, 2**200):
        with pytest.raises(NotFound, match=f"with id : {number} doesn't exist"):
            ordering.get_order(User("lise@obs.example"), number)
