"""Fill and change a basket (docs/basket.md): all or nothing, and no transaction open during a search."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

import attrs

from regards_order.domain.basket import Addition, Basket, BasketOwner, DatasetSelection
from regards_order.domain.counters import Counters
from regards_order.domain.errors import Conflict, EmptySelection, NoBasket, UnknownDataset
from regards_order.domain.principal import User
from regards_order.domain.search import compile_search
from regards_order.domain.selection import FileFilter, SelectionRequest
from regards_order.domain.upload import read_identifiers, requests_for
from regards_order.ports.bundle import Ports
from regards_order.ports.unit_of_work import Transaction

#: each round lets one of those who edit the basket at the same moment through
_TRIES = 50
_T = TypeVar("_T")


def add_selection(ports: Ports, user: User, request: SelectionRequest) -> Basket:
    """Add what *request* finds to the user's basket, one dated selection in each dataset.

    Raises:
        InvalidInput, SearchRefused: the request is wrong, in all its faults or in the first that the search engine met.
        EmptySelection: nothing that the user may order matches; the basket is unchanged.
        CatalogUnavailable: the catalogue is out of reach.
        Conflict: others changed the basket again and again meanwhile.
    """
    _check(ports, user, request)
    return _add(ports, user, [request])


def add_identifiers(ports: Ports, user: User, data: bytes) -> Basket:
    """Add the last version of each product that a file names, one dated selection for each hundred and each dataset.

    Args:
        ports: what to work with.
        user: whose basket it is.
        data: UTF-8 text with one provider id a line; unknown ones are left out.

    Raises:
        TooManyLines, InvalidInput: the file is too long, or no text.
        EmptySelection: it names nothing that the user may order; the basket is unchanged.
        SearchRefused, CatalogUnavailable, Conflict: as `add_selection`; the basket is unchanged.
    """
    user.require_owning("fill a basket")
    identifiers = read_identifiers(data, ports.settings.upload_max_lines)
    if not identifiers:
        raise EmptySelection(user.email)
    return _add(ports, user, list(requests_for(identifiers)))


def _check(ports: Ports, user: User, request: SelectionRequest) -> None:
    user.require_owning("fill a basket")
    request.check()
    if request.dataset_urn is not None:
        compile_search(attrs.evolve(request, search_parameters=None), {})
        if ports.catalog.dataset(request.dataset_urn, user.access) is None:
            raise UnknownDataset(request.dataset_urn)


def _add(ports: Ports, user: User, requests: Sequence[SelectionRequest]) -> Basket:
    """Add all requests at once; those that find nothing are skipped, unless all do."""

    def attempt(basket: Basket) -> Callable[[Transaction], Basket]:
        additions, draft, numbers = [], basket, count(-1, -1)
        for request in requests:
            date = draft.free_date(ports.clock.now())
            dated = attrs.evolve(request, selection_date=date)
            if parts := _parts(ports, user, draft, dated):
                additions.append((dated, date, parts))
                draft = draft.add(dated, date, parts, numbers.__next__)
        if not additions:
            raise EmptySelection(user.email)

        def change(tx: Transaction) -> Basket:
            changed = basket
            for addition in additions:
                changed = changed.add(*addition, lambda: tx.ids.block("dataset_selection", 1)[0])
            return changed

        return change

    return _edit(ports, user, attempt, create=True)


def _parts(ports: Ports, user: User, basket: Basket, request: SelectionRequest) -> dict[str, Addition]:
    search = compile_search(request, ports.catalog.attributes())
    found = ports.catalog.summary([search], user.access)
    parts = {}
    for urn, counters in sorted(found.datasets.items(), key=lambda item: item[0]):
        if counters.files_count:
            old = basket.find(urn)
            requests = [] if old is None else [item.request for item in old.items]
            union = _union(ports, user, urn, [*requests, request]) if requests else counters
            parts[urn] = Addition(old.label if old else _label(ports, user, urn), counters, union)
    return parts


def _label(ports: Ports, user: User, urn: str) -> str:
    dataset = ports.catalog.dataset(urn, user.access)
    return dataset.label if dataset and dataset.label else urn


def _union(ports: Ports, user: User, urn: str, requests: Sequence[SelectionRequest]) -> Counters:
    attributes = ports.catalog.attributes()
    searches = [compile_search(request, attributes, dataset=urn) for request in requests]
    return ports.catalog.summary(searches, user.access).datasets.get(urn, Counters())


def get_basket(ports: Ports, user: User) -> Basket:
    """Return the user's basket.

    Raises:
        NoBasket: there is none.
    """
    with ports.store.read() as tx:
        basket = None if user.service else tx.baskets.get(BasketOwner.user(user.email))
    if basket is None:
        raise NoBasket(user.email)
    return basket


def remove_dataset(ports: Ports, user: User, selection_id: int) -> Basket:
    """Take one dataset selection off the basket; an unknown id changes nothing.

    Raises:
        NoBasket: there is no basket.
    """
    return _edit(ports, user, lambda basket: lambda tx: basket.without(selection_id))


def remove_item(ports: Ports, user: User, selection_id: int, date: dt.datetime) -> Basket:
    """Take the dated selection of one instant off a dataset selection; an unknown one changes nothing.

    Raises:
        NoBasket: there is no basket.
        SearchRefused, CatalogUnavailable: what stays could not be counted again; the basket is unchanged.
    """

    def attempt(basket: Basket) -> Callable[[Transaction], Basket]:
        old = next((each for each in basket.selections if each.id == selection_id), None)
        if old is None or all(item.date != date for item in old.items):
            return lambda tx: basket
        union = _remaining(ports, user, old, date)
        return lambda tx: basket.without_item(selection_id, date, union)

    return _edit(ports, user, attempt)


def _remaining(ports: Ports, user: User, selection: DatasetSelection, date: dt.datetime) -> Counters | None:
    left = [item.request for item in selection.items if item.date != date]
    return _union(ports, user, selection.dataset_urn, left) if left else None


def filter_files(ports: Ports, user: User, selection_id: int, file_filter: FileFilter | None) -> Basket:
    """Set the file filter of one dataset selection, or take it off with None.

    Raises:
        NoBasket: there is no basket.
        SelectionNotFound: it has no such dataset selection.
        InvalidPattern: the name pattern is no usable regular expression; the basket is unchanged.
    """
    if file_filter is not None and file_filter.pattern is not None:
        ports.patterns.compile(file_filter.pattern)
    return _edit(ports, user, lambda basket: lambda tx: basket.filtered(selection_id, file_filter))


def empty_basket(ports: Ports, user: User) -> None:
    """Erase the user's basket; without one nothing happens.

    Raises:
        NotAllowed: the user is another service.
    """
    user.require_owning("empty a basket")
    with ports.store.write() as tx:
        tx.baskets.remove(BasketOwner.user(user.email))


def _edit(
    ports: Ports, user: User, attempt: Callable[[Basket], Callable[[Transaction], Basket]], *, create: bool = False
) -> Basket:
    """Read the basket, let *attempt* think about it without a transaction, store its result if nobody was faster."""
    user.require_owning("edit a basket")
    owner = BasketOwner.user(user.email)
    for _ in range(_TRIES):
        with ports.store.read() as tx:
            basket = tx.baskets.get(owner)
        if basket is None and not create:
            raise NoBasket(user.email)
        change = attempt(basket or Basket(0, owner))
        try:
            with ports.store.write() as tx:
                changed = change(tx)
                if changed == basket:
                    return changed
                if changed.version == 0:
                    changed = attrs.evolve(changed, id=tx.ids.block("basket", 1)[0])
                return tx.baskets.save(changed)
        except Conflict as conflict:
            last = conflict
    raise last
