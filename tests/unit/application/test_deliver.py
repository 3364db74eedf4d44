"""One ZIP on its way: entries, failures, clients that go away, and what is noted afterwards."""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterator

import attrs
import pytest

from regards_order import (
    DataFile,
    DataType,
    DeliveryIncomplete,
    FileCounts,
    NothingToDownload,
    OrderStatus,
    Role,
    SourceRefused,
    SourceUnreachable,
    User,
)
from regards_order.domain.files import FileState
from regards_order.testing import BytesSource, MemoryExternal, MemoryStorage, make_file, make_product

LISE, MAX = User("lise@obs.example"), User("max@obs.example")


def reference(name: str, url: str | None = None, **facts) -> DataFile:
    """Return an external file."""
    return DataFile(DataType.RAWDATA, name, url or f"http://x/{name}", reference=True, **facts)


@pytest.fixture
def deliver(centre):
    """Return a function that orders files, one product each, and makes them available."""
    dataset = centre.dataset("D")

    def make(*files):
        for number, file in enumerate(files):
            centre.product(dataset, f"p{number}", file)
        order = centre.work(centre.place())
        renumber(centre, order, [file[0] if isinstance(file, tuple) else file.filename for file in files])
        return order

    return make


def renumber(centre, order, names: list[str]) -> None:
    """Give the files of an order ids in the order in which the test names them: products are ordered by URN."""
    files = {file.product_id: file for file in centre.files(order)}
    ids = sorted(file.id for file in files.values())
    with centre.ordering.store.write() as tx:
        tx.files.erase(order.id)
        tx.files.add(files[f"p{place}"]._replace(id=ids[place]) for place in range(len(names)))


# --- entries ---------------------------------------------------------------------------------------------------------


def test_three_external_files(centre, deliver) -> None:
    """D-01: three external files make three entries and are DOWNLOADED."""
    names = ["file1_ql_sd.txt", "file1_ql_md.txt", "file1_ql_hd.txt"]
    centre.ordering.external.contents.update({f"http://x/{name}": name.encode() for name in names})
    order = deliver(*map(reference, names))
    after, entries = centre.download(order)
    assert entries == {name: name.encode() for name in names}
    assert list(entries) == names
    assert set(centre.states(order).values()) == {"DOWNLOADED"}
    assert (after.counts, after.status, after.waiting_for_user) == (
        FileCounts(downloaded=3),
        OrderStatus.DONE,
        False,
    )


def test_name_of_the_archive(centre, deliver) -> None:
    """The archive is called after order and instant."""
    order = deliver(("a", b"a"))
    assert centre.ordering.open_zip(LISE, order.id).name == f"order_{order.id}_2026-03-02T09_21_50.000000Z.zip"


def test_equal_names(centre, deliver) -> None:
    """D-16: further files of a name get the next free one."""
    files = {"1": b"c1", "2": b"c2", "3": b"c3", "4": b"c4"}
    centre.storage.contents.update(files)
    named = zip(("a.tif", "a.tif", "README", "README"), files.items(), strict=True)
    order = deliver(*(make_file(name, data, uri=uri) for name, (uri, data) in named))
    _, entries = centre.download(order)
    assert entries == {"a.tif": b"c1", "a (1).tif": b"c2", "README": b"c3", "README (1)": b"c4"}


def test_cleaned_names(centre, deliver) -> None:
    """Names that are unsafe on some system are cleaned."""
    order = deliver(("..\\a:b", b"1"), ("é\t", b"2"))
    assert centre.download(order)[1] == {"___a_b": b"1", "é_": b"2"}


def test_twins_are_written_once(centre, deliver) -> None:
    """A file of the same name and checksum is not written again, and is DOWNLOADED all the same."""
    order = deliver(("a", b"same"), make_file("a", b"same"), make_file("a", b"same"))
    delivery = centre.ordering.open_zip(LISE, order.id)
    archive = b"".join(delivery)
    assert (delivery.files, delivery.size, delivery.failures) == (3, 4, [])
    assert len(centre.storage.opened) == 1
    assert archive.count(b"PK\x03\x04") == 1
    assert delivery.confirm().counts.downloaded == 3


def test_same_contents_under_another_name(centre, deliver) -> None:
    """The same bytes under another name are another entry."""
    order = deliver(("a", b"same"), ("b", b"same"))
    assert centre.download(order)[1] == {"a": b"same", "b": b"same"}


