"""The bytes of a file, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Source(Protocol):
    """One open file: its bytes can be read once, from first to last."""

    @property
    def size(self) -> int | None:
        """Return the number of bytes that will come, if the source says so."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in blocks of at most 1 MiB.

        Raises:
            SourceFailed: the bytes cannot be read to their end.
        """
        ...

    def close(self) -> None:
        """Let go of the source; closing twice is allowed."""
        ...


class External(Protocol):
    """Fetch files that the data centre only references."""

    def open(self, url: str) -> Source:
        """Open the file at *url*.

        Raises:
            SourceRefused: the URL is not allowed, or its server answered anything but 200.
            SourceUnreachable: the server cannot be reached, or is silent for too long.
        """
        ...
