"""All or nothing: transactions of one tenant."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from regards_order.ports.answers import Answers
from regards_order.ports.baskets import Baskets
from regards_order.ports.claims import Claims
from regards_order.ports.files import Files
from regards_order.ports.ids import IdBlocks
from regards_order.ports.listings import Listings
from regards_order.ports.orders import Orders
from regards_order.ports.outbox import Outbox
from regards_order.ports.slots import Slots
from regards_order.ports.suborders import Suborders
from regards_order.ports.tenant_settings import TenantSettings
from regards_order.ports.users import Users


class Transaction(Protocol):
    """Reach everything that is stored, within one transaction of one tenant."""

    @property
    def baskets(self) -> Baskets: ...  # noqa: D102
    @property
    def orders(self) -> Orders: ...  # noqa: D102
    @property
    def suborders(self) -> Suborders: ...  # noqa: D102
    @property
    def slots(self) -> Slots: ...  # noqa: D102
    @property
    def files(self) -> Files: ...  # noqa: D102
    @property
    def answers(self) -> Answers: ...  # noqa: D102
    @property
    def claims(self) -> Claims: ...  # noqa: D102
    @property
    def listings(self) -> Listings: ...  # noqa: D102
    @property
    def outbox(self) -> Outbox: ...  # noqa: D102
    @property
    def users(self) -> Users: ...  # noqa: D102
    @property
    def settings(self) -> TenantSettings: ...  # noqa: D102
    @property
    def ids(self) -> IdBlocks: ...  # noqa: D102


class UnitOfWork(Protocol):
    """Open transactions of one tenant.

    A transaction is committed when its block ends, and rolled back whole when an error leaves it.
    """

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that changes nothing and sees one state of the store."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """Open a transaction that may change things."""
        ...