@pytest.mark.parametrize(
    ("first", "second", "entries"),
    [
        (None, None, {"a": b"1"}),
        (None, "00", {"a": b"1"}),
        ("00", None, {"a": b"1", "a (1)": b"2"}),
        ("00", "01", {"a": b"1", "a (1)": b"2"}),
        ("00", "00", {"a": b"1"}),
    ],
)
def test_twins_without_checksum(centre, deliver, first, second, entries: dict[str, bytes]) -> None:
    """After a file without checksum the name alone decides; one without never equals one that has a checksum."""
    centre.ordering.external.contents.update({"http://x/1": b"1", "http://x/2": b"2"})
    # an unknown algorithm: the digest is recorded and cannot be verified
    order = deliver(reference("a", "http://x/1", checksum=first), reference("a", "http://x/2", checksum=second))
    after, found = centre.download(order)
    assert found == entries
    assert after.counts.downloaded == 2


def test_read_by_who_only_goes_forward(centre, deliver) -> None:
    """D-18: every entry can be read without the central directory: deflated, sizes after the data."""
    files = {"a": b"a" * 100_000, "b": b"", "é": b"PK\x07\x08 in the middle"}
    order = deliver(*files.items())
    delivery = centre.ordering.open_zip(LISE, order.id)
    assert forward(b"".join(delivery)) == files


def forward(archive: bytes) -> dict[str, bytes]:
    """Read a ZIP as a stream: no seeking, no directory."""
    entries, at = {}, 0
    while archive[at : at + 4] == b"PK\x03\x04":
        flags, method = struct.unpack_from("<HH", archive, at + 6)
        name_length, extra_length = struct.unpack_from("<HH", archive, at + 26)
        assert (method, flags & 8) == (8, 8)
        name = archive[at + 30 : at + 30 + name_length].decode("utf-8" if flags & 0x800 else "ascii")
        start = at + 30 + name_length + extra_length
        inflate = zlib.decompressobj(-15)
        entries[name] = inflate.decompress(archive[start:])
        assert inflate.eof
        at = len(archive) - len(inflate.unused_data)
        signature, crc, _, size = struct.unpack_from("<4sLLL", archive, at)
        assert (signature, crc, size) == (b"PK\x07\x08", zlib.crc32(entries[name]), len(entries[name]))
        at += 16
    assert archive[at : at + 4] == b"PK\x01\x02"
    return entries


def test_more_files_than_a_page(centre) -> None:
    """Files are read in pages; none is left out or written twice."""
    dataset = centre.dataset("D")
    for n in range(3):
        centre.product(dataset, f"p{n}", *((f"{n}-{i}", b"%d" % i) for i in range(800)))
    order = centre.work(centre.place())
    after, entries = centre.download(order)
    assert (len(entries), after.counts.downloaded, after.counts.total) == (2400, 2400, 2400)


# --- what is in it ---------------------------------------------------------------------------------------------------


def set_states(centre, order, states: dict[str, FileState]) -> None:
    """Bring files to other states, with the counts of their order."""
    with centre.ordering.store.write() as tx:
        files = tx.files.page(order.id, limit=1000)
        tx.files.add(file._replace(state=states.get(file.filename, FileState(file.state)).value) for file in files)
        stored = tx.orders.get(order.id)
        counts = sum((FileCounts.of(FileState(f.state), 1, f.size or 0) for f in tx.files.page(order.id, limit=1000)),
                     FileCounts())  # fmt: skip
        less = FileCounts(*(-n for n in attrs.astuple(stored.counts)))
        tx.orders.count(tx.orders.get(order.id), less + counts, 0, stored.created)


def test_states_that_go_into_the_zip(centre, deliver) -> None:
    """AVAILABLE and DOWNLOAD_ERROR files are in the ZIP, those of every other state are not (page 05)."""
    order = deliver(*((state.name, state.name.encode()) for state in FileState))
    set_states(centre, order, {state.name: state for state in FileState})
    _, entries = centre.download(order)
    assert set(entries) == {"AVAILABLE", "DOWNLOAD_ERROR"}
    assert centre.states(order) == {
        **{state.name: state.name for state in FileState},
        "AVAILABLE": "DOWNLOADED",
        "DOWNLOAD_ERROR": "DOWNLOADED",
    }


