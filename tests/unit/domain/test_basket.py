"""The basket as a value."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from regards_order.domain.basket import Addition, Basket, BasketOwner, OwnerKind
from regards_order.domain.counters import Counters, TypeCount
from regards_order.domain.errors import InvalidInput, SelectionNotFound
from regards_order.domain.product import DataType
from regards_order.domain.selection import FileFilter, SelectionRequest

NOW = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)
OWNER = BasketOwner.user("lise@obs.example")
TICK = dt.timedelta(microseconds=1)


def counters(raw: int) -> Counters:
    """Return the counters of some stored raw files."""
    return Counters(raw, {DataType.RAWDATA: TypeCount(raw, raw * 10)})


def add(basket: Basket, *datasets: tuple[str, str], date: dt.datetime = NOW, raw: int = 1, union: int = 1) -> Basket:
    """Return a basket with one more dated selection in some datasets: (URN, label)."""
    ids = itertools.count(max([0, *(each.id for each in basket.selections)]) + 1)
    request = SelectionRequest(selection_date=date)
    parts = {urn: Addition(label, counters(raw), counters(union)) for urn, label in datasets}
    return basket.add(request, date, parts, lambda: next(ids))


EMPTY = Basket(1, OWNER)
TWO = add(EMPTY, ("urn:1", "Beta"), ("urn:2", "alpha"), raw=2, union=2)


def test_selections_are_sorted_by_label_then_urn() -> None:
    """Selections stand by label without case, then by URN; datasets of one label are all kept (W16)."""
    basket = add(EMPTY, ("u3", "beta"), ("u1", "Gamma"), ("u4", "Alpha"), ("u2", "BETA"))
    assert [each.dataset_urn for each in basket.selections] == ["u4", "u2", "u3", "u1"]


def test_first_selection_of_a_dataset() -> None:
    """A new dataset gets an id, the catalogue's label and one dated selection with the request."""
    selection = TWO.find("urn:1")
    assert selection is not None
    assert (selection.id, selection.label, selection.counters, selection.file_filter) == (1, "Beta", counters(2), None)
    assert [(item.date, item.request.selection_date) for item in selection.items] == [(NOW, NOW)]
    assert TWO.find("urn:9") is None


def test_second_selection_of_a_dataset() -> None:
    """A further add appends a dated selection, replaces the numbers of the union, and keeps id, label and filter."""
    basket = TWO.filtered(1, FileFilter(name_pattern="x"))
    basket = add(basket, ("urn:1", "renamed"), date=NOW + TICK, raw=3, union=4)
    selection = basket.get(1)
    assert (selection.label, selection.counters) == ("Beta", counters(4))
    assert selection.file_filter == FileFilter(name_pattern="x")
    assert [item.date for item in selection.items] == [NOW, NOW + TICK]
    assert [item.counters for item in selection.items] == [counters(2), counters(3)]
    assert basket.get(2) == TWO.get(2)


def test_quota_is_the_sum_of_the_datasets() -> None:
    """The quota of a basket adds up those of its datasets."""
    assert (TWO.quota, EMPTY.quota) == (4, 0)


def test_at_most_100_dated_selections_of_a_dataset() -> None:
    """The 101st dated selection of a dataset is refused, and another dataset is not concerned."""
    basket = EMPTY
    for n in range(100):
        basket = add(basket, ("urn:1", "Beta"), date=NOW + n * TICK)
    assert len(basket.get(1).items) == 100
    with pytest.raises(InvalidInput) as caught:
        add(basket, ("urn:1", "Beta"), date=NOW - TICK)
    assert "Number of requests in one Complex search request must be between 0 and 100" in caught.value.message
    assert len(add(basket, ("urn:2", "alpha"), date=NOW - TICK).selections) == 2


def test_free_date() -> None:
    """An instant that a selection has already gives the next free microsecond."""
    basket = add(TWO, ("urn:3", "x"), date=NOW + TICK)
    assert basket.free_date(NOW) == NOW + 2 * TICK
    assert basket.free_date(NOW - TICK) == NOW - TICK


def test_removing_a_dataset() -> None:
    """A dataset selection goes with all that is in it; an unknown id changes nothing."""
    assert [each.id for each in TWO.without(1).selections] == [2]
    assert TWO.without(99) == TWO
    assert TWO.without(1).without(2) == EMPTY


def test_removing_a_dated_selection() -> None:
    """A dated selection goes by its instant, however written; the numbers of the rest are those of the new union."""
    basket = add(TWO, ("urn:1", "Beta"), date=NOW + TICK)
    paris = NOW.astimezone(dt.timezone(dt.timedelta(hours=1)))
    left = basket.without_item(1, paris, counters(7)).get(1)
    assert ([item.date for item in left.items], left.counters) == ([NOW + TICK], counters(7))


def test_removing_the_last_dated_selection() -> None:
    """With its last dated selection a dataset selection goes too."""
    assert TWO.without_item(1, NOW, None) == TWO.without(1)
    with pytest.raises(SelectionNotFound):
        TWO.without_item(99, NOW, None)


def test_filter_is_set_replaced_and_removed() -> None:
    """A filter replaces the previous one of its dataset selection only; None removes it."""
    first, second = FileFilter(name_pattern="a"), FileFilter()
    basket = TWO.filtered(1, first).filtered(1, second)
    assert (basket.get(1).file_filter, basket.get(2).file_filter) == (second, None)
    assert basket.filtered(1, None) == TWO
    assert basket.get(1).counters == TWO.get(1).counters


def test_unknown_selection() -> None:
    """An unknown id is refused with the sentence of a 404."""
    with pytest.raises(SelectionNotFound) as caught:
        TWO.filtered(99, None)
    assert str(caught.value) == "Basket selection with id 99 doesn't exist"


def test_owners_of_different_kinds_never_collide() -> None:
    """A user called like an order is not that order."""
    assert BasketOwner.user("7") != BasketOwner.order(7)
    assert BasketOwner.order(7) == BasketOwner(OwnerKind.ORDER, "7")
    assert TWO.given_to(BasketOwner.order(7)).owner == BasketOwner.order(7)
    assert TWO.given_to(BasketOwner.order(7)).selections == TWO.selections
