"""The caller's basket (docs/rest.md)."""

from __future__ import annotations

from regards_order_adapters.http.answers import Answer
from regards_order_adapters.http.calls import Call
from regards_order_adapters.http.reading import read_file_filter, read_selection
from regards_order_adapters.http.uploads import read_part
from regards_order_adapters.http.wire import wrapped, write_basket


def get_basket(call: Call) -> Answer:
    """Return the basket; without one the answer is empty."""
    return call.answer(wrapped(write_basket(call.ordering.get_basket(call.user))))


def empty_basket(call: Call) -> Answer:
    """Throw the basket away, if there is one."""
    call.ordering.empty_basket(call.user)
    return Answer(204)


def add_selection(call: Call) -> Answer:
    """Add a search or a list of products, and return the basket; when nothing was found the answer is empty."""
    request = read_selection(call.json())
    return call.answer(wrapped(write_basket(call.ordering.add_selection(call.user, request))))


def add_identifiers(call: Call) -> Answer:
    """Add the products that an uploaded file names, and return the basket; when none was found the answer is empty."""
    data = read_part(call.body, call.request.headers["content-type"], "file")
    return call.answer(wrapped(write_basket(call.ordering.add_identifiers(call.user, data))))


def remove_dataset(call: Call) -> Answer:
    """Take a dataset selection off the basket, and return what is left; without basket the answer is empty."""
    selection_id = call.id("datasetSelectionId")
    call.require_json()
    return call.answer(wrapped(write_basket(call.ordering.remove_dataset(call.user, selection_id))))


def remove_item(call: Call) -> Answer:
    """Take one dated selection off the basket, and return what is left; without basket the answer is empty."""
    selection_id, date = call.id("datasetSelectionId"), call.date("itemsSelectionDate")
    call.require_json()
    return call.answer(wrapped(write_basket(call.ordering.remove_item(call.user, selection_id, date))))


def filter_files(call: Call) -> Answer:
    """Set the file filter of a dataset selection, or take it off when no body is sent, and return the basket."""
    selection_id = call.id("datasetSelectionId")
    file_filter = read_file_filter(call.json(needed=False))
    return call.answer(wrapped(write_basket(call.ordering.filter_files(call.user, selection_id, file_filter))))
