"""What a `Storage` and its sources promise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import attrs
import pytest

from regards_order.domain.errors import SourceFailed, SourceRefused, StorageUnavailable
from regards_order.ports.sources import Source
from regards_order.ports.storage import Answer, Storage, StoredFile

MIB = 1024 * 1024


@attrs.frozen
class StorageSetup:
    """Hold a storage to prove.

    Attributes:
        storage: what is proved.
        pass_time: lets so much time pass that every nearline file that was asked for has arrived.
        unplug: makes the storage unavailable; None where that cannot be done.
    """

    storage: Storage
    pass_time: Callable[[], None]
    unplug: Callable[[], None] | None = None


#: URI → bytes, and the checksums of the files that are nearline
SetUpStorage = Callable[[Mapping[str, bytes], Collection[str]], StorageSetup]


def a_stored_file(uri: str, *, online: bool = True) -> StoredFile:
    """Return a stored file; its checksum is made of its URI."""
    return StoredFile(f"sum of {uri}", uri, online)


def read_source(source: Source) -> bytes:
    """Read a source to its end and close it, twice."""
    chunks = list(source.chunks())
    source.close()
    source.close()
    assert all(0 < len(chunk) <= MIB for chunk in chunks)
    data = b"".join(chunks)
    assert source.size in (None, len(data))
    return data


class StorageContract:
    """Prove a `Storage`; override the fixture `set_up`."""

    @pytest.fixture
    def set_up(self) -> SetUpStorage:
        """Return what makes a storage with some contents, of which some are nearline: override me."""
        raise NotImplementedError("override the fixture `set_up`: (contents, nearline checksums) → StorageSetup")

    @pytest.mark.parametrize("size", [0, 1, 65_536, 3 * MIB + 7])
    def test_a_file_is_read_to_its_last_byte(self, set_up: SetUpStorage, size: int) -> None:
        """In blocks of at most 1 MiB, as many bytes as its size says; closing twice is allowed."""
        data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        storage = set_up({"a/b.dat": data}, ()).storage
        assert read_source(storage.open(a_stored_file("a/b.dat"))) == data

    @pytest.mark.parametrize(
        "uri", ["a.dat", "deep/er/a b.dat", "été/名前.dat", "100%25.dat", "a#b?c.dat", "..a/b..dat"]
    )
    def test_any_name_is_found(self, set_up: SetUpStorage, uri: str) -> None:
        """Whatever characters a name holds, they are taken as they are."""
        storage = set_up({uri: b"here"}, ()).storage
        assert list(storage.answers([a_stored_file(uri)])) == [Answer(f"sum of {uri}", True)]
        assert read_source(storage.open(a_stored_file(uri))) == b"here"

    def test_sources_are_apart(self, set_up: SetUpStorage) -> None:
        """Two readers of one file do not disturb each other, and one may go away before the end."""
        storage = set_up({"a": b"x" * (2 * MIB)}, ()).storage
        first, second, third = (storage.open(a_stored_file("a")) for _ in range(3))
        next(iter(first.chunks()))
        first.close()
        third.close()
        assert read_source(second) == b"x" * (2 * MIB)

    def test_online_files_are_available(self, set_up: SetUpStorage) -> None:
        """Each file that was asked for is answered once, by its checksum."""
        files = [a_stored_file(uri) for uri in ("a", "b", "c")]
        storage = set_up({"a": b"1", "b": b"2", "c": b""}, ()).storage
        storage.make_available(files, 24)
        answers = storage.answers(files)
        assert sorted(answers) == [Answer(file.checksum, True, None) for file in files]

    def test_nothing_may_be_asked(self, set_up: SetUpStorage) -> None:
        """Empty questions have empty answers."""
        storage = set_up({}, ()).storage
        storage.make_available([], 1)
        assert list(storage.answers([])) == []

    def test_a_thousand_files_are_asked_at_once(self, set_up: SetUpStorage) -> None:
        """That is the largest batch."""
        files = [a_stored_file(f"f{number}", online=bool(number % 2)) for number in range(1000)]
        setup = set_up({file.uri: b"" for file in files}, [file.checksum for file in files if not file.online])
        setup.storage.make_available(files, 24)
        setup.pass_time()
        assert {answer.checksum for answer in setup.storage.answers(files) if answer.available} == {
            file.checksum for file in files
        }

    def test_nearline_files_arrive_after_a_while(self, set_up: SetUpStorage) -> None:
        """Nothing is said about a file on its way; files that are there are answered meanwhile."""
        tape, disk = a_stored_file("tape", online=False), a_stored_file("disk")
        setup = set_up({"tape": b"slow", "disk": b"fast"}, [tape.checksum])
        setup.storage.make_available([tape, disk], 24)
        assert list(setup.storage.answers([tape, disk])) == [Answer(disk.checksum, True)]
        setup.pass_time()
        assert sorted(setup.storage.answers([tape, disk])) == [Answer(disk.checksum, True), Answer(tape.checksum, True)]
        assert read_source(setup.storage.open(tape)) == b"slow"

    def test_answers_can_be_had_again(self, set_up: SetUpStorage) -> None:
        """Nothing is forgotten by asking for answers."""
        tape = a_stored_file("tape", online=False)
        setup = set_up({"tape": b"slow"}, [tape.checksum])
        setup.storage.make_available([tape], 24)
        setup.pass_time()
        assert setup.storage.answers([tape]) == setup.storage.answers([tape]) != []

    @pytest.mark.parametrize("online", [True, False])
    def test_asking_again_is_harmless(self, set_up: SetUpStorage, online: bool) -> None:
        """A question that was asked before a crash is asked once more: the file still arrives."""
        file = a_stored_file("a", online=online)
        setup = set_up({"a": b"x"}, [] if online else [file.checksum])
        for _ in range(3):
            setup.storage.make_available([file], 24)
        setup.pass_time()
        assert list(setup.storage.answers([file])) == [Answer(file.checksum, True)]

    def test_only_what_is_asked_is_answered(self, set_up: SetUpStorage) -> None:
        """Answers are about the files of the question."""
        files = [a_stored_file("a"), a_stored_file("b")]
        storage = set_up({"a": b"", "b": b""}, ()).storage
        storage.make_available(files, 24)
        assert list(storage.answers(files[:1])) == [Answer(files[0].checksum, True)]

    @pytest.mark.parametrize("uri", ["missing.dat", "a", "a/missing"])
    def test_a_missing_file_is_refused(self, set_up: SetUpStorage, uri: str) -> None:
        """The answer says that it is not available, and why; opening it fails.  A folder is no file."""
        storage = set_up({"a/b.dat": b"x"}, ()).storage
        storage.make_available([a_stored_file(uri)], 24)
        (answer,) = storage.answers([a_stored_file(uri)])
        assert not answer.available
        assert answer.cause
        with pytest.raises(SourceFailed):
            storage.open(a_stored_file(uri)).close()

    @pytest.mark.parametrize("uri", ["../secret", "a/../../secret", "/etc/passwd", "file:///etc/passwd", "a\0b", ""])
    def test_nothing_outside_the_storage_is_opened(self, set_up: SetUpStorage, uri: str) -> None:
        """A path that leads out, however it is written, is refused, and the others of its batch are answered."""
        storage = set_up({"a/b.dat": b"x"}, ()).storage
        answers = {
            answer.checksum: answer for answer in storage.answers([a_stored_file(uri), a_stored_file("a/b.dat")])
        }
        assert answers[f"sum of {uri}"].available is False
        assert answers["sum of a/b.dat"].available is True
        with pytest.raises(SourceRefused):
            storage.open(a_stored_file(uri)).close()

    def test_a_storage_out_of_reach_says_so(self, set_up: SetUpStorage) -> None:
        """Every method raises `StorageUnavailable`."""
        setup = set_up({"a": b"x"}, ())
        if setup.unplug is None:
            pytest.skip("this storage cannot be unplugged")
        setup.unplug()
        files = [a_stored_file("a")]
        with pytest.raises(StorageUnavailable):
            setup.storage.make_available(files, 24)
        with pytest.raises(StorageUnavailable):
            setup.storage.answers(files)
        with pytest.raises(StorageUnavailable):
            setup.storage.open(files[0])
