"""The basket: what a user has picked and not yet ordered (docs/basket.md)."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterator, Mapping

import attrs

from regards_order.domain.counters import Counters
from regards_order.domain.errors import Fault, InvalidInput, SelectionNotFound
from regards_order.domain.selection import FileFilter, SelectionRequest

SELECTION_LIMIT = 100
_MICROSECOND = dt.timedelta(microseconds=1)


class OwnerKind(enum.Enum):
    """Say to whom a basket belongs."""

    USER = "USER"  #: a user who is filling it
    ORDER = "ORDER"  #: an order that was made from it
    RESTART = "RESTART"  #: a restart in progress


@attrs.frozen
class BasketOwner:
    """Name the owner of a basket; the kind keeps a user called ``ORDER_7`` apart from order 7."""

    kind: OwnerKind
    name: str

    @classmethod
    def user(cls, email: str) -> BasketOwner:
        """Return the owner of a user's basket."""
        return cls(OwnerKind.USER, email)

    @classmethod
    def order(cls, order_id: int) -> BasketOwner:
        """Return the owner of the basket that an order was made from."""
        return cls(OwnerKind.ORDER, str(order_id))


@attrs.frozen
class DatedSelection:
    """Hold the part of one "add" that falls in one dataset.

    Attributes:
        date: when it was added (UTC); identifies it inside its dataset selection.
        request: what was asked, with this date.
        counters: what it held then, in this dataset.
    """

    date: dt.datetime
    request: SelectionRequest
    counters: Counters


@attrs.frozen
class DatasetSelection:
    """Hold all that was picked in one dataset.

    Attributes:
        id: names it in requests.
        dataset_urn: the dataset; at most one selection for each in a basket.
        label: the dataset's label when first added.
        counters: of the union of its dated selections: a product picked twice counts once.
        items: dated selections, oldest first.
        file_filter: which files to order, None for all.
    """

    id: int
    dataset_urn: str
    label: str
    counters: Counters
    items: tuple[DatedSelection, ...]
    file_filter: FileFilter | None = None


@attrs.frozen
class Addition:
    """Hold what one "add" brings to one dataset: its own counters, those of the union, and the dataset's label."""

    label: str
    counters: Counters
    union: Counters


@attrs.frozen
class Basket:
    """Hold what one user has picked.

    Attributes:
        id: technical.
        owner: whose it is.
        selections: sorted by label without case, then by URN.
        version: grows with every change; 0 for a basket that is not stored yet.
    """

    id: int
    owner: BasketOwner
    selections: tuple[DatasetSelection, ...] = ()
    version: int = 0

    @property
    def quota(self) -> int:
        """Return how many files count on the download quota."""
        return sum(selection.counters.quota for selection in self.selections)

    def free_date(self, now: dt.datetime) -> dt.datetime:
        """Return *now*, or the next microsecond that no selection of this basket has."""
        taken = {item.date for selection in self.selections for item in selection.items}
        while now in taken:
            now += _MICROSECOND
        return now

    def find(self, dataset_urn: str) -> DatasetSelection | None:
        """Return the selection of a dataset, if there is one."""
        return next((each for each in self.selections if each.dataset_urn == dataset_urn), None)

    def get(self, selection_id: int) -> DatasetSelection:
        """Return the selection with this id.

        Raises:
            SelectionNotFound: this basket has none.
        """
        for selection in self.selections:
            if selection.id == selection_id:
                return selection
        raise SelectionNotFound(selection_id)

    def add(
        self, request: SelectionRequest, date: dt.datetime, parts: Mapping[str, Addition], new_id: Callable[[], int]
    ) -> Basket:
        """Return the basket with one more dated selection in each dataset of *parts*.

        Args:
            request: what was asked, with its date.
            date: when (UTC).
            parts: dataset URN → what the request brings to it.
            new_id: gives the id of each new dataset selection.

        Raises:
            InvalidInput: a dataset would have more than 100 dated selections.
        """
        basket = self
        for urn, part in parts.items():
            item = DatedSelection(date, request, part.counters)
            old = self.find(urn)
            if old is None:
                basket = basket._put(DatasetSelection(new_id(), urn, part.label, part.union, (item,)))
                continue
            if len(old.items) >= SELECTION_LIMIT:
                detail = f"Number of requests in one Complex search request must be between 0 and {SELECTION_LIMIT}"
                raise InvalidInput((Fault("$.datasetSelections", f'{detail} (dataset "{old.label}")'),))
            basket = basket._put(attrs.evolve(old, items=(*old.items, item), counters=part.union))
        return basket

    def _put(self, selection: DatasetSelection) -> Basket:
        others = [each for each in self.selections if each.dataset_urn != selection.dataset_urn]
        ordered = sorted([*others, selection], key=lambda each: (each.label.lower(), each.dataset_urn))
        return attrs.evolve(self, selections=tuple(ordered))

    def without(self, selection_id: int) -> Basket:
        """Return the basket without one dataset selection; an unknown id changes nothing."""
        return attrs.evolve(self, selections=tuple(each for each in self.selections if each.id != selection_id))

    def without_item(self, selection_id: int, date: dt.datetime, union: Counters | None) -> Basket:
        """Return the basket without one dated selection.

        Args:
            selection_id: its dataset selection.
            date: its instant; the offset in which it is written does not matter.
            union: counters of the dated selections that stay; None when none does.
        """
        old = self.get(selection_id)
        items = tuple(item for item in old.items if item.date != date)
        if not items or union is None:
            return self.without(selection_id)
        return self._put(attrs.evolve(old, items=items, counters=union))

    def filtered(self, selection_id: int, file_filter: FileFilter | None) -> Basket:
        """Return the basket with another file filter on one dataset selection, or with none.

        Raises:
            SelectionNotFound: this basket has no such selection.
        """
        return self._put(attrs.evolve(self.get(selection_id), file_filter=file_filter))

    def copied(self, basket_id: int, selection_ids: Iterator[int]) -> Basket:
        """Return a new basket with the same selections, each with the next of these ids."""
        selections = tuple(attrs.evolve(each, id=next(selection_ids)) for each in self.selections)
        return Basket(basket_id, self.owner, selections)

    def given_to(self, owner: BasketOwner) -> Basket:
        """Return the basket with another owner."""
        return attrs.evolve(self, owner=owner)
