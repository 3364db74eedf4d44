"""The files of an order: their states, and counts that change by differences (docs/states.md)."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

import attrs

from regards_order.domain.states import Machine


class FileState(enum.Enum):
    """Say what became of an ordered file."""

    PENDING = "PENDING"  #: waits for the storage
    AVAILABLE = "AVAILABLE"  #: may be downloaded, was not yet
    DOWNLOADED = "DOWNLOADED"  #: was downloaded once; may be again
    DOWNLOAD_ERROR = "DOWNLOAD_ERROR"  #: was available, but a download failed
    PROCESSING_ERROR = "PROCESSING_ERROR"  #: its processing failed
    ERROR = "ERROR"  #: the storage could not make it available

    __hash__ = object.__hash__


class FileEvent(enum.Enum):
    """Say what can happen to an ordered file."""

    MADE_AVAILABLE = "MADE_AVAILABLE"  #: the storage says that it can be read
    REFUSED = "REFUSED"  #: the storage says that it cannot
    UNANSWERED = "UNANSWERED"  #: the storage said nothing in time
    DELIVERED = "DELIVERED"  #: its last byte was handed over
    DELIVERY_FAILED = "DELIVERY_FAILED"  #: its bytes could not be had, or were not the right ones
    RETRIED = "RETRIED"  #: a stored file is asked for once more
    RETRIED_EXTERNAL = "RETRIED_EXTERNAL"  #: an external file is offered once more

    __hash__ = object.__hash__


FILES: Machine[FileState, FileEvent] = Machine(
    "File",
    FileState.PENDING,
    {
        FileState.PENDING: {
            FileEvent.MADE_AVAILABLE: FileState.AVAILABLE,
            FileEvent.REFUSED: FileState.ERROR,
            FileEvent.UNANSWERED: FileState.ERROR,
        },
        FileState.AVAILABLE: {
            FileEvent.REFUSED: FileState.ERROR,
            FileEvent.DELIVERED: FileState.DOWNLOADED,
            FileEvent.DELIVERY_FAILED: FileState.DOWNLOAD_ERROR,
        },
        FileState.DOWNLOADED: {
            FileEvent.DELIVERED: FileState.DOWNLOADED,
            FileEvent.DELIVERY_FAILED: FileState.DOWNLOAD_ERROR,
        },
        FileState.DOWNLOAD_ERROR: {
            FileEvent.DELIVERED: FileState.DOWNLOADED,
            FileEvent.DELIVERY_FAILED: FileState.DOWNLOAD_ERROR,
            FileEvent.RETRIED: FileState.PENDING,
            FileEvent.RETRIED_EXTERNAL: FileState.AVAILABLE,
        },
        FileState.PROCESSING_ERROR: {},
        FileState.ERROR: {
            FileEvent.RETRIED: FileState.PENDING,
            FileEvent.RETRIED_EXTERNAL: FileState.AVAILABLE,
        },
    },
)

#: states whose files go into the next ZIP
DELIVERABLE = frozenset({FileState.AVAILABLE, FileState.DOWNLOAD_ERROR})


class OrderFile(NamedTuple):
    """Carry a file of an order: a plain row, because an order may have a million of them.

    The last nine fields are those of `CatalogFile`, in its order.
    """

    id: int
    order_id: int
    suborder_id: int
    product_urn: str
    product_id: str
    version: int
    state: str
    download_error: str | None
    data_type: str
    filename: str
    uri: str
    mime_type: str
    size: int | None
    checksum: str | None
    digest_algorithm: str | None
    online: bool
    reference: bool


class Moved(NamedTuple):
    """Say how many files of a suborder went from one state to another, and their known bytes."""

    suborder_id: int
    before: FileState
    after: FileState
    files: int
    bytes: int


@attrs.frozen
class FileCounts:
    """Count files by state, or say by how much such counts change.

    Attributes:
        pending: files that wait for the storage; the others alike, by state.
        bytes_known: known bytes of all files.
        bytes_pending: known bytes of those that are PENDING.

    >>> (FileCounts.of(FileState.PENDING, 2, 10) + FileCounts.of(FileState.ERROR, 1, 10)).percent
    50
    """

    pending: int = 0
    available: int = 0
    downloaded: int = 0
    download_error: int = 0
    processing_error: int = 0
    error: int = 0
    bytes_known: int = 0
    bytes_pending: int = 0

    @classmethod
    def of(cls, state: FileState, files: int, size: int) -> FileCounts:
        """Return the counts of *files* files in one state with *size* known bytes in all."""
        pending = size if state is FileState.PENDING else 0
        return cls(**{state.name.lower(): files}, bytes_known=size, bytes_pending=pending)

    @classmethod
    def change(cls, moved: Iterable[Moved]) -> FileCounts:
        """Return by how much counts change when files move."""
        change = cls()
        for move in moved:
            change += cls.of(move.after, move.files, move.bytes) + cls.of(move.before, -move.files, -move.bytes)
        return change

    def __add__(self, other: FileCounts) -> FileCounts:
        return FileCounts(*(a + b for a, b in zip(attrs.astuple(self), attrs.astuple(other), strict=True)))

    @property
    def total(self) -> int:
        """Return the number of files in any state."""
        return (
            self.pending + self.available + self.downloaded + self.download_error + self.processing_error + self.error
        )

    @property
    def in_error(self) -> int:
        """Return the files that could not be had; a failed download is none of them."""
        return self.error + self.processing_error

    @property
    def percent(self) -> int:
        """Return the share of bytes that are treated, 0 to 100, cut; 100 only when no file is PENDING."""
        if self.pending == 0:
            return 100
        if self.bytes_known == 0:
            return 0
        return min(99, 100 * (self.bytes_known - self.bytes_pending) // self.bytes_known)