def test_download_errors_are_enough(centre, deliver) -> None:
    """An order with nothing but failed downloads has a ZIP; a success clears the reason of the failure."""
    order = deliver(("a", b"right"))
    centre.storage.contents["a"] = b"wrong"
    centre.download(order)
    [failed] = centre.files(order)
    assert (failed.state, failed.download_error.split(":")[0]) == ("DOWNLOAD_ERROR", "Checksum mismatch")
    centre.storage.contents["a"] = b"right"
    after, entries = centre.download(order)
    [file] = centre.files(order)
    assert (entries, file.state, file.download_error) == ({"a": b"right"}, "DOWNLOADED", None)
    assert after.counts.download_error == 0


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("PENDING", "1 are awaited, 0 were downloaded, 0 are in error"),
        ("DOWNLOADED", "0 are awaited, 1 were downloaded, 0 are in error"),
        ("ERROR", "0 are awaited, 0 were downloaded, 1 are in error"),
        ("PROCESSING_ERROR", "0 are awaited, 0 were downloaded, 1 are in error"),
    ],
)
def test_nothing_available(centre, deliver, state: str, why: str) -> None:
    """Without anything to download the refusal says what became of the files."""
    order = deliver(("a", b"a"))
    set_states(centre, order, {"a": FileState[state]})
    with pytest.raises(NothingToDownload) as caught:
        centre.ordering.open_zip(LISE, order.id)
    assert (caught.value.order_status, caught.value.files) == ("DONE", why)


def test_order_without_files(centre, deliver) -> None:
    """An order whose files are not listed yet, or are erased, has nothing to download."""
    order = deliver(("a", b"a"))
    with centre.ordering.store.write() as tx:
        tx.files.erase(order.id)
    with pytest.raises(NothingToDownload, match="it has no files"):
        centre.ordering.open_zip(LISE, order.id)
    with pytest.raises(NothingToDownload, match=r"\(PENDING\).* it has no files"):
        centre.ordering.open_zip(LISE, centre.place().id)


def test_files_that_come_later(make_twelve) -> None:
    """Files up to the largest id at the start are in the ZIP, those listed later are not."""
    centre = make_twelve()
    order = centre.work(centre.place())
    delivery = centre.ordering.open_zip(LISE, order.id)
    late = centre.files(order)[-1]
    with centre.ordering.store.write() as tx:
        tx.files.add([late._replace(id=late.id + 1000, filename="late")])
    b"".join(delivery)
    assert delivery.files == 12
    delivery.confirm()
    assert centre.states(order)["late"] == "AVAILABLE"


def test_only_written_files_are_downloaded(centre, deliver) -> None:
    """A file that becomes available while the ZIP is made, behind the reader, is not downloaded."""
    order = deliver(("a", b"a"), ("b", b"b"))
    set_states(centre, order, {"a": FileState.PENDING})
    delivery = centre.ordering.open_zip(LISE, order.id)
    archive = iter(delivery)
    next(archive)
    set_states(centre, order, {"a": FileState.AVAILABLE})
    list(archive)
    delivery.confirm()
    assert centre.states(order) == {"a": "AVAILABLE", "b": "DOWNLOADED"}


# --- failures --------------------------------------------------------------------------------------------------------


class Refusing(MemoryStorage):
    """A storage whose sources fail as a test says, by URI."""

    def __init__(self, contents, failures: dict[str, Exception] | None = None) -> None:
        super().__init__(contents)
        self.failures = failures or {}

    def open(self, file):
        if file.uri in self.failures:
            raise self.failures[file.uri]
        return super().open(file)


