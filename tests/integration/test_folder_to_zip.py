"""From a folder of files to a verified ZIP, on SQLite and real files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from regards_order import FileState, NothingToDownload, Ordering, OrderStatus, SelectionRequest, User
from regards_order.application.deliver import Delivery
from regards_order.testing import ManualClock, make_dataset, make_file, make_product
from regards_order_adapters.bootstrap import Service
from regards_order_adapters.catalog.scan import scan
from regards_order_adapters.catalog.write import put
from regards_order_adapters.delivery.zip import coalesced


def fill(folder: Path) -> dict[str, bytes]:
    """Make a folder with nested files, equal names, equal contents, an empty file and names beyond ASCII."""
    contents = {
        "a/readme.txt": b"first",
        "b/readme.txt": b"second",
        "c/readme.txt": b"first",
        "empty.dat": b"",
        "été/naïve file.txt": b"accents",
        "deep/er/still/big.bin": os.urandom(300_001),
        "README": b"no extension",
        "x/README": b"another",
    }
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return contents


def order_all(service: Service, ordering: Ordering, user: User, clock: ManualClock, folder: Path) -> int:
    """Scan a folder, order all of it and work the order off."""
    loaded = scan(service.store("default"), "default", folder, clock.now())
    assert not loaded.refusals
    clock.advance(seconds=1)
    ordering.add_selection(user, SelectionRequest())
    order = ordering.place_order(user)
    ordering.work()
    return order.id


def write(delivery: Delivery, path: Path) -> Path:
    """Write a delivery to a file."""
    with path.open("wb") as file:
        for block in coalesced(delivery):
            file.write(block)
    return path


def test_every_file_of_a_folder_arrives_unchanged(
    service: Service, ordering: Ordering, user: User, clock: ManualClock, tmp_path: Path
) -> None:
    """All contents are in the ZIP once; equal names are renamed, equal files are not written twice."""
    folder = tmp_path / "pictures"
    contents = fill(folder)
    order_id = order_all(service, ordering, user, clock, folder)
    delivery = ordering.open_zip(user, order_id)
    path = write(delivery, tmp_path / delivery.name)
    order = delivery.confirm()
    assert (order.status, order.counts.downloaded, delivery.files) == (OrderStatus.DONE, 8, 8)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {archive.read(name) for name in archive.namelist()} == set(contents.values())
        assert sorted(archive.namelist()) == sorted(
            ["readme.txt", "readme (1).txt", "empty.dat", "naïve file.txt", "big.bin", "README", "README (1)"]
        )
    with pytest.raises(NothingToDownload, match="8 were downloaded"):
        ordering.open_zip(user, order_id)


@pytest.mark.parametrize(
    ("name", "package", "options"),
    [("unzip", "unzip", ["-tq"]), ("bsdtar", "libarchive-tools", ["-tf"]), ("7z", "p7zip-full", ["t"])],
)
def test_other_programs_are_content_with_the_zip(
    service: Service,
    ordering: Ordering,
    user: User,
    clock: ManualClock,
    tmp_path: Path,
    program: Callable[[str, str], str],
    name: str,
    package: str,
    options: list[str],
) -> None:
    """Programs that people have unpack the archive without complaint."""
    fill(tmp_path / "pictures")
    order_id = order_all(service, ordering, user, clock, tmp_path / "pictures")
    path = write(ordering.open_zip(user, order_id), tmp_path / "order.zip")
    done = subprocess.run([program(name, package), *options, str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done


def test_the_zip_can_be_read_from_a_pipe(
    service: Service,
    ordering: Ordering,
    user: User,
    clock: ManualClock,
    tmp_path: Path,
    program: Callable[[str, str], str],
) -> None:
    """A reader that only goes forward, without the central directory, finds every entry."""
    contents = fill(tmp_path / "pictures")
    order_id = order_all(service, ordering, user, clock, tmp_path / "pictures")
    data = b"".join(ordering.open_zip(user, order_id))
    (tmp_path / "out").mkdir()
    command = [program("bsdtar", "libarchive-tools"), "-xf", "-", "-C", str(tmp_path / "out")]
    # in UTF-8 names: the C locale knows no accents
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, input=data, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done
    assert {path.read_bytes() for path in (tmp_path / "out").iterdir()} == set(contents.values())


def test_missing_and_altered_files_are_told_and_spoil_nothing_else(
    service: Service, ordering: Ordering, user: User, clock: ManualClock, tmp_path: Path
) -> None:
    """A file that vanished, shrank or changed after it was available fails alone, with its reason in NOTICE.txt."""
    folder = tmp_path / "pictures"
    fill(folder)
    order_id = order_all(service, ordering, user, clock, folder)
    (folder / "README").unlink()
    (folder / "deep/er/still/big.bin").write_bytes(b"short")
    (folder / "été/naïve file.txt").write_bytes(b"ACCENTS")
    delivery = ordering.open_zip(user, order_id)
    path = write(delivery, tmp_path / "order.zip")
    order = delivery.confirm()
    assert (order.counts.downloaded, order.counts.download_error) == (5, 3)
    assert order.status is OrderStatus.DONE_WITH_WARNING
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[-1] == "NOTICE.txt"
        assert sorted(archive.read("NOTICE.txt").decode().splitlines()) == [
            "Failed to download file (README): Server returned HTTP error code 404.",
            "Failed to download file (big.bin): "
            "Cannot completely download data file from storage, only 5/300001 bytes.",
            "Failed to download file (naïve file.txt): Checksum mismatch.",
        ]
        assert archive.testzip() is None
    causes = {file.filename: file.download_error for file in ordering.list_files(user, order_id) if file.download_error}
    changed = hashlib.md5(b"ACCENTS").hexdigest()
    original = hashlib.md5(b"accents").hexdigest()
    assert causes["naïve file.txt"] == f"Checksum mismatch: expected {original}, got {changed}"
    assert causes["big.bin"] == "Cannot completely retrieve data file from storage, only 5/300001 bytes"
    assert "does not exist" in causes["README"]


def test_a_repaired_file_is_in_the_next_zip(
    service: Service, ordering: Ordering, user: User, clock: ManualClock, tmp_path: Path
) -> None:
    """Files whose download failed come again with the next ZIP."""
    folder = tmp_path / "pictures"
    contents = fill(folder)
    order_id = order_all(service, ordering, user, clock, folder)
    (folder / "README").unlink()
    first = ordering.open_zip(user, order_id)
    write(first, tmp_path / "first.zip")
    first.confirm()
    (folder / "README").write_bytes(contents["README"])
    second = ordering.open_zip(user, order_id)
    path = write(second, tmp_path / "second.zip")
    assert second.confirm().counts.downloaded == 8
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["README"]


def test_a_file_that_is_missing_when_asked_for_is_in_error(
    service: Service, ordering: Ordering, user: User, clock: ManualClock, tmp_path: Path
) -> None:
    """The storage refuses a file that is not there, and the order says so."""
    folder = tmp_path / "pictures"
    fill(folder)
    scan(service.store("default"), "default", folder, clock.now())
    (folder / "README").unlink()
    clock.advance(seconds=1)
    ordering.add_selection(user, SelectionRequest())
    order = ordering.place_order(user)
    ordering.work()
    order = ordering.get_order(user, order.id)
    assert (order.status, order.counts.error, order.counts.available) == (OrderStatus.DONE_WITH_WARNING, 1, 7)


def test_a_link_out_of_the_folder_is_never_followed(
    service: Service, ordering: Ordering, user: User, clock: ManualClock, tmp_path: Path
) -> None:
    """A symbolic link that leads out of the recorded root is left out by the scan, and refused if it appears later."""
    folder = tmp_path / "pictures"
    fill(folder)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    loaded = scan(service.store("default"), "default", folder, clock.now())
    assert [skipped.cause for skipped in loaded.skipped] == ["is a symbolic link that leads out of the folder"]
    clock.advance(seconds=1)
    ordering.add_selection(user, SelectionRequest.of('path:"README"'))
    order = ordering.place_order(user)
    ordering.work()
    (folder / "README").unlink()
    (folder / "README").symlink_to(tmp_path / "secret.txt")
    delivery = ordering.open_zip(user, order.id)
    assert b"secret" not in b"".join(delivery)
    assert [failure.reason for failure in delivery.failures] == ["Server returned HTTP error code 403"]


def test_files_on_tape_come_after_their_delay(
    service: Service, ordering: Ordering, user: User, clock: ManualClock, tmp_path: Path
) -> None:
    """A nearline file is PENDING until its seconds have passed, in any process: the time stands in the database."""
    folder = tmp_path / "pictures"
    fill(folder)
    scan(service.store("default"), "default", folder, clock.now())
    with service.store("default").write() as tx:
        tx.scope.connection.exec_driver_sql("UPDATE product_files SET online = 0 WHERE filename = 'big.bin'")
    clock.advance(seconds=1)
    ordering.add_selection(user, SelectionRequest())
    order = ordering.place_order(user)
    ordering.work()
    pending = [file.filename for file in ordering.list_files(user, order.id) if file.state == FileState.PENDING.value]
    assert pending == ["big.bin"]
    clock.advance(seconds=59)
    ordering.work()
    assert ordering.get_order(user, order.id).status is OrderStatus.RUNNING
    clock.advance(seconds=2)
    service.ordering("default").work()
    assert ordering.get_order(user, order.id).status is OrderStatus.DONE


def test_odd_entries_of_a_folder_are_left_out_and_listed(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """Links in a circle, to folders and to nowhere, and pipes are named; the files beside them come in."""
    folder = tmp_path / "pictures"
    fill(folder)
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("gone")
    (folder / "dir").symlink_to("/etc")
    os.mkfifo(folder / "pipe")
    loaded = scan(service.store("default"), "default", folder, clock.now())
    assert (loaded.written.added, loaded.refusals) == (9, [])
    assert sorted(Path(each.source).name for each in loaded.skipped) == ["dir", "loop", "nowhere", "pipe"]


@pytest.mark.parametrize(
    "uri", ["file://[", "file:///a%00b", "../outside", "/etc/passwd", "file:///etc/passwd", "s3://x/y"]
)
def test_one_odd_uri_stops_nobody(
    service: Service, ordering: Ordering, user: User, clock: ManualClock, tmp_path: Path, uri: str
) -> None:
    """A file that lies nowhere or outside the roots is in error with its cause; the file beside it is delivered."""
    dataset = make_dataset("DS")
    good = make_product("good", make_file("good.txt", b"good"), datasets=(dataset,))
    bad = make_product("bad", make_file("bad.txt", b"bad", uri=uri), datasets=(dataset,))
    put(service.store("default"), [dataset], [good, bad])
    (tmp_path / "storage/good.txt").write_bytes(b"good")
    clock.advance(seconds=1)
    ordering.add_selection(user, SelectionRequest())
    order = ordering.place_order(user)
    ordering.work()
    order = ordering.get_order(user, order.id)
    assert (order.counts.available, order.counts.error) == (1, 1)
    causes = [file.download_error for file in ordering.list_files(user, order.id)]
    assert len([cause for cause in causes if cause and ("outside" in cause or "names no file" in cause)]) == 1
