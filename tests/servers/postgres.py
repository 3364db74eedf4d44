"""A private PostgreSQL cluster in a temporary folder; needs no pytest, so that benchmarks may use it too."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import attrs
import psycopg

from regards_order_adapters.sql import schema
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import migrate

PACKAGE = "postgresql"
_TEMPLATE = "migrated"
_KEPT = "schema_version"
_START_SECONDS = 30
#: what a crash would spoil, and nobody misses in a test
_CARELESS = {"fsync": "off", "full_page_writes": "off"}


class Missing(Exception):
    """PostgreSQL is not installed."""


def find_binaries() -> Path:
    """Return the folder of initdb and postgres.

    Raises:
        Missing: there is none.
    """
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if on_path is None and not found:
        raise Missing(f"initdb is missing: it comes with the Debian package {PACKAGE}")
    return Path(on_path or found[-1]).parent


@attrs.define
class Cluster:
    """Hold a running server.

    Attributes:
        folder: where its data are.
        port: on 127.0.0.1.
        process: the server.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    _numbers: Iterator[int] = attrs.field(factory=count, init=False)
    _migrated: bool = attrs.field(default=False, init=False)
    _reused: str | None = attrs.field(default=None, init=False)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, *, migrated: bool = True) -> str:
        """Create a database, migrated or empty, and return its URL."""
        if migrated and not self._migrated:
            self._create(_TEMPLATE, "template0")
            engine = make_engine(self.url(_TEMPLATE))
            migrate(engine)
            engine.dispose()
            self._migrated = True
        name = f"test_{next(self._numbers)}"
        self._create(name, _TEMPLATE if migrated else "template0")
        return self.url(name)

    def reuse(self) -> str:
        """Empty a migrated database that is used again and again, and return its URL: faster than a new one."""
        if self._reused is None:
            self._reused = self.create()
        erase = [
            f"DELETE FROM {table.name}" for table in reversed(schema.metadata.sorted_tables) if table.name != _KEPT
        ]
        erase += [f"SELECT setval('{sequence.name}', 1, false)" for sequence in schema.SEQUENCES.values()]
        self.execute("; ".join(erase), self._reused.rpartition("/")[2])
        return self._reused

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement of the administrator and return its rows."""
        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def conninfo(self, database: str) -> str:
        """Return how psycopg connects."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"

    def restart(self, settings: Sequence[str] = ()) -> None:
        """End the server as a crash does, all connections with it, and start it again."""
        self.stop()
        self.process = _serve(self.folder, self.port, settings)

    def stop(self) -> None:
        """End the server at once; sessions are cut off."""
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(_START_SECONDS)

    def _create(self, name: str, template: str) -> None:
        # not the order of code points: what we promise must not depend on the database
        locale = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'" if template == "template0" else ""
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' {locale} STRATEGY file_copy")


@contextmanager
def run_cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Run a server for the time of a block.

    Args:
        durable: write to the disk as in real life; a test need not.

    Raises:
        Missing: PostgreSQL is not installed.
    """
    binaries = find_binaries()
    # below pytest's own folders nobody else may look
    folder = Path(tempfile.mkdtemp(prefix="regards-order-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, *_owner())
        data = folder / "data"
        command = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(_unprivileged([*map(str, command), "--no-sync"]), check=True, capture_output=True)
        settings = [] if durable else [f"{name}={value}" for name, value in _CARELESS.items()]
        port = _free_port()
        cluster = Cluster(data, port, _serve(data, port, settings))
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(data: Path, port: int, settings: Sequence[str]) -> subprocess.Popen[bytes]:
    options = ["listen_addresses=127.0.0.1", f"unix_socket_directories={data}", "max_connections=200", *settings]
    command = [str(find_binaries() / "postgres"), "-D", str(data), "-p", str(port)]
    for option in options:
        command += ["-c", option]
    with (data.parent / "log").open("ab") as log:
        process = subprocess.Popen(_unprivileged(command), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    _await(process, port, data.parent / "log")
    return process


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=postgres dbname=postgres connect_timeout=5").close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.02)


def _owner() -> tuple[str, str]:
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return user, "postgres" if user == "postgres" else "nogroup"


def _unprivileged(command: list[str]) -> list[str]:
    """Return a command that runs as somebody else than root, and ends when we end without a word."""
    if os.geteuid() != 0:
        return command
    user, group = _owner()
    return [
        "setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--pdeathsig=QUIT", "--", *command
    ]  # fmt: skip


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