def test_every_kind_of_failure(centre, deliver, caplog) -> None:
    """The ZIP goes on after each failure; NOTICE.txt comes last, with one line for each, in order (60, 4.3)."""
    order = deliver(
        ("good.nc", b"good"),
        ("missing.nc", b"x"),
        ("unreachable.nc", b"x"),
        ("quota.nc", b"x"),
        ("short.nc", b"12345"),
        ("altered.nc", b"12345"),
        ("longer.nc", b"12345"),
        reference("refused.nc"),
        reference("silent.nc"),
        ("last.nc", b"last"),
    )
    contents = centre.storage.contents
    contents.update({"short.nc": b"123", "altered.nc": b"54321", "longer.nc": b"1234567"})
    del contents["missing.nc"]
    quota = SourceRefused(429, "Download quota of 100 exceeded (by 0) for user ada@example.org.")
    failures = {"unreachable.nc": SourceUnreachable("disk gone"), "quota.nc": quota}
    external = MemoryExternal({"http://x/silent.nc": SourceUnreachable("time-out")})
    centre = centre.with_(storage=Refusing(contents, failures), external=external)
    with caplog.at_level(logging.WARNING, "regards_order"):
        after, entries = centre.download(order)
    assert list(entries)[-1] == "NOTICE.txt"
    assert entries.pop("NOTICE.txt").decode().split("\n") == [
        "Failed to download file (missing.nc): Server returned HTTP error code 404.",
        "Failed to download file (unreachable.nc): Error during file download.",
        "Failed to download file (quota.nc): Download quota of 100 exceeded (by 0) for user ada@example.org..",
        "Failed to download file (short.nc): Cannot completely download data file from storage, only 3/5 bytes.",
        "Failed to download file (altered.nc): Checksum mismatch.",
        "Failed to download file (longer.nc): Cannot completely download data file from storage, only 7/5 bytes.",
        "Failed to download file (refused.nc): Error during file download.",
        "Failed to download file (silent.nc): Error during file download.",
    ]
    assert (entries["good.nc"], entries["last.nc"], entries["short.nc"]) == (b"good", b"last", b"123")
    causes = {file.filename: (file.state, file.download_error) for file in centre.files(order)}
    assert causes["good.nc"] == causes["last.nc"] == ("DOWNLOADED", None)
    assert {name: cause for name, (state, cause) in causes.items() if state == "DOWNLOAD_ERROR"} == {
        "missing.nc": "The source of the file answered 404: file missing.nc does not exist.",
        "unreachable.nc": "The source of the file cannot be read: disk gone.",
        "quota.nc": quota.message,
        "short.nc": "Cannot completely retrieve data file from storage, only 3/5 bytes",
        "altered.nc": "Checksum mismatch: expected 827ccb0eea8a706c4c34a16891f84e7b, "
        "got 01cfcd4f6b8770febfb40cb906715822",
        "longer.nc": "Cannot completely retrieve data file from storage, only 7/5 bytes",
        "refused.nc": "The source of the file answered 404: http://x/refused.nc does not exist.",
        "silent.nc": "The source of the file cannot be read: time-out.",
    }
    assert (after.counts.downloaded, after.counts.download_error) == (2, 8)
    assert after.status is OrderStatus.DONE_WITH_WARNING
    assert {record.action for record in caplog.records} == {"file_failed"}
    assert len(caplog.records) == 8


def test_a_cause_that_is_no_text_is_kept_as_one(centre, deliver) -> None:
    """What a storage says with NUL or half characters can be stored, in a ZIP and of a single file."""
    order = deliver(("a", b"a"), ("b", b"b"))
    strange = SourceRefused(500, "NUL \0 and half \ud83d")
    refusing = centre.with_(storage=Refusing(centre.storage.contents, {"a": strange, "b": strange}))
    refusing.download(order)
    (_, second) = centre.files(order)
    with pytest.raises(SourceRefused):
        refusing.ordering.open_file(LISE, second.id)
    for file in centre.files(order):
        assert file.download_error is not None
        assert "NUL ? and half ?" in file.download_error


def test_quota_refused_for_all(centre, deliver) -> None:
    """D-02: a storage that answers 429 to all leaves a ZIP of nothing but a NOTICE.txt, with its words."""
    order = deliver(*((f"f{n}", bytes([n])) for n in range(12)), ("done", b"d"), ("wait", b"w"))
    set_states(centre, order, {"done": FileState.DOWNLOADED, "wait": FileState.PENDING})
    refusal = SourceRefused(429, "No quota to download this file")
    refusing = centre.with_(storage=Refusing(centre.storage.contents, {f"f{n}": refusal for n in range(12)}))
    _, entries = refusing.download(order)
    assert list(entries) == ["NOTICE.txt"]
    assert entries["NOTICE.txt"].decode().split("\n") == [
        f"Failed to download file (f{n}): No quota to download this file." for n in range(12)
    ]
    states = centre.states(order)
    assert (states.pop("done"), states.pop("wait"), set(states.values())) == (
        "DOWNLOADED",
        "PENDING",
        {"DOWNLOAD_ERROR"},
    )


