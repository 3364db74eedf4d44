"""What happened, for whoever wants to know: stored in the outbox by the transaction that made it happen."""

from __future__ import annotations

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


Event = OrderCreated | SuborderDone | OrderEnded | FileOversized
