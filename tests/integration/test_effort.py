"""What work costs: a file that changes state asks nothing of other orders, and suborders in flight need no threads."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from regards_order import Order, Ordering, OrderStatus, SelectionRequest, SourceFailed, User
from regards_order.domain.suborder import SuborderState
from regards_order.ports.storage import Answer, Storage, StoredFile
from regards_order.testing import ManualClock, make_dataset, make_file, make_product
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.write import put
from regards_order_adapters.config import Config
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.unit_of_work import writing
from regards_order_adapters.worker.loop import Worker
from servers.centre import until

LISE = User("lise@obs.example")
FINISHED, RUNNING = 10_000, 200
#: rows, or steps of SQLite's machine, that a run may take more: less than a look at all running orders takes
_SLACK = 150
_TOUCHED = """SELECT relname, n_tup_ins, n_tup_upd, n_tup_del, seq_tup_read + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_xact_user_tables"""


# --- one file in a tenant with many orders ---------------------------------------------------------------------------


@attrs.define
class Effort:
    """What a database had to do.

    Attributes:
        statements: what was run, each with the number of rows that it touched, or gave.
        written: on PostgreSQL, rows that were inserted, updated and deleted, by table.
        read: rows that were read on PostgreSQL, or steps of the machine on SQLite.
    """

    statements: list[tuple[str, int]] = attrs.field(factory=list)
    written: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    read: int = 0

    def step(self) -> None:
        """Count a step of SQLite's machine."""
        self.read += 1

    def touch(self, connection: Any, sign: int) -> None:
        """Add what PostgreSQL has counted in this session, which may include what was done before, or take it off."""
        with connection.cursor() as cursor:
            for table, inserted, updated, deleted, read in cursor.execute(_TOUCHED):
                for kind, rows in {"inserted": inserted, "updated": updated, "deleted": deleted}.items():
                    self.written[table, kind] += sign * rows
                self.read += sign * read