def test_storage_out_of_reach(centre, deliver) -> None:
    """A storage that is away makes an archive of nothing but the notice; external files still come."""
    centre.ordering.external.contents["http://x/r"] = b"r"
    order = deliver(("a", b"a"), reference("r"))
    centre.storage.down = True
    after, entries = centre.download(order)
    assert entries == {"r": b"r", "NOTICE.txt": b"Failed to download file (a): Error during file download."}
    assert centre.files(order)[0].download_error == "The storage cannot be reached (switched off): try again later."
    assert after.counts.download_error == 1


class Broken(MemoryStorage):
    """A storage whose connections break after the bytes it has."""

    def __init__(self, contents, broken: set[str]) -> None:
        super().__init__(contents)
        self.broken = broken

    def open(self, file):
        source = super().open(file)
        source.broken = file.uri in self.broken
        return source


def test_connection_that_breaks_in_the_middle(centre, deliver) -> None:
    """A truncated entry stays, counts as failed, and its twin is written under the next free name (W15)."""
    centre.storage.contents["copy"] = b"12345"
    order = deliver(("a.nc", b"12345"), make_file("a.nc", b"12345", uri="copy"))
    storage = Broken({"a.nc": b"123", "copy": b"12345"}, {"a.nc"})
    centre = centre.with_(storage=storage)
    after, entries = centre.download(order)
    assert entries == {
        "a.nc": b"123",
        "a (1).nc": b"12345",
        "NOTICE.txt": b"Failed to download file (a.nc): Error during file download.",
    }
    assert [file.state for file in centre.files(order)] == ["DOWNLOAD_ERROR", "DOWNLOADED"]
    assert all(source.closed for source in storage.opened)
    assert after.counts.downloaded == 1


def test_file_called_like_the_notice(centre, deliver) -> None:
    """An ordered NOTICE.txt keeps its name; the notice takes the next free one."""
    order = deliver(("NOTICE.txt", b"mine"), ("gone", b"x"))
    del centre.storage.contents["gone"]
    _, entries = centre.download(order)
    assert list(entries.items()) == [
        ("NOTICE.txt", b"mine"),
        ("NOTICE (1).txt", b"Failed to download file (gone): Server returned HTTP error code 404."),
    ]


def test_no_notice_without_failure(centre, deliver) -> None:
    """An archive without failure has no notice."""
    assert list(centre.download(deliver(("a", b"a")))[1]) == ["a"]


class Sized(BytesSource):
    """A source that announces a size of its own."""

    announced: int | None = None

    @property
    def size(self) -> int | None:
        return self.announced


@pytest.mark.parametrize(
    ("recorded", "announced", "failure"),
    [
        (None, None, None),
        (None, 3, None),
        (None, 5, "only 3/5 bytes"),
        (7, 3, None),
        (7, None, "only 3/7 bytes"),
        (3, None, None),
    ],
)
def test_length_of_external_files(centre, deliver, recorded, announced, failure: str | None) -> None:
    """An external file must have the announced length, else the recorded one; without either any length is right."""

    class Server(MemoryExternal):
        def open(self, url):
            source = Sized(b"abc")
            source.announced = announced
            return source

    order = deliver(reference("a", size=recorded))
    _, entries = centre.with_(external=Server()).download(order)
    assert entries["a"] == b"abc"
    if failure is None:
        assert centre.states(order) == {"a": "DOWNLOADED"}
    else:
        assert failure.encode() in entries["NOTICE.txt"]
        assert centre.states(order) == {"a": "DOWNLOAD_ERROR"}


@pytest.mark.parametrize(("announced", "to_archive"), [(3, 3), (None, 5)])
def test_stored_file_is_held_to_its_record(centre, deliver, announced: int | None, to_archive: int) -> None:
    """A stored file must have its recorded size, whatever is announced; the archive is told what is announced."""
    order = deliver(("a", b"12345"))
    sizes = []

    class Archives:
        def start(self, now):
            archive = centre.ordering.archives.start(now)

            class Watched:
                def entry(self, name, size, chunks):
                    sizes.append((name, size))
                    return archive.entry(name, size, chunks)

                def finish(self):
                    return archive.finish()

            return Watched()

    class Server(MemoryStorage):
        def open(self, file):
            source = Sized(b"123")
            source.announced = announced
            return source

    _, entries = centre.with_(storage=Server(), archives=Archives()).download(order)
    assert b"only 3/5 bytes" in entries["NOTICE.txt"]
    assert sizes == [("a", to_archive), ("NOTICE.txt", len(entries["NOTICE.txt"]))]


