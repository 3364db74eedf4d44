"""The whole domain behind one name, for programs that embed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from regards_order.application import (
    change_order,
    chores,
    complete_order,
    deliver,
    deliver_file,
    fill_basket,
    fulfil,
    place_order,
    quota,
    read_order,
    retry_order,
    tenant_settings,
)
from regards_order.domain.basket import Basket
from regards_order.domain.files import OrderFile
from regards_order.domain.order import Order, OrderEvent
from regards_order.domain.principal import User
from regards_order.domain.quota import Consumption, QuotaLimits
from regards_order.domain.selection import FileFilter, SelectionRequest
from regards_order.domain.suborder import Suborder
from regards_order.ports.bundle import Ports
from regards_order.ports.listings import Listed, Sort
from regards_order.ports.storage import Answer


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

    def add_identifiers(self, user: User, data: bytes) -> Basket:
        """Add the products that a file names to the user's basket (`fill_basket.add_identifiers`)."""
        return fill_basket.add_identifiers(self, user, data)

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
        application: bool = False,
    ) -> Order:
        """Turn the user's basket into an order (`place_order.place_order`)."""
        return place_order.place_order(
            self,
            user,
            label=label,
            frontend_url=frontend_url,
            correlation_id=correlation_id,
            application=application,
        )

    def restart_order(
        self, user: User, order_id: int, *, label: str | None = None, frontend_url: str | None = None
    ) -> Order:
        """Order the same once more (`place_order.restart_order`)."""
        return place_order.restart_order(self, user, order_id, label=label, frontend_url=frontend_url)

    def pause_order(self, user: User, order_id: int) -> Order:
        """Let nothing more be made available for an order (`change_order.pause_order`)."""
        return change_order.pause_order(self, user, order_id)

    def resume_order(self, user: User, order_id: int) -> Order:
        """Let a paused order go on (`change_order.resume_order`)."""
        return change_order.resume_order(self, user, order_id)

    def retry_order(self, user: User, order_id: int) -> Order:
        """Ask once more for files that could not be had (`retry_order.retry_order`)."""
        return retry_order.retry_order(self, user, order_id)

    def delete_order(self, user: User, order_id: int) -> Order:
        """Erase the files of an order (`change_order.delete_order`)."""
        return change_order.delete_order(self, user, order_id)

    def remove_order(self, user: User, order_id: int) -> None:
        """Erase a DELETED order for good (`change_order.remove_order`)."""
        change_order.remove_order(self, user, order_id)

    def cancel_order(self, order_id: int) -> None:
        """Pause and delete an order, whoever asks (`change_order.cancel_order`)."""
        change_order.cancel_order(self, order_id)

    def possible_events(self, orders: Sequence[Order]) -> Sequence[frozenset[OrderEvent]]:
        """Return what the state of each order allows (`change_order.possible_events`)."""
        return change_order.possible_events(self, orders)

    def list_settings(self, user: User) -> Sequence[tenant_settings.TenantSetting]:
        """Return the settings of the tenant (`tenant_settings.list_settings`)."""
        return tenant_settings.list_settings(self, user)

    def change_setting(self, user: User, name: str, value: Any) -> tenant_settings.TenantSetting:
        """Change a setting of the tenant (`tenant_settings.change_setting`)."""
        return tenant_settings.change_setting(self, user, name, value)

    def reset_setting(self, user: User, name: str) -> tenant_settings.TenantSetting:
        """Let a setting have its default again (`tenant_settings.reset_setting`)."""
        return tenant_settings.reset_setting(self, user, name)

    def do_chores(self, stop: Callable[[], bool] = bool) -> int:
        """Do the regular work of the tenant that is due: expiration, reminders, mails (`chores.do_chores`)."""
        return chores.do_chores(self, stop)

    def wake_chores(self) -> None:
        """Let regular work be due at once (`chores.wake_chores`)."""
        chores.wake_chores(self)

    def complete_order(self, order_id: int) -> Order:
        """List the files of a PENDING order (`complete_order.complete_order`); `work` does it too."""
        return complete_order.complete_order(self, order_id)

    def work(self, stop: Callable[[], bool] = bool) -> int:
        """Do all work for orders that can be done now and return the number of steps (`fulfil.work`)."""
        return fulfil.work(self, stop)

    def complete(self, stop: Callable[[], bool] = bool) -> int:
        """List the files of the order that waits longest (`fulfil.complete`); `work` does it too."""
        return fulfil.complete(self, stop)

    def serve(self, stop: Callable[[], bool] = bool) -> int:
        """Give out slots and work on suborders that are due (`fulfil.serve`); `work` does it too."""
        return fulfil.serve(self, stop)

    def keep_answers(self, suborder_id: int, answers: Sequence[Answer]) -> None:
        """Keep what a storage says by itself (`fulfil.keep_answers`)."""
        fulfil.keep_answers(self, suborder_id, answers)

    def own_quota(self, user: User) -> Consumption:
        """Return the user's limits and consumption (`quota.own_quota`)."""
        return quota.own_quota(self, user)

    def quota_of(self, user: User, email: str) -> Consumption:
        """Return limits and consumption of anybody (`quota.quota_of`)."""
        return quota.quota_of(self, user, email)

    def set_quota(self, user: User, email: str, limits: QuotaLimits) -> Consumption:
        """Set the limits of anybody (`quota.set_quota`)."""
        return quota.set_quota(self, user, email, limits)

    def default_quota(self, user: User) -> QuotaLimits:
        """Return the limits of new users (`quota.default_quota`)."""
        return quota.default_quota(self, user)

    def get_order(self, user: User, order_id: int) -> Order:
        """Return an order (`read_order.get_order`)."""
        return read_order.get_order(self, user, order_id)

    def list_orders(self, user: User, *, after: int = 0, limit: int = 100) -> Sequence[Order]:
        """Return orders of the user (`read_order.list_orders`)."""
        return read_order.list_orders(self, user, after=after, limit=limit)

    def page_orders(self, user: User, *, offset: int = 0, limit: int = 20) -> Listed[Order]:
        """Return a page of the user's orders, the newest first (`read_order.page_orders`)."""
        return read_order.page_orders(self, user, offset=offset, limit=limit)

    def list_suborders(self, user: User, order_id: int) -> Sequence[Suborder]:
        """Return the suborders of an order (`read_order.list_suborders`)."""
        return read_order.list_suborders(self, user, order_id)

    def list_files(self, user: User, order_id: int, *, after: int = 0, limit: int = 1000) -> Sequence[OrderFile]:
        """Return files of an order (`read_order.list_files`)."""
        return read_order.list_files(self, user, order_id, after=after, limit=limit)

    def available_files(
        self,
        user: User,
        order_id: int,
        *,
        suborder_id: int | None = None,
        sort: Sequence[Sort] = (),
        after: int = 0,
        offset: int = 0,
        limit: int = 50,
    ) -> read_order.AvailableFiles:
        """Return a page of files that are ready for download (`read_order.available_files`)."""
        return read_order.available_files(
            self, user, order_id, suborder_id=suborder_id, sort=sort, after=after, offset=offset, limit=limit
        )

    def look_at_file(self, user: User, file_id: int) -> OrderFile:
        """Return a file that can be downloaded (`deliver_file.look_at_file`)."""
        return deliver_file.look_at_file(self, user, file_id)

    def open_file(self, user: User, file_id: int) -> deliver_file.FileDelivery:
        """Return a file on its way (`deliver_file.open_file`)."""
        return deliver_file.open_file(self, user, file_id)

    def open_zip(self, user: User, order_id: int) -> deliver.Delivery:
        """Return the ZIP of what can be downloaded now (`deliver.open_zip`)."""
        return deliver.open_zip(self, user, order_id)
