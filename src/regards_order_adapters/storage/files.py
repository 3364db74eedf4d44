"""Stored files below recorded roots, on any file system that fsspec knows; nothing outside the roots is ever opened."""

from __future__ import annotations

import datetime as dt
import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import attrs

from regards_order.domain.errors import SourceRefused, SourceUnreachable, StorageUnavailable
from regards_order.ports.clock import Clock
from regards_order.ports.storage import Answer, StoredFile
from regards_order_adapters.extras import require
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.tenancy import among
from regards_order_adapters.sql.unit_of_work import SqlStore

require("cli", "fsspec")

_BLOCK = 256 * 1024


@attrs.define
class FileSource:
    """Read an open file."""

    _file: Any
    size: int | None

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in blocks of 256 KiB."""
        try:
            while block := self._file.read(_BLOCK):
                yield block
        except OSError as error:
            raise SourceUnreachable(str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Root(Protocol):
    """A folder below which files may be opened."""

    def find(self, uri: str) -> str | None:
        """Return where *uri* lies below this root, or None when it lies elsewhere."""

    def open(self, path: str) -> FileSource:
        """Open what was found."""

    def exists(self, path: str) -> bool:
        """Return whether there is a file."""

    def check(self) -> None:
        """Raise OSError when the folder cannot be read."""


@attrs.frozen
class _LocalRoot:
    """A folder of this machine; symbolic links are followed only as far as they stay below it."""

    folder: str

    def find(self, uri: str) -> str | None:
        if "://" in uri and not uri.startswith("file://"):
            return None
        path = os.path.realpath(os.path.join(self.folder, _local_path(uri)))
        return path if path.startswith(os.path.join(self.folder, "")) else None

    def open(self, path: str) -> FileSource:
        # the path holds no link any more: one that appears now is not followed, and a pipe cannot make us wait
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            raise SourceRefused(403, f"{path} is no regular file")
        return FileSource(os.fdopen(handle, "rb", buffering=0), status.st_size)

    def exists(self, path: str) -> bool:
        return os.path.isfile(path)

    def check(self) -> None:
        os.scandir(self.folder).close()


@attrs.frozen
class _RemoteRoot:
    """A folder of another file system."""

    system: Any
    folder: str
    protocols: frozenset[str]

    def find(self, uri: str) -> str | None:
        scheme, _, rest = uri.rpartition("://")
        if scheme and scheme not in self.protocols:
            return None
        inner = self.system._strip_protocol(uri) if scheme else posixpath.join(self.folder, rest)
        path = posixpath.normpath(inner)
        return path if path.startswith(posixpath.join(self.folder, "")) else None

    def open(self, path: str) -> FileSource:
        return FileSource(self.system.open(path, "rb"), self.system.size(path))

    def exists(self, path: str) -> bool:
        return bool(self.system.isfile(path))

    def check(self) -> None:
        # a prefix without objects is no folder yet; that the question is answered is enough
        self.system.exists(self.folder)


def _local_path(uri: str) -> str:
    return unquote(urlsplit(uri).path) if uri.startswith("file://") else uri


def _make_root(url: str) -> _Root:
    if "://" not in url or url.startswith("file://"):
        return _LocalRoot(os.path.realpath(_local_path(url)))
    import fsspec

    system, folder = fsspec.core.url_to_fs(url)
    names = system.protocol if isinstance(system.protocol, tuple | list) else (system.protocol,)
    return _RemoteRoot(system, posixpath.normpath(folder), frozenset(names))


class FileStorage:
    """Make files below storage roots available: a `Storage`.

    Files marked ``online: false`` become available some seconds after they are asked for; when, stands in the database,
    so that any process may answer.
    """

    def __init__(self, store: SqlStore, clock: Clock, root: str, *, nearline_seconds: float = 0) -> None:
        """Take the default root, under which relative URIs lie, and the delay of nearline files in seconds."""
        self._store = store
        self._clock = clock
        self._nearline = dt.timedelta(seconds=nearline_seconds)
        self._default = _make_root(root)
        self._others: dict[str, _Root] = {}

    def check(self) -> None:
        """Look whether the default root can be read.

        Raises:
            StorageUnavailable: it cannot.
        """
        try:
            self._default.check()
        except OSError as error:
            raise StorageUnavailable(str(error)) from error

    def make_available(self, files: Sequence[StoredFile], hours: int) -> None:
        """Note when nearline files will be there; online ones are there already."""
        table = schema.storage_requests
        tapes = [file.checksum for file in files if not file.online]
        if not tapes:
            return
        available_at = self._clock.now() + self._nearline
        with self._store.write() as tx:
            rows = [{"checksum": checksum, "available_at": available_at} for checksum in sorted(set(tapes))]
            tx.scope.upsert(table, rows)

    def answers(self, files: Sequence[StoredFile]) -> Sequence[Answer]:
        """Answer for online files, and for nearline ones whose time has come."""
        table = schema.storage_requests
        tapes = [file.checksum for file in files if not file.online]
        arrived: set[str] = set()
        if tapes:
            with self._store.read() as tx:
                there = (among(table.c.checksum, tapes)) & (table.c.available_at <= self._clock.now())
                arrived = set(tx.scope.execute(tx.scope.select(table, table.c.checksum).where(there)).scalars())
        answers: dict[str, Answer] = {}
        for file in files:
            known = answers.get(file.checksum)
            if (file.online or file.checksum in arrived) and not (known and known.available):
                answers[file.checksum] = self._answer(file)
        return list(answers.values())

    def _answer(self, file: StoredFile) -> Answer:
        try:
            root, path = self._find(file.uri)
            if root.exists(path):
                return Answer(file.checksum, True)
        except SourceRefused as refusal:
            return Answer(file.checksum, False, refusal.cause)
        except OSError as error:
            raise StorageUnavailable(str(error)) from error
        return Answer(file.checksum, False, f"file {file.uri} does not exist")

    def open(self, file: StoredFile) -> FileSource:
        """Open a file below one of the roots."""
        try:
            root, path = self._find(file.uri)
            return root.open(path)
        except FileNotFoundError:
            raise SourceRefused(404, f"file {file.uri} does not exist") from None
        except OSError as error:
            raise SourceUnreachable(str(error)) from error

    def _find(self, uri: str) -> tuple[_Root, str]:
        """Return the root of *uri* and where it lies there; roots are read again when no known one fits."""
        for fresh in (False, True):
            if fresh:
                self._read_roots()
            for root in (self._default, *self._others.values()):
                try:
                    path = root.find(uri)
                except ValueError as error:
                    raise SourceRefused(403, f"{uri!a} names no file: {error}") from None
                if path is not None:
                    return root, path
        raise SourceRefused(403, f"file {uri} lies outside the storage roots")

    def _read_roots(self) -> None:
        table = schema.storage_roots
        with self._store.read() as tx:
            urls = tx.scope.execute(tx.scope.select(table, table.c.url)).scalars().all()
        self._others = {url: self._others.get(url) or _make_root(url) for url in urls}


def ensure_folder(root: str) -> None:
    """Create the default root when it is a folder of this machine."""
    if "://" not in root or root.startswith("file://"):
        Path(_local_path(root)).mkdir(parents=True, exist_ok=True)
