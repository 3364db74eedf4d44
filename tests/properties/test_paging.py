"""Page by page through a catalogue that changes meanwhile: what stays is found once, whoever is asked.

``REGARDS_ORDER_EXAMPLES`` sets how many examples there are, here a tenth of what it says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from unittest.mock import patch

import attrs
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regards_order import Access, AttributeType, Product, SelectionRequest, compile_search
from regards_order.domain.search import Search
from regards_order.ports.catalog import Catalog
from regards_order.testing import MemoryCatalog, make_dataset, make_file, make_product
from regards_order_adapters.catalog import anchors, pages
from regards_order_adapters.catalog.read_ahead import ReadAhead
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.unit_of_work import SqlStore

EXAMPLES = max(1, int(os.environ.get("REGARDS_ORDER_EXAMPLES", "500")) // 10)
_DATASET = make_dataset("films")
_PARTS = (schema.product_tags, schema.product_files, schema.product_values)
_ENTRIES = 12

#: some changes: numbers of products and what becomes of them, None for those that are taken away
Changes = dict[int, Product | None]
Change = Callable[[Changes], None]


def _urn(number: int) -> str:
    return f"URN:AIP:DATA:default:00000000-0000-0000-0000-{number:012}:V1"


@st.composite
def _entries(draw: st.DrawFn, number: int) -> Product:
    files = [make_file(f"{n}.nc") for n in range(draw(st.integers(0, 3)))]
    tagged = (_DATASET,) if draw(st.booleans()) else ()
    product = make_product(f"p{number}", *files, datasets=tagged, properties={"title": draw(st.sampled_from("ab"))})
    point = {"type": "Point", "coordinates": [draw(st.sampled_from((5, 50))), 5]}
    return attrs.evolve(product, urn=_urn(number), geometry=point)


@st.composite
def _changes(draw: st.DrawFn) -> Changes:
    numbers = draw(st.sets(st.integers(0, _ENTRIES - 1), max_size=4))
    return {number: draw(st.none() | _entries(number)) for number in sorted(numbers)}


@st.composite
def _beginnings(draw: st.DrawFn) -> Changes:
    return {number: draw(st.none() | _entries(number)) for number in range(_ENTRIES)}


_requests = st.sampled_from(
    (
        SelectionRequest({}),
        SelectionRequest({}, _DATASET.urn),
        SelectionRequest.of("title:a"),
        SelectionRequest.of('title:"a"', dataset=_DATASET.urn),
        SelectionRequest.of("NOT title:b", dataset=_DATASET.urn),
        SelectionRequest({"g": ("POLYGON((0 0, 10 0, 10 10, 0 10, 0 0))",)}),
        SelectionRequest({}, include=tuple(map(_urn, range(0, _ENTRIES, 2)))),
    )
)


def _change_twin(twin: MemoryCatalog, changes: Changes) -> None:
    for number, product in changes.items():
        if product is None:
            twin._products.pop(_urn(number), None)
        else:
            twin.put_product(product)


def _change_database(store: SqlStore, changes: Changes) -> None:
    put(store, [_DATASET], [each for each in changes.values() if each is not None])
    gone = [_urn(number) for number, product in changes.items() if product is None]
    with store.write() as tx:
        products = schema.products
        ids = tx.scope.execute(tx.scope.select(products, products.c.id).where(products.c.urn.in_(gone))).scalars().all()
        for table in _PARTS:
            tx.scope.execute(tx.scope.delete(table).where(table.c.product_id.in_(ids)))
        tx.scope.execute(tx.scope.delete(products).where(products.c.id.in_(ids)))


def _states(beginning: Changes, turns: Sequence[Changes]) -> Iterator[MemoryCatalog]:
    """Yield the catalogue as it is for each page, and then for ever."""
    current = dict(beginning)
    for turn in ({}, *turns):
        current |= turn
        yield MemoryCatalog([_DATASET], [each for each in current.values() if each is not None])


def _read(
    catalog: Catalog,
    change: Callable[[Changes], None],
    turns: Sequence[Changes],
    searches: Sequence[Search],
    limit: int,
) -> list[list[str]]:
    """Return the URNs of all pages; between two of them the catalogue changes, as long as there are changes."""
    found: list[list[str]] = []
    rest = iter(turns)
    while page := catalog.search(searches, Access(), after=found[-1][-1] if found else "", limit=limit):
        found.append([each.urn for each in page])
        change(next(rest, {}))
    return found


def _wanted(state: MemoryCatalog, searches: Sequence[Search]) -> set[str]:
    return {each.urn for each in state.search(searches, Access(), limit=1000)}


_numbers = count()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    beginning=_beginnings(),
    turns=st.lists(_changes(), max_size=6),
    request=_requests,
    limit=st.integers(1, 5),
    few=st.sampled_from((0, anchors.FEW)),
    far=st.sampled_from((0, 10**9)),
)
def test_what_stays_is_found_once(
    engines: list[sa.Engine],
    beginning: Changes,
    turns: list[Changes],
    request: SelectionRequest,
    limit: int,
    few: int,
    far: int,
) -> None:
    """Products come, go and change between pages; those that match all the while are neither lost nor doubled.

    The databases find the very pages of the twin.  A page that was read ahead may be older, but keeps the promise.
    """
    searches = [compile_search(request, {"title": AttributeType.STRING})]
    states = list(_states(beginning, turns))
    always = set.intersection(*(_wanted(state, searches) for state in states))
    ever = set[str]().union(*(_wanted(state, searches) for state in states))

    def check(found: list[list[str]]) -> None:
        urns = [urn for page in found for urn in page]
        assert urns == sorted(set(urns))
        assert always <= set(urns) <= ever

    twin = next(iter(_states(beginning, ())))
    expected = _read(twin, partial(_change_twin, twin), turns, searches, limit)
    check(expected)
    with ExitStack() as ways:
        ways.enter_context(patch.object(anchors, "FEW", few))
        ways.enter_context(patch.object(pages, "_FAR", far))
        ways.enter_context(patch.object(pages, "_SAMPLE", 1))
        for engine in engines:
            for wrap in (lambda catalog: catalog, ReadAhead):
                store = SqlStore(engine, f"paging {next(_numbers)}")
                _change_database(store, beginning)
                catalog = wrap(SqlCatalog(store, Re2Patterns()))
                found = _read(catalog, partial(_change_database, store), turns, searches, limit)
                check(found)
                assert wrap is ReadAhead or found == expected
