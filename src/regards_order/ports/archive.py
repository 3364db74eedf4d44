"""The format of archives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Protocol


class Archive(Protocol):
    """Write one archive as a stream."""

    def entry(self, name: str, size: int | None, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of one entry.

        Args:
            name: unique in this archive.
            size: bytes announced; fewer may come, and the entry then simply ends there.
            chunks: its contents.

        Raises:
            SourceFailed: the contents are larger than the format can hold when no size was announced.
        """
        ...

    def finish(self) -> Iterator[bytes]:
        """Yield what comes after the last entry."""
        ...


class Archives(Protocol):
    """Start archives."""

    def start(self, now: dt.datetime) -> Archive:
        """Return a new archive whose entries are dated *now* (UTC)."""
        ...