def test_archive_that_cannot_hold_the_file(centre, deliver) -> None:
    """When the archive itself refuses a file it fails like any other, and its source is closed."""

    class Full:
        def start(self, now):
            archive = centre.ordering.archives.start(now)

            class Limited:
                def entry(self, name, size, chunks):
                    yield from archive.entry(name, size, chunks)
                    if name == "big":
                        raise SourceUnreachable("more than 4 GiB came although no such size was announced")

                def finish(self):
                    return archive.finish()

            return Limited()

    order = deliver(("big", b"b"), ("a", b"a"))
    _, entries = centre.with_(archives=Full()).download(order)
    assert entries["NOTICE.txt"] == b"Failed to download file (big): Error during file download."
    assert centre.states(order) == {"big": "DOWNLOAD_ERROR", "a": "DOWNLOADED"}
    assert all(source.closed for source in centre.storage.opened)


def test_archive_that_breaks(centre, deliver) -> None:
    """A failure of the archive itself breaks the stream; nothing can be confirmed, the source is closed."""

    class Breaking:
        def start(self, now):
            return self

        def entry(self, name, size, chunks):
            yield from chunks
            raise OSError("archive")

    order = deliver(("a", b"a"))
    delivery = centre.with_(archives=Breaking()).ordering.open_zip(LISE, order.id)
    with pytest.raises(OSError, match="archive"):
        list(delivery)
    with pytest.raises(DeliveryIncomplete):
        delivery.confirm()
    assert centre.states(order) == {"a": "AVAILABLE"}
    assert centre.storage.opened[0].closed


# --- one source at a time, and clients that go away ------------------------------------------------------------------


def test_storage_is_asked_as_the_order_knows_the_file(centre, deliver) -> None:
    """A stored file is opened by checksum and URI of the order's own row, so that a re-import breaks nothing."""
    order = deliver(make_file("a", b"a", uri="tape/a", online=False), ("b", b"b"))
    centre.storage.contents["tape/a"] = b"a"
    seen = []

    class Curious(MemoryStorage):
        def open(self, file):
            seen.append(file)
            return super().open(file)

    files = centre.files(order)
    set_states(centre, order, dict.fromkeys("ab", FileState.AVAILABLE))
    centre.catalog.put_product(make_product("p0"))
    centre.with_(storage=Curious(centre.storage.contents)).download(order)
    assert seen == [(file.checksum, file.uri, file.online) for file in files]
    assert [file.uri for file in files] == ["tape/a", "b"]


def test_one_source_is_open_at_a_time(centre, deliver) -> None:
    """A source is closed before the next one is opened."""

    class Strict(MemoryStorage):
        def open(self, file):
            assert all(source.closed for source in self.opened)
            return super().open(file)

    order = deliver(*((f"f{n}", bytes(100_000)) for n in range(3)))
    storage = Strict(centre.storage.contents)
    centre.with_(storage=storage).download(order)
    assert (len(storage.opened), all(source.closed for source in storage.opened)) == (3, True)


def test_client_goes_away(centre, deliver) -> None:
    """D-17: sources are closed, no further one is opened, no state changes, and nothing can be confirmed."""
    order = deliver(*((f"f{n}", bytes([n]) * 200_000) for n in range(10)))
    before, told = centre.read(order), centre.events()
    delivery = centre.ordering.open_zip(LISE, order.id)
    archive: Iterator[bytes] = iter(delivery)
    while delivery.files < 2:
        next(archive)
    archive.close()  # type: ignore[attr-defined]
    opened = centre.storage.opened
    assert len(opened) == 3
    assert all(source.closed for source in opened)
    with pytest.raises(DeliveryIncomplete, match=f"delivery from order {order.id}"):
        delivery.confirm()
    assert set(centre.states(order).values()) == {"AVAILABLE"}
    assert (centre.read(order), centre.events()) == (before, told)


def test_last_block_has_to_be_taken(centre, deliver) -> None:
    """An archive whose end was not asked for is not whole, however much of it was read."""
    order = deliver(("a", b"a"))
    delivery = centre.ordering.open_zip(LISE, order.id)
    blocks = len(list(centre.ordering.open_zip(LISE, order.id)))
    archive = iter(delivery)
    for _ in range(blocks):
        next(archive)
    with pytest.raises(DeliveryIncomplete):
        delivery.confirm()
    assert list(archive) == []
    assert delivery.confirm().counts.downloaded == 1


