"""What `Archives` promises for ZIP files: read by zipfile, and by a reader that cannot go back."""

from __future__ import annotations

import datetime as dt
import gc
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator

import pytest

from regards_order.ports.archive import Archive, Archives
from regards_order.testing.contracts.values import NOW

_HEADER = struct.Struct("<4s5H3I2H")
_UTF8, _DESCRIPTOR = 0x800, 0x8


def write_archive(archive: Archive, entries: Iterable[tuple[str, int | None, Iterable[bytes]]]) -> bytes:
    """Return the bytes of an archive with these entries: name, announced size, contents."""
    blocks: list[bytes] = []
    for name, size, chunks in entries:
        blocks += archive.entry(name, size, chunks)
    return b"".join([*blocks, *archive.finish()])


def read_forward(data: bytes) -> dict[str, bytes]:
    """Read a ZIP from its first byte to its central directory without looking ahead, as a stream reader does.

    Raises:
        AssertionError: an entry's end cannot be found, or its check sum is wrong.
    """
    found: dict[str, bytes] = {}
    at = 0
    while data[at : at + 4] == b"PK\x03\x04":
        _, _, flags, method, _, _, crc, packed, size, name_length, extra = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        name = data[at : at + name_length].decode("utf-8" if flags & _UTF8 else "cp437")
        zip64 = b"\x01\x00" in data[at + name_length : at + name_length + extra]
        at += name_length + extra
        assert method == 8 or not flags & _DESCRIPTOR, f"{name} is stored without its length: nobody can find its end"
        contents, at = _unpack(data, at, method, packed)
        if flags & _DESCRIPTOR:
            crc, _, size = struct.unpack_from("<IQQ" if zip64 else "<III", data, at + 4)
            assert data[at : at + 4] == b"PK\x07\x08"
            at += 24 if zip64 else 16
        assert (crc, size) == (zlib.crc32(contents), len(contents))
        found[name] = contents
    assert data[at : at + 4] in (b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06")
    return found


def _unpack(data: bytes, at: int, method: int, packed: int) -> tuple[bytes, int]:
    if method == 0:
        return data[at : at + packed], at + packed
    inflate = zlib.decompressobj(-15)
    contents = inflate.decompress(data[at:]) + inflate.flush()
    assert inflate.eof
    return contents, len(data) - len(inflate.unused_data)


def _read(data: bytes) -> dict[str, bytes]:
    """Read a ZIP with zipfile, which verifies every check sum."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def _noise(blocks: int) -> Iterator[bytes]:
    """Yield blocks of 64 KiB that do not compress."""
    for number in range(blocks):
        yield b"".join(hashlib.sha512(b"%d/%d" % (number, n)).digest() for n in range(1024))


class ArchivesContract:
    """Prove `Archives` of ZIP files; override the fixture `archives`."""

    @pytest.fixture
    def archives(self) -> Archives:
        """Return what is proved: override me."""
        raise NotImplementedError("override the fixture `archives`")

    def test_entries_hold_their_bytes(self, archives: Archives) -> None:
        """Every entry comes out as it went in, in the order of the entries, whoever reads it."""
        contents = {"b.dat": b"", "a.dat": b"x", "noise": b"".join(_noise(3)), "same": b"y" * 300_000}
        entries = [(name, len(data), [data[:1], b"", data[1:]]) for name, data in contents.items()]
        data = write_archive(archives.start(NOW), entries)
        assert _read(data) == contents
        assert list(_read(data)) == list(contents)
        assert read_forward(data) == contents

    @pytest.mark.parametrize(
        "name", ["été.dat", "名前 🛰.tif", "a b (1).txt", "x" * 255, "e\u0301", "%2e%2e", "-rf", "nul"]
    )
    def test_names_are_kept(self, archives: Archives, name: str) -> None:
        """Whatever the script, a name comes out as it went in."""
        data = write_archive(archives.start(NOW), [(name, 1, [b"x"])])
        assert _read(data) == {name: b"x"}
        assert read_forward(data) == {name: b"x"}

    @pytest.mark.parametrize("entries", [0, 1, 500])
    def test_any_number_of_entries_is_an_archive(self, archives: Archives, entries: int) -> None:
        """An archive without entries is one too."""
        expected = {f"{number}.dat": b"%d" % number for number in range(entries)}
        data = write_archive(archives.start(NOW), [(name, len(each), [each]) for name, each in expected.items()])
        assert _read(data) == expected
        assert read_forward(data) == expected

    @pytest.mark.parametrize("size", [None, 0, 5, 100, 2**33])
    def test_an_entry_ends_where_its_contents_end(self, archives: Archives, size: int | None) -> None:
        """Fewer bytes than announced, or no announcement, leave the archive readable, and the next entries too."""
        entries = [("before", 1, [b"1"]), ("cut", size, [b"ab", b"c"]), ("none", size, []), ("after", 1, [b"2"])]
        if size == 0:
            entries[1] = ("cut", size, [])
        cut = b"" if size == 0 else b"abc"
        expected = {"before": b"1", "cut": cut, "none": b"", "after": b"2"}
        data = write_archive(archives.start(NOW), entries)
        assert _read(data) == expected
        assert read_forward(data) == expected

    def test_entries_are_dated(self, archives: Archives) -> None:
        """With the instant of the archive in UTC, as exact as a ZIP can say: two seconds."""
        data = write_archive(archives.start(NOW), [("a", 0, [])])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (entry,) = archive.infolist()
        dated = dt.datetime(*entry.date_time, tzinfo=dt.timezone.utc)
        assert abs(dated - NOW) <= dt.timedelta(seconds=2)

    def test_instants_of_other_zones_are_dated_in_utc(self, archives: Archives) -> None:
        """The zone in which an instant is written does not matter."""
        there = NOW.astimezone(dt.timezone(dt.timedelta(hours=9)))
        one, other = (write_archive(archives.start(now), [("a", 0, [])]) for now in (NOW, there))
        assert one == other

    def test_contents_stream_through(self, archives: Archives) -> None:
        """Nothing is read before somebody wants bytes, and never much more than was passed on."""
        taken = passed = held = 0

        def contents() -> Iterator[bytes]:
            nonlocal taken
            for block in _noise(40):
                taken += len(block)
                yield block

        archive = archives.start(NOW)
        blocks = archive.entry("a", None, contents())
        assert taken == 0
        for block in blocks:
            passed += len(block)
            held = max(held, taken - passed)
        assert taken == 40 * 65_536
        assert held < 1024 * 1024

    def test_an_archive_is_the_same_twice(self, archives: Archives) -> None:
        """Same entries, same instant, same bytes."""
        one, other = (write_archive(archives.start(NOW), [("a", 3, [b"abc"])]) for _ in range(2))
        assert one == other

    def test_an_archive_may_be_given_up(self, archives: Archives) -> None:
        """Nobody has to finish an archive, nor the entry that is being written; what was read of is let go."""
        closed = []

        def contents() -> Iterator[bytes]:
            try:
                yield from _noise(40)
            finally:
                closed.append(True)

        blocks = archives.start(NOW).entry("a", None, contents())
        for _, block in zip(range(5), blocks, strict=False):
            assert block is not None
        blocks.close()  # type: ignore[attr-defined]
        del blocks
        gc.collect()
        assert closed == [True]

    def test_archives_are_apart(self, archives: Archives) -> None:
        """Two archives may be written at the same time."""
        one, other = archives.start(NOW), archives.start(NOW)
        blocks = [*one.entry("a", 1, [b"1"])]
        assert _read(write_archive(other, [("b", 1, [b"2"])])) == {"b": b"2"}
        assert _read(b"".join([*blocks, *one.finish()])) == {"a": b"1"}
