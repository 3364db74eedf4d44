"""What happened, for whoever wants to know: stored in the outbox by the transaction that made it happen."""

from __future__ import annotations

import datetime as dt

import attrs

from regards_order.domain.order import OrderStatus


@attrs.frozen(kw_only=True)
class OrderCreated:
    """The files of an order are listed and its user is to be told."""

    order_id: int
    owner: str
    correlation_id: str
    frontend_url: str


@attrs.frozen(kw_only=True)
class SuborderDone:
    """All files of a suborder are answered and at least one is or was available.

    Attributes:
        errors: files that could not be had.
        total_suborders: suborders of the order.
    """

    order_id: int
    suborder_id: int
    owner: str
    correlation_id: str
    errors: int
    total_suborders: int


@attrs.frozen(kw_only=True)
class OrderEnded:
    """An order came to its end: DONE, DONE_WITH_WARNING or FAILED."""

    order_id: int
    owner: str
    correlation_id: str
    status: OrderStatus
    message: str | None


@attrs.frozen(kw_only=True)
class FileOversized:
    """A stored file alone is larger than a suborder may be; administrators should know."""

    order_id: int
    owner: str
    correlation_id: str
    filename: str


@attrs.frozen(kw_only=True)
class OrderAside:
    """Describe an order whose files wait for its user for long.

    Attributes:
        order_id: names it.
        label: its label.
        created: when (UTC).
        expires: when its files are erased (UTC).
        available: files that can be downloaded.
        since: when their number changed last (UTC).
    """

    order_id: int
    label: str
    created: dt.datetime
    expires: dt.datetime | None
    available: int
    since: dt.datetime


@attrs.frozen(kw_only=True)
class OrdersAside:
    """A user is to be reminded of files that wait for download.

    Attributes:
        order_id: the oldest of the orders.
        owner: whose orders they are.
        correlation_id: that of the oldest order.
        orders: all of them, the oldest first.
    """

    order_id: int
    owner: str
    correlation_id: str
    orders: tuple[OrderAside, ...]


@attrs.frozen
class RefusedDownload:
    """Name a file that a quota kept back.

    Attributes:
        filename: its name.
        rate: True when too many downloads went on, False when the quota was used up.
    """

    filename: str
    rate: bool

    def __str__(self) -> str:
        return f"Could not download file {self.filename}: download {'rate' if self.rate else 'quota'} exceeded."


@attrs.frozen(kw_only=True)
class DownloadsRefused:
    """A quota kept files back from a user.

    Attributes:
        order_id: one of the orders.
        owner: who wanted to download, and is told.
        correlation_id: that of the order.
        first: at most `REFUSALS_SHOWN` of the files.
        total: how many they are.
    """

    order_id: int
    owner: str
    correlation_id: str
    first: tuple[RefusedDownload, ...]
    total: int

    @property
    def text(self) -> str:
        """Return what the user is told, a line for each of the first files."""
        more = self.total - len(self.first)
        return "\n".join((*map(str, self.first), *([f"... and {more} more download errors."] if more else ())))

    def joined(self, other: DownloadsRefused) -> DownloadsRefused:
        """Return both as one."""
        first = (*self.first, *other.first)[:REFUSALS_SHOWN]
        return attrs.evolve(self, first=first, total=self.total + other.total)


#: files that a report of refused downloads names
REFUSALS_SHOWN = 3

Event = OrderCreated | SuborderDone | OrderEnded | FileOversized | OrdersAside | DownloadsRefused
