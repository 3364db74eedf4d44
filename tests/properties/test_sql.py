"""The SQL adapters keep what they are given, and answer like the twins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import attrs
import orjson
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from regards_order import (
    Access,
    Account,
    Basket,
    Counters,
    DataFile,
    Dataset,
    FileCounts,
    FileFilter,
    Order,
    OrderFile,
    Product,
    SelectionRequest,
    Suborder,
    compile_search,
)
from regards_order.domain.attributes import read_values
from regards_order.domain.events import Event
from regards_order.domain.order import Contents
from regards_order.domain.search import Search
from regards_order.ports.catalog import Catalog
from regards_order.testing import MemoryCatalog
from regards_order.testing import strategies as some
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql import wire
from regards_order_adapters.sql.unit_of_work import SqlStore

OpenStore = Callable[[], AbstractContextManager[SqlStore]]
slowly = settings(max_examples=40, deadline=None)


# --- JSON columns


def through_json(kind: Any, value: Any) -> Any:
    """Return a value dumped, written, read and loaded."""
    return wire.load(kind, orjson.loads(orjson.dumps(wire.dump(value))))


@given(some.counters())
def test_counters_survive(value: Counters) -> None:
    """Counters come back from JSON as they were."""
    assert through_json(Counters, value) == value


@given(some.selection_requests())
def test_requests_survive(value: SelectionRequest) -> None:
    """Selection requests come back from JSON as they were, nulls and empty lists included."""
    assert through_json(SelectionRequest, value) == value


@given(st.none() | some.file_filters())
def test_file_filters_survive(value: FileFilter | None) -> None:
    """File filters come back from JSON as they were, or as none."""
    assert wire.load_filter(orjson.loads(orjson.dumps(wire.dump(value)))) == value


@given(st.lists(some.data_files()).map(tuple))
def test_data_files_survive(value: tuple[DataFile, ...]) -> None:
    """Files of datasets come back from JSON as they were."""
    assert through_json(tuple[DataFile, ...], value) == value


@given(some.events())
def test_events_survive(value: Event) -> None:
    """Events come back from JSON as they were, by the name of their kind."""
    assert through_json(wire.EVENTS[type(value).__name__], value) == value


# --- the store


@slowly
@given(basket=some.baskets())
def test_any_basket_survives(fresh_store: OpenStore, basket: Basket) -> None:
    """A basket comes back from the database as it was."""
    with fresh_store() as store:
        with store.write() as tx:
            saved = tx.baskets.save(basket)
        with store.read() as tx:
            assert tx.baskets.get(basket.owner) == saved == attrs.evolve(basket, version=1)


@slowly
@given(order=some.orders(), waiting=st.integers(0, 9))
def test_any_order_survives(fresh_store: OpenStore, order: Order, waiting: int) -> None:
    """An order that was stored new, counted and brought to another state comes back as it then is."""
    new = attrs.evolve(order, counts=FileCounts(), waiting_suborders=0, available_since=None, contents=Contents())
    with fresh_store() as store:
        with store.write() as tx:
            tx.orders.add(new)
            assert tx.orders.get(order.id) == new
            tx.orders.count(tx.orders.get(order.id), order.counts, waiting, order.created)
            saved = tx.orders.save(order)
        since = order.created if order.counts.available else None
        expected = attrs.evolve(order, version=order.version + 1, waiting_suborders=waiting, available_since=since)
        with store.read() as tx:
            assert tx.orders.get(order.id) == saved == expected


@slowly
@given(suborder=some.suborders(), order=some.orders())
def test_any_suborder_survives(fresh_store: OpenStore, suborder: Suborder, order: Order) -> None:
    """A suborder comes back as it was."""
    with fresh_store() as store:
        with store.write() as tx:
            tx.orders.add(attrs.evolve(order, id=suborder.order_id))
            tx.suborders.add(suborder)
        with store.read() as tx:
            assert list(tx.suborders.of_order(suborder.order_id)) == [suborder]


@slowly
@given(files=st.lists(some.order_files(), unique_by=lambda file: file.id), accounts=st.lists(some.accounts()))
def test_any_rows_survive(fresh_store: OpenStore, files: list[OrderFile], accounts: list[Account]) -> None:
    """Files and accounts come back as they were; of several accounts with one e-mail the last one."""
    with fresh_store() as store:
        with store.write() as tx:
            tx.files.add(files)
            for account in accounts:
                tx.users.put(account)
        with store.read() as tx:
            assert list(tx.files.page(1, limit=1000)) == sorted(files)
            last = {account.user.email: account for account in accounts}
            assert list(tx.users.all()) == [last[email] for email in sorted(last)]


# --- the catalogue


def both(store: SqlStore, datasets: Sequence[Dataset], products: Sequence[Product]) -> tuple[Catalog, Catalog]:
    """Return the same catalogue twice."""
    put(store, datasets, products)
    return MemoryCatalog(datasets, products), SqlCatalog(store, Re2Patterns())


def read_all(catalog: Catalog, searches: Sequence[Search], access: Access, limit: int) -> list[list[Any]]:
    """Return all pages."""
    pages: list[list[Any]] = []
    after = ""
    while page := catalog.search(searches, access, after=after, limit=limit):
        pages.append(list(page))
        after = page[-1].urn
    return pages


@slowly
@given(sample=some.catalogs(), queries=st.lists(some.queries(), min_size=10, max_size=10), data=st.data())
def test_queries_find_the_same(
    fresh_store: OpenStore, sample: some.CatalogSample, queries: list[str], data: st.DataObject
) -> None:
    """Twin and SQL catalogue agree on attributes, counters and pages of any searches for any user."""
    with fresh_store() as store:
        twin, sql = both(store, sample.datasets, sample.products)
        assert twin.attributes() == sql.attributes() == some.VOCABULARY
        access, limit = data.draw(some.accesses()), data.draw(st.integers(1, 5))
        urns = [None, *(each.urn for each in sample.datasets)]
        dates = [None, *(each.creation_date for each in sample.products)]
        searches = []
        for query in queries:
            request = SelectionRequest.of(query, dataset=data.draw(st.sampled_from(urns)))
            request = attrs.evolve(request, selection_date=data.draw(st.sampled_from(dates)))
            search = compile_search(request, some.VOCABULARY)
            assert twin.summary([search], access) == sql.summary([search], access), query
            searches.append(search)
        for chosen in (searches[:1], searches[:3], []):
            assert twin.summary(chosen, access) == sql.summary(chosen, access)
            assert read_all(twin, chosen, access, limit) == read_all(sql, chosen, access, limit)


@slowly
@given(
    products=st.lists(some.products(), max_size=4, unique_by=(lambda each: each.urn, lambda each: each.provider_id)),
    datasets=st.lists(some.datasets(), max_size=2, unique_by=lambda each: each.urn),
    access=some.accesses(),
)
def test_any_products_are_kept(
    fresh_store: OpenStore, products: list[Product], datasets: list[Dataset], access: Access
) -> None:
    """Whatever a product holds, both catalogues give the same attributes, counters, files and datasets.

    Only a text with NUL cannot be stored.
    """
    assume(
        not any("\0" in read.text for each in products for _, value in each.attributes() for read in read_values(value))
    )
    assume(not any("\0" in name for each in products for name, _ in each.attributes()))
    with fresh_store() as store:
        twin, sql = both(store, datasets, products)
        assert twin.attributes() == sql.attributes()
        searches = [compile_search(SelectionRequest(), {})]
        assert twin.summary(searches, access) == sql.summary(searches, access)
        assert read_all(twin, searches, access, 3) == read_all(sql, searches, access, 3)
        for dataset in datasets:
            assert twin.dataset(dataset.urn, access) == sql.dataset(dataset.urn, access)
