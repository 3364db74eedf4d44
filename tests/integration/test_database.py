"""The database: schema, migrations, tenants."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from regards_order import (
    Access,
    Account,
    InvalidInput,
    NotFound,
    Ordering,
    OrderStatus,
    QuotaLimits,
    Role,
    SelectionRequest,
    StoreUnavailable,
    User,
    compile_search,
)
from regards_order.domain.quota import Consumption
from regards_order.testing import ManualClock, make_dataset, make_file, make_product
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.config import Config
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import CURRENT, DatabaseUnusable, SchemaTooNew, SchemaTooOld, check, migrate
from regards_order_adapters.sql.quotas import SqlQuotas
from regards_order_adapters.sql.unit_of_work import SqlStore, writing

# SQLAlchemy cannot describe an index of expressions
_NOT_REFLECTED = pytest.mark.filterwarnings("ignore:.*expression-based index")


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    """Open a database and close it afterwards."""
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture
def blank(new_database: Callable[..., str]) -> Iterator[sa.Engine]:
    """An empty database that was never migrated."""
    with opened(new_database(migrated=False)) as engine:
        yield engine


@pytest.fixture
def service(database_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[Service]:
    """A service of two tenants, on both kinds of database."""
    config = Config(database_url=database_url, storage_root=str(tmp_path / "storage"), tenants=("default", "other"))
    with open_service(config, clock) as opened:
        yield opened


def run(engine: sa.Engine, *statements: str) -> None:
    """Run statements in a transaction that may change things."""
    with writing(engine) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@_NOT_REFLECTED
def test_the_migrations_make_the_tables_that_the_code_describes(blank: sa.Engine) -> None:
    """A migrated database and the tables in the code do not differ."""

    def include(item: Any, name: str, *_: Any) -> bool:
        # alembic cannot compare what is sorted downwards, nor expressions: see below
        return name not in ("ix_suborders_free", "ix_product_values_text", "ix_products_label")

    assert migrate(blank) == (0, CURRENT)
    with blank.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": include})
        assert compare_metadata(context, schema.metadata) == []
        dialect = connection.dialect.name
        query = {
            "sqlite": "SELECT name, sql FROM sqlite_master",
            "postgresql": "SELECT indexname, indexdef FROM pg_indexes",
        }[dialect]
        made = dict(connection.exec_driver_sql(query).all())
    assert "(tenant_id, priority DESC, id) WHERE" in made["ix_suborders_free"].replace("USING btree ", "")
    assert "(tenant_id, name, substr(text, 1, 64), product_id)" in made["ix_product_values_text"]
    assert "(tenant_id, substr(label, 1, 64))" in re.sub(r"\((\w+)\)::text", r"\1", made["ix_products_label"])


@_NOT_REFLECTED
def test_the_migrations_name_constraints_as_the_code_does(blank: sa.Engine) -> None:
    """Later migrations refer to constraints by the names of the naming convention."""
    migrate(blank)
    described = sa.inspect(blank)
    for table in schema.metadata.sorted_tables:
        foreign = {key["name"] for key in described.get_foreign_keys(table.name)}
        assert foreign == {key.constraint.name for key in table.foreign_keys}
        expected = table.primary_key.name if table.primary_key.columns else None
        assert described.get_pk_constraint(table.name)["name"] == expected
        unique = {key["name"] for key in described.get_unique_constraints(table.name)}
        assert unique == {each.name for each in table.constraints if isinstance(each, sa.UniqueConstraint)}


def test_migrating_twice_changes_nothing(blank: sa.Engine) -> None:
    """A current database stays as it is."""
    migrate(blank)
    assert migrate(blank) == (CURRENT, CURRENT)
    check(blank)


def test_a_database_of_the_first_version_keeps_its_data(blank: sa.Engine) -> None:
    """Orders can be claimed afterwards, and owners whose slots were freed are still noted, in their order."""
    migrate(blank, "0001")
    run(
        blank,
        "INSERT INTO tenants (id, name) VALUES (1, 'default')",
        "INSERT INTO id_counters (kind, next) VALUES ('freed_slot', 8), ('tenant', 2)",
        "INSERT INTO freed_slots (tenant_id, owner, number) VALUES (1, 'hugo', 7), (1, 'lise', 5)",
        "INSERT INTO orders (id, tenant_id, owner, role, groups, label, correlation_id, created, status, status_date,"
        " hours, version) VALUES (3, 1, 'lise', 'EXPLOIT', '[]', 'été', 'c', 1, 'PENDING', 2, 24, 4)",
        "INSERT INTO suborders (id, tenant_id, order_id, owner, dataset_urn, external, state, priority, hours,"
        " first_file, last_file, version) VALUES (5, 1, 3, 'lise', 'URN', false, 'QUEUED', 50, 24, 1, 9, 2)",
    )
    with pytest.raises(SchemaTooOld):
        check(blank)
    assert migrate(blank) == (1, CURRENT)
    with SqlStore(blank, "default").write() as tx:
        assert list(tx.slots.freed(5)) == ["lise", "hugo"]
        (order,) = tx.claims.orders(5, 60)
        assert (order.id, order.label, order.version, order.attempt) == (3, "été", 4, 1)
        (suborder,) = tx.claims.suborders(ManualClock().now(), 5, 60)
        assert (suborder.id, suborder.version, suborder.attempt) == (5, 2, 1)
        tx.slots.note_freed("lise")
        tx.slots.note_freed("zoe")
        assert list(tx.slots.freed(5)) == ["lise", "hugo", "zoe"]


def test_a_catalogue_of_the_second_version_is_searched_by_what_is_new(blank: sa.Engine) -> None:
    """Products have boxes and virtual ids then, and what is in an array is known to be."""
    migrate(blank, "0002")
    urn = "URN:AIP:DATA:default:00000000-0000-0000-0000-000000000004:V{}"
    geometry = '{"type": "LineString", "coordinates": [[1, 2], [3, -4]]}'
    properties = '{"years": [2001, 2002], "sensing": {"modes": ["a"], "mode": "b"}}'
    run(
        blank,
        "INSERT INTO tenants (id, name) VALUES (1, 'default')",
        "INSERT INTO group_sets (id, tenant_id, names) VALUES (1, 1, 'public')",
        *(
            "INSERT INTO products (id, tenant_id, urn, provider_id, label, model, version, last, properties, geometry,"
            f" group_set_id, creation_date, last_update, file_count) VALUES ({n}, 1, '{urn.format(n)}', 'p', 'p', 'm',"
            f" {n}, {n == 2}, '{properties}', {given}, 1, 0, 0, 0)"
            for n, given in ((1, "NULL"), (2, f"'{geometry}'"))
        ),
        *(
            "INSERT INTO product_values (tenant_id, product_id, name, position, kind, text, integer) VALUES"
            f" (1, {n}, 'years', 0, 'INTEGER', '2001', 2001), (1, {n}, 'years', 1, 'INTEGER', '2002', 2002),"
            f" (1, {n}, 'sensing.modes', 0, 'TEXT', 'a', NULL), (1, {n}, 'sensing.mode', 0, 'TEXT', 'b', NULL)"
            for n in (1, 2)
        ),
        "INSERT INTO attributes (tenant_id, name, kind, uses) VALUES (1, 'years', 'INTEGER', 4),"
        " (1, 'sensing.modes', 'TEXT', 2), (1, 'sensing.mode', 'TEXT', 2)",
    )
    assert migrate(blank) == (2, CURRENT)
    catalog = SqlCatalog(SqlStore(blank, "default"), Re2Patterns())
    names = catalog.attributes()
    assert {name: kind.name for name, kind in names.items()} == {
        "years": "LONG_ARRAY",
        "sensing.modes": "STRING_ARRAY",
        "sensing.mode": "STRING",
    }
    for parameters in (
        {"g": ("POLYGON((0 0, 5 0, 5 -9, 0 -9, 0 0))",)},
        {"q": (f'virtualId:"{urn[:-3]}LAST"',)},
        {"q": ("years:2001 AND version:2",)},
    ):
        found = catalog.search([compile_search(SelectionRequest(parameters), names)], Access(), limit=9)
        assert [product.version for product in found] == [2], parameters


def test_orders_of_the_third_version_live_on(blank: sa.Engine) -> None:
    """Those that were PENDING are still to be listed, all others are; who had no date of expiration has one then."""
    migrate(blank, "0003")
    week = dt.timedelta(hours=168)
    expires = {"DONE": 7_000_000}
    run(
        blank,
        "INSERT INTO tenants (id, name) VALUES (1, 'default'), (2, 'other')",
        *(
            "INSERT INTO orders (id, tenant_id, owner, role, groups, label, correlation_id, created, status,"
            " status_date, hours, expires, available, version, attempt, leased_until) VALUES"
            f" ({n}, 1, 'user {n}', 'EXPLOIT', '[]', 'été', 'c', {n}, '{status.name}', 2, 24,"
            f" {expires.get(status.name, 'NULL')}, 1, 4, 3, {'9' if n % 2 else 'NULL'})"
            for n, status in enumerate(OrderStatus, 1)
        ),
        "INSERT INTO suborders (id, tenant_id, order_id, owner, dataset_urn, external, state, priority, hours,"
        " first_file, last_file, version) VALUES (5, 1, 2, 'user 2', 'URN', false, 'QUEUED', 50, 24, 1, 9, 2)",
    )
    with pytest.raises(SchemaTooOld):
        check(blank)
    assert migrate(blank) == (3, CURRENT)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    now = epoch + dt.timedelta(days=9)
    with SqlStore(blank, "default").write() as tx:
        orders = {order.status: order for order in tx.orders.page()}
        assert set(orders) == set(OrderStatus)
        for n, (status, order) in enumerate(orders.items(), 1):
            created = epoch + dt.timedelta(microseconds=n)
            dates: dict[OrderStatus, dt.datetime | None] = {
                OrderStatus.DONE: epoch + dt.timedelta(seconds=7),
                OrderStatus.DELETED: None,
            }
            assert (order.id, order.label, order.version, order.attempt, order.created) == (n, "été", 4, 3, created)
            assert order.listed is (status is not OrderStatus.PENDING)
            assert order.expires == dates.get(status, created + week)
        assert list(tx.orders.over(now, limit=99)) == [order for order in orders.values() if order.is_over(now)]
        assert [order.status for order in tx.claims.orders(99, 60)] == [OrderStatus.PENDING]
        assert [each.id for each in tx.claims.suborders(now, 9, 60)] == [5]
        assert tx.settings.changed() == {}
        assert list(tx.claims.due_chores(("a",), now)) == ["a"]
        assert tx.claims.chore("a", now, 60) is not None
        tx.settings.put("a", [1])
    with SqlStore(blank, "other").read() as tx:
        assert (tx.settings.changed(), list(tx.claims.due_chores(("a",), now))) == ({}, ["a"])


def test_limits_of_the_fourth_version_live_on(blank: sa.Engine) -> None:
    """Who had a limit has it still, in the own tenant, and has downloaded nothing; all others are yet to be seen."""
    migrate(blank, "0004")
    rows = [(1, "both", 5, 2), (1, "quota", 0, -1), (2, "quota", 7, -1), (1, "rate", -1, 0), (1, "none", -1, -1)]
    run(
        blank,
        "INSERT INTO tenants (id, name) VALUES (1, 'default'), (2, 'other')",
        *(
            "INSERT INTO accounts (tenant_id, email, role, groups, active, max_quota, rate_limit) VALUES"
            f" ({tenant}, '{email}', 'EXPLOIT', '[]', true, {quota}, {rate})"
            for tenant, email, quota, rate in rows
        ),
    )
    assert migrate(blank) == (4, CURRENT)
    for number, name in enumerate(("default", "other"), 1):
        store = SqlStore(blank, name)
        quotas = SqlQuotas(store)
        for tenant, email, quota, rate in rows:
            if tenant == number:
                known = None if (quota, rate) == (-1, -1) else Consumption(QuotaLimits(quota, rate), 0, 0)
                assert quotas.consumption(email) == known
                with store.read() as tx:
                    assert tx.users.get(email) == Account(User(email, Role.EXPLOIT, frozenset()))


def test_an_old_schema_is_refused_with_the_command_that_mends_it(blank: sa.Engine) -> None:
    """A process that does not migrate says what to run."""
    with pytest.raises(SchemaTooOld, match='run "regards-order migrate"'):
        check(blank)


def test_a_newer_schema_is_refused_unless_it_is_compatible(blank: sa.Engine) -> None:
    """What counts is the oldest code that the schema still serves, not its own number."""
    migrate(blank)
    run(blank, f"UPDATE schema_version SET version = 7, oldest_compatible = {CURRENT}")
    check(blank)
    run(blank, "UPDATE schema_version SET oldest_compatible = 7")
    with pytest.raises(SchemaTooNew, match=rf"has schema 7, which this program \(schema {CURRENT}\)"):
        check(blank)
    with pytest.raises(SchemaTooNew):
        migrate(blank)


def test_a_failed_migration_leaves_nothing(blank: sa.Engine) -> None:
    """A database with a table in the way is refused, and none of ours is in it afterwards."""
    run(blank, "CREATE TABLE products (x INTEGER)")
    with pytest.raises(DatabaseUnusable, match=r"products.* already exists"):
        migrate(blank)
    assert sa.inspect(blank).get_table_names() == ["products"]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://x/y",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://x/y",
        "postgresql+psycopg://lise:secret@x",
    ],
)
def test_other_databases_are_refused(url: str) -> None:
    """A URL that cannot be served is named with what is expected, without its password."""
    with pytest.raises(InvalidInput, match=r"expected sqlite:///FILE or postgresql\+psycopg:") as refused:
        make_engine(url)
    assert "secret" not in str(refused.value)


def test_connections_are_safe_for_several_processes(tmp_path: Path) -> None:
    """SQLite works with WAL, foreign keys and a busy time-out; a write takes its lock at once."""
    with opened(f"sqlite:///{tmp_path / 'x.db'}") as engine, engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 8000}


_TENANT_FREE = re.compile(
    r"id_counters|sqlite_master|sqlite_stat1|tenants|schema_version|^BEGIN|^PRAGMA|pg_advisory_xact_lock|pg_catalog|pg_class"
    r"|^(SET|ANALYZE|select|show) "
)


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
            if "WHERE" in part or not re.search(
                "group_|FROM (tagged|found)", part
            ):  # else it only puts together what was chosen before
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


def test_a_full_database_is_an_error_of_the_domain(sqlite: Callable[..., str]) -> None:
    """What the driver says becomes one error of our tree; nothing of the transaction stays."""
    user = User("lise@obs.example")
    with opened(sqlite()) as engine:
        store = SqlStore(engine, "default")

        def write() -> None:
            with store.write() as tx:
                tx.users.put(Account(user))
                tx.scope.connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

        with pytest.raises(StoreUnavailable, match="no such table: nowhere"):
            write()
        with store.read() as tx:
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
def test_a_damaged_schema_is_named(blank: sa.Engine, change: str, expected: str) -> None:
    """A database that cannot be migrated is refused with the cause."""
    migrate(blank)
    run(blank, *change.split(";"))
    with pytest.raises(DatabaseUnusable, match=expected):
        migrate(blank)


def test_a_newer_compatible_schema_is_used_as_it_is(blank: sa.Engine) -> None:
    """A program older than the database, but not too old for it, works and migrates nothing."""
    migrate(blank)
    run(blank, "UPDATE schema_version SET version = 9", "UPDATE alembic_version SET version_num = '0009'")
    assert migrate(blank) == (9, 9)


def test_a_text_with_nul_is_refused(engine: sa.Engine) -> None:
    """PostgreSQL has no such texts; so neither has SQLite."""
    with pytest.raises(InvalidInput, match="must not hold NUL"), SqlStore(engine, "default").write() as tx:
        tx.orders.label_taken("lise", "a\0b")


def test_a_query_with_nul_finds_nothing(service: Service) -> None:
    """No text of the catalogue holds NUL, whatever the way of asking."""
    dataset = make_dataset("DS")
    put(service.store("default"), [dataset], [make_product("P", make_file("f"), datasets=(dataset,))])
    catalog = service.ordering("default").catalog
    searches = [
        compile_search(SelectionRequest.of(query), {})
        for query in ("providerId:\0", 'providerId:"P\0"', "providerId:P*\0")
    ]
    assert catalog.summary(searches, Access(everything=True)).total.objects_count == 0
    none_of_them = compile_search(SelectionRequest.of('NOT providerId:"P\0" AND NOT label:\0'), {})
    assert catalog.summary([none_of_them], Access(everything=True)).total.objects_count == 1


def test_products_with_nul_are_refused(service: Service) -> None:
    """Whoever fills a catalogue is told before anything is written."""
    product = make_product("P", make_file("f"), properties={"mode": "I\0W"})
    with pytest.raises(InvalidInput, match="must not hold NUL"):
        put(service.store("default"), [], [product])


def test_an_absent_number_is_not_found(ordering: Ordering) -> None:
    """A number that no order can have is an absent one."""
    for number in (-12, 0, 2**63, 2**200):
        with pytest.raises(NotFound, match=f"with id : {number} doesn't exist"):
            ordering.get_order(User("lise@obs.example"), number)
