"""Where the files of orders are kept: rows, never objects, because an order may have a million."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import attrs

from regards_order.domain.files import FileState, Moved, OrderFile


@attrs.frozen(kw_only=True)
class FileChoice:
    """Choose files of one order; all parts are joined by AND, None means any.

    Attributes:
        order_id: their order.
        suborder_id: their suborder.
        ids: their ids.
        checksums: their checksums.
    """

    order_id: int
    suborder_id: int | None = None
    ids: Sequence[int] | None = None
    checksums: Sequence[str] | None = None


class Files(Protocol):
    """Keep the files of the tenant's orders."""

    def add(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Store new files; each row has the fields of an `OrderFile` in their order."""
        ...

    def page(
        self,
        order_id: int,
        *,
        states: Iterable[FileState] = FileState,
        after: int = 0,
        upto: int | None = None,
        limit: int,
    ) -> Sequence[OrderFile]:
        """Return at most *limit* files of an order in one of *states*, ``after < id <= upto``, by id."""
        ...

    def unanswered(self, suborder_id: int, *, after: int = 0, limit: int) -> Sequence[OrderFile]:
        """Return at most *limit* PENDING files of a suborder with an id above *after*, by id."""
        ...

    def last_id(self, order_id: int) -> int:
        """Return the largest id of the files of an order, 0 when it has none."""
        ...

    def move(
        self,
        choice: FileChoice,
        moves: Mapping[FileState, FileState],
        reason: str | None = None,
        *,
        into: int | None = None,
    ) -> Sequence[Moved]:
        """Bring the chosen files from each state to another one; files in other states stay as they are.

        Args:
            choice: which files.
            moves: state → new state.
            reason: why a download failed; None clears what was stored before.
            into: the suborder that takes them over; None leaves them where they are.

        Returns:
            How many files moved, by suborder and state; it is the suborder that they were in before.
        """
        ...

    def erase(self, order_id: int) -> None:
        """Erase the files of an order."""
        ...
