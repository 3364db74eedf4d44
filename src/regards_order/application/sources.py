"""Read the bytes of ordered files, verified on the way (docs/downloads.md)."""

from __future__ import annotations

from collections.abc import Iterator

from regards_order.domain.checksum import verified
from regards_order.domain.files import OrderFile
from regards_order.ports.bundle import Ports
from regards_order.ports.sources import Source
from regards_order.ports.storage import StoredFile


def open_source(ports: Ports, file: OrderFile) -> Source:
    """Open a file where it is: in the storage, or at its own URL.

    Raises:
        SourceFailed: it cannot be had.
        StorageUnavailable: the storage cannot be reached.
    """
    if file.reference:
        return ports.external.open(file.uri)
    return ports.storage.open(StoredFile(file.checksum or file.uri, file.uri, bool(file.online)))


def read_verified(source: Source, file: OrderFile) -> Iterator[bytes]:
    """Yield the bytes of a source; length and checksum are compared with what its order recorded.

    Raises:
        SourceFailed: after the last byte at the latest, when they are not the right ones.
    """
    size = source.size if file.reference and source.size is not None else file.size
    return verified(source.chunks(), size=size, checksum=file.checksum, algorithm=file.digest_algorithm)
