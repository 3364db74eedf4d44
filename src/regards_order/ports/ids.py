"""Identifiers."""

from __future__ import annotations

from typing import Protocol


class IdBlocks(Protocol):
    """Give numbers that were never given before, in blocks."""

    def block(self, kind: str, count: int) -> range:
        """Return *count* consecutive new numbers, from 1 up, for one kind of entity.

        A block that was taken by a transaction that failed may be lost: gaps are normal.
        """
        ...


class UniqueIds(Protocol):
    """Give names that nobody else gives."""

    def unique(self) -> str:
        """Return a new random UUID as text."""
        ...
