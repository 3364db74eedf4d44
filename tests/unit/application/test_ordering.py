"""The whole domain behind one name."""

from __future__ import annotations

import inspect

from regards_order import Ordering, SelectionRequest, User
from regards_order.application import (
    change_order,
    chores,
    complete_order,
    deliver,
    deliver_file,
    fill_basket,
    fulfil,
    place_order,
    read_order,
    retry_order,
    tenant_settings,
)

LISE = User("lise@obs.example")
USE_CASES = [
    fill_basket.add_selection,
    fill_basket.add_identifiers,
    fill_basket.get_basket,
    fill_basket.remove_dataset,
    fill_basket.remove_item,
    fill_basket.filter_files,
    fill_basket.empty_basket,
    place_order.place_order,
    place_order.restart_order,
    change_order.pause_order,
    change_order.resume_order,
    change_order.delete_order,
    change_order.remove_order,
    change_order.cancel_order,
    change_order.possible_events,
    retry_order.retry_order,
    tenant_settings.list_settings,
    tenant_settings.change_setting,
    tenant_settings.reset_setting,
    chores.do_chores,
    chores.wake_chores,
    complete_order.complete_order,
    fulfil.work,
    fulfil.complete,
    fulfil.serve,
    fulfil.keep_answers,
    read_order.get_order,
    read_order.list_orders,
    read_order.page_orders,
    read_order.available_files,
    read_order.list_suborders,
    read_order.list_files,
    deliver_file.look_at_file,
    deliver_file.open_file,
    deliver.open_zip,
]


def test_every_use_case_is_offered() -> None:
    """Each use case is a method of the same name, with the same arguments after the ports."""
    for use_case in USE_CASES:
        ours = list(inspect.signature(getattr(Ordering, use_case.__name__)).parameters.values())[1:]
        theirs = list(inspect.signature(use_case).parameters.values())[1:]
        assert [(each.name, each.kind, each.default) for each in ours] == [
            (each.name, each.kind, each.default) for each in theirs
        ]


def test_first_order_from_end_to_end(twelve) -> None:
    """From a basket to a ZIP with nothing but the public name."""
    ordering = twelve.ordering
    ordering.add_selection(LISE, SelectionRequest())
    order = ordering.place_order(LISE, label="mine", frontend_url="/o", correlation_id="c")
    assert (order.label, order.frontend_url, order.correlation_id) == ("mine", "/o", "c")
    assert ordering.work() > 0
    assert ordering.get_order(LISE, order.id).status.name == "DONE"
    delivery = ordering.open_zip(LISE, order.id)
    assert b"".join(delivery)
    assert delivery.confirm().counts.downloaded == 12
