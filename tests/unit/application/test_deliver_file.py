"""One file on its way: who may have it, in which state, and what is noted afterwards."""

from __future__ import annotations

import hashlib
import logging
from contextlib import contextmanager

import attrs
import pytest

from regards_order import (
    ChecksumMismatch,
    DataFile,
    DataType,
    DeliveryIncomplete,
    FileInError,
    FileNotFound,
    FileNotReady,
    NotAllowed,
    OrderStatus,
    Role,
    SourceRefused,
    SourceTruncated,
    StorageUnavailable,
    User,
)
from regards_order.domain.files import FileState
from regards_order.ports.storage import StoredFile
from regards_order.testing import BytesSource, MemoryStorage

LISE, MAX = User("lise@obs.example"), User("max@obs.example")
PIXELS = b"pixels" * 40_000


@pytest.fixture
def scene(centre):
    """Return an order of one stored file that is available."""
    centre.product(centre.dataset("D"), "scene", ("scene.tif", PIXELS))
    return centre.work(centre.place())


def the_file(centre, order):
    """Return the only file of an order."""
    [file] = centre.files(order)
    return file


def set_state(centre, order, state: FileState) -> None:
    """Bring the only file of an order to a state, and the counts with it."""
    file = the_file(centre, order)
    with centre.ordering.store.write() as tx:
        tx.files.erase(order.id)
        tx.files.add([file._replace(state=state.value)])


def test_a_file_from_first_to_last_byte(centre, scene) -> None:
    """D-08: a delivered file is DOWNLOADED, its order has nothing available any more, its slot is free."""
    delivery = centre.ordering.open_file(LISE, the_file(centre, scene).id)
    assert (delivery.file.filename, delivery.size, delivery.sent) == ("scene.tif", len(PIXELS), 0)
    assert b"".join(delivery) == PIXELS
    assert delivery.sent == len(PIXELS)
    assert the_file(centre, scene).state == "AVAILABLE"
    after = delivery.confirm()
    assert (after.counts.downloaded, after.counts.available, after.waiting_for_user) == (1, 0, False)
    assert the_file(centre, scene).state == "DOWNLOADED"
    with centre.ordering.store.read() as tx:
        assert list(tx.slots.freed(9)) == [LISE.email]


def test_a_file_may_be_downloaded_again(centre, scene) -> None:
    """DOWNLOADED and DOWNLOAD_ERROR files are served like AVAILABLE ones."""
    for state in (FileState.DOWNLOADED, FileState.DOWNLOAD_ERROR, FileState.AVAILABLE):
        set_state(centre, scene, state)
        delivery = centre.ordering.open_file(LISE, the_file(centre, scene).id)
        assert b"".join(delivery) == PIXELS
        delivery.confirm()
        assert the_file(centre, scene).state == "DOWNLOADED"


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (FileState.PENDING, FileNotReady),
        (FileState.ERROR, FileInError),
        (FileState.PROCESSING_ERROR, FileInError),
    ],
)
def test_states_that_cannot_be_downloaded(centre, scene, state: FileState, error: type[Exception]) -> None:
    """D-10: a PENDING file is not ready yet, one in error never will be; nothing is opened."""
    set_state(centre, scene, state)
    file = the_file(centre, scene)
    for look in (centre.ordering.open_file, centre.ordering.look_at_file):
        with pytest.raises(error, match=f"File {file.id} .scene.tif."):
            look(LISE, file.id)
    assert centre.storage.opened == []
    assert the_file(centre, scene).state == state.value


def test_looking_changes_nothing(centre, scene) -> None:
    """D-19: to look at a file opens no source and leaves its state."""
    file = the_file(centre, scene)
    assert centre.ordering.look_at_file(LISE, file.id) == file
    assert (centre.storage.opened, the_file(centre, scene)) == ([], file)


@pytest.mark.parametrize("role", Role)
def test_who_may_have_a_file(centre, scene, role: Role) -> None:
    """D-07: the owner with any role, of others PROJECT_ADMIN and INSTANCE_ADMIN, another service never."""
    file = the_file(centre, scene)
    for look in (centre.ordering.open_file, centre.ordering.look_at_file):
        assert look(User(LISE.email, role), file.id)
        for stranger in (User(MAX.email, role), User(LISE.email, service=True)):
            if stranger.role in (Role.PROJECT_ADMIN, Role.INSTANCE_ADMIN):
                assert look(stranger, file.id)
                continue
            with pytest.raises(NotAllowed):
                look(stranger, file.id)


@pytest.mark.parametrize("id", [6465465, 0, -1])
def test_unknown_files(centre, scene, id: int) -> None:
    """D-06: a file that does not exist is not found, by its number."""
    for look in (centre.ordering.open_file, centre.ordering.look_at_file):
        with pytest.raises(FileNotFound, match=f"Data file with id: {id} doesn't exist"):
            look(LISE, id)


def test_a_client_that_goes_away_changes_nothing(centre, scene) -> None:
    """Half a file is no delivery: its source is closed, its state stays, and it cannot be confirmed."""
    delivery = centre.ordering.open_file(LISE, the_file(centre, scene).id)
    blocks = iter(delivery)
    blocks.close()  # type: ignore[attr-defined]
    delivery.close()
    with pytest.raises(DeliveryIncomplete, match=f"order {scene.id}"):
        delivery.confirm()
    assert the_file(centre, scene).state == "AVAILABLE"
    assert [source.closed for source in centre.storage.opened] == [True]