@contextmanager
def measured(engine: sa.Engine) -> Iterator[Effort]:
    """Count what is done on a database meanwhile."""
    effort, postgresql = Effort(), engine.dialect.name == "postgresql"

    def run(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        effort.statements.append((statement, cursor.rowcount))

    def begin(connection: sa.Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        if postgresql:
            effort.touch(raw, -1)
        else:
            raw.set_progress_handler(effort.step, 1)

    def commit(connection: sa.Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        if postgresql:
            effort.touch(raw, 1)
        else:
            raw.set_progress_handler(None, 0)

    listeners = {"after_cursor_execute": run, "begin": begin, "commit": commit}
    for name, listener in listeners.items():
        sa.event.listen(engine, name, listener)
    yield effort
    for name, listener in listeners.items():
        sa.event.remove(engine, name, listener)


def crowd(service: Service, order: Order, numbers: Sequence[range]) -> None:
    """Let a tenant have many other orders, each with a suborder and a file, made of those of one order.

    Half of those that are finished are of the same user; those that go on are of others, and their storage is silent.
    """
    ids = list(zip(*numbers, strict=True))
    silent = service.clock.now() + dt.timedelta(days=1)
    with writing(service.engine) as connection:
        for place, table in enumerate((schema.orders, schema.suborders, schema.order_files)):
            key = table.c.id if table is schema.orders else table.c.order_id
            model = connection.execute(sa.select(table).where(key == order.id)).mappings().first()
            assert model is not None
            rows = []
            for n, (order_id, suborder_id, file_id) in enumerate(ids):
                finished = n < FINISHED
                about = {
                    "id": ids[n][place],
                    "order_id": order_id,
                    "suborder_id": suborder_id,
                    "owner": LISE.email if finished and n % 2 else f"user{n % 100}@obs.example",
                    "label": f"order {n}",
                    "status": OrderStatus.DONE if finished else OrderStatus.RUNNING,
                    "first_file": file_id,
                    "last_file": file_id,
                    "next_poll": None if finished else silent,
                    "waiting_suborders": 0,
                    "pending": int(not finished),
                    "available": 0,
                    "downloaded": int(finished),
                }
                if table is schema.suborders:
                    about["state"] = SuborderState.ENDED if finished else SuborderState.ASKED
                elif table is schema.order_files:
                    about["state"] = "DOWNLOADED" if finished else "PENDING"
                rows.append({**model, **{name: value for name, value in about.items() if name in model}})
            connection.execute(table.insert(), rows)
    with service.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
        own.exec_driver_sql("ANALYZE")


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[Callable[..., tuple[Service, Order]]]:
    """Return a function that makes a tenant with one order of two files, or with 10,200 more orders around it."""
    opened: list[Service] = []

    def prepare(new_database: Callable[..., str], crowded: bool) -> tuple[Service, Order]:
        config = Config(
            database_url=new_database(),
            storage_root=str(tmp_path),
            storage_nearline_seconds=60,
        )
        opened.append(service := open_service(config, ManualClock()))
        for name in ("disk", "tape"):
            (tmp_path / name).write_bytes(name.encode())
        images = make_dataset("Images")
        files = [make_file(name, name.encode(), online=name == "disk") for name in ("disk", "tape")]
        products = [make_product(file.filename, file, datasets=(images,)) for file in files]
        put(service.store("default"), [images], products)
        # the others are the older ones
        with service.store("default").write() as tx:
            numbers = [tx.ids.block(kind, FINISHED + RUNNING) for kind in ("order", "suborder", "order_file")]
        ordering = service.ordering("default")
        ordering.add_selection(LISE, SelectionRequest())
        order = ordering.place_order(LISE)
        ordering.work()
        if crowded:
            crowd(service, order, numbers)
        return service, order

    yield prepare
    for service in opened:
        service.close()


def on_disk(ordering: Ordering, order: Order) -> int:
    """Return the file that was available at once."""
    [file] = [file for file in ordering.list_files(LISE, order.id, limit=9) if file.state == "AVAILABLE"]
    return file.id


def answered(service: Service, order: Order) -> None:
    """Let the storage answer for the file on tape."""
    ordering = service.ordering("default")
    assert ordering.serve() > 0
    assert ordering.get_order(LISE, order.id).status is OrderStatus.DONE


def downloaded(service: Service, order: Order) -> None:
    """Let the user take the file on disk."""
    ordering = service.ordering("default")
    delivery = ordering.open_file(LISE, on_disk(ordering, order))
    assert b"".join(delivery) == b"disk"
    delivery.confirm()


def not_downloaded(service: Service, order: Order) -> None:
    """Let the file on disk be gone when its user wants it."""
    ordering = service.ordering("default")
    (Path(service.config.storage_root) / "disk").unlink()
    with pytest.raises(SourceFailed):
        ordering.open_file(LISE, on_disk(ordering, order))


@pytest.mark.parametrize("deed", [answered, downloaded, not_downloaded])
def test_one_file_costs_the_same_in_any_tenant(
    new_database: Callable[..., str],
    prepared: Callable[..., tuple[Service, Order]],
    deed: Callable[[Service, Order], None],
) -> None:
    """Beside 10,000 finished and 200 running orders the same statements touch as many rows as with one order."""
    efforts = []
    for crowded in (False, True):
        service, order = prepared(new_database, crowded)
        with service.engine.connect() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(schema.orders)).scalar_one()
        assert count == (10_201 if crowded else 1)
        if deed is answered:
            assert isinstance(service.clock, ManualClock)
            service.clock.advance(seconds=61)
        with measured(service.engine) as effort:
            deed(service, order)
        efforts.append(effort)
    alone, beside = efforts
    assert beside.statements == alone.statements
    assert beside.written == alone.written
    assert any(statement.startswith("UPDATE") and rows == 1 for statement, rows in beside.statements)
    assert beside.read - alone.read < _SLACK


def test_a_look_at_all_orders_is_noticed(
    new_database: Callable[..., str], prepared: Callable[..., tuple[Service, Order]]
) -> None:
    """The measure of the test above: a sweep over all running orders fails it, whether it reads or writes."""
    table = schema.orders
    running = table.c.status == OrderStatus.RUNNING
    efforts: dict[str, list[Effort]] = {"read": [], "write": []}
    for crowded in (False, True):
        service, _ = prepared(new_database, crowded)
        for kind, statement in {
            "read": sa.select(sa.func.max(table.c.expires)).where(running),
            "write": sa.update(table).where(running).values(message="swept"),
        }.items():
            with measured(service.engine) as effort, writing(service.engine) as connection:
                connection.execute(statement)
            efforts[kind].append(effort)
    alone, beside = efforts["read"]
    assert beside.read - alone.read >= _SLACK
    alone, beside = efforts["write"]
    assert beside.statements != alone.statements
    if service.engine.dialect.name == "postgresql":
        assert beside.written - alone.written == {("orders", "updated"): RUNNING}


# --- suborders in flight ---------------------------------------------------------------------------------------------


@attrs.define
class Watched:
    """A storage that notes which threads there are whenever it is asked something, and how often it was."""

    storage: Storage
    before: frozenset[threading.Thread]
    threads: int = 0
    asked: Counter[str] = attrs.field(factory=Counter)

    def make_available(self, files: Sequence[StoredFile], hours: int) -> None:
        self._look("make_available")
        self.storage.make_available(files, hours)

    def answers(self, files: Sequence[StoredFile]) -> Sequence[Answer]:
        self._look("answers")
        return self.storage.answers(files)

    def open(self, file: StoredFile) -> Any:
        return self.storage.open(file)

    def look(self) -> None:
        """Note how many threads were begun since the start."""
        self.threads = max(self.threads, len(set(threading.enumerate()) - self.before))

    def _look(self, method: str) -> None:
        self.asked[method] += 1
        self.look()


def in_flight(ordering: Ordering, order: Order) -> Counter[str]:
    """Return the states of an order's suborders."""
    with ordering.store.read() as tx:
        return Counter(suborder.state.name for suborder in tx.suborders.of_order(order.id))


def threads_of(url: str, root: Path, count: int) -> int:
    """Let one worker serve so many suborders that are all in flight, and return how many threads that takes."""
    clock = ManualClock()
    with open_service(Config(database_url=url, storage_root=str(root), storage_nearline_seconds=600), clock) as service:
        images = make_dataset("Images")
        files = [make_file(f"tape-{n}", b"%d" % n, online=False) for n in range(count)]
        put(
            service.store("default"),
            [images],
            [make_product(file.filename, file, datasets=(images,)) for file in files],
        )
        plain = service.ordering("default")
        settings = attrs.evolve(plain.settings, suborder_max_files=1, suborders_per_user=count)
        ordering = attrs.evolve(plain, settings=settings)
        ordering.add_selection(LISE, SelectionRequest())
        order = ordering.place_order(LISE)
        ordering.complete()
        assert in_flight(ordering, order) == {"PENDING": count}
        watched = Watched(ordering.storage, frozenset(threading.enumerate()))
        worker = Worker([attrs.evolve(ordering, storage=watched)], idle_seconds=0.01)
        worker.start()
        try:
            until(lambda: in_flight(ordering, order) == {"ASKED": count}, 120)
            watched.look()
            # the storage is silent: each suborder is looked at once more, and stays where it is
            clock.advance(seconds=2)
            until(lambda: watched.asked["answers"] >= count, 120)
            watched.look()
            assert in_flight(ordering, order) == {"ASKED": count}
        finally:
            assert worker.stop(60)
        assert watched.asked["make_available"] == count
        return watched.threads


@pytest.mark.slow
def test_a_thousand_suborders_in_flight_need_no_more_threads_than_one(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    """A storage takes hours to answer; while it does, nobody waits for it."""
    alone = threads_of(new_database(), tmp_path, 1)
    assert threads_of(new_database(), tmp_path, 1000) == alone > 0
