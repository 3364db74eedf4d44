"""Storage, references, archives and the small ports in memory."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence

import attrs

from regards_order.domain.errors import InvalidPattern, SourceRefused, SourceUnreachable, StorageUnavailable
from regards_order.domain.selection import NameMatcher
from regards_order.ports.sources import Source
from regards_order.ports.storage import Answer, StoredFile


@attrs.define
class BytesSource:
    """Read bytes from memory; *broken* makes the reading fail after them."""

    data: bytes
    broken: bool = False
    closed: bool = False

    @property
    def size(self) -> int | None:
        """Return the number of bytes; a broken source promises one more."""
        return len(self.data) + self.broken

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in blocks of 64 KiB."""
        for start in range(0, len(self.data), 65536):
            yield self.data[start : start + 65536]
        if self.broken:
            raise SourceUnreachable("connection lost")

    def close(self) -> None:
        """Note that nobody reads any more."""
        self.closed = True


class MemoryStorage:
    """Hold stored files in memory: a `Storage` that answers as it is told.

    Attributes:
        contents: URI → bytes.
        held: checksums about which it says nothing yet: tapes on their way.
        refused: checksum → why it cannot be made available.
        asked: checksums that were asked for, in order.
        down: whether it is out of reach.
    """

    def __init__(self, contents: dict[str, bytes] | None = None) -> None:
        self.contents = {} if contents is None else contents
        self.held: set[str] = set()
        self.refused: dict[str, str] = {}
        self.asked: list[str] = []
        self.opened: list[BytesSource] = []
        self.down = False

    def make_available(self, files: Sequence[StoredFile], hours: int) -> None:
        """Note what is asked for."""
        self._check()
        self.asked += [file.checksum for file in files]

    def answers(self, files: Sequence[StoredFile]) -> Sequence[Answer]:
        """Answer for every file that is not held: available if its bytes are here and it is not refused."""
        self._check()
        answers: dict[str, Answer] = {}
        for file in files:
            known = answers.get(file.checksum)
            if file.checksum in self.held or (known is not None and known.available):
                continue
            cause = self.refused.get(file.checksum)
            if cause is None and file.uri not in self.contents:
                cause = f"file {file.uri} does not exist"
            answers[file.checksum] = Answer(file.checksum, cause is None, cause)
        return list(answers.values())

    def open(self, file: StoredFile) -> Source:
        """Open a file."""
        self._check()
        if file.uri not in self.contents:
            raise SourceRefused(404, f"file {file.uri} does not exist")
        self.opened.append(BytesSource(self.contents[file.uri]))
        return self.opened[-1]

    def _check(self) -> None:
        if self.down:
            raise StorageUnavailable("switched off")


class MemoryExternal:
    """Hold external files in memory: URL → bytes, or the error that opening it raises."""

    def __init__(self, contents: dict[str, bytes | Exception] | None = None) -> None:
        self.contents = {} if contents is None else contents

    def open(self, url: str) -> Source:
        """Open the file at *url*."""
        found = self.contents.get(url, SourceRefused(404, f"{url} does not exist"))
        if isinstance(found, Exception):
            raise found
        return BytesSource(found)


class RePatterns:
    """Compile patterns with the standard library: fine for tests, too slow for hostile patterns."""

    def compile(self, pattern: str) -> NameMatcher:
        """Return a test that a whole text matches *pattern*."""
        try:
            compiled = re.compile(pattern, re.DOTALL)
        except re.error as error:
            raise InvalidPattern(pattern, str(error)) from error
        return lambda text: compiled.fullmatch(text) is not None


class _Buffer:
    """A stream that can neither seek nor be closed, as a connection to a client."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.blocks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""

    def take(self) -> list[bytes]:
        blocks, self.blocks = self.blocks, []
        return blocks


class ZipfileArchive:
    """Write a ZIP with the standard library."""

    def __init__(self, now: dt.datetime) -> None:
        self._date = now.astimezone(dt.timezone.utc).timetuple()[:6]
        self._buffer = _Buffer()
        self._zip = zipfile.ZipFile(self._buffer, "w", zipfile.ZIP_DEFLATED)

    def entry(self, name: str, size: int | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of one entry."""
        info = zipfile.ZipInfo(name, self._date)
        info.compress_type = zipfile.ZIP_DEFLATED  # stored entries cannot be read forward
        with self._zip.open(info, "w") as entry:
            for chunk in chunks:
                entry.write(chunk)
                yield from self._buffer.take()
        yield from self._buffer.take()

    def finish(self) -> Iterator[bytes]:
        """Yield the directory."""
        self._zip.close()
        yield from self._buffer.take()


class ZipfileArchives:
    """Start archives of the standard library."""

    def start(self, now: dt.datetime) -> ZipfileArchive:
        """Return a new archive."""
        return ZipfileArchive(now)


@attrs.define
class ManualClock:
    """Tell the time that a test says it is."""

    instant: dt.datetime = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)

    def now(self) -> dt.datetime:
        """Return the instant."""
        return self.instant

    def advance(self, **duration: float) -> dt.datetime:
        """Move on by a duration given as for `datetime.timedelta`, and return the new instant."""
        self.instant += dt.timedelta(**duration)
        return self.instant


@attrs.define
class CountedIds:
    """Give UUIDs that count up, the same in every run."""

    given: int = 0

    def unique(self) -> str:
        """Return the next one."""
        self.given += 1
        return f"00000000-0000-4000-8000-{self.given:012x}"
