"""Connect to PostgreSQL, so that one that is slow, frozen or away ends in an error and never in a hang.

A request waits at most 3 seconds for a connection of the pool, or 5 for a new one, and then 6 for each statement: the
server stops it then, and we give it up after the 7th, in case that the server says nothing any more.  Only work on many
rows, which takes its time, lifts both limits for its transaction (`be_patient`).  Nobody waits longer than 5 seconds
for a lock, and a process that stopped in the middle of a transaction holds its locks for a minute at most.
"""

from __future__ import annotations

import select
import time
from collections.abc import Generator, Iterable
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.sql.compiler import Compiled

from regards_order_adapters.sql.options import ALONE, IDS, WRITE
from regards_order_adapters.sql.pool import FairPool
from regards_order_adapters.sql.types import dump_json

_PATIENCE_SECONDS = 7.0
_POOL_SECONDS = 3
_PARAMETERS = {
    "application_name": "regards-order",
    "connect_timeout": 5,
    # a peer that vanished without a word is noticed, also while nothing is sent
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SETTINGS = {
    # our queries are short: to compile one takes longer than to run it
    "jit": "off",
    "timezone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "6s",
    "idle_in_transaction_session_timeout": "60s",
}


def make_engine(url: sa.URL) -> sa.Engine:
    """Return an engine for PostgreSQL, with small ones behind it: for ids, and for single statements.

    A block of ids is taken in a transaction of its own: the counter would else be locked until the end of a long one.
    That one need not wait for the disk, because whatever makes use of the ids is written after it.
    """
    engine = _make_engine(url, pool_size=8, max_overflow=16)
    sa.event.listen(engine, "begin", _begin)
    ids = _make_engine(url, {"synchronous_commit": "off"}, pool_size=1, max_overflow=1, isolation_level="AUTOCOMMIT")
    alone = _make_engine(url, pool_size=8, max_overflow=0, isolation_level="AUTOCOMMIT")
    engine.update_execution_options(**{IDS: ids, ALONE: alone})
    for other in (ids, alone):
        sa.event.listen(engine, "engine_disposed", lambda _, other=other: other.dispose())
    return engine


def be_patient(connection: sa.Connection) -> None:
    """Let the statements of a transaction take the time that many rows need."""
    raw = _raw(connection)
    if raw.patience is not None:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        raw.patience = None


def copy(connection: sa.Connection, statement: str, tenant: int, rows: Iterable[tuple[Any, ...]]) -> None:
    """Store many rows of one tenant in the transaction of *connection*.

    Args:
        connection: with an open transaction.
        statement: a COPY whose first column is the tenant.
        tenant: the tenant's number.
        rows: the other columns.
    """
    be_patient(connection)
    first = (tenant,)
    try:
        with _raw(connection).cursor() as cursor, cursor.copy(statement) as target:
            for row in rows:
                target.write_row(first + row)
    except psycopg.Error as error:
        raise sa.exc.DBAPIError.instance(statement, None, error, psycopg.Error) from error


def fetch_one(connection: sa.Connection, statement: Compiled, **values: Any) -> tuple[Any, ...] | None:
    """Return the first row of a statement that is run by the driver alone: SQLAlchemy would take as long again."""
    try:
        return _raw(connection).execute(statement.string, {**statement.params, **values}).fetchone()
    except psycopg.Error as error:
        raise sa.exc.DBAPIError.instance(statement.string, None, error, psycopg.Error) from error


class Connection(psycopg.Connection[Any]):
    """A connection that is given up when the server says nothing for some seconds.

    Attributes:
        patience: so many; None waits for ever.
    """

    patience: float | None = _PATIENCE_SECONDS

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a dialogue with the server."""
        return super().wait(self._limited(gen), *args, **kwargs)

    def _limited(self, dialogue: Any) -> Generator[Any, Any, Any]:
        ready, heard = None, time.monotonic()
        while True:
            try:
                wanted = dialogue.send(ready)
            except StopIteration as end:
                return end.value
            ready = yield wanted
            if ready:
                heard = time.monotonic()
            elif self.patience is not None and time.monotonic() - heard > self.patience:
                self.pgconn.finish()
                raise psycopg.OperationalError(f"the server said nothing for {self.patience:g} seconds")


def _make_engine(url: sa.URL, settings: dict[str, str] | None = None, **options: Any) -> sa.Engine:
    given = dict(url.query)
    flags = " ".join(f"-c {name}={value}" for name, value in {**_SETTINGS, **(settings or {})}.items())
    parameters: dict[str, Any] = {name: value for name, value in _PARAMETERS.items() if name not in given}
    parameters["options"] = f"{flags} {given.get('options', '')}".strip()
    engine = sa.create_engine(
        url,
        connect_args=parameters,
        json_serializer=dump_json,
        json_deserializer=orjson.loads,
        use_native_hstore=False,
        poolclass=FairPool,
        pool_timeout=_POOL_SECONDS,
        **options,
    )
    sa.event.listen(engine, "do_connect", _connect)
    sa.event.listen(engine, "checkout", _checkout)
    return engine


def _connect(dialect: Any, record: Any, arguments: Any, parameters: Any) -> Connection:
    return Connection.connect(*arguments, **parameters)


def _checkout(connection: Connection, record: Any, proxy: Any) -> None:
    """Replace connections that the server closed meanwhile: it has nothing else to say to one at rest.

    Unlike a question to the server this costs no round trip.
    """
    poll = select.poll()
    if not connection.closed:
        poll.register(connection.fileno(), select.POLLIN)
    if connection.closed or poll.poll(0):
        raise sa.exc.InvalidatePoolError


def _begin(connection: sa.Connection) -> None:
    # these go to the server with the BEGIN that psycopg sends anyway
    raw = _raw(connection)
    write = bool(connection.get_execution_options().get(WRITE, False))
    if raw.read_only is not (not write):
        level = psycopg.IsolationLevel
        raw.isolation_level = level.READ_COMMITTED if write else level.REPEATABLE_READ
        raw.read_only = not write
    raw.patience = _PATIENCE_SECONDS


def _raw(connection: sa.Connection) -> Connection:
    raw: Any = connection.connection.driver_connection
    assert isinstance(raw, Connection)
    return raw
