"""The adapters keep the contracts of their ports."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import pytest
import sqlalchemy as sa

from regards_order.domain.errors import StorageUnavailable
from regards_order.domain.product import Dataset, Product
from regards_order.ports.archive import Archives
from regards_order.ports.clock import Clock
from regards_order.ports.ids import UniqueIds
from regards_order.ports.patterns import Patterns
from regards_order.ports.storage import StoredFile
from regards_order.testing import ManualClock
from regards_order.testing.contracts import (
    ArchivesContract,
    CatalogContract,
    ClockContract,
    ExternalContract,
    ExternalSetup,
    PatternsContract,
    QuotasContract,
    StorageContract,
    StorageSetup,
    StoreContract,
    UniqueIdsContract,
)
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.delivery.zip import ZipArchives
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.quotas import SqlQuotas
from regards_order_adapters.sql.unit_of_work import SqlStore, writing
from regards_order_adapters.storage.external import HttpExternal
from regards_order_adapters.storage.files import FileStorage
from regards_order_adapters.system import RandomIds, SystemClock

NEARLINE_SECONDS = 90


class TestSqlStore(StoreContract):
    @pytest.fixture
    def store(self, engine: sa.Engine) -> SqlStore:
        return SqlStore(engine, "default")

    @pytest.fixture
    def neighbour(self, engine: sa.Engine) -> SqlStore:
        return SqlStore(engine, "other")


class TestSqlQuotas(QuotasContract):
    @pytest.fixture
    def quotas(self, engine: sa.Engine) -> Iterator[SqlQuotas]:
        quotas = SqlQuotas(SqlStore(engine, "default"))
        yield quotas
        quotas.close()

    @pytest.fixture
    def neighbour(self, engine: sa.Engine) -> Iterator[SqlQuotas]:
        quotas = SqlQuotas(SqlStore(engine, "other"))
        yield quotas
        quotas.close()

    @pytest.fixture
    def later(self, engine: sa.Engine) -> Callable[[], object]:
        def later() -> None:
            with writing(engine) as connection:
                connection.execute(sa.update(schema.quota_leases).values(leased_until=1))

        return later


class TestSqlCatalog(CatalogContract):
    @pytest.fixture
    def make_catalog(self, engine: sa.Engine) -> Callable[[Sequence[Dataset], Sequence[Product]], SqlCatalog]:
        numbers = iter(range(100))

        def make_catalog(datasets: Sequence[Dataset], products: Sequence[Product]) -> SqlCatalog:
            store = SqlStore(engine, f"tenant {next(numbers)}")
            put(store, datasets, products)
            return SqlCatalog(store, Re2Patterns())

        return make_catalog


class FileStorageContract(StorageContract):
    test_a_storage_out_of_reach_says_so = None  # type: ignore[assignment] # a folder has no plug: see the last test

    def setup_of(self, engine: sa.Engine, root: str) -> StorageSetup:
        clock = ManualClock()
        storage = FileStorage(SqlStore(engine, "default"), clock, root, nearline_seconds=NEARLINE_SECONDS)
        return StorageSetup(storage, lambda: clock.advance(seconds=NEARLINE_SECONDS))


class TestFileStorageOnAFolder(FileStorageContract):
    @pytest.fixture
    def set_up(
        self, engine: sa.Engine, tmp_path: Path
    ) -> Callable[[Mapping[str, bytes], Collection[str]], StorageSetup]:
        def set_up(contents: Mapping[str, bytes], nearline: Collection[str]) -> StorageSetup:
            root = tmp_path / "root"
            root.mkdir()
            (tmp_path / "secret").write_bytes(b"secret")
            for uri, data in contents.items():
                path = Path(os.path.join(root, uri))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            return self.setup_of(engine, str(root))

        return set_up


class TestFileStorageOnAnotherFileSystem(FileStorageContract):
    # the memory file system of fsspec hands the same object to all readers of a file
    test_sources_are_apart = None  # type: ignore[assignment]

    @pytest.fixture
    def set_up(self, engine: sa.Engine) -> Iterator[Callable[[Mapping[str, bytes], Collection[str]], StorageSetup]]:
        system = fsspec.filesystem("memory")

        def set_up(contents: Mapping[str, bytes], nearline: Collection[str]) -> StorageSetup:
            system.pipe_file("/secret", b"secret")
            for uri, data in contents.items():
                system.pipe_file(f"/root/{uri}", data)
            return self.setup_of(engine, "memory://root")

        yield set_up
        system.store.clear()
        system.pseudo_dirs[:] = [""]


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        data = self.server.contents.get(self.path.removeprefix("/"))
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    contents: Mapping[str, bytes] = {}
    daemon_threads = False


class TestHttpExternal(ExternalContract):
    @pytest.fixture
    def set_up(self) -> Iterator[Callable[[Mapping[str, bytes]], ExternalSetup]]:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        with _Server(("127.0.0.1", 0), _Handler) as server:
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()

            def set_up(contents: Mapping[str, bytes]) -> ExternalSetup:
                server.contents = contents
                external = HttpExternal(("127.0.0.0/8",))
                return ExternalSetup(external, f"http://127.0.0.1:{server.server_port}/", dead)

            yield set_up
            server.shutdown()
            thread.join()


class TestRe2Patterns(PatternsContract):
    @pytest.fixture
    def patterns(self) -> Patterns:
        return Re2Patterns()


class TestZipArchives(ArchivesContract):
    @pytest.fixture
    def archives(self) -> Archives:
        return ZipArchives()


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return SystemClock()


class TestRandomIds(UniqueIdsContract):
    @pytest.fixture
    def unique_ids(self) -> UniqueIds:
        return RandomIds()


def test_a_storage_that_stops_working_is_unavailable(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the file system cannot answer is an unavailable storage, no missing file."""
    system = fsspec.filesystem("memory")
    storage = FileStorage(SqlStore(engine, "default"), ManualClock(), "memory://root")

    def fail(path: str) -> bool:
        raise OSError("gone")

    monkeypatch.setattr(type(system), "isfile", lambda self, path: fail(path))
    with pytest.raises(StorageUnavailable):
        storage.answers([StoredFile("c", "a", True)])
