"""Pages with totals, as screens want them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from regards_order.domain.files import FileState, OrderFile
from regards_order.domain.order import Order, OrderStatus

T = TypeVar("T")


class Listed(NamedTuple, Generic[T]):
    """Hold one page and the number of all items."""

    total: int
    items: Sequence[T]


class Sort(NamedTuple):
    """Sort by a field of `OrderFile`."""

    field: str
    descending: bool = False


class Listings(Protocol):
    """List what is stored."""

    def orders(
        self, owner: str, *, without: Collection[OrderStatus] = (), offset: int = 0, limit: int
    ) -> Listed[Order]:
        """Return orders of *owner*, the newest first, those of one instant by id."""
        ...

    def files(
        self,
        order_id: int,
        *,
        suborder_id: int | None = None,
        states: Collection[FileState] = tuple(FileState),
        sort: Sequence[Sort] = (),
        after: int = 0,
        offset: int = 0,
        limit: int,
    ) -> Listed[OrderFile]:
        """Return files of an order with an id above *after*, sorted, ties by id; absent values come last.

        Args:
            order_id: their order.
            suborder_id: their suborder; None means any.
            states: their states.
            sort: the first one is the strongest.
            after: only files with a larger id, the total likewise.
            offset: how many to leave out.
            limit: at most so many.
        """
        ...

    def file(self, file_id: int) -> OrderFile | None:
        """Return a file of any order of the tenant."""
        ...
