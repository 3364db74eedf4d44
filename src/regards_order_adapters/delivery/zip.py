"""ZIP archives as streams, on zipstream-ng.

The library brings headers, data descriptors, the central directory and Zip64.  Subclassed here is what it cannot do and
docs/downloads.md asks for: entries dated in UTC, Zip64 only where an entry needs it, an entry that ends early when
its source breaks, and DEFLATE without compression made at the speed of a copy.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Iterator

from regards_order.domain.errors import SourceUnreachable
from regards_order_adapters.extras import require

require("cli", "zipstream")

import zipstream.ng as zng  # noqa: E402 -- after its absence was explained

_BLOCK = 65535
_LIMIT = 0xFFFFFFFF
_END = b"\x01\x00\x00\xff\xff"


def stored(data: bytes) -> bytes:
    """Return *data* as DEFLATE blocks that are stored, not compressed (RFC 1951, 3.2.4); `_END` has to follow the last.

    Stream readers refuse STORED entries of unknown length, and compressing data that are compressed already costs ten
    times the copy and gains nothing.
    """
    if len(data) <= _BLOCK:
        return b"\x00%b%b%b" % (len(data).to_bytes(2, "little"), (len(data) ^ 0xFFFF).to_bytes(2, "little"), data)
    return b"".join(stored(data[start : start + _BLOCK]) for start in range(0, len(data), _BLOCK))


def _deflated_size(size: int) -> int:
    """Return an upper bound of what *size* bytes become, however they come in blocks of at least 64 KiB."""
    return size + 10 * (size // 32768 + 2)


class _Entry(zng.ZipStreamInfo):  # type: ignore[misc]
    """One entry: DEFLATE with a data descriptor."""

    def __init__(self, name: str, date: tuple[int, ...], offset: int, size: int | None) -> None:
        super().__init__(name, date)
        self.compress_type = zng.ZIP_DEFLATED
        self.external_attr = 0o644 << 16
        self.header_offset = offset
        self.flag_bits |= zng._FLAG_DATA_DESCRIPTOR
        self.zip64 = size is not None and _deflated_size(size) >= _LIMIT

    def data(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield header, contents and data descriptor."""
        yield self.FileHeader(self.zip64)
        crc = size = written = 0
        full = False
        for chunk in chunks:
            full = not self.zip64 and _deflated_size(size + len(chunk)) >= _LIMIT
            if full:
                break
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            block = stored(chunk)
            written += len(block)
            yield block
        self.CRC, self.file_size, self.compress_size = crc, size, written + len(_END)
        yield _END + self.DataDescriptor(self.zip64)
        if full:
            raise SourceUnreachable("more than 4 GiB came although no such size was announced")


class ZipArchive(zng.ZipStream):  # type: ignore[misc]
    """Write one ZIP as a stream: an `Archive`."""

    def __init__(self, now: dt.datetime) -> None:
        """Take the date of all entries (UTC)."""
        super().__init__(compress_type=zng.ZIP_DEFLATED, compress_level=0)
        self._date = now.astimezone(dt.timezone.utc).timetuple()[:6]

    def entry(self, name: str, size: int | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of one entry."""
        entry = _Entry(name, self._date, self._pos, size)
        try:
            for block in entry.data(chunks):
                yield self._track(block)
        finally:
            self._filelist.append(entry)

    def finish(self) -> Iterator[bytes]:
        """Yield the central directory."""
        yield from self.footer()


class ZipArchives:
    """Start ZIP archives: an `Archives`."""

    def start(self, now: dt.datetime) -> ZipArchive:
        """Return a new archive."""
        return ZipArchive(now)


def coalesced(blocks: Iterable[bytes], size: int = 256 * 1024) -> Iterator[bytes]:
    """Yield the same bytes in blocks of at least *size*, but for the last: small ones cost more than they carry."""
    pending: list[bytes] = []
    waiting = 0
    for block in blocks:
        pending.append(block)
        waiting += len(block)
        if waiting >= size:
            yield b"".join(pending)
            pending, waiting = [], 0
    if pending:
        yield b"".join(pending)


__all__: list[str] = ["ZipArchive", "ZipArchives", "coalesced", "stored"]