def test_never_read(centre, deliver) -> None:
    """An archive that nobody read opens no source and cannot be confirmed."""
    delivery = centre.ordering.open_zip(LISE, deliver(("a", b"a")).id)
    with pytest.raises(DeliveryIncomplete):
        delivery.confirm()
    assert (delivery.files, delivery.size, centre.storage.opened) == (0, 0, [])


def test_nothing_changes_before_it_is_confirmed(centre, deliver) -> None:
    """A whole archive changes nothing until it was handed over."""
    order = deliver(("a", b"a"))
    before = centre.read(order)
    delivery = centre.ordering.open_zip(LISE, order.id)
    assert b"".join(delivery)
    assert (centre.read(order), centre.states(order)) == (before, {"a": "AVAILABLE"})


def test_no_transaction_is_open_while_bytes_flow(centre, deliver) -> None:
    """While a block is on its way others can write."""
    order = deliver(("a", bytes(200_000)))
    store, depth = centre.ordering.store, []

    class Watched:
        def read(self):
            return self.block(store.read())

        def block(self, inner):
            class Block:
                def __enter__(self):
                    depth.append(1)
                    return inner.__enter__()

                def __exit__(self, *exc):
                    depth.pop()
                    return inner.__exit__(*exc)

            return Block()

    delivery = centre.with_(store=Watched()).ordering.open_zip(LISE, order.id)
    assert [len(depth) for _ in delivery] == [0] * len(list(centre.ordering.open_zip(LISE, order.id)))


# --- afterwards ------------------------------------------------------------------------------------------------------


def test_slots_are_freed(make_twelve) -> None:
    """D-13: after the ZIP of the first suborder nothing waits, the second one starts, and then the order is DONE."""
    centre = make_twelve(suborders_per_user=1)
    order = centre.work(centre.place())
    assert (order.waiting_for_user, order.waiting_suborders) == (True, 1)
    after, _ = centre.download(order)
    assert (after.waiting_for_user, after.counts.available, after.status) == (False, 0, OrderStatus.RUNNING)
    assert after == centre.read(order)
    assert centre.work(order).status is OrderStatus.DONE


def test_confirming_twice(make_twelve) -> None:
    """A second confirmation changes nothing and tells nothing."""
    centre = make_twelve()
    order = centre.work(centre.place())
    delivery = centre.ordering.open_zip(LISE, order.id)
    b"".join(delivery)
    first, told = delivery.confirm(), centre.events()
    assert delivery.confirm() == first
    assert (centre.read(order), centre.events()) == (first, told)
    assert first.counts == FileCounts(downloaded=12, bytes_known=3_000_171)


def test_date_of_availability_moves_with_the_count(make_twelve) -> None:
    """The date of the number of available files moves when that number does."""
    centre = make_twelve()
    order = centre.work(centre.place())
    later = centre.ordering.clock.advance(hours=1)
    after, _ = centre.download(order)
    assert (order.available_since, after.available_since) == (order.created, later)


def test_administrator_downloads_for_the_owner(make_twelve) -> None:
    """An administrator's download counts as the owner's: files are DOWNLOADED and the owner's slots are free."""
    centre = make_twelve()
    order, blocked = centre.place(), centre.place()
    centre.ordering.work()
    assert centre.suborders(blocked)[0].state.name == "PENDING"
    after, entries = centre.download(order, User(MAX.email, Role.PROJECT_ADMIN))
    assert (len(entries), after.counts.downloaded, after.owner) == (12, 12, LISE.email)
    assert centre.work(blocked).status is OrderStatus.DONE


def test_files_erased_meanwhile(centre, deliver) -> None:
    """What was erased while the archive was on its way stays erased."""
    order = deliver(("a", b"a"))
    delivery = centre.ordering.open_zip(LISE, order.id)
    b"".join(delivery)
    with centre.ordering.store.write() as tx:
        tx.files.erase(order.id)
    before = centre.read(order)
    assert delivery.confirm() == before
    assert centre.files(order) == []


def test_two_downloads_at_once(make_twelve) -> None:
    """Two archives of the same files count each file once."""
    centre = make_twelve()
    order = centre.work(centre.place())
    deliveries = [centre.ordering.open_zip(LISE, order.id) for _ in range(2)]
    for delivery in deliveries:
        b"".join(delivery)
    counts = [delivery.confirm().counts for delivery in deliveries]
    assert counts == [FileCounts(downloaded=12, bytes_known=3_000_171)] * 2
