"""Storage, references, archives and the small ports in memory."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pytest

from regards_order import InvalidPattern, SourceRefused, SourceUnreachable, StorageUnavailable
from regards_order.ports.storage import StoredFile
from regards_order.testing import (
    BytesSource,
    CountedIds,
    ManualClock,
    MemoryExternal,
    MemoryStorage,
    RePatterns,
    ZipfileArchives,
)

A, B, C = (StoredFile(name, f"{name}.nc", True) for name in "abc")


def test_source_gives_blocks() -> None:
    """A source gives its bytes in blocks of 64 KiB and knows how many there are."""
    source = BytesSource(b"x" * 150_000)
    assert [len(chunk) for chunk in source.chunks()] == [65536, 65536, 18928]
    assert (source.size, source.closed) == (150_000, False)
    source.close()
    source.close()
    assert source.closed
    assert list(BytesSource(b"").chunks()) == []


def test_broken_source() -> None:
    """A broken source promises more than it has, and fails after it."""
    source = BytesSource(b"abc", broken=True)
    chunks = source.chunks()
    assert (source.size, next(chunks)) == (4, b"abc")
    with pytest.raises(SourceUnreachable, match="connection lost"):
        next(chunks)


def test_storage_answers_as_told() -> None:
    """The storage is silent about held files, refuses some, and has what it has."""
    storage = MemoryStorage({"a.nc": b"a", "b.nc": b"b"})
    storage.make_available([A, B], 5)
    storage.make_available([C], 5)
    assert storage.asked == ["a", "b", "c"]
    assert storage.answers([A, B, C]) == [
        ("a", True, None),
        ("b", True, None),
        ("c", False, "file c.nc does not exist"),
    ]
    storage.held, storage.refused = {"a"}, {"b": "broken tape"}
    assert storage.answers([A, B]) == [("b", False, "broken tape")]


def test_storage_opens_what_it_has() -> None:
    """The storage opens files by their URI and remembers the sources."""
    storage = MemoryStorage({"a.nc": b"a"})
    assert list(storage.open(A).chunks()) == [b"a"]
    assert storage.opened == [BytesSource(b"a")]
    with pytest.raises(SourceRefused) as caught:
        storage.open(B)
    assert caught.value.answer == 404
    assert MemoryStorage().contents == {}


def test_storage_out_of_reach() -> None:
    """A storage that is down refuses everything."""
    storage = MemoryStorage({"a.nc": b"a"})
    storage.down = True
    for use in (lambda: storage.make_available([A], 1), lambda: storage.answers([A]), lambda: storage.open(A)):
        with pytest.raises(StorageUnavailable, match="switched off"):
            use()
    assert storage.asked == []


def test_external_files() -> None:
    """A URL has bytes, an error of its own, or does not exist."""
    external = MemoryExternal({"http://x/a": b"a", "http://x/b": SourceUnreachable("time-out")})
    assert list(external.open("http://x/a").chunks()) == [b"a"]
    with pytest.raises(SourceUnreachable, match="time-out"):
        external.open("http://x/b")
    with pytest.raises(SourceRefused, match="http://x/c does not exist"):
        external.open("http://x/c")
    assert MemoryExternal().contents == {}


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r".*\.nc", "a.nc", True),
        (r".*\.nc", "a.nc.gz", False),
        ("nc", "a.nc", False),
        ("A", "a", False),
        ("a.b", "a\nb", True),
        ("a|ab", "ab", True),
    ],
)
def test_patterns_match_whole_texts(pattern: str, text: str, matches: bool) -> None:
    """A pattern has to match the whole text, case-sensitive; a dot matches a line end too."""
    assert RePatterns().compile(pattern)(text) is matches


def test_bad_pattern() -> None:
    """A pattern that cannot be compiled is named with its cause."""
    with pytest.raises(InvalidPattern) as caught:
        RePatterns().compile("test**")
    assert (caught.value.pattern, caught.value.cause) == ("test**", "multiple repeat at position 5")


def test_archive_is_a_stream() -> None:
    """An archive comes block by block, is dated, deflated, and a correct ZIP in the end."""
    archive = ZipfileArchives().start(dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc))
    blocks = []
    for name, chunks in (("a", [b"x" * 300_000, b"y" * 300_000]), ("é", [])):
        entry = archive.entry(name, None, chunks)
        first = next(entry)
        assert first.startswith(b"PK\x03\x04")
        blocks += [first, *entry]
    blocks += archive.finish()
    with zipfile.ZipFile(io.BytesIO(b"".join(blocks))) as opened:
        assert opened.testzip() is None
        assert [(info.filename, info.date_time, info.compress_type) for info in opened.infolist()] == [
            ("a", (2026, 3, 2, 9, 21, 50), zipfile.ZIP_DEFLATED),
            ("é", (2026, 3, 2, 9, 21, 50), zipfile.ZIP_DEFLATED),
        ]
        assert opened.read("a") == b"x" * 300_000 + b"y" * 300_000


def test_clock_stands_still() -> None:
    """Time moves only when told."""
    clock = ManualClock()
    start = clock.now()
    assert (clock.now(), start.utcoffset()) == (start, dt.timedelta())
    assert clock.advance(hours=1, seconds=2) == start + dt.timedelta(seconds=3602) == clock.now()


def test_unique_ids_count_up() -> None:
    """Ids are UUIDs, each a new one, the same in every run."""
    ids = CountedIds()
    assert [ids.unique(), ids.unique()] == [
        "00000000-0000-4000-8000-000000000001",
        "00000000-0000-4000-8000-000000000002",
    ]