def test_a_wrong_file_never_arrives_whole(centre, scene) -> None:
    """Other bytes of the same length: the last block is held back, and the mismatch noted."""
    file = the_file(centre, scene)
    wrong = bytes(len(PIXELS))
    centre.storage.contents["scene.tif"] = wrong
    delivery = centre.ordering.open_file(LISE, file.id)
    got = []
    with pytest.raises(ChecksumMismatch):
        got.extend(delivery)
    assert len(b"".join(got)) < len(PIXELS)
    noted = the_file(centre, scene)
    expected = f"Checksum mismatch: expected {file.checksum}, got {hashlib.md5(wrong).hexdigest()}"
    assert (noted.state, noted.download_error) == ("DOWNLOAD_ERROR", expected)


def test_a_file_that_is_shorter(centre, scene, caplog) -> None:
    """The size that the source tells is announced, the recorded one is expected; the difference is logged."""
    centre.storage.contents["scene.tif"] = PIXELS[:10]
    with caplog.at_level(logging.WARNING):
        delivery = centre.ordering.open_file(LISE, the_file(centre, scene).id)
    assert [record.action for record in caplog.records] == ["size_differs"]
    assert delivery.size == 10
    with pytest.raises(SourceTruncated):
        b"".join(delivery)
    assert the_file(centre, scene).download_error == (
        f"Cannot completely retrieve data file from storage, only 10/{len(PIXELS)} bytes"
    )


def test_a_source_that_stops_before_its_announced_end(centre, scene) -> None:
    """What the source announced has to come, whatever was recorded."""

    class Liar(BytesSource):
        size = len(PIXELS) + 1

    class Lying(MemoryStorage):
        def open(self, file: StoredFile) -> BytesSource:
            return Liar(self.contents[file.uri])

    lying = centre.with_(storage=Lying(centre.storage.contents))
    delivery = lying.ordering.open_file(LISE, the_file(centre, scene).id)
    with pytest.raises(SourceTruncated):
        b"".join(delivery)
    assert the_file(centre, scene).state == "DOWNLOAD_ERROR"


def test_a_source_without_size(centre) -> None:
    """A source that does not tell its size is announced without one."""
    centre.product(centre.dataset("D"), "p", DataFile(DataType.RAWDATA, "r", "http://x/r", reference=True))
    order = centre.work(centre.place())

    class Mute(BytesSource):
        size = None

    class Silent:
        def open(self, url: str) -> BytesSource:
            return Mute(b"bytes")

    delivery = centre.with_(external=Silent()).ordering.open_file(LISE, the_file(centre, order).id)
    assert delivery.size is None
    assert b"".join(delivery) == b"bytes"
    assert delivery.confirm().status is OrderStatus.DONE


def test_an_empty_file(centre) -> None:
    """A file without bytes is delivered like any other."""
    centre.product(centre.dataset("D"), "p", ("empty", b""))
    order = centre.work(centre.place())
    delivery = centre.ordering.open_file(LISE, the_file(centre, order).id)
    assert list(delivery) == []
    assert delivery.confirm().counts.downloaded == 1


def test_a_file_that_the_storage_refuses(centre, scene) -> None:
    """A source that cannot be opened is noted with its cause, and the error arrives."""
    del centre.storage.contents["scene.tif"]
    with pytest.raises(SourceRefused) as caught:
        centre.ordering.open_file(LISE, the_file(centre, scene).id)
    noted = the_file(centre, scene)
    assert (noted.state, noted.download_error) == ("DOWNLOAD_ERROR", caught.value.message)


def test_a_storage_out_of_reach(centre, scene) -> None:
    """A storage that cannot be reached is a failed download too."""
    centre.storage.down = True
    with pytest.raises(StorageUnavailable):
        centre.ordering.open_file(LISE, the_file(centre, scene).id)
    assert the_file(centre, scene).state == "DOWNLOAD_ERROR"


def test_files_of_an_order_that_is_being_listed(centre) -> None:
    """They are there already, but may be erased and listed anew: not ready."""
    centre.product(centre.dataset("D"), "p", DataFile(DataType.RAWDATA, "r", "http://x/r", reference=True))
    centre.ordering.external.contents["http://x/r"] = b"r"
    order = centre.work(centre.place())
    with centre.ordering.store.write() as tx:
        tx.orders.save(attrs.evolve(tx.orders.get(order.id), status=OrderStatus.PENDING, listed=False))
    with pytest.raises(FileNotReady):
        centre.ordering.open_file(LISE, the_file(centre, order).id)


def test_the_order_is_locked_before_its_files_move(centre, scene) -> None:
    """Lock order: whoever moves files of an order holds the order first."""
    called = []

    class Noted:
        def __init__(self, inner, name: str) -> None:
            self.inner, self.name = inner, name

        def __getattr__(self, name: str):
            def call(*args, **kwargs):
                called.append((self.name, name, kwargs.get("lock", False)))
                return getattr(self.inner, name)(*args, **kwargs)

            return call

    class Store:
        read = centre.ordering.store.read

        @contextmanager
        def write(self):
            with centre.ordering.store.write() as tx:
                tx.orders, tx.files = Noted(tx.orders, "orders"), Noted(tx.files, "files")
                yield tx

    delivery = centre.with_(store=Store()).ordering.open_file(LISE, the_file(centre, scene).id)
    assert list(delivery)
    delivery.confirm()
    assert called[:2] == [("orders", "get", True), ("files", "move", False)]
