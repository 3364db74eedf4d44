"""Archives beyond the limits of the old ZIP format."""

from __future__ import annotations

import datetime as dt
import io
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterator

import pytest

from regards_order import SourceUnreachable
from regards_order_adapters.delivery import zip as zip_module
from regards_order_adapters.delivery.zip import ZipArchives, coalesced

NOW = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)


def test_more_than_65535_entries() -> None:
    """The end records are Zip64 when the entries are too many for the old ones; each entry stays an ordinary one."""
    archive = ZipArchives().start(NOW)
    count = 65_600

    def blocks() -> Iterator[bytes]:
        for n in range(count):
            yield from archive.entry(f"{n}.txt", 1, (b"x",))
        yield from archive.finish()

    data = b"".join(coalesced(blocks()))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert len(opened.namelist()) == count
        assert opened.read("65599.txt") == b"x"
        assert opened.infolist()[0].extra == b""
        assert opened.infolist()[0].date_time == (2026, 3, 2, 9, 21, 50)


@pytest.mark.slow
def test_an_entry_over_4_gib_is_read_from_a_pipe(program: Callable[[str, str], str]) -> None:
    """A large entry and the ones around it survive a reader that only goes forward."""
    block = bytes(1024 * 1024)
    size = 4100 * len(block)
    archive = ZipArchives().start(NOW)
    command = [program("bsdtar", "libarchive-tools"), "-tvf", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for name, length, chunks in (
            ("before.txt", 1, iter([b"a"])),
            ("large.bin", size, (block for _ in range(4100))),
            ("after.txt", 1, iter([b"b"])),
        ):
            for part in archive.entry(name, length, chunks):
                reader.stdin.write(part)
        for part in archive.finish():
            reader.stdin.write(part)
        reader.stdin.close()
        listed = reader.stdout.read().decode()
    assert reader.returncode == 0
    assert [line.split()[-1] for line in listed.splitlines()] == ["before.txt", "large.bin", "after.txt"]


def test_only_an_entry_that_needs_it_is_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    """An announced size decides: the header of a large entry has the extra field, that of a small one has not."""
    monkeypatch.setattr(zip_module, "_LIMIT", 100_000)
    archive = ZipArchives().start(NOW)
    headers = []
    for name, size in (("small", 1000), ("large", 200_000)):
        header = next(iter(archive.entry(name, size, (bytes(size),))))
        headers.append(struct.unpack("<H", header[28:30])[0])
    assert headers == [0, 20]


def test_an_unannounced_size_that_grows_too_large_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry ends where the format would break, the failure is told, and the archive goes on."""
    monkeypatch.setattr(zip_module, "_LIMIT", 200_000)
    archive = ZipArchives().start(NOW)
    parts: list[bytes] = []
    with pytest.raises(SourceUnreachable, match="no such size was announced"):
        parts.extend(archive.entry("endless", None, (bytes(50_000) for _ in range(100))))
    parts += archive.entry("next", 3, (b"yes",))
    parts += archive.finish()
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == ["endless", "next"]
        assert opened.getinfo("endless").file_size < 200_000
