"""The whole domain behind one name, for programs that embed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import attrs

from regards_order.application import complete_order, deliver, fill_basket, fulfil, place_order, read_order
from regards_order.domain.basket import Basket
from regards_order.domain.files import OrderFile
from regards_order.domain.order import Order
from regards_order.domain.principal import User
from regards_order.domain.selection import FileFilter, SelectionRequest
from regards_order.domain.suborder import Suborder
from regards_order.ports.bundle import Ports


@attrs.frozen(kw_only=True)
class Ordering(Ports):
    """Offer all use cases of one tenant; what each one raises stands at the function that it names.

    >>> from regards_order.testing import in_memory
    >>> ordering = in_memory()
    >>> ordering.list_orders(User("lise@obs.example"))
    ()
    """

    def add_selection(self, user: User, request: SelectionRequest) -> Basket:
        """Add what *request* finds to the user's basket (`fill_basket.add_selection`)."""
        return fill_basket.add_selection(self, user, request)

    def get_basket(self, user: User) -> Basket:
        """Return the user's basket (`fill_basket.get_basket`)."""
        return fill_basket.get_basket(self, user)

    def remove_dataset(self, user: User, selection_id: int) -> Basket:
        """Take one dataset selection off the basket (`fill_basket.remove_dataset`)."""
        return fill_basket.remove_dataset(self, user, selection_id)

    def remove_item(self, user: User, selection_id: int, date: dt.datetime) -> Basket:
        """Take one dated selection off the basket (`fill_basket.remove_item`)."""
        return fill_basket.remove_item(self, user, selection_id, date)

    def filter_files(self, user: User, selection_id: int, file_filter: FileFilter | None) -> Basket:
        """Set or take off the file filter of one dataset selection (`fill_basket.filter_files`)."""
        return fill_basket.filter_files(self, user, selection_id, file_filter)

    def empty_basket(self, user: User) -> None:
        """Erase the user's basket (`fill_basket.empty_basket`)."""
        fill_basket.empty_basket(self, user)

    def place_order(
        self,
        user: User,
        *,
        label: str | None = None,
        frontend_url: str | None = None,
        correlation_id: str | None = None,
    ) -> Order:
        """Turn the user's basket into an order (`place_order.place_order`)."""
        return place_order.place_order(
            self, user, label=label, frontend_url=frontend_url, correlation_id=correlation_id
        )

    def complete_order(self, order_id: int) -> Order:
        """List the files of a PENDING order (`complete_order.complete_order`); `work` does it too."""
        return complete_order.complete_order(self, order_id)

    def work(self) -> int:
        """Do all background work that can be done now and return the number of steps (`fulfil.work`)."""
        return fulfil.work(self)

    def get_order(self, user: User, order_id: int) -> Order:
        """Return an order (`read_order.get_order`)."""
        return read_order.get_order(self, user, order_id)

    def list_orders(self, user: User, *, after: int = 0, limit: int = 100) -> Sequence[Order]:
        """Return orders of the user (`read_order.list_orders`)."""
        return read_order.list_orders(self, user, after=after, limit=limit)

    def list_suborders(self, user: User, order_id: int) -> Sequence[Suborder]:
        """Return the suborders of an order (`read_order.list_suborders`)."""
        return read_order.list_suborders(self, user, order_id)

    def list_files(self, user: User, order_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[OrderFile]:
        """Return files of an order (`read_order.list_files`)."""
        return read_order.list_files(self, user, order_id, after=after, limit=limit)

    def open_zip(self, user: User, order_id: int) -> deliver.Delivery:
        """Return the ZIP of what can be downloaded now (`deliver.open_zip`)."""
        return deliver.open_zip(self, user, order_id)
