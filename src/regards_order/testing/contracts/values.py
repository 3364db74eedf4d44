"""Plain values that the suites store, and what all suites of a store share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from regards_order.domain.basket import Basket, BasketOwner, DatasetSelection, DatedSelection
from regards_order.domain.counters import Counters, TypeCount
from regards_order.domain.files import FileCounts, FileState, OrderFile
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.product import DataType
from regards_order.domain.selection import FileFilter, FileTypes, SelectionRequest
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.ports.unit_of_work import Transaction, UnitOfWork

NOW = dt.datetime(2026, 3, 2, 9, 21, 50, 727542, tzinfo=dt.timezone.utc)
LISE, HUGO = "lise@obs.example", "hugo@obs.example"
DATASET = "URN:AIP:DATASET:default:35a8b1aa-7d90-3f34-bc94-646424f8cee3:V1"
COUNTERS = Counters(3, {DataType.RAWDATA: TypeCount(2, 2**40, 1, 7), DataType.QUICKLOOK_SD: TypeCount(0, 0, 1, 0)})


class Refusal(Exception):
    """What a test lets leave a transaction."""


@contextmanager
def failed_write(store: UnitOfWork, error: type[BaseException] = Refusal) -> Iterator[Transaction]:
    """Open a write transaction that an error leaves at the end of its block."""
    try:
        with store.write() as tx:
            yield tx
            raise error
    except error:
        return
    raise AssertionError("the transaction swallowed the error")


class StoreSuite:
    """Give the suites of a store their fixtures."""

    @pytest.fixture
    def store(self) -> UnitOfWork:
        """Return an empty store: override me."""
        raise NotImplementedError("override the fixture `store`: it returns an empty UnitOfWork")

    @pytest.fixture
    def neighbour(self) -> UnitOfWork:
        """Return the store of another tenant, as near to `store` as can be; what needs it is skipped without."""
        pytest.skip("the fixture `neighbour` is not overridden: no second tenant")


def a_request(query: str | None = 'title:"Été"', **changes: Any) -> SelectionRequest:
    """Return a request with something in every field."""
    given: dict[str, Any] = {
        "search_parameters": {"q": (query,), "page": ("0", "1"), "sort": ()},
        "dataset_urn": DATASET,
        "include": ("URN:1", "URN:2"),
        "exclude": (),
        "selection_date": NOW,
    }
    return SelectionRequest(**{**given, **changes})


def a_filter() -> FileFilter:
    """Return a file filter with something in every field."""
    return FileFilter(frozenset({FileTypes.QUICKLOOK, FileTypes.RAWDATA}), r"été.*\.dat")


def a_selection(id: int = 1, dataset_urn: str = DATASET, label: str = "Été", items: int = 2) -> DatasetSelection:
    """Return a dataset selection with dated items a microsecond apart."""
    dates = [NOW + dt.timedelta(microseconds=number) for number in range(items)]
    dated = tuple(DatedSelection(date, a_request(selection_date=date), COUNTERS) for date in dates)
    return DatasetSelection(id, dataset_urn, label, COUNTERS, dated, a_filter())


def a_basket(id: int = 1, owner: str = LISE, *selections: DatasetSelection) -> Basket:
    """Return a new basket."""
    return Basket(id, BasketOwner.user(owner), selections)


def an_order(id: int = 1, owner: str = LISE, **changes: Any) -> Order:
    """Return an order, whose files are listed unless it is PENDING."""
    given: dict[str, Any] = {
        "listed": changes.get("status", OrderStatus.PENDING) is not OrderStatus.PENDING,
        "label": f"order {id}",
        "correlation_id": f"c-{id}",
        "created": NOW,
        "status_date": NOW,
        "hours": 24,
    }
    return Order(id=id, owner=owner, **{**given, **changes})


def a_suborder(
    id: int = 1, order_id: int = 1, state: SuborderState = SuborderState.PENDING, **changes: Any
) -> Suborder:
    """Return a suborder."""
    given: dict[str, Any] = {
        "owner": LISE,
        "dataset_urn": DATASET,
        "external": False,
        "priority": 50,
        "hours": 24,
        "first_file": 1,
        "last_file": 9,
        "counts": FileCounts(),
    }
    return Suborder(id=id, order_id=order_id, state=state, **{**given, **changes})


def a_file(id: int = 1, order_id: int = 1, suborder_id: int = 1, **changes: Any) -> OrderFile:
    """Return a stored file of 10 bytes that waits for the storage."""
    file = OrderFile(
        id=id,
        order_id=order_id,
        suborder_id=suborder_id,
        product_urn="URN:AIP:DATA:default:35a8b1aa-7d90-3f34-bc94-646424f8cee3:V7",
        product_id="été_7",
        version=7,
        state=FileState.PENDING.value,
        download_error=None,
        data_type="RAWDATA",
        filename=f"été {id}.dat",
        uri=f"folder/{id}",
        mime_type="image/png",
        size=10,
        checksum=f"{id:032x}",
        digest_algorithm="MD5",
        online=False,
        reference=False,
    )
    return file._replace(**changes)


def put_order(tx: Transaction, order: Order, *suborders: Suborder) -> None:
    """Store an order with suborders."""
    tx.orders.add(order)
    for suborder in suborders:
        tx.suborders.add(suborder)
