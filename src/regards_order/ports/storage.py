"""The storage: where the bytes of stored files are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from regards_order.ports.sources import Source


class StoredFile(NamedTuple):
    """Name a stored file as its order knows it, so that a catalogue that changed later breaks nothing."""

    checksum: str
    uri: str
    online: bool


class Answer(NamedTuple):
    """Say what the storage says about one file: available or not, and why not."""

    checksum: str
    available: bool
    cause: str | None = None


class Storage(Protocol):
    """Make files available and read them.

    Every method may raise `StorageUnavailable`.
    """

    def make_available(self, files: Sequence[StoredFile], hours: int) -> None:
        """Ask for files; asking again for the same ones is harmless.

        Args:
            files: with distinct checksums, at most 1,000.
            hours: how long they have to stay available.
        """
        ...

    def answers(self, files: Sequence[StoredFile]) -> Sequence[Answer]:
        """Return what is known by now about files that were asked for; those without answer are left out.

        Args:
            files: of at most 1,000 checksums; one that lies in several places comes once for each, and is available
                when one of them can be read.
        """
        ...

    def open(self, file: StoredFile) -> Source:
        """Open an available file.

        Raises:
            SourceRefused: there is no such file, or it lies outside the storage.
            SourceUnreachable: it cannot be read.
        """
        ...
