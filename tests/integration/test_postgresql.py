"""PostgreSQL: many writers at once, and a server that is slow, frozen or away."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from regards_order import Account, StoreUnavailable, User
from regards_order.domain.errors import Conflict, LabelTaken
from regards_order.domain.events import OrderCreated
from regards_order.domain.files import FileCounts, FileState
from regards_order.domain.order import Contents, DatasetTask, OrderStatus
from regards_order.domain.suborder import SuborderState
from regards_order.ports.files import FileChoice
from regards_order.ports.storage import StoredFile
from regards_order.testing import ManualClock
from regards_order.testing.contracts.values import LISE, NOW, a_basket, a_file, a_suborder, an_order, put_order
from regards_order_adapters.sql import postgresql
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import CURRENT, DatabaseUnusable, check, migrate
from regards_order_adapters.sql.unit_of_work import SqlStore, SqlTransaction, writing
from regards_order_adapters.storage.files import FileStorage
from servers.postgres import Cluster, run_cluster


@pytest.fixture
def engine(cluster: Cluster) -> Iterator[sa.Engine]:
    """An empty migrated database."""
    engine = make_engine(cluster.reuse())
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> SqlStore:
    """A store of one tenant."""
    return SqlStore(engine, "default")


@pytest.fixture
def fragile(cluster: Cluster) -> Iterator[Cluster]:
    """A server that may be stopped: nobody else uses it."""
    with run_cluster() as own:
        yield own


def setting(connection: sa.Connection, name: str) -> str:
    """Return a setting of the session."""
    return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def run(tx: SqlTransaction, *statements: str) -> None:
    """Run statements in a transaction."""
    for statement in statements:
        tx.scope.connection.exec_driver_sql(statement)


# --- sessions --------------------------------------------------------------------------------------------------------


def test_sessions_say_who_they_are_and_do_not_wait_for_ever(store: SqlStore) -> None:
    """Name, time zone and limits are those of the documentation; only work on many rows lifts one."""
    names = ("application_name", "TimeZone", "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    with store.read() as tx:
        assert [setting(tx.scope.connection, name) for name in names] == ["regards-order", "UTC", "5s", "6s", "1min"]
    with store.write() as tx:
        tx.files.add([a_file()])
        assert setting(tx.scope.connection, "statement_timeout") == "0"
    with store.write() as tx:
        assert setting(tx.scope.connection, "statement_timeout") == "6s"


def test_reads_see_one_state_and_change_nothing(store: SqlStore) -> None:
    """A read is REPEATABLE READ and READ ONLY, a write READ COMMITTED, in any order of the two."""
    names = ("transaction_isolation", "transaction_read_only")
    for _ in range(2):
        with store.read() as tx:
            assert [setting(tx.scope.connection, name) for name in names] == ["repeatable read", "on"]
        with store.write() as tx:
            assert [setting(tx.scope.connection, name) for name in names] == ["read committed", "off"]


def test_a_transaction_costs_no_more_than_its_statements(engine: sa.Engine, store: SqlStore) -> None:
    """Neither the isolation nor the check of a connection at rest is a statement of its own."""
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with store.read() as tx:
        tx.users.get(LISE)
    with store.write() as tx:
        tx.orders.label_taken(LISE, "x")
    assert [statement.split()[0] for statement in statements] == ["SELECT", "SELECT"]


def test_options_of_the_url_are_kept(cluster: Cluster) -> None:
    """What the administrator writes into the URL comes on top of ours, and wins."""
    url = cluster.reuse() + "?application_name=night&options=-c%20lock_timeout%3D9s"
    engine = make_engine(url)
    with engine.connect() as connection:
        names = ("application_name", "lock_timeout", "statement_timeout")
        assert [setting(connection, name) for name in names] == ["night", "9s", "6s"]
    engine.dispose()


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"psycopg is not installed.*regards-order\[postgresql\]"):
        make_engine("postgresql+psycopg://u@h/d")


# --- a server in trouble ---------------------------------------------------------------------------------------------


def test_a_restarted_server_is_noticed(fragile: Cluster) -> None:
    """Connections that the restart cut off are replaced before they are used: the next request succeeds."""
    engine = make_engine(fragile.create())
    store = SqlStore(engine, "default")
    for _ in range(2):
        with store.write() as tx:
            tx.users.put(Account(User(LISE)))
            tx.ids.block("order", 1)
        fragile.restart()
    with store.read() as tx:
        assert tx.users.get(LISE) == Account(User(LISE))
    engine.dispose()


def test_a_server_that_is_away_is_an_error_of_the_domain(fragile: Cluster) -> None:
    """Before and within a transaction, and without the password."""
    url = fragile.create()
    engine = make_engine(url.replace("postgres@", "postgres:secret@"))
    store = SqlStore(engine, "default")

    def lose() -> None:
        with store.write() as tx:
            tx.users.put(Account(User(LISE)))
            fragile.stop()
            tx.users.get(LISE)

    with pytest.raises(StoreUnavailable):
        lose()
    with pytest.raises(StoreUnavailable) as refused, store.read():
        pass
    with pytest.raises(DatabaseUnusable) as unusable:
        check(engine)
    assert "secret" not in str(refused.value) + str(unusable.value)
    fragile.restart()
    with store.read() as tx:
        assert tx.users.get(LISE) is None
    engine.dispose()


def test_a_frozen_server_is_given_up(fragile: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing makes nobody wait for ever."""
    monkeypatch.setattr(postgresql, "_PATIENCE_SECONDS", 0.3)
    engine = make_engine(fragile.create())
    store = SqlStore(engine, "default")
    frozen: list[int] = []

    def wait() -> None:
        with store.read() as tx:
            frozen.append(tx.scope.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            os.kill(frozen[0], signal.SIGSTOP)
            tx.users.get(LISE)

    with pytest.raises(StoreUnavailable, match="said nothing for"):
        wait()
    os.kill(frozen[0], signal.SIGCONT)
    with store.read() as tx:
        assert tx.users.get(LISE) is None
    engine.dispose()


def test_nobody_waits_for_a_lock_for_ever(store: SqlStore) -> None:
    """Whoever finds an order locked too long tries again later."""
    with store.write() as tx:
        tx.orders.add(an_order())
    with store.write() as first:
        first.orders.get(1, lock=True)
        statements = ("SET LOCAL lock_timeout = '50ms'", "SELECT * FROM orders FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="lock timeout"), store.write() as second:
            run(second, *statements)


def test_a_slow_statement_is_stopped(store: SqlStore) -> None:
    """It ends in the same error; mistakes of ours do not."""
    with pytest.raises(StoreUnavailable, match="statement timeout"), store.read() as tx:
        run(tx, "SET LOCAL statement_timeout = '50ms'", "SELECT pg_sleep(60)")
    with pytest.raises(sa.exc.ProgrammingError, match="nowhere"), store.read() as tx:
        run(tx, "SELECT * FROM nowhere")


def test_a_deadlock_is_an_error_of_the_domain(store: SqlStore) -> None:
    """One of two that wait for each other is told to try again; the other one succeeds."""
    with store.write() as tx:
        tx.orders.add(an_order(1))
        tx.orders.add(an_order(2))
    met = threading.Barrier(2)

    def lock_both(first: int, second: int) -> bool:
        try:
            with store.write() as tx:
                tx.scope.connection.exec_driver_sql("SET LOCAL deadlock_timeout = '50ms'")
                tx.orders.get(first, lock=True)
                met.wait()
                tx.orders.get(second, lock=True)
        except StoreUnavailable:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        ended = [pool.submit(lock_both, 1, 2), pool.submit(lock_both, 2, 1)]
    assert sorted(each.result() for each in ended) == [False, True]


def test_a_pool_that_is_used_up_is_an_error_of_the_domain(
    engine: sa.Engine, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More at once than there are connections: the last one is told to try again."""
    monkeypatch.setattr(engine.pool, "_timeout", 0.05)
    opened = [engine.connect() for _ in range(24)]
    with pytest.raises(StoreUnavailable, match="no connection of the pool was free for"), store.read():
        pass
    for connection in opened:
        connection.close()


# --- migrations ------------------------------------------------------------------------------------------------------


def test_two_processes_may_migrate_at_once(cluster: Cluster) -> None:
    """One of them does it, the others wait and find nothing left to do."""
    engines = [make_engine(url) for url in [cluster.create(migrated=False)] * 4]
    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(migrate, engines))
    assert found == [(0, CURRENT), *[(CURRENT, CURRENT)] * 3]
    for engine in engines:
        engine.dispose()


def test_every_text_sorts_by_code_points(engine: sa.Engine) -> None:
    """Whatever the language of the database is."""
    query = (
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type IN ('text', 'character varying') AND collation_name IS DISTINCT FROM 'C'"
    )
    with engine.connect() as connection:
        assert connection.exec_driver_sql(query).scalars().all() == ["alembic_version.version_num"]


# --- many at once ----------------------------------------------------------------------------------------------------


def at_once(works: list[Callable[[], object]]) -> list[object]:
    """Do all works at the same time and return what each gave, or which error of the domain it ended in."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait()
        try:
            return work()
        except (Conflict, LabelTaken) as error:
            return type(error)

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_ids_are_taken_without_waiting_for_open_transactions(store: SqlStore) -> None:
    """A transaction that took ids and goes on keeps nobody from taking the next ones; blocks never overlap."""
    with store.write() as first:
        one = first.ids.block("order_file", 1000)
        with store.write() as second:
            two = second.ids.block("order_file", 1000)
            first.outbox.add(letter())
            second.outbox.add(letter())
            second.slots.note_freed(LISE)
        three = first.ids.block("order_file", 3)
        first.slots.note_freed(LISE)
    assert (len(one), len(two), len({*one, *two, *three})) == (1000, 1000, 2003)


def letter() -> OrderCreated:
    """Return an event."""
    return OrderCreated(order_id=1, owner=LISE, correlation_id="c", frontend_url="https://front.example/")


def test_a_tenant_is_entered_once(engine: sa.Engine) -> None:
    """Processes that start at the same time agree on its number."""
    numbers = at_once([lambda: SqlStore(engine, "new")._tenant] * 4)
    assert len(set(numbers)) == 1


def test_a_label_is_taken_once(store: SqlStore) -> None:
    """Of two who place an order of the same label at once, one is told to choose another label."""

    def place(number: int) -> Callable[[], None]:
        def work() -> None:
            with store.write() as tx:
                tx.orders.add(an_order(number, label="the same"))

        return work

    assert sorted(map(str, at_once([place(n) for n in (1, 2, 3)]))) == [str(LabelTaken)] * 2 + ["None"]


def test_an_owner_gets_one_basket(store: SqlStore) -> None:
    """Of two first selections at once, one is told to try again."""

    def save(number: int) -> Callable[[], None]:
        def work() -> None:
            with store.write() as tx:
                tx.baskets.save(a_basket(number))

        return work

    assert sorted(map(str, at_once([save(n) for n in (1, 2)]))) == [str(Conflict), "None"]


def test_accounts_and_requests_may_be_written_at_once(store: SqlStore, tmp_path: Path) -> None:
    """The last one wins; nobody fails."""
    storage = FileStorage(store, ManualClock(), str(tmp_path))
    tapes = [(f"{n:032x}", f"f{n}", False) for n in range(50)]

    def write(turn: int) -> Callable[[], None]:
        def work() -> None:
            with store.write() as tx:
                tx.users.put(Account(User(LISE, groups=frozenset({str(turn)}))))
            files = [StoredFile(*tape) for tape in tapes]
            storage.make_available(files if turn % 2 else files[::-1], 24)

        return work

    assert at_once([write(n) for n in range(6)]) == [None] * 6


def test_notes_made_while_slots_are_given_out_survive(store: SqlStore) -> None:
    """Striking an owner off takes away what could be seen; a note that comes after is for the next round."""
    with store.write() as tx:
        tx.slots.note_freed(LISE)
    with store.write() as tx:
        tx.slots.forget_freed(LISE)
        with store.write() as other:  # waits for nobody
            other.slots.note_freed(LISE)
        assert tx.slots.used(LISE) == 0
    with store.read() as tx:
        assert list(tx.slots.freed(5)) == [LISE]


def test_slots_of_an_owner_are_given_out_by_one_at_a_time(store: SqlStore) -> None:
    """Two schedulers never see the same free slot."""
    with store.write() as tx:
        tx.orders.add(an_order(status=OrderStatus.RUNNING, listed=True))
        for number in range(1, 9):
            tx.suborders.add(a_suborder(number))

    def schedule() -> int:
        with store.write() as tx:
            free = 2 - tx.slots.used(LISE)
            chosen = tx.slots.candidates(LISE, free) if free > 0 else ()
            for suborder in chosen:
                tx.suborders.save(suborder.queued())
            return len(chosen)

    assert sorted(at_once([schedule] * 4)) == [0, 0, 0, 2]  # type: ignore[type-var]


def test_everything_is_claimed_once(store: SqlStore) -> None:
    """Many workers share the work: each piece goes to one of them."""
    with store.write() as tx:
        for number in range(1, 41):
            put_order(
                tx, an_order(number, owner=f"{number}@obs.example"), a_suborder(number, number, SuborderState.QUEUED)
            )
    taken: list[tuple[str, int]] = []

    def work() -> None:
        while True:
            with store.write() as tx:
                orders, suborders = tx.claims.orders(3, 60), tx.claims.suborders(NOW, 3, 60)
            if not orders and not suborders:
                return
            taken.extend(("order", each.id) for each in orders)
            taken.extend(("suborder", each.id) for each in suborders)

    at_once([work] * 4)
    assert sorted(taken) == [(kind, n) for kind in ("order", "suborder") for n in range(1, 41)]


def test_moves_count_exactly_what_they_moved(store: SqlStore) -> None:
    """Writers that move the same files at once, without the lock of the order, count each file once."""
    with store.write() as tx:
        tx.files.add(a_file(n, suborder_id=1 + n % 2) for n in range(1, 2001))

    def move() -> int:
        with store.write() as tx:
            moved = tx.files.move(FileChoice(order_id=1), {FileState.PENDING: FileState.AVAILABLE})
        return sum(each.files for each in moved)

    assert sum(at_once([move] * 4)) == 2000  # type: ignore[call-overload]


def test_whoever_waited_for_a_completion_sees_its_tasks(store: SqlStore) -> None:
    """The row that a lock waited for is the new one; so are the tasks that came with it."""
    with store.write() as tx:
        tx.orders.add(an_order())
    task = DatasetTask(id=1, dataset_urn="URN", dataset_label="DS", objects_count=1, files_count=1, files_size=1)
    contents = Contents(tasks=(task,), internal_suborders=1, features=1)
    waiting: list[object] = []

    def wait() -> None:
        with store.write() as tx:
            waiting.append(tx.orders.get(1, lock=True).contents)

    waiter = threading.Thread(target=wait)
    with store.write() as tx:
        tx.orders.save(tx.orders.get(1, lock=True).completed(contents, NOW, NOW))
        waiter.start()
        blocked(store, tx.scope.connection)
    waiter.join()
    assert waiting == [contents]


def blocked(store: SqlStore, by: sa.Connection) -> None:
    """Return as soon as somebody waits for a lock that *by* holds."""
    pid = by.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    query = "SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND %s = ANY (pg_blocking_pids(l.pid))"
    with store._engine.connect() as connection:
        while not connection.exec_driver_sql(query, (pid,)).scalar_one():
            connection.rollback()


def test_counts_of_many_writers_add_up(store: SqlStore) -> None:
    """Sixteen writers on one order lose nothing."""
    with store.write() as tx:
        put_order(tx, an_order(), a_suborder())

    def count() -> None:
        for _ in range(10):
            with store.write() as tx:
                order = tx.orders.get(1, lock=True)
                tx.suborders.count(1, FileCounts(available=1))
                tx.orders.count(order, FileCounts(available=1), 0, NOW)

    at_once([count] * 8)
    with store.read() as tx:
        assert tx.orders.get(1).counts == tx.suborders.of_order(1)[0].counts == FileCounts(available=80)


def test_a_mistake_while_rows_are_copied_is_no_trouble_of_the_server(store: SqlStore) -> None:
    """Rows with the same id are refused as such, and nothing of the transaction stays."""
    with pytest.raises(sa.exc.IntegrityError), store.write() as tx:
        tx.files.add([a_file(), a_file()])
    with store.read() as tx:
        assert tx.files.last_id(1) == 0


def test_writing_needs_no_tenant(engine: sa.Engine) -> None:
    """Migrations and tenants themselves are written outside of any."""
    with writing(engine) as connection:
        assert setting(connection, "transaction_read_only") == "off"
